import gc
import shutil
import weakref
from dataclasses import replace

import pytest

from core.bench import RunError, save_run
from core.bench.plots.measures import separability_of
from dashboard.benchmarks.cards import _pictures
from dashboard.benchmarks.compression_tab import _common
from dashboard.benchmarks.library import HELD, Choice, Library, find, series, timed
from dashboard.benchmarks.tradeoff.figures import tradeoff_plot, uncertainty_plot
from tools.doubles.synthetic import synthetic_run


def test_runs_of_one_model_and_data_set_are_a_series_of_qualities(runs_folder):
    groups = series(Library(runs_folder).choices())
    assert [[choice.key for choice in group.choices] for group in groups] == [
        ["invented-q20", "invented-q75"],
        ["scenes"],
    ]
    assert groups[0].title == "synthetic · synthetic · test"
    assert groups[1].title == "synthetic · Signs, text · validation"
    assert groups[0].nearest(None).key == "invented-q75"
    assert groups[0].nearest(10).key == "invented-q20"


def test_two_files_alike_are_told_apart_by_their_names(runs_folder, tmp_path):
    for name in ("first", "second"):
        shutil.copy(runs_folder / "scenes.parquet", tmp_path / f"{name}.parquet")
    titles = [group.title for group in series(Library(tmp_path).choices())]
    assert len(titles) == 2 and titles[0].endswith("first") and titles[1].endswith("second")


def test_runs_of_other_questions_are_another_series(tmp_path):
    for name, count, quality in (("a", 40, 20), ("b", 60, 75), ("c", 40, 75)):
        run = synthetic_run(count)
        run = replace(run, metadata=replace(run.metadata, quality=quality))
        save_run(run, tmp_path / f"{name}.parquet")
    groups = series(Library(tmp_path).choices())
    assert [[choice.key for choice in group.choices] for group in groups] == [["b"], ["a", "c"]]
    assert [group.title.rpartition(" · ")[2] for group in groups] == [
        "60 questions",
        "40 questions",
    ]


def test_a_torn_file_is_a_sentence_and_hides_nothing(runs_folder):
    choices, problems = Library(runs_folder).listed()
    assert len(choices) == 3
    assert [file.path.name for file in problems] == ["torn.parquet"] and problems[0].problem


def test_no_folder_is_no_runs(tmp_path):
    assert Library(tmp_path / "nowhere").listed() == ((), ())


def test_an_upload_is_read_and_named(runs_folder):
    library = Library(runs_folder)
    choice = library.bring(str(runs_folder / "scenes.parquet"), ())
    assert choice.key == "upload-1" and choice.samples == 12 and choice.title.endswith("(yours)")
    assert find(library.choices((choice,)), "upload-1") is choice
    with pytest.raises(RunError):
        library.bring(str(runs_folder / "torn.parquet"), ())


def test_a_file_that_has_gone_is_a_sentence_and_one_that_changed_is_read_anew(
    runs_folder, tmp_path
):
    library, path = Library(tmp_path), tmp_path / "run.parquet"
    shutil.copy(runs_folder / "scenes.parquet", path)
    choice = library.choices()[0]
    assert library.load(choice) is library.load(choice)
    shutil.copy(runs_folder / "invented-q20.parquet", path)
    assert library.load(choice).metadata.quality == 20
    path.unlink()
    with pytest.raises(RunError, match="no longer here"):
        library.load(choice)


def test_a_link_is_in_the_seconds(runs_folder):
    library = Library(runs_folder)
    run = library.load(library.choices()[0])
    assert timed(run, "") is run and timed(run, None) is run
    assert timed(run, "lora").first_seconds.min() > run.first_seconds.max()


def test_the_run_with_the_most_samples_and_then_the_most_of_each_is_first(tmp_path):
    for name, count, tokens in (("a", 40, 2), ("b", 40, 20), ("c", 60, 2), ("d", 39, 20)):
        save_run(synthetic_run(count, max_tokens=tokens), tmp_path / f"{name}.parquet")
    assert [choice.key for choice in Library(tmp_path).choices()] == ["c", "b", "a", "d"]


def test_a_run_that_was_recorded_anew_is_sorted_anew(tmp_path):
    for name, tokens in (("a", 2), ("b", 4)):
        save_run(synthetic_run(40, max_tokens=tokens), tmp_path / f"{name}.parquet")
    library = Library(tmp_path)
    assert [choice.key for choice in library.choices()] == ["b", "a"]
    save_run(synthetic_run(40, max_tokens=20), tmp_path / "a.parquet")
    assert [choice.key for choice in library.choices()] == ["a", "b"]


def test_only_what_a_stranger_brought_is_read_under_limits(runs_folder, monkeypatch):
    library = Library(runs_folder)
    brought = library.bring(str(runs_folder / "scenes.parquet"), ())
    monkeypatch.setattr("dashboard.benchmarks.library.MAX_ROWS", 11)
    own = find(library.choices(), "scenes")
    assert len(library.load(own)) == 12
    with pytest.raises(RunError, match="at most 11"):
        library.load(brought)


def test_after_fifty_uploads_as_many_runs_are_in_memory_as_are_held(tmp_path, monkeypatch):
    """Whatever was drawn of them: nothing else keeps a run alive."""
    monkeypatch.setattr("core.bench.plots.tradeoff.DRAWS", 2)
    library, loaded, over_a_link = Library(tmp_path / "none"), [], []
    for number in range(50):
        path = tmp_path / f"{number}.parquet"
        save_run(synthetic_run(30, seed=number, max_tokens=3), path)
        choice = Choice(f"upload-{number}", path, synthetic_run(1).metadata, 30)
        run = library.load(choice)
        loaded.append(weakref.ref(run))
        for drawn in (run, timed(run, "lora")):
            tradeoff_plot(drawn, "min_entropy", None, "bytes", ("min_entropy", "random"), "k", "t")
            uncertainty_plot(drawn, "min_entropy", None, "k")
        over_a_link.append(weakref.ref(drawn))
        _common(run, True, drawn)
        _pictures(run, 0)
        separability_of(run, "min_entropy", None)
    del run, drawn
    gc.collect()
    for seen in (loaded, over_a_link):
        assert 0 < sum(one() is not None for one in seen) <= HELD
