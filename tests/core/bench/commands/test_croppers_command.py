"""`python -m core.bench croppers`: every cropper in one report, from one command."""

from dataclasses import replace

import pytest

import core.vlm
from core.bench.__main__ import main
from core.bench.runs.files import load_run, save_run
from core.croppers import CROPPERS
from tests.support.pixels import PixelVLM


@pytest.fixture(autouse=True)
def no_loading(monkeypatch):
    monkeypatch.setattr(core.vlm, "load_vlm", lambda name, **_: PixelVLM())


def compare(folder, *words):
    return main(["croppers", "--folder-out", str(folder), *map(str, words)])


def test_all_croppers_stand_in_one_report(tmp_path, capsys):
    folder = tmp_path / "looks"
    assert compare(folder, "--data", "signs-text", "--limit", 3) == 0
    assert sorted(path.stem for path in folder.glob("*.parquet")) == sorted(CROPPERS)
    report = (folder / "report.html").read_text()
    assert all(one.label in report for one in CROPPERS.values())
    assert f"report.html: {len(CROPPERS)} runs" in capsys.readouterr().out
    changed = (folder / "blank.parquet").stat().st_mtime_ns
    assert compare(folder, "--data", "signs-text", "--limit", 3) == 0  # nothing is asked again
    assert (folder / "blank.parquet").stat().st_mtime_ns == changed


def test_the_questions_of_a_run_are_asked_by_others(tmp_path, capsys):
    made = tmp_path / "mine.parquet"
    words = ["--model", "pixels", "--data", "signs-text", "--limit", "4", "--quality", "40"]
    assert main(["run", *words, "--out", str(made)]) == 0
    folder = tmp_path / "looks"
    words = ["--like", made, "--cropper", "blank", "random", "relative"]
    assert compare(folder, *words, "--limit", 2) == 0
    assert sorted(path.name for path in folder.iterdir()) == [
        "mine-blank.parquet", "mine-random.parquet", "report.html"
    ]  # fmt: skip
    blank = load_run(folder / "mine-blank.parquet")
    assert len(blank) == 2 and blank.metadata.quality == 40
    assert (blank.box == load_run(made).box[:2]).all()
    assert "gains" in (folder / "report.html").read_text()


def test_each_of_several_runs_gets_its_controls(tmp_path):
    words = ["--model", "pixels", "--limit", "4", "--data"]
    for data in ("signs-text", "signs-presence"):
        assert main(["run", *words, data, "--out", str(tmp_path / f"{data}.parquet")]) == 0
    runs, folder = sorted(tmp_path.glob("*.parquet")), tmp_path / "controls"
    assert compare(folder, "--like", *runs, "--cropper", "blank", "random", "--limit", 3) == 0
    assert sorted(path.stem for path in folder.glob("*.parquet")) == [
        f"signs-{data}-{cropper}"
        for data in ("presence", "text")
        for cropper in ("blank", "random")
    ]
    # The folder of the runs says it of each, with the questions that its controls were asked.
    out = tmp_path / "all.html"
    assert main(["report", str(tmp_path), "--out", str(out)]) == 0
    assert out.read_text().count("of the same size gains") == 4
    assert out.read_text().count("over 3 questions") == 4
    twice = tmp_path / "other" / "signs-text.parquet"
    twice.parent.mkdir()
    twice.write_bytes(runs[1].read_bytes())
    assert compare(folder, "--like", *runs, twice, "--cropper", "blank") == 1


def test_what_cannot_be_compared_is_one_sentence(tmp_path, capsys):
    made = tmp_path / "mine.parquet"
    main(["run", "--model", "pixels", "--data", "signs-text", "--limit", "2", "--out", str(made)])
    assert compare(tmp_path / "looks", "--like", made, "--cropper", "relative") == 1
    assert "There is no other cropper to compare with" in capsys.readouterr().err


def test_a_run_of_other_pictures_or_weights_is_not_gone_on_with(tmp_path, capsys, monkeypatch):
    made = tmp_path / "mine.parquet"
    main(["run", "--model", "pixels", "--data", "signs-text", "--limit", "2", "--out", str(made)])
    run = load_run(made)
    other = run.metadata.source | {"fonts": ["Another"]}
    save_run(replace(run, metadata=replace(run.metadata, source=other)), tmp_path / "a.parquet")
    save_run(replace(run, metadata=replace(run.metadata, revision="r2")), tmp_path / "b.parquet")
    seed = run.metadata.source | {"seed": 7}
    save_run(replace(run, metadata=replace(run.metadata, source=seed)), tmp_path / "c.parquet")
    said = {"a": "pip install -e", "b": "The model isn't the one", "c": "The data set isn't what"}
    for name, sentence in said.items():
        words = ["--like", tmp_path / f"{name}.parquet", "--cropper", "blank"]
        assert compare(tmp_path / "looks", *words) == 1
        assert sentence in capsys.readouterr().err
    assert not list((tmp_path / "looks").glob("*.parquet"))


def test_rounds_are_compared_from_one_command(tmp_path, capsys):
    folder = tmp_path / "looks"
    words = ["--data", "signs-text", "--limit", 3, "--rounds", 1, 2]
    words += ["--cropper", "relative", "centre"]
    assert compare(folder, *words) == 0
    report = (folder / "report.html").read_text()
    for name in ("relative", "centre"):
        assert load_run(folder / f"{name}.parquet").metadata.rounds == 2
        assert f"{CROPPERS[name].label}, 2 rounds" in report
    assert "Relative attention with 2 rounds has" in report
    changed = (folder / "centre.parquet").stat().st_mtime_ns
    assert compare(folder, *words) == 0  # nothing is asked again
    assert (folder / "centre.parquet").stat().st_mtime_ns == changed
    assert compare(folder, *words[:4], "--cropper", "relative") == 1
    assert "rounds 2 there, 1 here" in capsys.readouterr().err


def test_the_questions_are_divided_among_workers(tmp_path, monkeypatch, capsys):
    asked = []

    def divided(plan, workers, executor, settings, threads):
        asked.append((plan.croppers, workers, executor))  # a cluster's, which answers later

    monkeypatch.setattr("core.bench.record.distribute.run_divided", divided)
    words = ["--data", "signs-text", "--limit", 3, "--cropper", "relative", "centre"]
    assert compare(tmp_path / "looks", *words, "--workers", 2) == 0
    assert asked == [(("relative", "centre"), 2, "local")]
    assert "the same command writes the report" in capsys.readouterr().out


def test_rounds_of_a_run_are_taken_from_it(tmp_path):
    made = tmp_path / "mine.parquet"
    words = ["--model", "pixels", "--data", "signs-text", "--limit", "3", "--rounds", "2"]
    assert main(["run", *words, "--out", str(made)]) == 0
    assert compare(tmp_path / "looks", "--like", made, "--cropper", "blank") == 0
    assert load_run(tmp_path / "looks" / "mine-blank.parquet").metadata.rounds == 2
