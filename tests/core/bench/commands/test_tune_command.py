"""`python -m core.vlm tune`: what it measures goes into the user's file, and is read there."""

from __future__ import annotations

import json
from itertools import islice
from types import SimpleNamespace

import pytest

from core.bench.commands import tune_command
from core.bench.tuning.kept import usual_folder
from core.support.commands import INTERRUPTED
from core.uncertainty import METRICS
from core.vlm import load_vlm
from core.vlm.__main__ import main
from tests.support.tiny import save_clip_llava

QUICK = "--data", "signs-text", "--questions", "2", "--sides", "60", "90"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Untrained: wherever it looks, and whatever it says, is chance."""
    return str(save_clip_llava(tmp_path_factory.mktemp("model")))


def test_what_is_best_is_written_and_taken(model, tmp_path, capsys):
    file = tmp_path / "new" / "models.json"
    words = "tune", "--model", model, *QUICK, "--settings", str(file)
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "2 questions of signs-text, validation; first answers 0.0% right" in said
    assert all(f"layer {layer:2}: box holds it" in said for layer in range(4))
    assert "η can't be told: all first answers are right, or all are wrong." in said
    assert "No layer's box is surely better than one at random" in said
    ((revision, written),) = json.loads(file.read_text())[model].items()
    assert revision.startswith("sha256:") and "thresholds" not in written
    info = load_vlm(model, "cpu", settings=file).info
    assert (info.attention_layer, info.base_side) == (
        written["attention_layer"], written["base_side"],
    )  # fmt: skip
    assert main(words) == 0  # what is in use now is what was written
    assert f"in use: layer {info.attention_layer}, set in {file}" in capsys.readouterr().out


def test_a_trained_model_gets_its_eta(tmp_path, capsys):
    file = tmp_path / "models.json"
    words = "tune", "--model", "pocket", "--questions", "6", "--sides", "256"
    assert main((*words, "--settings", str(file))) == 0
    (written,) = json.loads(file.read_text())["pocket"].values()
    assert set(written["thresholds"]) == set(METRICS)
    said = capsys.readouterr().out
    assert "min_entropy: η = " in said
    assert "`python -m core.bench calibrate looks.parquet --rounds 2" in said  # further looks' ηs


@pytest.fixture(autouse=True)
def nothing_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def test_an_interrupted_measurement_goes_on(model, tmp_path, capsys, monkeypatch):
    """Stopped at its third question, cut off in a line, and stopped again at the second trial of
    the sides: the settings and all that is said are those of one that was not."""
    words = "tune", "--model", model, *QUICK[:2], "--questions", "3", "--sides", "60", "90"
    whole, pieces = tmp_path / "whole.json", tmp_path / "pieces.json"
    assert main((*words, "--settings", str(whole))) == 0
    assert not list(usual_folder().iterdir())  # all that was kept has been written
    said = capsys.readouterr().out
    words = *words, "--settings", str(pieces)
    ask, with_sides, tried = tune_command.ask, tune_command.with_sides, []

    def twice(*args):
        yield from islice(ask(*args), 2)
        raise KeyboardInterrupt

    def once(vlm, trial, *args):
        tried.append(trial.sample.id)
        if len(tried) == 2:
            raise KeyboardInterrupt
        return with_sides(vlm, trial, *args)

    with monkeypatch.context() as stop:
        stop.setattr(tune_command, "ask", twice)
        assert main(words) == INTERRUPTED
    (kept,) = usual_folder().iterdir()
    assert capsys.readouterr().err.endswith(
        f"Stopped. {kept} keeps what was measured: the same command goes on.\n"
    )
    with kept.open("a") as lines:  # as if the machine had gone down
        lines.write('{"id": "validation-2", "score": 1.0, "sco')
    monkeypatch.setattr(tune_command, "with_sides", once)
    assert main(words) == INTERRUPTED
    capsys.readouterr()
    assert main(words) == 0
    first, *others = tried
    assert len(others) == 3 and first not in others  # the second one twice
    assert capsys.readouterr().out == said.replace(str(whole), str(pieces))
    assert pieces.read_text() == whole.read_text()


def test_what_was_kept_is_not_asked_again(model, tmp_path, capsys, monkeypatch):
    words = "tune", "--model", model, *QUICK, "--no-write"
    assert main(words) == 0
    said = capsys.readouterr().out
    monkeypatch.setattr("core.bench.tuning.measure.opened", None)  # no image is needed
    assert main(words) == 0
    assert capsys.readouterr().out == said
    with pytest.raises(TypeError):  # of another codec, all is measured
        main((*words, "--quality", "40"))


def test_where_nothing_can_be_kept_it_goes_on_all_the_same(model, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    (tmp_path / "file").write_text("")
    assert main(("tune", "--model", model, *QUICK, "--no-write")) == 0
    assert "can't be written (Not a directory): if this is interrupted" in capsys.readouterr().err


def test_nothing_need_be_written(model, tmp_path):
    file = tmp_path / "models.json"
    assert main(("tune", "--model", model, *QUICK, "--settings", str(file), "--no-write")) == 0
    assert not file.exists()


@pytest.mark.parametrize(
    "words, sentence",
    [
        (("--settings", "off"), "name one, or take --no-write."),
        (
            ("--settings", "/dev/null/models.json"),
            "'/dev/null/models.json' can't be written: Not a directory. Name another file with "
            "--settings, or take --no-write.",
        ),
        (("--data", "nothing"), "Unknown data set 'nothing'"),
        (("--data", "textvqa+boxes"), 'mirror="jrzhang/TextVQA_GT_bbox"'),
        (("--option", "fonts"), "write NAME=VALUE"),
    ],
)
def test_what_can_not_be_is_one_sentence(model, words, sentence, capsys):
    assert main(("tune", "--model", model, *words)) == 1
    assert sentence in capsys.readouterr().err


def test_questions_without_boxes_are_refused(model, tmp_path, capsys):
    from PIL import Image

    Image.new("RGB", (40, 30)).save(tmp_path / "a.png")
    questions = tmp_path / "q.csv"
    questions.write_text("image,question,answers\na.png,What?,x\n")
    words = "tune", "--model", model, "--data", "folder", "--folder", str(questions), "--no-write"
    assert main(words) == 1
    assert "no question says where its answer is" in capsys.readouterr().err
    questions.write_text("image,question,answers,boxes\na.png,What?,x,3 4 20 22\n")
    assert main((*words, "--sides", "20")) == 0


@pytest.mark.parametrize(
    ("scores", "best", "hint"), [((0, 1, 0), 208, False), ((0, 0, 1), 256, True)]
)
def test_the_widest_box_is_not_taken_for_the_best_there_is(capsys, scores, best, hint):
    trial = SimpleNamespace(sample=SimpleNamespace(id="a"))
    kept = SimpleNamespace(sides={("a", 3): scores})
    vlm = SimpleNamespace(info=SimpleNamespace(base_side=192))
    layer = SimpleNamespace(index=3)
    found = tune_command._side(vlm, [trial], layer, (192, 208, 256), None, None, kept)
    assert found == best
    assert ("a wider one may be better" in capsys.readouterr().out) == hint
