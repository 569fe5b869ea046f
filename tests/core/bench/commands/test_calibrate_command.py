import re

import pytest

from core.bench.__main__ import main
from core.bench.analysis.calibration import (
    halves,
    threshold_for_accuracy,
    threshold_for_budget,
    threshold_for_wrong_and_sure,
)
from core.bench.analysis.curves import tradeoff
from core.bench.analysis.sureness import wrong_and_sure
from core.bench.commands.gain_command import fit
from core.bench.runs.files import save_run
from core.uncertainty import METRICS
from tests.support.seconds import with_second_scores
from tools.doubles.synthetic import looked_again, synthetic_run

HERE, THERE = synthetic_run(400, seed=0), synthetic_run(300, seed=1)


@pytest.fixture
def files(tmp_path):
    save_run(HERE, tmp_path / "validation.parquet")
    save_run(THERE, tmp_path / "test.parquet")
    return str(tmp_path / "validation.parquet"), str(tmp_path / "test.parquet")


def _said(text):
    """η, and of each row accuracy, share and bytes."""
    eta = float(re.search(r"η = ([^\s:]+)", text)[1])
    rows = re.findall(r"([\d.]+) % +([\d.]+) % +([\d,]+)", text)
    return eta, [(float(a), float(b), int(c.replace(",", ""))) for a, b, c in rows]


def test_a_budget_is_set_on_one_run_and_verified_on_another(files, capsys):
    here, there = files
    assert main(["calibrate", here, "--on", there, "--budget", "0.4"]) == 0
    eta, rows = _said(capsys.readouterr().out)
    found = threshold_for_budget(HERE, 0.4)
    assert eta == pytest.approx(found.gate.threshold, rel=1e-5)
    for (accuracy, asked, size), point in zip(
        rows, (found.expected, found.on(THERE)), strict=False
    ):
        assert accuracy == pytest.approx(100 * point.accuracy, abs=0.051)
        assert asked == pytest.approx(100 * point.retransmitted, abs=0.051)
        assert size == round(point.bytes)
    assert len(rows) == 4 and [row[1] for row in rows[2:]] == [0, 100]


def test_bytes_and_accuracy_are_goals_too(files, capsys):
    here, there = files
    budget = float(tradeoff(HERE, "probability_margin", 2).bytes.mean())
    options = ["--metric", "probability_margin", "--first-tokens", "2"]
    assert main(["calibrate", here, "--on", there, "--bytes", str(budget), *options]) == 0
    said = capsys.readouterr().out
    assert "probability margin of the first 2 tokens is at or below it" in said
    assert _said(said)[1][0][2] <= budget
    assert main(["calibrate", here, "--on", there, "--accuracy", "0.7"]) == 0
    eta, rows = _said(capsys.readouterr().out)
    assert eta == pytest.approx(threshold_for_accuracy(HERE, 0.7).gate.threshold, rel=1e-5)
    assert rows[0][0] >= 70


def test_each_round_gets_an_eta_of_its_own(tmp_path, capsys):
    run = looked_again(synthetic_run(120, seed=3), 2)
    save_run(run, tmp_path / "search.parquet")
    budget = 1.3 * tradeoff(run).bytes.max()  # more than one look can spend
    there = str(tmp_path / "search.parquet")
    assert main(["calibrate", there, "--bytes", str(budget), "--rounds", "2", "--on", there]) == 0
    said = capsys.readouterr().out
    found = threshold_for_budget(run, budget, cost="bytes", rounds=2)
    assert found.gate.rounds
    etas = re.search(r"as core.server takes it: --rounds (\S+)\n", said)[1]
    assert float(etas) == pytest.approx(found.gate.rounds[0], rel=1e-5)
    save_run(HERE, tmp_path / "one.parquet")
    words = ["--bytes", "99999", "--rounds", "2", "--on", str(tmp_path / "one.parquet")]
    assert main(["calibrate", there, *words]) != 0
    out, err = capsys.readouterr()
    assert out == "" and "one.parquet has 1 of the 2 rounds" in err
    for words in (["--rounds", "0"], ["--rounds", "3"], ["--rounds", "2", "--lose-at-most", "0.1"]):
        assert main(["calibrate", there, "--bytes", "9000", *words]) != 0


def test_without_another_run_half_of_the_images_verify(files, capsys):
    assert main(["calibrate", files[0], "--budget", "0.4"]) == 0
    said = capsys.readouterr().out
    first, second = halves(HERE)
    point = threshold_for_budget(first, 0.4).on(second)
    assert "on the other half" in said
    assert _said(said)[1][1][1] == pytest.approx(100 * point.retransmitted, abs=0.051)


def test_a_goal_that_cannot_be_met_is_one_sentence(files, capsys):
    assert main(["calibrate", files[0], "--accuracy", "1.5"]) == 1
    assert "No threshold reaches an accuracy of 1.5" in capsys.readouterr().err
    assert main(["calibrate", files[0], "--bytes", "3"]) == 1
    assert "can't be kept" in capsys.readouterr().err


def test_one_goal_and_one_metric_without_a_promise(files, capsys):
    for words, said in (
        ((), "Say one goal"),
        (("--budget", "0.4", "--bytes", "9000"), "Say one goal"),
        (("--budget", "0.4", "--metric", "energy", "min_entropy"), "say one"),
    ):
        assert main(["calibrate", files[0], *words]) == 1
        assert said in capsys.readouterr().err


def test_few_wrong_and_sure_is_a_goal_of_runs_that_have_scores_of_second_answers(
    files, tmp_path, capsys
):
    judged, there = with_second_scores(HERE), with_second_scores(THERE)
    paths = [str(tmp_path / name) for name in ("judged.parquet", "there.parquet")]
    save_run(judged, paths[0])
    save_run(there, paths[1])
    goal = ["calibrate", paths[0], "--wrong-and-sure", "0.1"]
    assert main([*goal, "--on", paths[1]]) == 0
    said = capsys.readouterr().out
    found = threshold_for_wrong_and_sure(judged, 0.1)
    assert _said(said)[0] == pytest.approx(found.gate.threshold, rel=1e-5)
    shares = [float(share) for share in re.findall(r"[\d,]+ +([\d.]+) %$", said, re.M)]
    for share, run in zip(shares, (judged, there), strict=True):
        (expected,) = wrong_and_sure(run, "min_entropy", [found.gate.threshold])
        assert share == pytest.approx(100 * expected, abs=0.006)

    # What can't be judged is a sentence, and not half a table before it.
    gain, path = fit([HERE]), tmp_path / "gain.json"
    path.write_text(gain.to_json())
    for words, sentence in (
        (("--on", files[1]), "no 'min_entropy' of second answers"),
        (("--gain", str(path)), "leave --gain out"),
        (("--first-tokens", "1"), "after one second look"),
        (("--rounds", "2"), "after one second look"),
        (("--budget", "0.4"), "Say one goal"),
        (("--on", paths[1], "--lose-at-most", "0.1"), "without a promise"),
    ):
        assert main([*goal, *words]) == 1
        out, err = capsys.readouterr()
        assert out == "" and sentence in err
    del METRICS[gain.metric().name]
