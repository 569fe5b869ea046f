"""The tradeoff tab: what a second look costs and brings, and where to put η."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context
from html import escape

import gradio as gr
import numpy as np

from core.bench import (
    Calibration,
    Goal,
    Point,
    Run,
    halves,
    operating_point,
    threshold_for_accuracy,
    threshold_for_budget,
)
from core.bench.analysis.calibration import UnreachableError, always_or_never
from core.bench.analysis.guarantee import LOST
from core.bench.analysis.outcomes import ASKED, NOT_ASKED, WAYS
from core.bench.plots.base import AXES, name_of
from core.bench.plots.tradeoff import band_of, curve_of, strategies
from core.channel import PRESETS
from core.uncertainty import METRICS, Gate
from dashboard.benchmarks.chart import PRIVATE, Chart, drawn_csv, to_csv
from dashboard.benchmarks.figures import source_of
from dashboard.benchmarks.library import timed
from dashboard.benchmarks.questions import Questions
from dashboard.benchmarks.tradeoff import places as places_of
from dashboard.benchmarks.tradeoff.figures import (
    tradeoff_plot,
    uncertainty_figure,
    uncertainty_plot,
)
from dashboard.benchmarks.tradeoff.promise import CONFIDENCE, EXPLAINED, HERE, best_here, keep, lost
from dashboard.benchmarks.view import View, Viewer
from dashboard.drawing import markup

AXIS_CHOICES = {
    "additional_cost": "Additional images",
    "additional_bytes": "Additional bytes",
    "bytes": "Bytes",
    "flops": "FLOPs",
    "seconds": "Seconds",
}
UNITS = {  # of a goal: its cost (None: accuracy), and what one of it is
    "% of the crops": ("additional_cost", 0.01),
    "kB a question": ("bytes", 1e3),
    "GFLOP a question": ("flops", 1e9),
    "seconds a question": ("seconds", 1.0),
    "% right": (None, 0.01),
    "% lost": (LOST, 0.01),
}
MEANINGS = {
    "needless": "It was right, and would have stayed right without asking.",
    "harmful": "It was right, and the second look broke it.",
    "useful": "It was wrong, and the second look mended it.",
    "hopeless": "It was wrong, and the second look didn't help.",
    "spared": "It was right, and nothing was sent for it.",
    "averted": "It was right; a second look would have broken it.",
    "missed": "It was wrong; a second look would have mended it.",
    "resigned": "It was wrong; a second look wouldn't have helped.",
}
PICK = """element.addEventListener('click', event => {
    const kind = event.target.closest('button')?.dataset.kind;
    if (kind) trigger('click', {kind});
})"""
SHOW_QUESTIONS = """() => document.getElementById('questions')?.scrollIntoView({block: 'start'})"""
LISTEN = """window.addEventListener('second-look-pick', event => trigger('click', event.detail))"""


def axis_and_link(prefix: str = "") -> tuple[gr.Radio, gr.Dropdown]:
    """What a figure's cost axis is, and for seconds the link. prefix: of the elements' ids."""
    axis = gr.Radio(
        [(label, name) for name, label in AXIS_CHOICES.items()],
        value="additional_cost",
        label="Cost axis",
        elem_id=f"{prefix}axis",
        scale=3,
        min_width=280,
    )
    links = ((link.name, key) for key, link in PRESETS.items())
    link = gr.Dropdown(
        [("None: computing only", ""), *links],
        value="",
        label="Link, for seconds",
        elem_id=f"{prefix}link",
        scale=2,
        min_width=240,
    )
    return axis, link


class Tradeoff:
    """Components of the tab; `draw` fills them. Call it inside a `gr.Tab`."""

    def __init__(self) -> None:
        self.held = gr.State(None)
        self.wish = gr.State(None)  # η that a link asked for
        with gr.Row(elem_classes="settings"):
            self.axis, self.link = axis_and_link()
        with gr.Accordion("Which curves", open=False, elem_id="which-curves"):
            self.shown = gr.CheckboxGroup(
                [], label="Curves", show_label=False, container=False, elem_id="curves"
            )
        gr.HTML(
            """<div id="readout" role="status"><p id="readout-sentence"></p>
