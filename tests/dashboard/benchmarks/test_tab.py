"""The benchmark tab: handlers as plain functions, on a page that isn't launched."""

import base64
import csv
import io
import json
import re
import shutil
from concurrent.futures import Future
from dataclasses import replace
from html import escape, unescape

import gradio as gr
import numpy as np
import pytest

from core.bench import (
    Goal,
    full,
    halves,
    initial,
    operating_point,
    promise,
    samples_of_kind,
    threshold_for_budget,
    threshold_for_wrong_and_sure,
    tradeoff,
)
from core.bench.analysis.intervals import bootstrap, gate_statistic
from core.bench.runs.metadata import Code
from core.imaging import Codec
from core.uncertainty import METRICS, Gate
from dashboard.benchmarks.axis import AXIS_CHOICES
from dashboard.benchmarks.bar import about_run
from dashboard.benchmarks.cards import EMPTY, expected_answers
from dashboard.benchmarks.chart import drawn_csv
from dashboard.benchmarks.library import Library, timed
from dashboard.benchmarks.tab import Benchmarks
from dashboard.benchmarks.tradeoff.data import curves_csv
from dashboard.benchmarks.tradeoff.tab import _picked
from dashboard.benchmarks.view import AGGREGATIONS, look_at
from dashboard.eta.places import START, scale
from dashboard.hosting.live import LiveModel
from tests.support.seconds import with_second_scores

ALL = next(iter(AGGREGATIONS))


def _page(folder, vlm):
    model = Future()
    model.set_result(vlm)
    with gr.Blocks() as page:
        box = gr.Textbox()
        with gr.Tabs() as tabs:
            with gr.Tab("Walkthrough", id="walkthrough"):
                gr.Textbox()
            with gr.Tab("Benchmarks", id="benchmarks"):
                benchmarks = Benchmarks(
                    Library(folder),
                    LiveModel("tiny", model),
                    tabs,
                    "walkthrough",
                    lambda visit, *placed: {box: placed},
                    gr.State(),
                    [box],
                )
    page.opened = box
    return page, benchmarks


@pytest.fixture(scope="module")
def page(runs_folder, vlm):
    return _page(runs_folder, vlm)[1]


TABS = ("tradeoff", "compression", "measures", "compare", "croppers", "shared")


def _values(page, active="tradeoff", uploads=(), key="invented-q20", quality="invented-q75",
            metric="min_entropy", tokens=ALL, **inputs):  # fmt: skip
    """What the components hold, in the order in which `draw` takes them."""
    defaults = {"axis": "additional_cost", "link": "", "shown": [], "eta": 0.5, "held": None,
                "wish": None, "which": 0, "uncertain": True, "runs": [], "load": 80,
                "deadline": 2.0, "arrivals": "Poisson", "question": 1}  # fmt: skip
    given, rest = defaults | inputs, []
    for _, tab in page.pages.values():
        names = {id(component): name for name, component in vars(tab).items()
                 if isinstance(component, gr.blocks.Block)}  # fmt: skip
        rest += [given[names[id(component)]] for component in tab.inputs]
    return [active, uploads, key, quality, metric, tokens, *rest]


def _bar(key="invented-q20", quality="invented-q75", metric="min_entropy", tokens=ALL):
    return (), key, quality, metric, tokens


def _run(page, key="invented-q75"):
    library = page.library
    return library.load(next(c for c in library.choices() if c.key == key))


@pytest.mark.parametrize("name", TABS)
@pytest.mark.parametrize("key", ["invented-q20", "scenes"])
def test_every_tab_is_drawn_for_every_run(page, name, key):
    drawn = page.draw(*_values(page, name, key=key, quality="scenes"))
    assert set(drawn) <= set(page.pages[name][1].outputs) | {
        page.bar.about, page.bar.row, page.body, page.bar.run, page.bar.quality, page.bar.metric,
    }  # fmt: skip
    plots = [value for value in drawn.values() if getattr(value, "type", "") == "plotly"]
    wanted = {"tradeoff": 2, "compression": 1, "measures": 4, "compare": 1, "shared": 2}
    wanted["croppers"] = 1
    few = name == "shared" and key == "scenes"  # too few questions to share a link
    assert len(plots) == (0 if few else wanted[name])
    assert "torn.parquet" in drawn[page.bar.about]  # the file that can't be read is named


