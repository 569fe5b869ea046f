"""What η do I set? The form that finds it for a goal, on these questions or with a promise."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Context
from math import isnan

import gradio as gr

from core.bench import (
    Calibration,
    Goal,
    Point,
    Run,
    halves,
    operating_point,
    threshold_for_accuracy,
    threshold_for_budget,
    threshold_for_wrong_and_sure,
)
from core.bench.analysis.calibration import UnreachableError, always_or_never
from core.bench.analysis.promises.goal import LOST
from core.bench.analysis.sureness import wrong_and_sure
from core.channel import PRESETS
from core.uncertainty import METRICS, Gate
from dashboard.benchmarks.chart import PRIVATE, READING
from dashboard.benchmarks.library import timed
from dashboard.benchmarks.tradeoff.promise import (
    CONFIDENCE,
    EXPLAINED,
    HERE,
    best_here,
    lost,
    promised,
)
from dashboard.benchmarks.view import View, Viewer
from dashboard.drawing.templating import render
from dashboard.drawing.words.sentences import alert, explain, outcome
from dashboard.eta import places as places_of

WRONG_AND_SURE = "wrong_and_sure"
UNITS = {  # of a goal: its cost (None: accuracy), and what one of it is
    "% of the local images": ("additional_cost", 0.01),
    "kB a question": ("bytes", 1e3),
    "GFLOP a question": ("flops", 1e9),
    "seconds a question": ("seconds", 1.0),
    "% right": (None, 0.01),
    "% lost": (LOST, 0.01),
    "% wrong and sure": (WRONG_AND_SURE, 0.01),
}


class GoalForm:
    """Components and handlers of the form; call it inside a `gr.Blocks`.

    eta: the slider that it moves.
    """

    def __init__(self, eta: gr.Slider) -> None:
        self.eta = eta
        with gr.Accordion("What η do I set?", open=False, elem_id="calibrate"):
            self.sure = gr.Radio(
                [HERE, *CONFIDENCE], value=HERE, label="Where the goal is to be kept",
                elem_id="sure",
            )  # fmt: skip
            self.explained = gr.HTML(explain(EXPLAINED[HERE]), elem_id="sure-explained")
            with gr.Row():
                self.goal = gr.Number(30, label="At most, or at least", min_width=120)
                self.unit = gr.Dropdown(
                    list(UNITS), value="% of the local images", label="of what", min_width=160
                )
                self.find = gr.Button("Find η", min_width=120, elem_id="find-eta")
            self.found = gr.HTML(elem_id="found-eta")
            self.save = gr.Button(
                "Save the certificate", size="sm", visible=False, elem_id="save-certificate"
            )
            self.parcel = gr.JSON(visible=False)

    def connect(self, view_of: Viewer, bar: list, link: gr.Dropdown, move: dict) -> None:
        """Let the buttons work. link: what seconds are over. move: how η moves in the browser."""
        self.find.click(
            lambda goal, unit, link, sure, *bar: self.set_eta(
                view_of(*bar), goal, unit, link, sure
            ),
            [self.goal, self.unit, link, self.sure, *bar],
            [self.found, self.eta, self.save, self.parcel],
            **READING,
            queue=False,
        ).then(None, self.eta, None, **move)
        self.sure.input(
            lambda sure: explain(EXPLAINED[sure]), self.sure, self.explained, **READING, queue=False
        )
        self.save.click(None, self.parcel, None, js="window.secondLook.save", **PRIVATE)

    def set_eta(
        self, view: View | None, goal: float | None, unit: str, link: str, sure: str = HERE
    ) -> dict:
        """Return η for a goal, in words, and on the slider. link: what seconds are over.

        sure: where the goal is to be kept, `HERE` or one of `CONFIDENCE`.
        """
        none = {self.save: gr.Button(visible=False), self.parcel: None}
        try:
            if view is None or goal is None:
                raise ValueError("Say how much, as a number.")
            cost, factor = UNITS[unit]
            run = timed(view.run, link) if cost == "seconds" else view.run
            if sure in CONFIDENCE:
                return self._promise(view, run, goal * factor, cost, sure)
            set_on, checked_on = halves(run)
            found = _calibrated(set_on, goal * factor, cost, view)
            checked = found.on(checked_on)
        except UnreachableError as error:
            said = _unreachable(goal, unit, error.nearest)
            return {self.found: alert(said), self.eta: gr.skip()} | none
        except (ValueError, KeyError) as error:
            return {self.found: alert(str(error).strip("'")), self.eta: gr.skip()} | none
        places = places_of.scale(view.run, view.metric, view.first_tokens)
        # Of goals that aren't a cost themselves, what a question sends.
        shown = unit if cost in ("bytes", "flops", "seconds", *MISSED) else "kB a question"
        over = f", over {PRESETS[link].name}" if cost == "seconds" and link in PRESETS else ""
        rows = (
            (f"The half it was set on ({len(set_on):,} questions)", set_on, found.expected),
            (f"The other half ({len(checked_on):,})", checked_on, checked),
        )
        cells = [
            (name, _cells(point, shown, MISSED[cost](half, found.gate) if cost in MISSED else None))
            for name, half, point in rows
        ]
        spent = shown if shown.startswith("kB") else shown[0].upper() + shown[1:]
        heads = ("Local images asked for", "Right answers", spent + over)
        table = render("tradeoff/points.html", heads=heads, rows=cells)
        return {
            self.found: outcome(_said(found.gate)) + table,
            self.eta: places_of.within(
                places, found.gate.threshold, view.metric, more=cost in (None, *MISSED)
            ),
        } | none

    def _promise(self, view: View, run: Run, limit: float, cost: str | None, sure: str) -> dict:
        """Return η with a promise. Raises ValueError for what can't be promised."""
        if cost in (None, WRONG_AND_SURE):
            raise ValueError(
                "How much is right depends on the questions, so it can't be promised; what is "
                "lost against asking everything can: choose % lost."
            )
        kept = promised(run, Goal(cost, limit), sure, view.metric, view.first_tokens)
        places = places_of.scale(view.run, view.metric, view.first_tokens)
        return {
            self.found: outcome(_said(kept.gate)) + kept.html,
            self.eta: places_of.within(places, kept.gate.threshold, view.metric, more=cost == LOST),
            self.save: gr.Button(visible=True),
            self.parcel: kept.file,
        }


