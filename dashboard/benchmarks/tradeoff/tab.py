"""The tradeoff tab: what a second look costs and brings, and where to put η."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr
import numpy as np

from core.bench.plots.base import name_of
from core.bench.plots.tradeoff import curve_of, strategies
from core.uncertainty import METRICS, Gate
from dashboard.benchmarks.axis import axis_and_link, title_of
from dashboard.benchmarks.cards import QuestionCards
from dashboard.benchmarks.chart import PRIVATE, READING, Chart
from dashboard.benchmarks.tradeoff.confusion import confusion
from dashboard.benchmarks.tradeoff.data import curves_csv, uncertainty_csv
from dashboard.benchmarks.tradeoff.figures import tradeoff_plot, uncertainty_plot
from dashboard.benchmarks.tradeoff.goal import GoalForm
from dashboard.benchmarks.view import View, Viewer
from dashboard.eta import places as places_of

PICK = """element.addEventListener('click', event => {
    const kind = event.target.closest('button')?.dataset.kind;
    if (kind) trigger('click', {kind});
})"""
SHOW_QUESTIONS = """() => document.getElementById('questions')?.scrollIntoView({block: 'start'})"""
LISTEN = """window.addEventListener('second-look-pick', event => trigger('click', event.detail))"""


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
<p id="readout-random" class="fine"></p><p id="readout-means" class="fine"></p></div>"""
        )
        self.eta = gr.Slider(**places_of.slider("min_entropy", _NOTHING, 0.0), elem_id="run-eta")
        self.use = gr.Button("Use this η in the walkthrough", size="sm", elem_id="use-run-eta")
        self.use_status = gr.HTML(elem_id="use-run-eta-status")
        with gr.Row():
            with gr.Column(scale=3, min_width=320):
                self.chart = Chart("tradeoff", "the tradeoff curves")
            with gr.Column(scale=2, min_width=320):
                gr.HTML("<h3>Is it uncertain where it is wrong?</h3>")
                self.distribution = Chart("uncertainty", "the distribution of uncertainty")
                self.confusion = gr.HTML(confusion(), js_on_load=PICK, elem_id="confusion")
        self.picked = gr.HTML("", js_on_load=LISTEN, elem_id="pick-bridge")
        self.near = gr.Button("See the questions nearest to η", size="sm", elem_id="near")
        self.goal_form = GoalForm(self.eta)
        self.inputs = [self.axis, self.link, self.shown, self.eta, self.held, self.wish]
        self.controls = [self.axis, self.link, self.shown]  # what they change is drawn anew
        self.outputs = [self.chart.plot, self.distribution.plot, self.eta, self.shown, self.held,
                        self.wish]  # fmt: skip

    def connect(self, view_of: Viewer, bar: list, questions: QuestionCards) -> None:
        """Let the buttons work. bar: the components that `view_of` takes the values of."""
        move = {"js": "eta => window.secondLook.move(eta)", **PRIVATE}
        self.eta.input(None, self.eta, None, **move)
        self.chart.offer_data(
            lambda link, shown, eta, *bar: curves_csv(view_of(*bar), link, shown, eta),
            [self.link, self.shown, self.eta, *bar],
        )
        self.distribution.offer_data(lambda *bar: uncertainty_csv(view_of(*bar)), bar)
        self.goal_form.connect(view_of, bar, self.link, move)

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
                **READING,
                show_progress_on=questions.cards,
            ).then(None, js=SHOW_QUESTIONS, **PRIVATE)

    def draw(
        self, view: View, axis: str, link: str, shown: list[str], eta: float, held: Held | None,
        wish: float | None,
    ) -> dict:  # fmt: skip
        """Return what a view shows here. wish: an η that a link asked for."""
        places = places_of.scale(view.run, view.metric, view.first_tokens)
        curve = curve_of(view.run, view.metric, view.first_tokens)
        here = (view.choice.key, view.metric, view.first_tokens)
        before = None if wish is None else eta
        if held is not None and eta is not None:
            eta = held.current(eta)
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
            view.run, view.metric, view.first_tokens, axis, chosen, key, title_of(axis, link), link,
        )  # fmt: skip
        distribution = uncertainty_plot(view.run, view.metric, view.first_tokens, key)
        asked = curve.retransmitted[curve.at(places.thresholds)]
        return {
            self.chart.plot: figure,
            self.distribution.plot: distribution,
            self.eta: gr.Slider(**places_of.slider(view.metric, places, eta)),
            self.shown: gr.CheckboxGroup([(name_of(s), s) for s in offered], value=list(chosen)),
            self.held: Held(here, places, asked, eta, before),
            self.wish: None,
        }


@dataclass(frozen=True, eq=False)
class Held:
    """What the slider stood for when it was last drawn."""

    view: tuple
    places: places_of.Scale
    asked: np.ndarray  # at each place
    eta: float  # that it was set to
    before: float | None = None  # that it stood at in the browser, where a link set it

    def current(self, eta: float) -> float:
        """Return where the slider stands or is about to stand. eta: what the browser sent.

        A link opens a tab, which draws it, and is drawn itself: whichever of the two comes second
        may come before the browser has the η of the first.
        """
        return self.eta if eta == self.before else eta

    def share(self, eta: float) -> float:
        """Return the share of the local images that is asked for at the place nearest to η."""
        place = np.round((eta - self.places.minimum) / self.places.step)
        return float(self.asked[int(np.clip(place, 0, self.places.count - 1))])


def _picked(view: View, metric: str, eta: float | None) -> Gate:
    """Return the gate at a point of a curve that was clicked; its first has no η that is met."""
    if metric not in view.run.metrics:
        raise gr.Error("This curve has no questions behind it.", print_exception=False)
    never = np.inf if METRICS[metric].higher_is_uncertain else -np.inf
    return Gate(metric, never if eta is None else float(eta), view.first_tokens)


_NOTHING = places_of.Scale(0.0, 0.01, 101)  # before there is a run