def test_it_starts_at_a_share_and_keeps_it_when_the_metric_changes(page):
    tab = page.pages["tradeoff"][1]
    first = page.draw(*_values(page))
    run = _run(page)
    eta = first[tab.eta].value
    assert operating_point(run, Gate("min_entropy", eta)).retransmitted == pytest.approx(
        START, abs=0.01
    )
    held = first[tab.held]
    second = page.draw(*_values(page, metric="probability_margin", held=held, eta=eta))
    gate = Gate("probability_margin", second[tab.eta].value)
    assert operating_point(run, gate).retransmitted == pytest.approx(START, abs=0.01)
    again = page.draw(*_values(page, axis="flops", held=held, eta=0.25))
    assert again[tab.eta].value == 0.25  # another axis moves nothing


def test_the_interval_at_each_place_is_that_of_the_bootstrap(page):
    drawn = page.draw(*_values(page))
    meta = json.loads(drawn[page.tradeoff.chart.plot].plot)["layout"]["meta"]
    low, accuracy, high = (np.array(meta["table"][n], float) for n in ("low", "accuracy", "high"))
    assert len(low) == len(accuracy) == meta["table"]["count"]
    assert (low <= high).all() and (high - low).max() < 0.3
    inside = (low <= accuracy) & (accuracy <= high)
    assert inside.mean() > 0.95
    run = page.view(*_bar("invented-q20", "invented-q75")).run
    found = bootstrap(run, gate_statistic(run, [-1]), 300)  # everything is asked for
    assert low[0] == pytest.approx(found.low[0]) and high[0] == pytest.approx(found.high[0])


def test_the_interval_at_an_eta_is_the_same_on_every_axis(page):
    tables = []
    for axis in AXIS_CHOICES:
        drawn = page.draw(*_values(page, axis=axis, link="lora"))
        meta = json.loads(drawn[page.tradeoff.chart.plot].plot)["layout"]["meta"]
        tables.append({name: meta["table"][name] for name in ("low", "accuracy", "high")})
        assert None not in tables[-1]["low"] + tables[-1]["high"]
    assert all(table == tables[0] for table in tables)


def test_seconds_of_several_runs_are_those_over_a_link(page):
    compare = page.pages["compare"][1]

    def seconds(link):
        drawn = page.draw(*_values(page, "compare", axis="seconds", link=link))
        return json.loads(drawn[compare.chart.plot].plot)["data"][0]["x"][0]

    assert seconds("lte") > seconds("")


def test_another_run_keeps_the_quality_if_it_can(page):
    drawn = page.draw(*_values(page, key="invented-q20", quality="scenes"))
    assert drawn[page.bar.quality].value == "invented-q75"
    assert drawn[page.bar.run].value == "invented-q20"


def test_the_metrics_offered_are_those_of_the_run(page):
    offered = page.draw(*_values(page, metric="unknown"))[page.bar.metric]
    assert [name for _, name in offered.choices] == list(METRICS)
    assert offered.value in METRICS


def test_eta_for_a_budget_is_set_on_one_half_and_checked_on_the_other(page):
    form, view = page.tradeoff.goal_form, page.view(*_bar())
    found = form.set_eta(view, 40, "% of the local images", "lora")
    set_on, checked_on = halves(view.run)
    expected = threshold_for_budget(set_on, 0.4)
    checked = expected.on(checked_on)
    for point in (expected.expected, checked):
        assert f"{100 * point.accuracy:.1f} %" in found[form.found]
        assert f"{100 * point.retransmitted:.1f} %" in found[form.found]
    assert ">kB a question<" in found[form.found]  # no unit begins with a capital
    assert abs(found[form.eta] - expected.gate.threshold) <= scale(view.run, "min_entropy").step


@pytest.mark.parametrize(
    ("goal", "unit", "words"),
    [(0.001, "kB a question", "Never asking takes"), (100, "% right", "No η gets 100 % right"),
     (None, "% right", "as a number"), (40, "apples", "apples"),
     (-5, "% of the local images", "Never asking takes 0 % of the local images already"),
     (0.5, "GFLOP a question", "Never asking takes 1 GFLOP a question already")],
)  # fmt: skip
def test_a_goal_that_cant_be_met_is_one_sentence(page, goal, unit, words):
    form = page.tradeoff.goal_form
    assert words in unescape(form.set_eta(page.view(*_bar()), goal, unit, "")[form.found])
    assert 'role="alert"' in form.set_eta(None, goal, unit, "")[form.found]


