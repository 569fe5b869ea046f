import json
from dataclasses import replace

import numpy as np
import pytest

from core.bench.runs.run import Run
from core.pocket import evaluate
from core.pocket.evaluate import (
    ATTRIBUTES,
    CONDITION_HEAD,
    CONDITIONS,
    OTHER_PHRASINGS,
    PRESENCE,
    TARGETS,
    TEXT,
    TRAINING_FONTS,
    Questions,
    condition_line,
    difference,
    interval,
    milliseconds,
    report,
    table,
)
from tests.support.pixels import PixelVLM
from tools.doubles.synthetic import synthetic_run

PLAIN = synthetic_run(1).record(0)
METADATA = replace(synthetic_run(1).metadata, dataset="signs-text")


def sign(index, letter, first, second, guided, hit, **more):
    changes = {
        "id": str(index), "first_score": float(first), "second_score": float(second),
        "guided_score": float(guided), "box_hit": hit, "random_hit": 0.25,
        "letter_height": letter, "truth_boxes": "[[0, 0, 9, 9]]",
    }  # fmt: skip
    return replace(PLAIN, **changes, **more)


@pytest.fixture
def text():
    """Four small letters, of which one is read at once and two with the own box; four large."""
    small = [(3, i == 0, i < 2, True, i < 3) for i in range(4)]
    large = [(12, True, i != 0, True, False) for i in range(4)]
    rows = [sign(i, *values) for i, values in enumerate([*small, *large])]
    return Run.from_records(rows, METADATA)


def test_a_share_is_written_with_its_interval():
    assert interval(np.array([True] * 50 + [False] * 50)) == " 50.0 %  [40.4, 59.6]  n = 100"
    assert interval(np.array([], bool)) == "no questions"


def test_the_interval_of_a_difference_is_narrower_for_the_same_questions():
    a = np.arange(100) < 60
    assert difference(a, a, True) == " +0.0    [+0.0, +0.0]"
    assert difference(a, a, False) == " +0.0    [-13.6, +13.6]"
    assert difference(a, np.append(a, False), False) == " +0.6    [-13.0, +14.2]"


def test_the_figures_of_text(text):
    lines = report(text)

    def value(start):
        (line,) = [line for line in lines if line.startswith(start)]
        return line[len(start) :].split()[0]

    assert value("right from the global image only") == "62.5"
    assert value("right from both images (own box)") == "62.5"
    assert value("right answers broken by the second look") == "20.0"
    assert value("letters >= 10 px, global image only") == "100.0"
    assert value("letters <= 4 px, global image only") == "25.0"
    assert value("letters <= 4 px, with the own box") == "50.0"
    assert value("letters <= 4 px, with the box around the sign") == "100.0"
    assert value("letters <= 4 px, own box holds the sign") == "75.0"
    assert any("random box 25.0 %" in line for line in lines)
    assert any(line.startswith("  letters 0-3 px: global 25 %, both 50 %") for line in lines)


def test_objects_are_only_counted_as_found_where_one_was_asked_about(text):
    several = json.dumps([[0, 0, 9, 9], [9, 9, 20, 20]])
    rows = [replace(text.record(i), truth_boxes=several if i else "[[0, 0, 9, 9]]") for i in (0, 1)]
    lines = report(Run.from_records(rows, replace(METADATA, dataset="signs-attributes")))
    assert any("own box holds the asked object" in line and "n = 1" in line for line in lines)


def test_presence_has_the_f1_of_the_answer_yes():
    said = [("yes", "yes"), ("yes", "no"), ("no", "yes"), ("no", "no")]
    rows = [
        replace(PLAIN, id=str(i), answers=json.dumps([truth]), first_answer=first,
                second_answer=truth, group="random")
        for i, (truth, first) in enumerate(said)
    ]  # fmt: skip
    run = Run.from_records(rows, replace(METADATA, dataset="signs-presence"))
    assert any(line.split()[-3:] == ["0.500", "/", "1.000"] for line in report(run))


def test_the_table_holds_every_figure_and_asks_for_the_runs_it_is_made_of(text):
    presence = Run.from_records(
        [replace(PLAIN, answers='["yes"]', first_answer="no", second_answer="yes")],
        replace(METADATA, dataset="signs-presence"),
    )
    asked = []

    def get(questions, quality=75):
        asked.append((questions, quality))
        return presence if questions.family == "presence" else text

    rows = table(get, qualities=(5, 95))
    assert [q for q, _ in asked[:5]] == [
        TEXT,
        PRESENCE,
        ATTRIBUTES,
        OTHER_PHRASINGS,
        TRAINING_FONTS,
    ]
    assert asked[5:] == [(TEXT, 5), (TEXT, 95)]
    assert len(rows) == 2 + 15 + 2 and all(row.count("|") == 4 for row in rows)
    assert "| presence, F1 with both images minus global only, points | ≥ 5 | +100.0 |" in rows
    assert any(row.startswith("| text, letters ≤ 4 px, with the own box | ≥ 80 % | 50.0 %")
               for row in rows)  # fmt: skip


