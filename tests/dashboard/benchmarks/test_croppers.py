"""The tab of croppers: runs that differ in who chose the box, and one question of theirs."""

import json
from dataclasses import replace

import gradio as gr
import numpy as np
import pytest

from core.bench import RunError, save_run
from core.croppers import CROPPERS
from core.imaging import Codec
from dashboard.benchmarks.croppers_tab import Croppers
from dashboard.benchmarks.library import Library
from dashboard.benchmarks.opening import Opening, Recorded
from dashboard.benchmarks.view import look_at
from tools.doubles.synthetic import synthetic_run


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    run = synthetic_run(60, seed=3)
    run = replace(run, metadata=replace(run.metadata, revision="r1"))
    for name, score in (("relative", run.second_score), ("blank", run.first_score)):
        metadata = replace(run.metadata, cropper=name)
        save_run(replace(run, metadata=metadata, second_score=score), folder / f"{name}.parquet")
    save_run(synthetic_run(60, seed=4), folder / "other.parquet")
    return Library(folder)


@pytest.fixture(scope="module")
def tab(library):
    with gr.Blocks():
        return Croppers(library)


def draw(tab, library, key, question=1, link=""):
    view = look_at(library, (), key, key, "min_entropy", None)
    return tab.draw(view, "bytes", link, question)


@pytest.mark.parametrize("key", ["relative", "blank"])
def test_croppers_of_the_same_questions_stand_side_by_side(tab, library, key):
    drawn = draw(tab, library, key)
    figure = json.loads(drawn[tab.chart.plot].plot)
    assert [trace["name"] for trace in figure["data"]] == ["Relative attention", "Blank crop"]
    assert "Blank crop" in figure["layout"]["meta"]["sources"][1]
    assert "seeing there is worth" in drawn[tab.note]
    rows = drawn[tab.table].split("<tr>")[2:]
    assert [CROPPERS[n].label in row for n, row in zip(("relative", "blank"), rows, strict=True)]
    assert drawn[tab.question].maximum == 60


def test_a_run_alone_says_how_others_are_made(tab, library):
    drawn = draw(tab, library, "other", question=999)
    assert "core.bench croppers --like" in drawn[tab.note]
    assert len(json.loads(drawn[tab.chart.plot].plot)["data"]) == 1
    assert drawn[tab.question].value == 60 and "<figure>" not in drawn[tab.pictures]


def test_a_title_names_a_cropper_that_is_not_the_papers(library):
    titles = {choice.key: choice.title for choice in library.choices()}
    assert titles["blank"].endswith("· Blank crop") and "Relative" not in titles["relative"]


def test_controls_beside_the_runs_speak_there_and_are_not_offered(tmp_path):
    run = synthetic_run(60, seed=3)
    save_run(run, tmp_path / "all.parquet")
    blank = replace(run, second_score=run.first_score).select(np.arange(20))
    blank = replace(blank, metadata=replace(run.metadata, cropper="blank"))
    (tmp_path / "controls").mkdir()
    save_run(blank, tmp_path / "controls" / "all-blank.parquet")
    library = Library(tmp_path)
    assert [choice.key for choice in library.choices()] == ["all"]
    assert library.listed()[1] == ()
    with gr.Blocks():
        tab = Croppers(library)
    drawn = draw(tab, library, "all")
    assert "seeing there is worth" in drawn[tab.note] and "over 20 questions" in drawn[tab.note]
    figure = json.loads(drawn[tab.chart.plot].plot)
    assert [trace["name"] for trace in figure["data"]] == ["Relative attention"]  # all 60


def test_a_question_of_several_looks_is_opened_with_as_many(tmp_path):
    from core.bench.record.runner import Plan, Runner
    from tests.support.pixels import PixelVLM

    plan = Plan(str(tmp_path / "two.parquet"), "pixels", "signs-text", limit=2, rounds=2)
    runner = Runner(plan, PixelVLM())
    runner.work()
    runner.finish()
    run = Library(tmp_path).load(Library(tmp_path).choices()[0])
    with gr.Blocks():
        of = gr.HTML()
        opening = Opening(lambda *told: {"told": told}, None, [], gr.Tabs(), "w")
    *_, note, _, _, cropper, looks = opening.opened(None, Recorded(run, 1), of)["told"]
    assert (cropper, looks) == ("relative", 2) and "and 2 looks at most." in note
    (later,) = run.later
    assert f"” first, and then “{later.second_answer[1]}”. Set as there: " in note  # the last one


def test_no_eta_is_taken_from_another_cropper(library):
    assert [name for name, _ in library.of_weights("r1")] == [
        "synthetic · synthetic · test, JPEG 75"
    ]
    assert library.fitting("r1", Codec("jpeg", 75)).key == "relative"


def test_boxes_are_drawn_on_the_original_of_scenes(tmp_path):
    """A run of rendered scenes, whose originals can be drawn again."""
    from core.bench.record.runner import Plan, Runner
    from tests.support.pixels import PixelVLM

    plan = Plan(str(tmp_path / "{cropper}.parquet"), "pixels", "signs-text", limit=2,
                croppers=("relative", "centre"))  # fmt: skip
    runner = Runner(plan, PixelVLM())
    runner.work()
    runner.finish()
    library = Library(tmp_path)
    with gr.Blocks():
        tab = Croppers(library)
    shown = draw(tab, library, "relative", question=2)[tab.pictures]
    assert shown.count("<figure>") == 2 and "Centre." in shown and "pixels" in shown
    assert shown.count("data-cropper") == 2 and 'data-cropper="centre"' in shown
    view = look_at(library, (), "relative", "relative", "min_entropy", None)
    recorded = tab.recorded(view, 2, "centre")
    placed = Opening(lambda *told: {"told": told}, None, [], gr.Tabs(), "w").opened(
        None, recorded, tab.pictures
    )
    _, _, question, note, gate, codec, cropper, looks = placed["told"]
    assert (question, gate, cropper, looks) == (view.run.prompt[1], None, "centre", 1)
    assert note.endswith("JPEG at quality 75 and Centre looks.") and codec == Codec("jpeg", 75)
    for strange in ("nobody", None):
        with pytest.raises(gr.Error, match="no longer here"):
            tab.recorded(view, 2, strange)
    with pytest.raises(gr.Error, match="no longer here"):
        tab.recorded(None, 2, "centre")
    with pytest.raises(RunError):
        library.load(replace(library.choices()[0], path=tmp_path / "gone.parquet"))
    assert np.isfinite(library.load(library.choices()[0]).answered.second_score).all()
