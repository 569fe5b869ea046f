"""`python -m core.bench calibrate` where something is promised."""

import re
from dataclasses import replace

import numpy as np
import pytest

from core.bench.__main__ import main
from core.bench.analysis.links import over_link
from core.bench.analysis.promises.goal import Goal
from core.bench.analysis.promises.guarantee import promise
from core.bench.runs.files import save_run
from core.certificate import Certificate
from core.channel import PRESETS
from core.uncertainty import Gate
from tools.doubles.synthetic import synthetic_run

HERE, THERE = synthetic_run(900, seed=0), synthetic_run(400, seed=1)
HERE = replace(HERE, group=np.array(["a", "b"] * 450, dtype=object))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    save_run(HERE, folder / "validation.parquet")
    save_run(THERE, folder / "test.parquet")
    other = replace(THERE, metadata=replace(THERE.metadata, quality=5))
    save_run(other, folder / "shifted.parquet")
    return folder


@pytest.fixture
def calibrate(files, capsys):
    def command(*words, run="validation.parquet", code=0):
        assert main(["calibrate", str(files / run), *map(str, words)]) == code
        said = capsys.readouterr()
        return said.err if code else said.out

    return command


def test_a_promise_with_its_certificate(calibrate, files):
    path = files / "c.json"
    words = ("--lose-at-most", 0.1, "--confidence", 0.9, "--budget", 0.8)
    said = calibrate(*words, "--on", files / "test.parquet", "--certificate", path)
    found = promise(HERE, [Goal("lost", 0.1), Goal("additional_cost", 0.8)])
    certificate = Certificate.read(path)
    assert Gate.from_certificate(path) == certificate.gate == found.gate
    assert certificate.confidence == 0.9 and len(certificate.promises) == 2
    # How many it takes comes first, before any of it is looked at.
    assert said.startswith("At most 10 % lost takes questions about 22 images at least; validation")
    assert f"η = {found.gate.threshold:.6g} bits" in said
    assert str(certificate) in said
    rows = re.findall(r"^(.{34}) +([\d.]+) % +([\d.]+) % +([\d.]+) %$", said, re.M)
    assert [name.strip() for name, *_ in rows] == [
        "where it was set", "best η of that run, no promise", "on test.parquet",
        "first answers only", "everything asked again",
    ]  # fmt: skip
    where, best, on = ([float(cell) for cell in row[1:]] for row in rows[:3])
    assert where[1] == pytest.approx(100 * found.asked / 900, abs=0.051)
    assert where[2] == pytest.approx(100 * found.kept[0].measured, abs=0.0051)
    assert best[1] < where[1] and best[2] == pytest.approx(10, abs=0.2)
    assert on[2] == pytest.approx(where[2], abs=4)


def test_on_average_and_for_each_group(calibrate):
    assert "On average, at most 10 % are lost." in calibrate("--lose-at-most", 0.1, "--on-average")
    said = calibrate("--lose-at-most", 0.1, "--for-each", "group")
    assert "lost in each of the groups 'a', 'b'." in said


def test_a_margin_of_some_tokens_and_the_best_of_several_metrics(calibrate):
    said = calibrate("--lose-at-most", 0.1, "--metric", "probability_margin", "--first-tokens", 2)
    assert "probability margin of the first 2 tokens is at or below it" in said
    both = ["min_entropy", "probability_margin"]
    found = promise(HERE, [Goal("lost", 0.1)], 0.9, both)
    said = calibrate("--lose-at-most", 0.1, "--metric", *both)
    assert f"η = {found.gate.threshold:.6g}" in said


def test_seconds_on_a_link(calibrate):
    limit = float(over_link(HERE, PRESETS["lte-m"]).first_seconds.mean() * 1.5)
    said = calibrate("--seconds", limit, "--link", "lte-m")
    found = promise(over_link(HERE, PRESETS["lte-m"]), [Goal("seconds", limit)])
    assert f"η = {found.gate.threshold:.6g} bits" in said
    assert "seconds in the mean" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--lose-at-most", 0.001), "takes questions about at least"),
        (("--lose-at-most", 0.02, "--budget", 0.1), "No η keeps"),
        (("--lose-at-most", 2), "must be between 0 and 1"),
        (("--confidence", 0.9), "Say what to promise"),
        (("--accuracy", 0.9, "--confidence", 0.9), "promise --lose-at-most"),
        (("--wrong-and-sure", 0.05, "--lose-at-most", 0.1), "without a promise"),
        (("--seconds", 3), "go together"),
        (("--wrong-at-most", 0.3, "--on-average"), "with confidence only"),
        (("--lose-at-most", 0.1, "--confidence", 1), "must lie between 0 and 1"),
    ],
)
def test_what_cannot_be_promised_is_one_sentence(calibrate, files, words, said):
    path = files / "none.json"
    error = calibrate(*words, "--certificate", path, code=1)
    assert said in error and error.count("\n") == 1
    assert not path.exists()


def test_a_run_of_another_codec_is_refused(calibrate, files):
    said = calibrate("--lose-at-most", 0.1, "--on", files / "shifted.parquet", code=1)
    assert "holds for a codec of quality 75, and this is 5" in said