def test_times_are_medians():
    run = synthetic_run(5)
    run = replace(run, first_seconds=[0.1, 0.2, 0.3, 0.1, 9], second_seconds=[1.0] * 5)
    assert milliseconds(run) == "200 / 1200"


def test_names_tell_the_runs_apart():
    names = {
        Questions(family, split, fonts, phrasings, hints).name
        for family in ("text", "presence")
        for split in ("test", "validation")
        for fonts in ("split's", "training", "held-out")
        for phrasings in ("training", "held-out")
        for hints in (False, True)
    }
    assert len(names) == 48


def test_runs_are_made_once_and_kept(tmp_path, monkeypatch, capsys):
    """The command itself, on a small model: the second time, nothing is asked."""
    vlm = PixelVLM()
    monkeypatch.setattr("core.vlm.load_vlm", lambda *_, **__: vlm)
    command = ["evaluate", "--questions", "1", "--all", "--runs", str(tmp_path)]
    monkeypatch.setattr("sys.argv", command)
    monkeypatch.setattr(evaluate, "QUALITIES", (20, 95))
    evaluate.main()
    first, seen = capsys.readouterr().out, len(vlm.seen)
    evaluate.main()
    assert len(vlm.seen) == seen
    assert capsys.readouterr().out == first
    assert first.count("| text, global only, JPEG") == 2
    assert "signs-text-fonts-training, JPEG 75: 1 questions" in first
    names = {path.name for path in (tmp_path / "r1-1").iterdir()}
    assert {"signs-text-q20.parquet", "signs-presence-q75.parquet"} < names


def test_runs_of_a_model_loaded_otherwise_have_a_folder_of_their_own(tmp_path, monkeypatch):
    loaded = []
    monkeypatch.setattr("core.vlm.load_vlm", lambda *_, **load: loaded.append(load) or PixelVLM())
    command = ["evaluate", "--questions", "1", "--runs", str(tmp_path), "--resolution", "224"]
    monkeypatch.setattr("sys.argv", command)
    evaluate.main()
    assert {load["resolution"] for load in loaded} == {224}
    (folder,) = tmp_path.iterdir()
    assert folder.name == "r1-1-resolution224"


def test_a_condition_says_what_is_wrong_and_sure():
    """Right; wrong and sure; wrong, looked again: mended, still wrong and sure, still unsure."""
    looks = [(True, 0.1, True, 0.1), (False, 0.2, True, 0.1), (False, 0.9, True, 0.1),
             (False, 0.9, False, 0.2), (False, 0.9, False, 0.8)]  # fmt: skip
    rows = [
        sign(index, 5, first, second, True, True, scores={"min_entropy": (doubt, doubt)},
             second_scores={"min_entropy": (again,)})
        for index, (first, doubt, second, again) in enumerate(looks)
    ]  # fmt: skip
    run = Run.from_records(rows, METADATA)
    cells = [cell.strip() for cell in condition_line("dark", run, eta=0.5).split("|")[1:-1]]
    assert cells[0] == CONDITIONS["dark"].label and cells[-2:] == ["5", TARGETS["dark"]]
    assert [cell.split()[0] for cell in cells[1:7]] == "20.0 40.0 60.0 20.0 40.0 60.0".split()
    assert len(cells) == CONDITION_HEAD.split("\n")[0].count("|") - 1


def test_the_table_by_condition_is_made_in_parts(tmp_path, monkeypatch, capsys):
    vlm = PixelVLM()
    vlm.info = replace(vlm.info, thresholds={"min_entropy": 1.3})  # the η of the table
    monkeypatch.setattr("core.vlm.load_vlm", lambda *_, **__: vlm)
    arguments = ["evaluate", "--questions", "1", "--runs", str(tmp_path), "--threads", "1"]
    monkeypatch.setattr("sys.argv", [*arguments, "--conditions", "capitals"])
    evaluate.main()
    assert CONDITIONS["capitals"].label in capsys.readouterr().out
    (made,) = tmp_path.rglob("open-capitals-q75.parquet")
    before = made.stat().st_mtime_ns
    evaluate.main()  # what is there isn't made again
    assert made.stat().st_mtime_ns == before


def test_targets_are_of_conditions_that_are_measured():
    assert set(TARGETS) <= set(CONDITIONS)