<p id="readout-random" class="fine"></p></div>"""
        )
        self.eta = gr.Slider(**places_of.slider("min_entropy", _NOTHING, 0.0), elem_id="run-eta")
        with gr.Row():
            with gr.Column(scale=3, min_width=320):
                self.chart = Chart("tradeoff", "the tradeoff curves")
            with gr.Column(scale=2, min_width=320):
                gr.HTML("<h3>Is it uncertain where it is wrong?</h3>")
                self.distribution = Chart("uncertainty", "the distribution of uncertainty")
                self.confusion = gr.HTML(_confusion(), js_on_load=PICK, elem_id="confusion")
        self.picked = gr.HTML("", js_on_load=LISTEN, elem_id="pick-bridge")
        self.near = gr.Button("See the questions nearest to η", size="sm", elem_id="near")
        with gr.Accordion("What η do I set?", open=False, elem_id="calibrate"):
            self.sure = gr.Radio(
                [HERE, *CONFIDENCE], value=HERE, label="Where the goal is to be kept",
                elem_id="sure",
            )  # fmt: skip
            self.explained = gr.HTML(_explained(HERE), elem_id="sure-explained")
            with gr.Row():
                self.goal = gr.Number(30, label="At most, or at least", min_width=120)
                self.unit = gr.Dropdown(
                    list(UNITS), value="% of the crops", label="of what", min_width=160
                )
                self.find = gr.Button("Find η", min_width=120, elem_id="find-eta")
            self.found = gr.HTML(elem_id="found-eta")
            self.save = gr.Button(
                "Save the certificate", size="sm", visible=False, elem_id="save-certificate"
            )
            self.parcel = gr.JSON(visible=False)
        self.inputs = [self.axis, self.link, self.shown, self.eta, self.held, self.wish]
        self.controls = [self.axis, self.link, self.shown]  # what they change is drawn anew
        self.outputs = [self.chart.plot, self.distribution.plot, self.eta, self.shown, self.held,
                        self.wish]  # fmt: skip

    def connect(self, view_of: Viewer, bar: list, questions: Questions) -> None:
        move = {"js": "eta => window.secondLook.move(eta)", **PRIVATE}
        self.eta.input(None, self.eta, None, **move)
        self.chart.offer_data(
            lambda link, shown, eta, *bar: _curves_csv(view_of(*bar), link, shown, eta),
            [self.link, self.shown, self.eta, *bar],
        )
        self.distribution.offer_data(lambda *bar: _uncertainty_csv(view_of(*bar)), bar)
        self.find.click(
            lambda goal, unit, link, sure, *bar: self.set_eta(
                view_of(*bar), goal, unit, link, sure
            ),
            [self.goal, self.unit, self.link, self.sure, *bar],
            [self.found, self.eta, self.save, self.parcel],
            **PRIVATE,
            queue=False,
        ).then(None, self.eta, None, **move)
        self.sure.input(_explained, self.sure, self.explained, **PRIVATE, queue=False)
        self.save.click(None, self.parcel, None, js="window.secondLook.save", **PRIVATE)

        def of_kind(event: gr.EventData, eta: float, *bar) -> dict:
            view = view_of(*bar)
            return questions.begin(view, view and view.gate(eta), kind=event.kind)

        def at_point(event: gr.EventData, eta: float, *bar) -> dict:
            view = view_of(*bar)
            return questions.begin(view, view and _picked(view, event.metric, event.eta))

        def near(eta: float, *bar) -> dict:
            view = view_of(*bar)
            return questions.begin(view, view and view.gate(eta))

        for happens, handler in (
            (self.confusion.click, of_kind),
            (self.picked.click, at_point),
            (self.near.click, near),
        ):
            happens(
                handler,
                [self.eta, *bar],
                questions.outputs,
                **PRIVATE,
                show_progress_on=questions.cards,
            ).then(None, js=SHOW_QUESTIONS, **PRIVATE)

    def draw(
        self, view: View, axis: str, link: str, shown: list[str], eta: float, held: Held | None,
        wish: float | None,
    ) -> dict:  # fmt: skip
        places = places_of.scale(view.run, view.metric, view.first_tokens)
        curve = curve_of(view.run, view.metric, view.first_tokens)
        here = (view.choice.key, view.metric, view.first_tokens)
        if wish is not None:
            eta = places.nearest(wish)
        elif held is None or eta is None:
            eta = places_of.at_share(curve, places, places_of.START)
        elif held.view != here:  # another metric has other units: keep the share that is asked for
            eta = places_of.at_share(curve, places, held.share(eta))
        offered = strategies(view.run)
        chosen = offered if held is None else tuple(s for s in offered if s in shown)
        key = f"{view.key} {axis} {link} {' '.join(chosen)}"
        figure = tradeoff_plot(
            timed(view.run, link), view.metric, view.first_tokens, axis, chosen, key,
            title_of(axis, link),
        )  # fmt: skip
        distribution = uncertainty_plot(view.run, view.metric, view.first_tokens, key)
        asked = curve.retransmitted[curve.at(places.thresholds)]
        return {
            self.chart.plot: figure,
            self.distribution.plot: distribution,
            self.eta: gr.Slider(**places_of.slider(view.metric, places, eta)),
            self.shown: gr.CheckboxGroup([(name_of(s), s) for s in offered], value=list(chosen)),
            self.held: Held(here, places, asked),
            self.wish: None,
        }

    def set_eta(
        self, view: View | None, goal: float | None, unit: str, link: str, sure: str = HERE
    ) -> dict:
        """η for a goal, in words, and on the slider. link: what seconds are over.

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
            return {self.found: markup.alert(said), self.eta: gr.skip()} | none
        except (ValueError, KeyError) as error:
            return {self.found: markup.alert(str(error).strip("'")), self.eta: gr.skip()} | none
        places = places_of.scale(view.run, view.metric, view.first_tokens)
        metric = METRICS[view.metric]
        eta = f"η = {found.gate.threshold:.4g} {metric.unit} of {metric.noun}"
        # Of goals that aren't a cost themselves, what a question sends.
        shown = unit if cost in ("bytes", "flops", "seconds", LOST) else "kB a question"
        over = f", over {PRESETS[link].name}" if cost == "seconds" and link in PRESETS else ""
        rows = (
            (f"The half it was set on ({len(set_on):,} questions)", set_on, found.expected),
            (f"The other half ({len(checked_on):,})", checked_on, checked),
        )
        cells = "".join(
            _row(name, point, shown, lost(half, found.gate) if cost == LOST else None)
            for name, half, point in rows
        )
        return {
            self.found: f"""<p class="outcome" role="status">
{escape(always_or_never(found.gate).capitalize() or eta)}</p>
<div class="wide"><table><thead><tr><th></th><th class="number">Crops asked for</th>
<th class="number">Right</th><th class="number">{escape(shown[0].upper() + shown[1:] + over)}</th>
</tr></thead><tbody>{cells}</tbody></table></div>""",
            self.eta: places_of.within(
                places, found.gate.threshold, view.metric, more=cost in (None, LOST)
            ),
        } | none

    def _promise(self, view: View, run: Run, limit: float, cost: str | None, sure: str) -> dict:
        """η with a promise; raises ValueError for what can't be promised."""
        if cost is None:
            raise ValueError(
                "How much is right depends on the questions, so it can't be promised; what is "
                "lost against asking everything can: choose % lost."
            )
        kept = keep(run, Goal(cost, limit), sure, view.metric, view.first_tokens)
        metric = METRICS[view.metric]
        eta = f"η = {kept.gate.threshold:.4g} {metric.unit} of {metric.noun}"
        said = escape(always_or_never(kept.gate).capitalize() or eta)
        places = places_of.scale(view.run, view.metric, view.first_tokens)
        return {
            self.found: f'<p class="outcome" role="status">{said}</p>{kept.html}',
            self.eta: places_of.within(places, kept.gate.threshold, view.metric, more=cost == LOST),
            self.save: gr.Button(visible=True),
            self.parcel: kept.file,
        }


