"""Bounds that hold for any number of questions and every distribution, and the rules made of them.

Each is about the mean of independent values from 0 to 1: whether it may be claimed to be at most α.
Why a promise about questions comes down to that, see core.bench.analysis.promises.ratio.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from core.bench.analysis import goals

__all__ = [
    "LEVELLED",
    "Betting",
    "Binomial",
    "HoeffdingBentkus",
    "OnAverage",
    "Plainly",
    "Rule",
    "betting_capital",
    "binomial_p_value",
    "check_confidence",
    "least",
    "most_allowed",
    "needed",
]


def needed(at_most: float, confidence: float | None) -> int:
    """Return how many images a promise about a share takes, if not one of them speaks against it.

    With confidence: n with (1 − α)ⁿ ≤ δ, where a binomial test at level δ rejects 0 of n. On
    average: n with 1 / (n + 1) ≤ α. Soft scores, or several questions about an image, take more.
    Raises ValueError for a confidence that isn't between 0 and 1.
    """
    check_confidence(confidence)
    if confidence is None:
        return math.ceil(1 / at_most - 1 - 1e-9)
    return math.ceil(math.log(1 - confidence) / math.log1p(-at_most) - 1e-9)


def check_confidence(confidence: float | None) -> None:
    """Raise ValueError for a confidence that isn't between 0 and 1; None is an average."""
    if confidence is not None and not 0 < confidence < 1:
        raise ValueError(f"The confidence must lie between 0 and 1, not {confidence}.")


def binomial_p_value(count: np.ndarray, trials: np.ndarray | int, share: float) -> np.ndarray:
    """Return P(Bin(trials, share) ≤ count): of "the share is larger", having seen `count`.

    Whole numbers of any shape. The exact p-value of 0/1 losses (arXiv 2110.01052, section 3.2).
    """
    count, trials = np.broadcast_arrays(np.asarray(count), np.asarray(trials))
    result = np.ones(count.shape)
    for n in np.unique(trials):
        here = trials == n
        k = np.arange(1, n + 1)
        # From the likeliest term outwards, one to the next: no large logarithms cancel.
        steps = np.log((n - k + 1) / k) + (math.log(share) - math.log1p(-share))
        mode = min(int((n + 1) * share), int(n))
        down, up = -np.cumsum(steps[:mode][::-1])[::-1], np.cumsum(steps[mode:])
        terms = np.cumsum(np.exp(np.concatenate((down, [0.0], up))))
        result[here] = (terms / terms[-1])[np.minimum(count[here], n)]
    return result


def betting_capital(values: np.ndarray, mean: float, level: float) -> np.ndarray:
    """Return the log of what betting against "the mean is larger" has won after each value, (n,).

    Waudby-Smith & Ramdas (arXiv 2010.09686), as in arXiv 2101.02703, section 3.1.3: each value, in
    0..1, is bet on with a stake that the ones before it suggest. Under the hypothesis nobody
    expects to win, so the capital ever reaches 1 / level with probability at most `level` (Ville).
    """
    n, seen = len(values), np.arange(2, len(values) + 2)
    center = (0.5 + np.cumsum(values)) / seen
    variance = (0.25 + np.cumsum((values - center) ** 2)) / seen
    before = np.append(0.25, variance)[:n]
    stakes = np.minimum(np.sqrt(2 * math.log(1 / level) / (max(n, 1) * before)), 1.0)
    return np.cumsum(np.log1p(-stakes * (values - mean)))


def most_allowed(trials: int, share: float, level: float) -> int:
    """Return the largest count at which the binomial test rejects; −1: not even none."""
    values = binomial_p_value(np.arange(trials + 1), trials, share)
    return int(np.searchsorted(values, level, side="right")) - 1


class Rule:
    """Says whether "the ratio is at most `share`" may be claimed.

    It gets the sums S and m of every image that counts, (C,) each, and M.
    """

    def __call__(self, total: np.ndarray, weight: np.ndarray, most: int, share: float) -> bool:
        limit = self.limit(weight, most, share)
        assert limit is not None, "who has no limit claims by another way"
        return bool(goals.keeps(total.sum(), limit))

    def limit(self, weight: np.ndarray, most: int, share: float) -> float | None:
        """The largest sum of S that it is claimed for; None: that doesn't depend on the sum alone.

        So all candidates can be looked at at once.
        """
        raise NotImplementedError


class Plainly(Rule):
    """The goal is met on these very questions, which promises nothing of others."""

    def limit(self, weight: np.ndarray, most: int, share: float) -> float:
        return share * weight.sum()


class OnAverage(Rule):
    """n / (n + 1) · R̂ + 1 / (n + 1) ≤ α: conformal risk control (arXiv 2208.02814, eq. 4)."""

    def limit(self, weight: np.ndarray, most: int, share: float) -> float:
        return share * weight.sum() - most * (1 - share)  # the same of Y, solved for the sum of S


@dataclass(frozen=True)
class Binomial(Rule):
    """The exact test at this level rejects that it is larger; S and m are 0 or 1."""

    level: float

    def limit(self, weight: np.ndarray, most: int, share: float) -> int:
        return most_allowed(len(weight), share, self.level)


@dataclass(frozen=True)
class Betting(Rule):
    """Betting against "it is larger" has won enough, once, for this level."""

    level: float

    def __call__(self, total: np.ndarray, weight: np.ndarray, most: int, share: float) -> bool:
        values = share + (total - share * weight) / most
        capital = betting_capital(values, share, self.level)
        return bool(capital.max(initial=0.0) >= -math.log(self.level))

    def limit(self, weight: np.ndarray, most: int, share: float) -> None:
        return None


@dataclass(frozen=True)
class HoeffdingBentkus(Rule):
    """The larger of Hoeffding's and Bentkus's bounds (arXiv 2110.01052, eq. 10).

    It says less than betting, but depends on the sum alone: for so many images that betting on
    each of their thresholds would take minutes.
    """

    level: float

    def limit(self, weight: np.ndarray, most: int, share: float) -> float:
        n, wanted = len(weight), -math.log(self.level)
        low, high = 0.0, share  # n · KL(mean || share) falls from n · log 1/(1 - share) to 0
        for _ in range(100):
            middle = (low + high) / 2
            low, high = (
                (middle, high) if n * _divergence(middle, share) >= wanted else (low, middle)
            )
        hoeffding = low if n * _divergence(0.0, share) >= wanted else -math.inf
        count = most_allowed(n, share, self.level / math.e)
        mean = max(hoeffding, count / n if count >= 0 else -math.inf)
        return share * weight.sum() + most * n * (mean - share)


def _divergence(mean: float, share: float) -> float:
    """KL of a coin with the one chance from a coin with the other, in nats."""
    first = mean * math.log(mean / share) if mean > 0 else 0.0
    return first + (1 - mean) * math.log((1 - mean) / (1 - share))


LEVELLED = (Binomial, Betting, HoeffdingBentkus)


def least(rule: Rule, total: np.ndarray, weight: np.ndarray, most: int, share: float) -> int | None:
    """Return how many images like these the rule needs to claim it; None: over a million.

    What one image more does is small but for the first few, so it is found by doubling and halving.
    """

    def claims(n: int) -> bool:
        return rule(np.resize(total, n), np.resize(weight, n), most, share)

    high = 1
    while not claims(high):
        high *= 2
        if high > 1 << 20:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if claims(middle) else (middle, high)
    return high