def test_a_goal_in_seconds_is_one_over_the_chosen_link(page):
    """A time over LoRa once gave an η of −inf: that of computing alone was compared with it."""
    form, view = page.tradeoff.goal_form, page.view(*_bar())
    slow = timed(view.run, "lora")
    assert initial(slow).seconds < 1_200 < full(slow).seconds
    found = form.set_eta(view, 1_200, "seconds a question", "lora")
    expected = threshold_for_budget(halves(slow)[0], 1_200, cost="seconds")
    assert np.isfinite(expected.gate.threshold) and 1_190 < expected.expected.seconds <= 1_200
    said = unescape(found[form.found])
    assert f"η = {expected.gate.threshold:.4g} bits" in said
    assert "Seconds a question, over LoRa" in said and f">{expected.expected.seconds:,.4g}<" in said
    # Computing alone, it is met by always asking.
    alone = form.set_eta(view, 1_200, "seconds a question", "")[form.found]
    assert "Always ask" in alone and "inf" not in alone


@pytest.mark.parametrize("unit", ["seconds a question", "kB a question", "% right"])
def test_what_would_do_instead_does(page, unit):
    form, view = page.tradeoff.goal_form, page.view(*_bar())
    refused = unescape(
        form.set_eta(view, 1000 if unit == "% right" else 1e-6, unit, "nb-iot")[form.found]
    )
    instead = float(re.search(r"(?:takes|most is) ([\d.]+) ", refused)[1])
    found = form.set_eta(view, instead, unit, "nb-iot")[form.found]
    assert "alert" not in found and "inf" not in found
    if unit != "% right":
        assert unit[1:] in found and "Never ask" in found


def test_a_goal_in_gflop_is_answered_in_gflop(page):
    form = page.tradeoff.goal_form
    found = form.set_eta(page.view(*_bar()), 2, "GFLOP a question", "")[form.found]
    assert "GFLOP a question" in found and "kB" not in found


def test_eta_with_a_promise_stands_beside_the_best_one_and_can_be_saved(page, tmp_path):
    form, view = page.tradeoff.goal_form, page.view(*_bar())
    for sure, confidence in (("In 9 of 10 cases", 0.9), ("On average", None)):
        drawn = form.set_eta(view, 10, "% lost", "", sure)
        found = promise(view.run, [Goal("lost", 0.1)], confidence)
        said = unescape(drawn[form.found])
        assert f"η = {found.gate.threshold:.4g} bits of min-entropy" in said
        assert f"{100 * found.asked / len(view.run):.1f} %" in said
        assert "at most 10 % are lost." in said and "The promise costs" in said
        assert said.count("<tr><th scope") == 2
        assert abs(drawn[form.eta] - found.gate.threshold) <= scale(view.run, "min_entropy").step
        assert drawn[form.save].visible
        path = tmp_path / drawn[form.parcel]["name"]
        path.write_bytes(base64.b64decode(drawn[form.parcel]["base64"]))
        assert Gate.from_certificate(path) == found.gate
    plain = form.set_eta(view, 10, "% lost", "")
    assert not plain[form.save].visible and plain[form.parcel] is None
    set_on, _ = halves(view.run)
    missed = re.findall(r'number">([\d.]+)</td></tr>', plain[form.found])
    assert len(missed) == 2 and 9 < float(missed[0]) <= 10
    assert f"({len(set_on):,} questions)" in plain[form.found]


def test_eta_for_few_that_end_wrong_and_sure(page):
    form, view = page.tradeoff.goal_form, page.view(*_bar())
    goal = 5, "% wrong and sure", ""
    assert "record it anew" in unescape(form.set_eta(view, *goal)[form.found])  # no second scores
    view = replace(view, run=with_second_scores(view.run))
    drawn = form.set_eta(view, *goal)
    found = threshold_for_wrong_and_sure(halves(view.run)[0], 0.05)
    assert f"η = {found.gate.threshold:.4g} bits of min-entropy" in unescape(drawn[form.found])
    left = re.findall(r'number">([\d.]+)</td></tr>', drawn[form.found])
    assert len(left) == 2 and 3 < float(left[0]) <= 5
    first = replace(view, first_tokens=1)
    assert "all of their tokens" in unescape(form.set_eta(first, *goal)[form.found])
    for beyond in (-1, 200):  # in the unit that was typed
        said = form.set_eta(view, beyond, *goal[1:])[form.found]
        assert "A share must be between 0 and 100 %." in unescape(said)
    assert ">Right answers<" in drawn[form.found]  # "Right" alone is a side of a box in German
    surely = form.set_eta(view, *goal, "In 9 of 10 cases")
    assert "choose % lost" in unescape(surely[form.found])