def _calibrated(run: Run, limit: float, cost: str | None, view: View) -> Calibration:
    """The best η on these very questions. Raises ValueError if none meets the goal there."""
    args = run, limit, view.metric, view.first_tokens
    if cost is None:
        return threshold_for_accuracy(*args)
    if cost != LOST:
        return threshold_for_budget(*args, cost)
    gate = best_here(run, Goal(LOST, limit), view.metric, view.first_tokens)
    return Calibration(gate, "additional_cost", operating_point(run, gate))


def _explained(sure: str) -> str:
    return f'<p class="explain">{EXPLAINED[sure]}</p>'


def _unreachable(goal: float, unit: str, nearest: float) -> str:
    """What would do instead, rounded to the side on which it does."""
    cost, factor = UNITS[unit]
    least = cost is not None
    rounded = Context(prec=4, rounding=ROUND_CEILING if least else ROUND_FLOOR)
    there = f"{rounded.create_decimal(nearest / factor).normalize():f}"
    if least:
        return f"Never asking takes {there} {unit} already, so {goal:g} can't be kept."
    return f"No η gets {goal:g} {unit} on the half it is set on: the most is {there} {unit}."


@dataclass(frozen=True, eq=False)
class Held:
    """What the slider stood for when it was last drawn."""

    view: tuple
    places: places_of.Scale
    asked: np.ndarray  # at each place

    def share(self, eta: float) -> float:
        place = np.round((eta - self.places.minimum) / self.places.step)
        return float(self.asked[int(np.clip(place, 0, self.places.count - 1))])


