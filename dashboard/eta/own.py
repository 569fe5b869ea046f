"""η for a model that nobody has set one for: from a run of it, or from the answers just given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import gradio as gr
import numpy as np

from core.bench import Run
from core.bench.analysis.calibration import threshold_for_budget
from core.uncertainty import METRICS, Gate
from core.vlm import ModelInfo
from core.vlm.loading.revision import revision_named
from dashboard.drawing.words.sentences import notice
from dashboard.hosting.live import LiveModel
from dashboard.inputs import RAW, eta_slider
from dashboard.visits.visit import Visit

AGAIN = 0.4  # share of questions that are asked again: where the curves of the paper level off
FEWEST = 5  # answers

Runs = Callable[[str], Iterator[tuple[str, Run]]]  # of a revision: names and runs, the best first


class OwnEta:
    """The offer and what comes of it; call it inside a `gr.Blocks`. It is hidden until `offer`."""

    def __init__(self, live: LiveModel, runs: Runs | None = None):
        self.live, self.runs = live, runs
        self.button = gr.Button(
            "Set η from a run, or from my answers", size="sm", visible=False, elem_id="own-eta"
        )
        self.status = gr.HTML(elem_id="own-eta-status")
        self.offered = [self.button, self.status]

    def connect(self, visit: gr.State, metric: gr.Dropdown, eta: gr.Slider, judge: dict) -> None:
        """judge: the event that draws what the gate says then."""
        self.eta = eta
        self.button.click(
            self.set,
            [visit, metric],
            [eta, self.status],
            queue=False,
            show_progress="hidden",
            api_visibility="private",
            **RAW,
        ).then(**judge)

    def offer(self, info: ModelInfo) -> dict:
        """Return the offer, for a model that nobody has set an η for."""
        return {self.button: gr.Button(visible=not info.calibrated), self.status: ""}

    def set(self, visit: Visit, metric: str) -> dict:
        """Set η on a run of this model or, without one, on the answers of this visit."""
        info = self.live.current().vlm.info
        found = self.runs and from_run(self.runs, info, metric)
        found = found or from_answers(visit.answers_of(info.name, info.revision), metric)
        if found is None:
            sentence = (
                f"There is no run of this model here, and there are fewer than {FEWEST} answers of "
                "yours: ask some more questions first."
            )
            return {self.status: notice(sentence)}
        eta, sentence = found
        visit.own_eta = True
        return {self.eta: gr.Slider(**eta_slider(metric, eta)), self.status: notice(sentence)}


def from_run(runs: Runs, info: ModelInfo, metric: str) -> tuple[float, str] | None:
    """Return η for the first run of these weights, and a sentence; None without one.

    The same weights may have another name here, and a name alone says nothing of weights.
    """
    weights = revision_named(info)
    for name, run in runs(weights) if weights else ():
        try:
            gate = threshold_for_budget(run, AGAIN, metric).gate
        except ValueError:  # it doesn't hold this metric
            continue
        if np.isfinite(gate.threshold):
            return gate.threshold, (
                f"η = {gate.threshold:.2f}, set on {len(run):,} recorded questions ({name}): of "
                f"those, {100 * AGAIN:.0f} % are asked again."
            )
    return None


def from_answers(
    answers: Sequence[Mapping[str, Sequence[float]]], metric: str
) -> tuple[float, str] | None:
    """Return η between the most unsure answers and the others, and a sentence; None for too few.

    answers: of each, the scores of its tokens by metric.
    """
    answers = [scores for scores in answers if metric in scores]  # an engine tells not all
    if len(answers) < FEWEST:
        return None
    gate, sign = Gate(metric), 1 if METRICS[metric].higher_is_uncertain else -1
    doubts = np.sort([sign * gate.uncertainty(scores[metric]) for scores in answers])[::-1]
    again = round(AGAIN * len(doubts))
    eta = float(sign * (doubts[again - 1] + doubts[again]) / 2)
    return eta, (
        f"η = {eta:.2f}: of your {len(answers)} answers so far, the {again} least sure are asked "
        "again. Whether these are the wrong ones, only a run or core.vlm tune can say."
    )
