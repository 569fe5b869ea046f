"""The thresholds that keep a goal, by the rule that suits it."""

from __future__ import annotations

import math

import numpy as np

from core.bench.analysis.goals import keeps as keep_limit
from core.bench.analysis.promises.bounds import (
    LEVELLED,
    Betting,
    Binomial,
    HoeffdingBentkus,
    OnAverage,
    Rule,
    least,
    needed,
)
from core.bench.analysis.promises.goal import SPENT, WRONG, Goal
from core.bench.analysis.promises.questions import Questions
from core.bench.analysis.promises.ratio import (
    is_binary,
    largest_loss,
    losses,
    measured,
    numbered,
    parts_of,
    sums_in_turn,
    sums_where,
)
from core.bench.analysis.promises.refusals import PromiseError, first_stage_costs, too_few
from core.bench.analysis.ranking import by_uncertainty

__all__ = ["keeps", "rule_for"]

MANY = 5_000  # images, from which on every threshold can't be bet on
PILOT = 5  # every fifth image only lays out the sequence in which WRONG is tested
STEPS = 200  # of it, at most about as many


def rule_for(questions: Questions, goal: Goal, confidence: float | None, claims: int = 1) -> Rule:
    """Return what decides whether a goal may be promised; `claims` share the level 1 - confidence.

    An exact test where there are only 0 and 1 and no two questions about an image, else betting;
    of very many images, a bound that takes less time.
    """
    if confidence is None:
        return OnAverage()
    level = (1 - confidence) / claims
    if is_binary(questions, goal):
        return Binomial(level)
    return Betting(level) if questions.images <= MANY else HoeffdingBentkus(level)


def keeps(questions: Questions, goal: Goal, rule: Rule) -> np.ndarray:
    """Return which of the candidates keep a goal by this rule, (G + 1,) bool.

    What is lost never falls as η rises, so η counts if all smaller ones do, too; of what is spent,
    all larger ones (arXiv 2101.02703, eq. 4). What is wrong among the rest isn't monotone: see
    `_in_sequence`. With groups, those that keep it for each.
    Raises PromiseError if there are too few images for any, or the first stage alone costs more.
    """
    allowed = np.ones(len(questions.candidates), dtype=bool)
    for name, part in parts_of(questions, goal):
        if goal.what == WRONG:
            allowed &= _in_sequence(questions, part, name, goal, rule)
            continue
        own = _scan(part, goal, rule)
        if not own.any():
            raise _kept_by_none(part, name, goal, rule)
        allowed &= own[np.searchsorted(part.values, questions.candidates, side="left")]
    return allowed


def _scan(questions: Questions, goal: Goal, rule: Rule) -> np.ndarray:
    """The candidates until the first that a monotone goal isn't kept at, (G + 1,) bool."""
    spent = goal.what in SPENT
    share = goal.at_most / largest_loss(questions, goal)
    count = len(questions.candidates)
    if share >= 1:
        return np.ones(count, dtype=bool)
    weight = np.bincount(numbered(questions.image))
    limit = rule.limit(weight, int(weight.max()), share)
    if limit is not None:
        order, ends = by_uncertainty(questions.ranked if spent else -questions.ranked)
        alone, again = losses(questions, goal)
        change = (again - alone if spent else alone - again)[order]
        begin = (alone if spent else again).sum()
        sums = begin + np.append(0.0, np.cumsum(change)[ends - 1])
        kept = keep_limit(sums, limit)
    else:
        kept = np.zeros(count, dtype=bool)
        for index, state in enumerate(sums_in_turn(questions, goal)):
            if state is not None and not rule(*state, share):
                break
            kept[index] = True
    return kept[::-1] if spent else kept


def _kept_by_none(part: Questions, name: str | None, goal: Goal, rule: Rule) -> PromiseError:
    """Say why a monotone goal isn't kept at any η."""
    if goal.what in SPENT and (alone := measured(part, goal, np.inf)) > goal.at_most:
        return first_stage_costs(goal, alone)
    state = next(sums_in_turn(part, goal))
    assert state is not None, "the first one isn't that before"
    total, weight, most = state
    enough = least(rule, total, weight, most, goal.at_most / largest_loss(part, goal))
    return too_few(part.images, name, goal, enough)


def _in_sequence(
    questions: Questions, part: Questions, name: str | None, goal: Goal, rule: Rule
) -> np.ndarray:
    """Return which candidates keep a goal that isn't monotone: fixed-sequence testing.

    (arXiv 2110.01052, section 2.3.) Hypotheses in an order fixed beforehand are tested, each at the
    whole level, until the first isn't rejected. The order is that of rising thresholds, which a
    part of the images, used for nothing else, lays out; it begins where they promise the most.
    Raises PromiseError if there are too few images for any.
    """
    pilot = numbered(questions.image) % PILOT == 0
    test = part.take(~np.isin(part.image, questions.image[pilot]))
    enough = needed(goal.at_most, 1 - rule.level) if isinstance(rule, LEVELLED) else 1
    if test.images < enough:
        raise too_few(part.images, name, goal, math.ceil(enough / (1 - 1 / PILOT)))
    grid = np.sort(questions.ranked[pilot])
    grid = grid[_most_promising(questions.take(pilot), goal) :]
    grid = np.unique(grid)[:: max(1, len(grid) // STEPS)]
    allowed = np.zeros(len(questions.candidates), dtype=bool)
    for threshold in (*grid, np.inf):
        if not rule(*sums_where(test, goal, test.ranked < threshold), goal.at_most):
            break
        allowed |= questions.candidates == threshold
    return allowed


def _most_promising(pilot: Questions, goal: Goal) -> int:
    """Return how many of the pilot's questions, in rising order, lie below the first threshold to
    test.

    Where the test is likeliest to reject: n · KL(R̂ || α), with half a wrong answer added, so that
    two right ones by chance are no reason to begin there.
    """
    order = np.argsort(pilot.ranked)
    below = np.arange(1, len(order))
    rate = (np.cumsum(losses(pilot, goal)[0][order])[:-1] + 0.5) / (below + 1)
    limit = goal.at_most
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = rate * np.log(rate / limit) + (1 - rate) * np.log((1 - rate) / (1 - limit))
    worth = np.where(rate < limit, below * apart, -1.0)
    return int(below[np.argmax(worth)]) if len(below) else 0


def least_limit(part: Questions, goal: Goal, threshold: float, rule: Rule) -> float:
    """Return the least limit that this threshold alone keeps by the rule, in the goal's unit."""
    sums, largest = sums_where(part, goal, part.ranked < threshold), largest_loss(part, goal)
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if rule(*sums, middle) else (middle, high)
    return high * largest