def _picked(view: View, metric: str, eta: float | None) -> Gate:
    """The gate at a point of a curve that was clicked; its first point has no η that is met."""
    if metric not in view.run.metrics:
        raise gr.Error("This curve has no questions behind it.", print_exception=False)
    never = np.inf if METRICS[metric].higher_is_uncertain else -np.inf
    return Gate(metric, never if eta is None else float(eta), view.first_tokens)


def _row(name: str, point: Point, unit: str, missed: float | None = None) -> str:
    """unit: one of UNITS that is a cost, or of what is `missed`."""
    cost, factor = UNITS[unit]
    value = getattr(point, cost) if missed is None else missed
    return f"""<tr><th scope="row">{name}</th>
<td class="number">{100 * point.retransmitted:.1f} %</td>
<td class="number">{100 * point.accuracy:.1f} %</td>
<td class="number">{value / factor:,.4g}</td></tr>"""


def _confusion() -> str:
    """The eight kinds of questions as buttons; the browser fills in the counts."""
    heads = "".join(f'<th scope="col">{way}</th>' for way in WAYS)
    rows = []
    for title, kinds, asked in (("Asked for", ASKED, "yes"), ("Not asked for", NOT_ASKED, "")):
        cells = "".join(
            f"""<td><button type="button" data-kind="{kind}" data-way="{way}" data-asked="{asked}"
title="{MEANINGS[kind]}"><strong>{kind}</strong> <span class="count"></span>
<span class="share"></span></button></td>"""
            for way, kind in enumerate(kinds)
        )
        rows.append(f'<tr><th scope="row">{title}</th>{cells}</tr>')
    return f"""<h3 id="confusion-title">Does the gate ask for the right crops?</h3>
<p class="explain">With a second look, the first answer … Press a number to see the questions.</p>
<table class="confusion" aria-labelledby="confusion-title">
<thead><tr><td></td>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table>"""


def title_of(axis: str, link: str) -> str:
    """Of the cost axis."""
    if axis == "seconds" and link in PRESETS:
        return f"Time of a question (s) over<br>{PRESETS[link].name}"
    return AXES[axis][0]


COLUMNS = ("threshold", "retransmitted", "accuracy", "bytes", "additional_bytes", "relative_cost",
           "flops", "seconds")  # fmt: skip


def _curves_csv(view: View | None, link: str, shown: list[str], eta: float | None) -> str:
    """All that the figure shows, with all costs: every point of the curves, the band around the
    chosen one, the baselines, and the operating point at η."""
    if view is None:
        return ""
    run = timed(view.run, link)
    offered, source = strategies(run), source_of(run)
    rows: list[tuple] = []

    def add(name: str, *columns: list[float]) -> None:
        rows.extend((name, *row, source) for row in zip(*columns, strict=True))

    def add_point(name: str, point: Point, low: float = np.nan, high: float = np.nan) -> None:
        add(name, *([getattr(point, column)] for column in COLUMNS), [low], [high])

    curve = curve_of(run, view.metric, view.first_tokens)
    band = band_of(run, view.metric, view.first_tokens)
    # The chosen metric is drawn whether or not it is ticked.
    for strategy in (s for s in offered if s in shown or s == view.metric):
        if strategy in ("initial", "full", "high_resolution"):
            add_point(strategy, operating_point(run, strategy))
            continue
        tokens = view.first_tokens if strategy in METRICS else None
        of = curve_of(run, strategy, tokens, "bytes" if strategy == "oracle" else "")
        none = np.full(len(of), np.nan)
        ends = band.at(np.arange(len(of))) if band and strategy == view.metric else (none, none)
        add(
            strategy,
            *(getattr(of, name).tolist() for name in COLUMNS),
            *map(np.ndarray.tolist, ends),
        )
    if eta is not None:
        at = int(curve.at([eta])[0])
        ends = map(float, band.at(at)) if band else (np.nan, np.nan)
        add_point("operating point", operating_point(run, view.gate(eta)), *ends)
    link_name = PRESETS[link].name if link in PRESETS else "none: computing only"
    columns = ("strategy", *COLUMNS, "low", "high", "source", "link")
    return to_csv(columns, ((*row, link_name) for row in rows))


def _uncertainty_csv(view: View | None) -> str:
    return drawn_csv(
        view and uncertainty_figure(view.run, view.metric, view.first_tokens, view.key)
    )


_NOTHING = places_of.Scale(0.0, 0.01, 101)  # before there is a run
