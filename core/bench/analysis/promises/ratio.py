"""The ratio that a goal is about, as sums over the questions about each image.

Every goal is a ratio R(η) = E[S] / E[m] over images, S and m being sums over the questions about
one: S is what is lost (or wrong, or spent) and m how many questions count. It is at most α exactly
if the mean of

    Y = α + (S − α m) / M,   M the most questions about one image,

is, and Y lies in [0, 1]. So questions about one image stand together, and each test of a promise
is one about the mean of independent values from 0 to 1. With one question an image, Y is S.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from core.bench.analysis.promises.goal import ASKED, LOST, SPENT, WRONG, Goal
from core.bench.analysis.promises.questions import Questions
from core.bench.analysis.ranking import by_uncertainty

__all__ = ["measured"]


def parts_of(questions: Questions, goal: Goal) -> list[tuple[str | None, Questions]]:
    """Return whom a goal must hold for: a budget is one for all questions, the rest one for each
    group.
    """
    if goal.what in SPENT or questions.group is None:
        return [(None, questions)]
    names = np.unique(questions.group)
    return [(str(name), questions.take(questions.group == name)) for name in names]


def losses(questions: Questions, goal: Goal) -> tuple[np.ndarray, np.ndarray]:
    """Return what a question adds to S where it isn't asked again, and where it is, (N,) each in
    0..1.
    """
    if goal.what in SPENT:
        first, added = questions.costs[goal.what]
        largest = largest_loss(questions, goal)
        return first / largest, (first + added) / largest
    alone = 1 - questions.first_score
    if goal.what == LOST:
        alone = np.maximum(questions.second_score - questions.first_score, 0.0)
    return alone, np.zeros(len(questions))


def largest_loss(questions: Questions, goal: Goal) -> float:
    """Return what one question can cost at most: the largest of this run, where there is no other
    bound.

    A promise assumes that it holds for the questions to come.
    """
    if goal.what not in SPENT or goal.what == ASKED:
        return 1.0
    first, added = questions.costs[goal.what]
    return float((first + added).max())


def is_binary(questions: Questions, goal: Goal) -> bool:
    """Return whether it is one question an image, and nothing between 0 and 1, whatever comes."""
    if questions.images < len(questions):
        return False
    scores = np.concatenate((questions.first_score, questions.second_score))
    return goal.what == ASKED or (goal.what not in SPENT and bool(np.isin(scores, (0, 1)).all()))


def measured(questions: Questions, goal: Goal, threshold: float) -> float:
    """Return the mean of what a goal is about, at a threshold of `ranked`; NaN for nothing."""
    total, weight, _ = sums_where(questions, goal, questions.ranked < threshold)
    count = weight.sum()
    return float(total.sum() / count * largest_loss(questions, goal)) if count else math.nan


def sums_where(
    questions: Questions, goal: Goal, alone: np.ndarray
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return S and m of every image that counts, and M, if `alone` (N,) bool aren't asked again."""
    image = numbered(questions.image)
    total = np.bincount(image, np.where(alone, *losses(questions, goal)))
    weight = np.bincount(image, alone if goal.what == WRONG else None)
    return total[weight > 0], weight[weight > 0], int(np.bincount(image).max())


def sums_in_turn(
    questions: Questions, goal: Goal
) -> Iterator[tuple[np.ndarray, np.ndarray, int] | None]:
    """Yield S, m and M at each candidate, from the side on which a monotone goal is kept.

    None where they are those before; else the arrays are changed in place.
    """
    spent = goal.what in SPENT
    alone, again = losses(questions, goal)
    image = numbered(questions.image)
    total, weight = np.bincount(image, alone if spent else again), np.bincount(image)
    change = again - alone if spent else alone - again
    most = int(weight.max())
    yield total, weight, most
    order, ends = by_uncertainty(questions.ranked if spent else -questions.ranked)
    moves = change[order] != 0
    for begin, end in zip(np.append(0, ends[:-1]), ends, strict=True):
        if moves[begin:end].any():
            np.add.at(total, image[order[begin:end]], change[order[begin:end]])
            yield total, weight, most
        else:
            yield None


def numbered(image: np.ndarray) -> np.ndarray:
    """Return the images numbered in a random order, the same every time: a file may be sorted."""
    names, index = np.unique(image, return_inverse=True)
    return np.random.default_rng(0).permutation(len(names))[index]
