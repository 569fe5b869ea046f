"""An η with a promise: thresholds that keep a bound on questions nobody has seen yet.

The best η of a past run (core.bench.analysis.calibration) breaks its goal on fresh questions about
every second time. Here a goal is kept *on average* over validation runs (conformal risk control,
Angelopoulos et al., arXiv 2208.02814), or *with confidence* 1 − δ in the one run at hand
(risk-controlling prediction sets, Bates et al., arXiv 2101.02703; learn then test, Angelopoulos et
al., arXiv 2110.01052). Both hold for every distribution and any number of questions, as long as
validation and use draw their images alike: `ratio` says why, `bounds` has the tests, `thresholds`
tries them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.bench.analysis.promises.bounds import Rule, check_confidence
from core.bench.analysis.promises.goal import SPENT, WRONG, Goal
from core.bench.analysis.promises.questions import Questions
from core.bench.analysis.promises.ratio import largest_loss, measured, parts_of
from core.bench.analysis.promises.refusals import PromiseError, none_keeps
from core.bench.analysis.promises.thresholds import keeps, least_limit, rule_for
from core.bench.runs.run import Run
from core.uncertainty import METRICS, Gate

__all__ = ["Kept", "Promised", "promise", "settle"]


@dataclass(frozen=True)
class Kept:
    """A goal, on the questions that η was set on."""

    goal: Goal
    group: str | None  # the group it holds for; None: all questions
    measured: float  # the mean, in the goal's unit
    bound: float  # what could have been promised of this η alone, at the same level
    questions: int  # that count
    images: int
    largest: float  # what no question may exceed; 1 for shares


@dataclass(frozen=True)
class Promised:
    """A gate, and what it promises."""

    gate: Gate
    kept: tuple[Kept, ...]
    confidence: float | None  # None: on average
    questions: int
    images: int
    asked: int  # of the questions, again
    metrics: tuple[str, ...]  # that were tried, and share the level


def promise(
    run: Run,
    goals: Sequence[Goal],
    confidence: float | None = 0.9,
    metrics: Sequence[str] = ("min_entropy",),
    first_tokens: int | None = None,
    group: str | None = None,
) -> Promised:
    """Return the gate that keeps all goals and asks for the fewest questions again.

    confidence: 1 − δ, shared by goals and metrics alike; None: on average over validation runs.
    metrics: the best of them is taken. group: a column of the run; what is lost, and what is wrong,
    is then promised for each of its groups, by one η. That takes no share of the level: the least
    η at which any group's goal is missed is missed by one certain group, so one test has to fail.
    Goals for spending alone give the gate that asks as much as it may.

    Raises PromiseError if there are too few images, or no η keeps all goals; ValueError for bad
    arguments, or as `Questions.of` does.
    """
    check_confidence(confidence)
    if not goals or len({goal.what for goal in goals}) < len(goals):
        raise ValueError("Promise one thing or several, each of them once.")
    if confidence is None and WRONG in {goal.what for goal in goals}:
        raise ValueError("What is wrong among the rest can be promised with confidence only.")
    found, refused = [], []
    for metric in metrics:
        questions = Questions.of(run, metric, first_tokens, group)
        try:
            index, kept = settle(questions, goals, confidence, len(metrics))
        except PromiseError as error:
            refused.append(error)
            continue
        threshold = float(questions.candidates[index])
        asked = int((questions.ranked >= threshold).sum())
        threshold = threshold if METRICS[metric].higher_is_uncertain else -threshold
        gate = Gate(metric, threshold, first_tokens)
        found.append(
            Promised(gate, kept, confidence, len(questions), questions.images, asked, (*metrics,))
        )
    if not found:
        raise refused[0]
    return (min if _saves(goals) else max)(found, key=lambda one: one.asked)


def settle(
    questions: Questions, goals: Sequence[Goal], confidence: float | None, metrics: int = 1
) -> tuple[int, tuple[Kept, ...]]:
    """Return which of the candidates keeps all goals, and what it does; see `promise`.

    metrics: how many are tried. Raises PromiseError as `promise` does.
    """
    masks = []
    for goal in goals:
        strict, rule = goal, rule_for(questions, goal, confidence, len(goals) * metrics)
        if confidence is None:  # E[loss of the best] ≤ the sum of what each may lose
            strict = replace(goal, at_most=goal.at_most / metrics)
        masks.append((rule, keeps(questions, strict, rule)))
    allowed = np.logical_and.reduce([mask for _, mask in masks])
    if not allowed.any():
        raise none_keeps(goals, _alternatives(questions, goals, masks))
    index = _best(allowed, goals)
    threshold = float(questions.candidates[index])
    kept = [
        _kept(part, name, goal, threshold, rule)
        for goal, (rule, _) in zip(goals, masks, strict=True)
        for name, part in parts_of(questions, goal)
    ]
    return index, tuple(kept)


def _saves(goals: Sequence[Goal]) -> bool:
    """Return whether it is the asking that is to be kept low, as far as the other goals allow."""
    return any(goal.what not in SPENT for goal in goals)


def _best(allowed: np.ndarray, goals: Sequence[Goal]) -> int:
    return int(np.flatnonzero(allowed)[-1 if _saves(goals) else 0])


def _kept(part: Questions, name: str | None, goal: Goal, threshold: float, rule: Rule) -> Kept:
    """Return what a threshold does on the questions it was set on."""
    return Kept(
        goal, name, measured(part, goal, threshold), least_limit(part, goal, threshold, rule),
        len(part), part.images, largest_loss(part, goal),
    )  # fmt: skip


def _alternatives(
    questions: Questions, goals: Sequence[Goal], masks: Sequence[tuple[Rule, np.ndarray]]
) -> list[tuple[list[Goal], Goal, float]]:
    """Return what each goal could be at most if the others are kept: these, the goal, the limit."""
    could = []
    for goal, (rule, _) in zip(goals, masks, strict=True):
        rest = [other for other in goals if other is not goal]
        if not rest:
            continue
        kept = np.logical_and.reduce(
            [mask for other, (_, mask) in zip(goals, masks, strict=True) if other is not goal]
        )
        if not kept.any():
            continue
        threshold = float(questions.candidates[_best(kept, rest)])
        limits = [least_limit(part, goal, threshold, rule) for _, part in parts_of(questions, goal)]
        could.append((rest, goal, max(limits)))
    return could