def test_a_budget_can_be_promised_over_a_link(page):
    form, view = page.tradeoff.goal_form, page.view(*_bar())
    slow = timed(view.run, "lora")
    drawn = form.set_eta(view, 1_200, "seconds a question", "lora", "In 9 of 10 cases")
    found = promise(slow, [Goal("seconds", 1_200)])
    assert f"η = {found.gate.threshold:.4g}" in unescape(drawn[form.found])
    assert "at most 1200 seconds in the mean" in unescape(drawn[form.found])


@pytest.mark.parametrize(
    ("goal", "unit", "words"),
    [(0.01, "% lost", "takes questions about at least"), (90, "% right", "choose % lost"),
     (0, "% lost", "must be between 0 and 1"), (0.001, "kB a question", "The first stage alone")],
)  # fmt: skip
def test_what_cannot_be_promised_is_one_sentence(page, goal, unit, words):
    form = page.tradeoff.goal_form
    drawn = form.set_eta(page.view(*_bar()), goal, unit, "", "In 9 of 10 cases")
    assert words in unescape(drawn[form.found]) and 'role="alert"' in drawn[form.found]
    assert not drawn[form.save].visible


def test_data_of_the_curves_is_all_that_the_figure_shows(page):
    view = page.view(*_bar())
    n = len(view.run)
    code = (Code("abc123" * 6 + "abcd", True, "0.1"),)
    run = replace(
        view.run, metadata=replace(view.run.metadata, code=code), hd_score=np.full(n, 0.9),
        hd_bytes=2.0 * view.run.global_bytes,
        hd_question_message_bytes=np.full(n, 8_940.0), hd_answer_message_bytes=np.full(n, 60.0),
        hd_flops=np.full(n, 4e9), hd_seconds=np.full(n, 0.1),
    )  # fmt: skip
    view = replace(view, run=run)
    shown = ["min_entropy", "random", "initial", "full", "high_resolution"]
    text = curves_csv(view, "lora", shown, 0.4)
    rows = list(csv.DictReader(io.StringIO(text)))
    curve, slow = tradeoff(run), timed(run, "lora")
    of = {
        name: [row for row in rows if row["strategy"] == name]
        for name in [*shown, "operating point"]
    }
    assert {row["strategy"] for row in rows} == set(of)
    mine = of["min_entropy"]
    assert [float(row["accuracy"]) for row in mine] == curve.accuracy.tolist()
    assert [float(row["threshold"]) for row in mine] == curve.threshold.tolist()
    assert all(float(row["low"]) < float(row["high"]) for row in mine)
    for name in ("initial", "full", "high_resolution"):
        (row,), point = of[name], operating_point(slow, name)
        assert float(row["seconds"]) == point.seconds and float(row["bytes"]) == point.bytes
        assert float(row["accuracy"]) == point.accuracy
    (row,), point = of["operating point"], operating_point(slow, Gate("min_entropy", 0.4))
    assert float(row["threshold"]) == 0.4 and float(row["accuracy"]) == point.accuracy
    assert float(row["low"]) < point.accuracy < float(row["high"])
    for row in rows:
        assert "commit abc123" in row["source"] and "recorded 2026-01-01" in row["source"]
        assert row["source"].startswith("synthetic, synthetic test, JPEG 75")
        assert row["link"].startswith("LoRa")


@pytest.mark.parametrize("name", TABS)
def test_every_figure_carries_its_sources(page, name):
    drawn = page.draw(*_values(page, name))
    figures = [json.loads(v.plot) for v in drawn.values() if getattr(v, "type", "") == "plotly"]
    for figure in figures:
        sources = figure["layout"]["meta"]["sources"]
        assert len(sources) == (2 if name in ("compression", "compare") else 1)
        for source in sources:
            assert "synthetic" in source and "recorded 2026-01-01" in source
            assert "code that is not known" in source
        if len(sources) == 1:
            assert figure["layout"]["meta"]["filename"].endswith("synthetic-test-jpeg75-2026-01-01")
        data = list(csv.DictReader(io.StringIO(drawn_csv(figure))))
        assert len(data) == sum(len(trace["x"]) for trace in figure["data"])
        assert {row["source"] for row in data} == {" | ".join(sources)}


