"""The tab of many edges on one link: how each policy does at a load, and what becomes of one."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import NamedTuple

import gradio as gr
import numpy as np
from markupsafe import Markup

from core.bench import Run
from core.bench.runs.kept import kept
from core.channel import Fixed, Link
from core.policies.registry import POLICIES, Terms
from core.sharing.demand import Split
from core.sharing.plots import label_of, queue_over_time, right_in_time
from core.sharing.simulation import VERDICTS, Outcome, Scenario, simulate
from core.sharing.study import Setting, draw
from dashboard.benchmarks.cards import QuestionCards
from dashboard.benchmarks.chart import READING, Chart, drawn_csv
from dashboard.benchmarks.figures import plot, stamped
from dashboard.benchmarks.view import View, Viewer
from dashboard.drawing.templating import render
from dashboard.drawing.words.sentences import explain, notice
from dashboard.hosting.live import LiveModel

LINK = Link(Fixed(375e3), round_trip=0.05)
EDGES, QUESTIONS, SHARE = 64, 1_000, 0.4
SHOWN = ("fixed", "skip_late", "backlog")  # whose queue is drawn
FEWEST = 20  # images of a run: less can't be halved into anything, nor say how people ask
HERE = "here"
COME = {"Poisson": "poisson", "in bursts": "bursts", "as recorded here": HERE}
EXPLAINED = (
    f"{EDGES} edges share an uplink of 375 kbit/s, first come, first served, and a server as fast"
    " as the one that recorded the run. An answer counts if it is there by the deadline; until the"
    f" second look is, the first answer stands. Where there is an η, it asks {100 * SHARE:.0f} %."
    " Policies are set on half of the run's images and tried on the other half."
)
VERDICT_WORDS = {
    "ask": "asked for a local image", "sure": "was content with the first answer",
    "late": "asked for no local image: it would have come too late",
    "dear": "asked for no local image: the queue was worth more",
}  # fmt: skip


class Played(NamedTuple):
    """A simulated stretch of time under every policy."""

    outcomes: dict[str, Outcome]
    first_score: np.ndarray
    second_score: np.ndarray


class SharedLink:
    """Components of the tab; `draw` fills them. Call it inside a `gr.Tab`."""

    def __init__(self, live: LiveModel) -> None:
        self.live = live
        gr.HTML(explain(EXPLAINED))
        with gr.Row(elem_classes="settings"):
            self.load = gr.Slider(
                10, 95, value=80, step=5, label="Load of the uplink by questions alone (%)",
                elem_id="shared-load",
            )  # fmt: skip
            self.deadline = gr.Slider(
                0.5, 6.0, value=2.0, step=0.1, label="Deadline (s)", elem_id="shared-deadline"
            )
            self.arrivals = gr.Dropdown(
                list(COME), value="Poisson", label="Questions arrive", elem_id="shared-arrivals",
                filterable=False,
            )  # fmt: skip
        self.note = gr.HTML()
        self.chart = Chart("shared", "right answers in time")
        gr.HTML("<h3>The queue of the uplink</h3>")
        self.queue = Chart("shared-queue", "the queue over time")
        gr.HTML("<h3>What becomes of one question</h3>")
        self.which = gr.State(0)
        self.other = gr.Button("Another question", size="sm", elem_id="another-shared")
        self.one = gr.HTML(elem_id="shared-one")
        self.inputs = [self.load, self.deadline, self.arrivals, self.which]
        self.controls = [self.load, self.deadline, self.arrivals]
        self.outputs = [self.note, self.chart.plot, self.queue.plot, self.one]

    def connect(self, view_of: Viewer, bar: list, questions: QuestionCards) -> None:
        """Let the buttons work. bar: the components that `view_of` takes the values of."""
        for place, chart in enumerate((self.chart, self.queue)):

            def rows(load: float, deadline: float, come: str, *bar, place=place) -> str:
                view = view_of(*bar)
                with suppress(ValueError):
                    if view := view_of(*bar):
                        played = self._played(view, load, deadline, come)
                        return drawn_csv(_figures(view, played, load, deadline)[place])
                return ""

            chart.offer_data(rows, [*self.controls, *bar])

        def another(load: float, deadline: float, come: str, which: int, *bar) -> dict:
            with suppress(ValueError):
                if view := view_of(*bar):
                    played = self._played(view, load, deadline, come)
                    return {self.which: which + 1, self.one: _one(played, which + 1, deadline)}
            return {self.which: 0}

        self.other.click(
            another, [*self.inputs, *bar], [self.which, self.one], **READING,
            show_progress_on=self.one,
        )  # fmt: skip

    def draw(self, view: View, load: float, deadline: float, come: str, which: int) -> dict:
        """Return what a view shows here, at a load (%) and a deadline (s). come: a key of COME."""
        try:
            played = self._played(view, load, deadline, come)
        except ValueError as error:
            said = notice(str(error))
            return {self.note: said, self.chart.plot: None, self.queue.plot: None, self.one: ""}
        policies, queue = _figures(view, played, load, deadline)
        return {
            self.note: self._about(come),
            self.chart.plot: plot(policies),
            self.queue.plot: plot(queue),
            self.one: _one(played, which, deadline),
        }

    def _played(self, view: View, load: float, deadline: float, come: str) -> Played:
        """Return what comes of a load and a deadline.

        Raises ValueError, one sentence, for a run that can't share a link, and for no number.
        """
        run = view.run.answered
        if len(set(run.image_id)) < FEWEST:
            raise ValueError(
                f"This run's questions are about fewer than {FEWEST} images, too few to share a"
                " link: choose a larger run."
            )
        if not all(value is not None and math.isfinite(value) for value in (load, deadline)):
            raise ValueError("Load and deadline must be numbers: set them again.")
        load, deadline = min(max(load, 1.0), 99.0), min(max(deadline, 0.1), 60.0)
        how = COME.get(come, "poisson")
        times = () if how != HERE else self._times()
        return _play(run, view.metric, view.first_tokens, load / 100, deadline, how, times)

    def _times(self) -> tuple[float, ...]:
        """Return when edges asked; nothing where these are too few to make a trace."""
        times = tuple(self.live.arrivals)
        return times if len(set(times)) >= FEWEST else ()

    def _about(self, come: str) -> Markup | str:
        """Return what is said of arrivals as recorded here."""
        if COME.get(come) != HERE:
            return ""
        if times := self._times():
            return explain(
                f"The gaps between the last {len(times):,} questions that edges and telephones"
                " asked of this page's server, scaled to the load."
            )
        return notice(
            f"Edges and telephones have asked this page's server fewer than {FEWEST} questions"
            " since it was started: shown is how Poisson arrivals would do."
        )


def _figures(view: View, played: Played, load: float, deadline: float) -> tuple[dict, dict]:
    shown = {name: played.outcomes[name] for name in SHOWN}
    return (
        stamped(right_in_time(played.outcomes, load / 100, deadline), [view.run]),
        stamped(queue_over_time(shown, deadline, seconds=60.0), [view.run]),
    )


@kept(8)
def _play(
    run: Run,
    metric: str,
    first_tokens: int | None,
    load: float,
    deadline: float,
    come: str,
    times: tuple[float, ...],
) -> Played:
    split = _split(run, metric, first_tokens)
    trace = np.array(times) if times else None
    how = "poisson" if come == HERE else come
    setting = Setting(Scenario(LINK, deadline), EDGES, QUESTIONS, how, trace)
    questions, arrivals = draw(split.fresh, setting, load, np.random.default_rng(0))
    terms = Terms(deadline, LINK.uplink.rate / 8, split.expectation, share=SHARE)
    outcomes = {
        name: simulate(questions, arrivals, setting.scenario, entry.make(terms),
                       split.expectation, np.random.default_rng(0))
        for name, entry in POLICIES.items()
    }  # fmt: skip
    return Played(outcomes, questions.first_score, questions.second_score)


@kept(4)
def _split(run: Run, metric: str, first_tokens: int | None) -> Split:
    return Split.of([run], metric, first_tokens)


def _one(played: Played, which: int, deadline: float) -> Markup:
    """Return the story of one question that the policies disagree about, policy by policy."""
    verdicts = np.array([one.verdict for one in played.outcomes.values()])
    told = np.flatnonzero((verdicts != verdicts[0]).any(axis=0))
    index = int(told[which % len(told)]) if len(told) else 0
    rows = []
    for name, one in played.outcomes.items():
        in_time = one.second_at[index] <= deadline
        rows.append((
            label_of(name), VERDICT_WORDS[VERDICTS[one.verdict[index]]],
            f"{one.link_wait[index]:.2f}", f"{one.first_at[index]:.2f}",
            f"{one.second_at[index]:.2f}" if math.isfinite(one.second_at[index]) else "–",
            "the second" if in_time else "the first" if one.first_at[index] <= deadline else "none",
            f"{100 * one.score[index]:.0f} %",
        ))  # fmt: skip
    return render(
        "benchmarks/one_question.html",
        number=index + 1,
        at=next(iter(played.outcomes.values())).asked_at[index],
        first=100 * played.first_score[index],
        second=100 * played.second_score[index],
        rows=rows,
    )
