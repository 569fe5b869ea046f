import numpy as np
import pytest

from core.bench.datasets import load_dataset
from core.bench.datasets.scoring import SCORERS
from core.server.machine import Server
from core.sharing.erasure import failure
from core.sharing.protection import (
    LEVELS,
    Damage,
    Sizes,
    Split,
    best_split,
    equal,
    expected,
    measure,
)
from core.uncertainty import Gate
from tests.support.pixels import PixelVLM

SIZES = Sizes(head=3, rows=8, crop=9, asked=0.5)


def damaged(count=40, seed=0):
    rng = np.random.default_rng(seed)
    falling = np.linspace(0.8, 0.0, len(LEVELS) + 1)[:, None] * np.ones(count)
    return Damage(
        (0, *LEVELS), falling, 1 - falling, np.ones(count), rng.random(count) < 0.5, SIZES
    )


def drawn(damage, split, loss, rng):
    """One draw of every packet, played through."""
    lost = rng.random(64) < loss
    head = lost[: SIZES.head].sum()
    rows = lost[SIZES.head : SIZES.head + SIZES.rows].sum()
    spare = rng.random(split.head) >= loss
    repair = (rng.random(split.rows) >= loss).sum()
    if split.joint:
        if repair >= head + rows:
            head = rows = 0
    else:
        head = 0 if spare.sum() >= head else head
        rows = 0 if repair >= rows else rows
    if head:
        return np.zeros(damage.scores.shape[1])
    if rows:
        return damage.with_lost(rows)
    arrived = (rng.random(SIZES.crop + split.crop) >= loss).sum() >= SIZES.crop
    return np.where(damage.asked & arrived, damage.second, damage.scores[0])


@pytest.mark.parametrize("split", [Split(0, 2, 1, joint=True), Split(1, 1, 0), Split(0, 0, 0)])
def test_the_expected_score_is_the_mean_of_many_draws(split):
    damage, rng = damaged(), np.random.default_rng(1)
    means = np.mean([drawn(damage, split, 0.08, rng) for _ in range(8_000)], axis=0)
    assert np.abs(expected(damage, split, 0.08) - means).max() < 0.02


def test_without_loss_all_is_well_and_with_all_lost_nothing():
    damage = damaged()
    whole = np.where(damage.asked, 1.0, 0.8)
    assert np.allclose(expected(damage, Split(0, 0, 0), 0.0), whole)
    assert np.allclose(expected(damage, Split(2, 2, 2), 1.0), 0)
    joint = Split(0, 3, 9, joint=True)
    rest = expected(damage, joint, 0.05) / whole
    assert (rest > 1 - failure(14, 11, 0.05) - 0.01).all() and (rest < 1).all()


@pytest.mark.parametrize("loss", [0.01, 0.05, 0.1])
def test_unequal_protection_is_ahead_at_the_same_bytes(loss):
    here, there = damaged(seed=0), damaged(seed=1)
    split = best_split(here, 0.2, loss)
    ahead = []
    for joint in (False, True):
        plain = equal(SIZES, 0.2, joint)
        taken = [s.head + s.rows + here.sizes.asked * s.crop for s in (split, plain)]
        assert taken[0] <= taken[1]
        ahead.append((expected(there, split, loss) - expected(there, plain, loss)).mean())
    assert ahead[0] > 0 and ahead[1] >= 0


def test_what_a_model_makes_of_damage_is_measured_and_never_an_error():
    data = load_dataset("signs-text")
    server = Server(PixelVLM(), Gate("min_entropy", float("-inf")))
    damage = measure(server, data[:2].samples, SCORERS[data.scoring])
    assert damage.scores.shape == damage.uncertainty.shape == (len(LEVELS) + 1, 2)
    assert damage.asked.all() and min(damage.sizes.head, damage.sizes.rows, damage.sizes.crop) > 0