def test_the_shared_link_follows_load_and_deadline_and_tells_of_one_question(page):
    tab = page.pages["shared"][1]
    calm, full, hurried = (
        page.draw(*_values(page, "shared", load=load, deadline=deadline))
        for load, deadline in ((20, 2.0), (90, 2.0), (20, 0.5))
    )
    right = {}
    for name, drawn in (("calm", calm), ("full", full), ("hurried", hurried)):
        (bar,) = json.loads(drawn[tab.chart.plot].plot)["data"]
        right[name] = dict(zip(bar["y"], bar["x"], strict=True))
        assert len(bar["y"]) == 7 and bar["x"] == sorted(bar["x"])
    assert right["calm"]["Always ask"] > right["full"]["Always ask"]
    assert right["full"]["Price of the backlog"] > right["full"]["Fixed η"]
    assert right["hurried"]["Always ask"] < right["calm"]["Always ask"]
    assert "Price of the backlog" in full[tab.one] and "What counts" in full[tab.one]
    another = page.draw(*_values(page, "shared", load=90, which=1))
    assert another[tab.one] != full[tab.one] and another[tab.chart.plot] == full[tab.chart.plot]


def test_what_cannot_share_a_link_is_said_in_a_sentence(page):
    tab = page.pages["shared"][1]
    view = look_at(page.library, {}, "invented-q75", None, "min_entropy", ALL)
    run = view.run.select(np.arange(30))
    no_bytes = np.zeros_like(run.local_image_message_bytes)
    few = np.array([f"image {n % 10}" for n in range(30)], dtype=object)
    for odd, load, why in (
        (run.select(np.arange(1)), 80, "fewer than 20 images"),
        (replace(run, image_id=few), 80, "fewer than 20 images"),
        (replace(run, local_image_message_bytes=no_bytes), 80, "took no bytes"),
        (run, None, "must be numbers"),
    ):
        drawn = tab.draw(replace(view, run=odd), load, 2.0, "Poisson", 0)
        assert why in drawn[tab.note] and drawn[tab.chart.plot] is None and drawn[tab.one] == ""


def test_questions_may_arrive_as_this_server_was_asked(page, monkeypatch):
    tab = page.pages["shared"][1]
    plain, bursts, none = (
        page.draw(*_values(page, "shared", arrivals=come))
        for come in ("Poisson", "in bursts", "as recorded here")
    )
    assert plain[tab.chart.plot] != bursts[tab.chart.plot] and plain[tab.note] == ""
    assert "fewer than 20" in none[tab.note] and none[tab.chart.plot] == plain[tab.chart.plot]
    times = [float(second) for minute in range(10) for second in (60 * minute, 60 * minute + 0.1,
                                                                   60 * minute + 0.2)]  # fmt: skip
    monkeypatch.setattr(tab.live, "arrivals", times)
    here = page.draw(*_values(page, "shared", arrivals="as recorded here"))
    assert "last 30 questions" in here[tab.note]
    assert here[tab.chart.plot] not in (plain[tab.chart.plot], bursts[tab.chart.plot])
    monkeypatch.setattr(tab.live, "arrivals", [5.0] * 40)  # all at once: no gaps to go by
    assert "fewer than 20" in page.draw(
        *_values(page, "shared", arrivals="as recorded here")
    )[tab.note]  # fmt: skip


def test_the_questions_behind_a_cell(page):
    view = page.view(*_bar())
    gate = view.gate(0.4)
    found = page.questions.begin(view, gate, "missed")
    samples = samples_of_kind(view.run, gate, "missed")
    behind = found[page.questions.behind]
    assert list(behind.samples) == samples[: len(behind.samples)].tolist()
    html = found[page.questions.cards]
    for index in behind.page:
        assert view.run.question[index] in html and view.run.second_answer[index] in html
    assert f"{len(samples):,} questions" in html and "can't be drawn again" in unescape(html)
    later = page.questions.turn(behind, (), 6)[page.questions.behind]
    assert later.page == behind.samples[6:12]
    assert page.questions.turn(later, (), -6000)[page.questions.behind].page == behind.page
    with pytest.raises(gr.Error, match="must be one of"):
        page.questions.begin(view, gate, "lucky")
    assert page.questions.begin(None, None)[page.questions.cards] == EMPTY


