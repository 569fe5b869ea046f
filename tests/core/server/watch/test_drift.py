import numpy as np
import pytest

from core.bench.analysis.promises.goal import Goal
from core.bench.analysis.promises.guarantee import promise
from core.bench.runs.files import load_run
from core.server.watch.drift import EVERY, TAIL, WINDOW, Drift, band
from tests.support.paths import ROOT

RUNS = ROOT / "assets" / "runs"


@pytest.mark.parametrize(
    ("asked", "questions", "count"), [(0, 200, 200), (200, 200, 100), (120, 500, 200), (3, 9, 50)]
)
def test_the_band_holds_all_but_the_tails(asked, questions, count):
    found = pytest.importorskip("scipy.stats").betabinom(
        count, asked + 0.5, questions - asked + 0.5
    )
    assert band(asked, questions, count) == (found.ppf(TAIL / 2), found.isf(TAIL / 2))


def test_the_band_is_that_of_drawing_twice():
    """First the share, then how often."""
    rng = np.random.default_rng(0)
    shares = rng.beta(120.5, 380.5, 400_000)
    counts = rng.binomial(200, shares)
    low, high = band(120, 500, 200, tail=0.02)
    assert (counts < low).mean() < 0.01 < (counts <= low).mean()
    assert (counts > high).mean() < 0.01 < (counts >= high).mean()


def test_it_speaks_up_once_and_again_when_the_world_is_back():
    drift, said = Drift(100, 500), []
    for asked in [True] * 100 + [False] * 250:
        said.append(drift.note(asked))
    texts = [text for text in said if text]
    assert texts[0].startswith("50 of the last 50 questions were asked again, and the certificate")
    assert "set it anew" in texts[0] and "may hold again" in texts[1]
    assert said.index(texts[0]) == EVERY - 1
    assert len(texts) == 3  # asked too often, as expected, never
    assert drift.shifted and drift.share == 0 and drift.expected == 0.2


@pytest.fixture(scope="module")
def streams():
    """Whether a gate with a promise asks again, per question: as recorded, and at JPEG 5."""
    found = []
    same, shifted = (load_run(RUNS / f"signs-text-q{q}.parquet") for q in (75, 5))
    for seed in range(5):
        rng = np.random.default_rng(seed)
        order = rng.permutation(len(same))
        promised = promise(same.select(order[:1_000]), [Goal("lost", 0.02)])
        asks = [run.uncertainty() >= promised.gate.threshold for run in (same, shifted)]
        found.append(
            (promised, rng.choice(asks[0], 10_000), rng.permutation(asks[1])[:WINDOW])
        )  # fmt: skip
    return found


def test_ten_thousand_questions_of_the_same_kind_raise_no_warning(streams):
    for promised, same, _ in streams:
        drift = Drift(promised.asked, promised.questions)
        assert not any(drift.note(bool(asked)) for asked in same)
        assert drift.total == 10_000


def test_another_compression_is_noticed_within_two_hundred(streams):
    for promised, _, shifted in streams:
        drift = Drift(promised.asked, promised.questions)
        assert any(drift.note(bool(asked)) for asked in shifted)
