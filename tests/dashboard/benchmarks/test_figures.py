"""Every figure is one that Plotly takes, has words for whoever can't see it, and core's numbers."""

import json
from itertools import pairwise

import numpy as np
import plotly.graph_objects as go
import pytest

from core.bench import frontier, full, initial, tradeoff
from core.bench.analysis.curves import COSTS
from core.bench.plots import measures as figures_metrics
from core.bench.plots import several as figures_runs
from core.bench.plots import style
from core.bench.plots.base import AXES, POINTS, numbers, thinned
from core.bench.plots.tradeoff import strategies
from core.uncertainty import METRICS
from dashboard.benchmarks.figures import plot
from dashboard.benchmarks.tradeoff.figures import tradeoff_figure, uncertainty_figure
from tools.doubles.synthetic import synthetic_run

RUN, LOW = synthetic_run(900), synthetic_run(300, seed=1)
HD = {
    "hd_score": np.full(900, 0.9),
    "hd_bytes": 2.0 * RUN.global_bytes,
    "hd_question_message_bytes": 2.0 * RUN.global_bytes,
    "hd_answer_message_bytes": np.zeros(900),
    "hd_flops": 4 * RUN.first_flops,
    "hd_seconds": np.full(900, 0.1),
}


def _tradeoff(run=RUN, cost="bytes", metric="min_entropy"):
    shown = strategies(run)
    return tradeoff_figure(run, metric, None, cost, shown, "a key", AXES[cost][0])


FIGURES = {
    **{f"tradeoff {cost}": lambda cost=cost: _tradeoff(cost=cost) for cost in AXES},
    "uncertainty": lambda: uncertainty_figure(RUN, "probability_margin", 1, "a key"),
    "steps": lambda: figures_metrics.steps_figure(RUN, "min_entropy"),
    "distribution": lambda: figures_metrics.distribution_figure(RUN, "min_entropy", 1),
    "lengths": lambda: figures_metrics.lengths_figure(RUN, "shannon_entropy"),
    "runs": lambda: figures_runs.runs_figure({"<a>": RUN, "b": LOW}, "min_entropy", 2, "flops"),
    "quality": lambda: figures_runs.quality_figure({"20": LOW, "75": RUN}, "min_entropy", None),
}


@pytest.mark.parametrize("name", FIGURES)
def test_it_is_a_figure(name):
    figure = FIGURES[name]()
    sent = json.loads(plot(figure).plot)
    go.Figure(data=sent["data"], layout=sent["layout"])  # refuses what Plotly doesn't know
    meta = sent["layout"]["meta"]
    assert meta["label"] and meta["filename"] and meta["key"]
    assert sent["config"]["toImageButtonOptions"]["filename"] == meta["filename"]
    for trace in sent["data"]:
        assert trace["name"] and trace["hovertemplate"].endswith("<extra></extra>")
        assert len(trace["x"]) == len(trace["y"]) > 0
    for axis in ("xaxis", "yaxis"):
        assert sent["layout"][axis]["title"]["text"]


def test_axes_are_costs_of_core():
    assert set(AXES) <= set(COSTS)


def test_the_curves_are_those_of_core():
    lines = {trace["name"]: trace for trace in _tradeoff()["data"]}
    for metric in METRICS:
        curve, drawn = tradeoff(RUN, metric), lines[METRICS[metric].label]
        at = thinned(curve, "bytes")
        assert drawn["x"] == numbers(curve.bytes[at] / 1000)
        assert drawn["y"] == numbers(100 * curve.accuracy[at])
        assert drawn["line"]["color"] == style.stroke(metric).color
    assert lines["First answers only"]["y"] == numbers([100 * initial(RUN).accuracy] * 2)
    assert lines["Everything retransmitted"]["y"] == numbers([100 * full(RUN).accuracy] * 2)


def test_the_chosen_metric_is_drawn_last_and_thickest():
    traces = _tradeoff(metric="shannon_entropy")["data"]
    assert traces[-1]["meta"] == "shannon_entropy"
    assert traces[-1]["line"]["width"] == max(trace["line"]["width"] for trace in traces)


def test_high_resolution_is_a_point_where_the_run_has_it():
    from dataclasses import replace

    assert "high_resolution" not in strategies(RUN)
    run = replace(RUN, **HD)
    (point,) = (t for t in _tradeoff(run)["data"] if t["name"] == "High resolution instead")
    assert point["y"] == [90.0] and point["mode"] == "markers"
    # In units of equal images it has no place.
    on_images = _tradeoff(run, "additional_cost")["data"]
    assert all(trace["name"] != point["name"] for trace in on_images)


def test_long_curves_are_thinned_to_what_a_screen_shows():
    curve = tradeoff(synthetic_run(3_000), "min_entropy")
    at = thinned(curve, "additional_cost")
    assert len(at) <= POINTS + 2 and at[0] == 0 and at[-1] == len(curve) - 1
    between = np.interp(curve.additional_cost, curve.additional_cost[at], curve.accuracy[at])
    assert np.abs(between - curve.accuracy).max() < 0.002


def test_the_frontier_is_that_of_core():
    figure = FIGURES["quality"]()
    best = frontier([tradeoff(LOW), tradeoff(RUN)], "relative_cost")
    drawn = figure["data"][0]
    assert drawn["name"] == "Frontier"
    assert drawn["x"][0] == pytest.approx(best.cost[0]) and drawn["x"][-1] == pytest.approx(
        best.cost[-1]
    )
    assert set(drawn["x"]) <= set(numbers(best.cost))


def test_names_of_runs_are_escaped_in_hovers():
    names = [trace["name"] for trace in FIGURES["runs"]()["data"]]
    assert names == ["&lt;a&gt;", "b"]  # Plotly reads names as a little HTML


def test_one_look_for_each_strategy_and_none_twice():
    looks = [style.stroke(s) for s in (*METRICS, *style.BASELINES)]
    assert len({(look.color, look.dash, look.symbol) for look in looks}) == len(looks)


@pytest.mark.parametrize("background", ["#FFFFFF", "#0B0F19"])
def test_lines_stand_out_from_the_page(background):
    """WCAG 2 asks for 3 : 1 of graphical objects."""

    def luminance(color):
        values = np.array(style.rgb(color)) / 255
        linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722]

    for look in (*style.METRIC_STROKES, *style.BASELINES.values(), *style.RUN_STROKES):
        light, dark = sorted((luminance(look.color), luminance(background)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 3, look


def test_neighbouring_runs_differ_in_colour_and_in_dash():
    for one, other in pairwise(style.RUN_STROKES):
        assert one.color != other.color and one.dash != other.dash
    assert len({(look.color, look.dash) for look in style.RUN_STROKES}) == len(style.RUN_STROKES)