def test_a_question_with_its_scene_opens_in_the_walkthrough(runs_folder, vlm):
    built, page = _page(runs_folder, vlm)
    view = page.view(*_bar("scenes", "scenes"))
    found = page.questions.begin(view, view.gate(0.4))
    html, behind = found[page.questions.cards], found[page.questions.behind]
    assert html.count("card-whole") == html.count("card-crop") == len(behind.page) == 6
    index = behind.page[0]

    def opened(behind):
        recorded = page.questions.recorded(behind, (), index)
        updates = page.questions.opening.opened(None, recorded, page.questions.cards)
        assert updates[page.tabs].selected == "walkthrough"
        return updates[built.opened]

    image, question, note, gate, codec, cropper, looks = opened(behind)
    assert (cropper, looks) == ("relative", 1)
    assert gate == view.gate(0.4) and codec == Codec("jpeg", view.run.metadata.quality)
    assert "η of min-entropy at 0.4 and JPEG at quality" in note
    for threshold, metric, shown in (
        (0.2379884, "min_entropy", 0.23),
        (0.2379884, "probability_margin", 0.24),
    ):
        other = replace(behind, gate=Gate(metric, threshold))
        assert opened(other)[3].threshold == shown
    first = replace(behind, gate=replace(behind.gate, first_tokens=1))
    assert opened(first)[3] is None
    assert question == view.run.prompt[index] and view.run.second_answer[index] in note
    assert image.endswith(".png") and view.run.first_answer[index] in note
    for wrong in (None, -1, 10**9, "0"):
        with pytest.raises(gr.Error, match="no longer here"):
            page.questions.recorded(behind, (), wrong)


def test_the_same_question_at_every_quality(page):
    tab = page.pages["compression"][1]
    html = tab._same(page.view(*_bar("scenes", "scenes")), 0, False)
    # As sent, enlarged from what was sent, and the crop: three pictures in the page itself.
    assert html.count('src="data:image/') == 3 and "JPEG 75" in html
    assert "In the run it had" in html  # its bytes were invented, and the page notices
    invented = page.view(*_bar())
    first, second = (tab._same(invented, which, True) for which in (0, 1))
    assert first != second and "JPEG 20" in first and "can't be drawn again" in unescape(first)


def test_words_of_a_stranger_are_escaped(runs_folder, vlm):
    from dataclasses import replace

    import numpy as np

    _, page = _page(runs_folder, vlm)
    view = page.view(*_bar("scenes", "scenes"))
    bad = np.full(len(view.run), "<img src=x onerror=alert(1)>", dtype=object)
    names = ("question", "answers", "first_answer", "second_answer", "image_id")
    view = replace(view, run=replace(view.run, **dict.fromkeys(names, bad)))
    html = page.questions.begin(view, view.gate(0.4))[page.questions.cards]
    assert "<img src=x" not in html and "&lt;img src=x" in html


@pytest.mark.parametrize(
    ("text", "expected"),
    [('["a", "b"]', ["a", "b"]), ('{"answers": ["a"], "choices": ["a", "c"]}', ["a"]),
     ("not json", ["not json"]), ("7", ["7"]), ("[" * 9000, ["[" * 9000])],
)  # fmt: skip
def test_expected_answers(text, expected):
    assert expected_answers(text) == expected


def test_a_run_of_ones_own(page, runs_folder, tmp_path):
    path = tmp_path / "mine.parquet"
    shutil.copy(runs_folder / "scenes.parquet", path)
    brought = page.bar.bring(str(path), ())
    uploads = brought[page.bar.uploads]
    assert brought[page.bar.run].value == brought[page.bar.quality].value == "upload-1"
    drawn = page.draw(*_values(page, uploads=uploads, key="upload-1", quality="upload-1"))
    assert drawn[page.bar.run].value == "upload-1" and "12 questions" in drawn[page.bar.about]
    # Nobody else has it.
    assert page.draw(*_values(page, key="upload-1"))[page.bar.run].value == "invented-q20"
    path.unlink()  # and it is deleted after an hour: from memory it may still be drawn
    refused = page.bar.bring(str(runs_folder / "torn.parquet"), uploads)
    assert 'role="alert"' in refused[page.bar.refusal] and page.bar.uploads not in refused