def _calibrated(run: Run, limit: float, cost: str | None, view: View) -> Calibration:
    """Return the best η on these very questions. Raises ValueError if none meets the goal there."""
    args = run, limit, view.metric, view.first_tokens
    if cost is None:
        return threshold_for_accuracy(*args)
    if cost == WRONG_AND_SURE:
        if view.first_tokens is not None:
            raise ValueError("Last answers are judged by all of their tokens.")
        if not 0 <= limit <= 1:
            raise ValueError("A share must be between 0 and 100 %.")
        return threshold_for_wrong_and_sure(run, limit, view.metric)
    if cost != LOST:
        return threshold_for_budget(*args, cost)
    gate = best_here(run, Goal(LOST, limit), view.metric, view.first_tokens)
    return Calibration(gate, "additional_cost", operating_point(run, gate))


def _unreachable(goal: float, unit: str, nearest: float) -> str:
    """Return what would do instead, rounded to the side on which it does."""
    cost, factor = UNITS[unit]
    least = cost is not None
    rounded = Context(prec=4, rounding=ROUND_CEILING if least else ROUND_FLOOR)
    there = f"{rounded.create_decimal(nearest / factor).normalize():f}"
    if least:
        return f"Never asking takes {there} {unit} already, so {goal:g} can't be kept."
    return f"No η gets {goal:g} {unit} on the half it is set on: the most is {there} {unit}."


def _wrong_and_sure(run: Run, gate: Gate) -> float:
    [share] = wrong_and_sure(run, gate.metric, [gate.threshold])
    return float(share)


MISSED = {LOST: lost, WRONG_AND_SURE: _wrong_and_sure}  # goals that are no cost: what a gate has


def _said(gate: Gate) -> str:
    metric = METRICS[gate.metric]
    eta = f"η = {gate.threshold:.4g} {metric.unit} of {metric.noun}"
    return always_or_never(gate).capitalize() or eta


def _cells(point: Point, unit: str, missed: float | None) -> tuple[str, str, str]:
    """Return a row of the table. unit: one of UNITS that is a cost, or of what is `missed`."""
    cost, factor = UNITS[unit]
    value = getattr(point, cost) if missed is None else missed
    return (
        f"{100 * point.retransmitted:.1f} %",
        f"{100 * point.accuracy:.1f} %",
        "not known" if isnan(value) else f"{value / factor:,.4g}",
    )