def test_a_link_restores_what_it_says(page):
    wanted = {"tab": "measures", "run": "invented-q20", "metric": "shannon_entropy",
              "tokens": "First token", "axis": "flops", "over": "lte", "eta": "0.25"}  # fmt: skip
    restored = page.restore(wanted)
    assert set(restored) <= set(page.restored)
    assert restored[page.inner].selected == "measures"
    assert restored[page.bar.quality].value == "invented-q20"
    assert restored[page.bar.metric] == "shannon_entropy"
    assert restored[page.bar.tokens] == "First token"
    tab = page.pages["tradeoff"][1]
    assert restored[tab.axis] == "flops" and restored[tab.link] == "lte"
    assert restored[tab.wish] == 0.25
    eta = page.draw(*_values(page, wish=0.25))[tab.eta].value
    assert eta == pytest.approx(0.25, abs=0.001)


def test_the_eta_of_a_link_outlives_a_draw_that_the_browser_was_too_early_for(page):
    """Opening a tab draws it, and so does the link: the second of them still has the old η."""
    tab = page.tradeoff
    linked = page.draw(*_values(page, eta=0.0, wish=0.25))
    eta, held = linked[tab.eta].value, linked[tab.held]
    assert eta == pytest.approx(0.25, abs=0.01)
    too_early = page.draw(*_values(page, eta=0.0, held=held))
    assert too_early[tab.eta].value == eta
    again = page.draw(*_values(page, eta=0.0, held=too_early[tab.held]))
    assert again[tab.eta].value == 0.0  # where a visitor has put it
    moved = page.draw(*_values(page, eta=1.0, held=held))
    assert moved[tab.eta].value == 1.0


def test_a_link_that_says_nonsense_restores_nothing(page):
    for wanted in (
        {},
        {"tab": "<script>", "run": "../x", "metric": "?", "eta": "much", "axis": ""},
    ):
        said = page.restore(wanted).pop(page.bar.missing, "")
        assert list(page.restore(wanted)) == [page.bar.missing] * bool(wanted)
        assert all(escape(text) in said for name, text in wanted.items() if text and name != "eta")
    assert "bring that file" in page.restore({"run": "upload-3"})[page.bar.missing]
    tab = page.pages["tradeoff"][1]
    for eta in ("nan", "inf", "-inf", "1e999"):
        wish = page.restore({"eta": eta}).get(tab.wish)
        assert 0 <= page.draw(*_values(page, wish=wish))[tab.eta].value <= 4


def test_without_runs_there_is_a_sentence(tmp_path, vlm):
    _, page = _page(tmp_path / "nowhere", vlm)
    drawn = page.draw(*_values(page, key=None, quality=None))
    assert "no recorded run" in drawn[page.bar.about] and drawn[page.bar.row].visible is False
    assert drawn[page.body].visible is False and page.restore({}) == {}
    assert page.view((), None, None, "min_entropy", ALL) is None


def test_runs_recorded_after_the_start_are_there_for_the_next_visitor(tmp_path, runs_folder, vlm):
    _, page = _page(tmp_path, vlm)
    shutil.copy(runs_folder / "scenes.parquet", tmp_path / "late.parquet")
    assert page.restore({})[page.body].visible is True
    drawn = page.draw(*_values(page, key=None, quality=None))
    assert drawn[page.bar.run].value == "late" and drawn[page.body].visible is True


def test_a_click_on_the_curve_asks_for_its_gate(page):
    view = page.view(*_bar())
    assert _picked(view, "min_entropy", 0.5) == Gate("min_entropy", 0.5)
    never = _picked(view, "probability_margin", None)
    assert never.threshold == float("-inf")
    with pytest.raises(gr.Error):
        _picked(view, "random", 0.5)


def test_a_run_says_which_code_made_it(runs_folder):
    library = Library(runs_folder)
    view = look_at(library, (), None, None, None, None)
    assert "with commit" not in about_run(view)  # not known
    of = replace(view.choice.metadata, code=(Code("a" * 40, False, None),))
    made = replace(view, choice=replace(view.choice, metadata=of))
    assert "on none, with commit aaaaaaaaaaaa with changes." in about_run(made)
