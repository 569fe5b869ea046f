"""An η with a promise: thresholds that keep a bound on questions nobody has seen yet.

The best η of a past run (core.bench.analysis.calibration) breaks its goal on fresh questions about
every second time. Here a goal is kept *on average* over validation runs (conformal risk control,
Angelopoulos et al., arXiv 2208.02814), or *with confidence* 1 − δ in the one run at hand
(risk-controlling prediction sets, Bates et al., arXiv 2101.02703; learn then test, Angelopoulos et
al., arXiv 2110.01052). Both hold for every distribution and any number of questions, as long as
validation and use draw their images alike.

Every goal is a ratio R(η) = E[S] / E[m] over images, S and m being sums over the questions about
one: S is what is lost (or wrong, or spent) and m how many questions count. It is at most α exactly
if the mean of

    Y = α + (S − α m) / M,   M the most questions about one image,

is, and Y lies in [0, 1]. So questions about one image stand together, and each test below is one
about the mean of independent values from 0 to 1. With one question an image, Y is S.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

import numpy as np

from core.bench.analysis.curves import COSTS, column
from core.bench.analysis.goals import keeps as keep_limit
from core.bench.analysis.promises.bounds import (
    LEVELLED,
    Betting,
    Binomial,
    HoeffdingBentkus,
    OnAverage,
    Rule,
    check_confidence,
    least,
    needed,
)
from core.bench.analysis.ranking import by_uncertainty
from core.bench.runs.run import Run
from core.uncertainty import METRICS, Gate

__all__ = [
    "LOST",
    "SPENT",
    "Goal",
    "Kept",
    "PromiseError",
    "Promised",
    "Questions",
    "keeps",
    "measured",
    "promise",
    "rule_for",
    "settle",
]

LOST, WRONG, ASKED = "lost", "wrong", "additional_cost"
SPENT = tuple(name for name, (_, _, per) in COSTS.items() if per == 1)
MANY = 5_000  # images, from which on every threshold can't be bet on
PILOT = 5  # every fifth image only lays out the sequence in which WRONG is tested
STEPS = 200  # of it, at most about as many


class PromiseError(ValueError):
    """This can't be promised from this run; the text is one sentence that says what could be."""


@dataclass(frozen=True)
class Goal:
    """What may be at most how much, in the mean over questions.

    what: "lost", max(s₂ − s₁, 0) of a question that isn't asked again: what is missed of the
    accuracy, against asking everything. "wrong", 1 − s₁ among those that aren't asked again. Or a
    cost, one of `SPENT`: "additional_cost" is the share asked again, "bytes" what a question sends.
    Raises ValueError for another, and for a limit that isn't positive and finite, or not below 1
    where a share is meant.
    """

    what: str
    at_most: float

    def __post_init__(self) -> None:
        if self.what not in (LOST, WRONG, *SPENT):
            raise ValueError(
                f"What is promised must be one of {LOST}, {WRONG}, {', '.join(SPENT)}, "
                f"not {self.what!r}."
            )
        share = self.what in (LOST, WRONG, ASKED)
        if not 0 < self.at_most < (1 if share else math.inf):
            limits = "between 0 and 1" if share else "positive"
            raise ValueError(f"The limit of a promise must be {limits}, not {self.at_most}.")


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


@dataclass(frozen=True, eq=False)
class Questions:
    """What a promise is computed from: N questions, all arrays (N,)."""

    ranked: np.ndarray  # uncertainty, the higher the more
    image: np.ndarray  # int: which questions are about the same one
    first_score: np.ndarray
    second_score: np.ndarray
    costs: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)  # first, added
    group: np.ndarray | None = None

    @classmethod
    def of(
        cls, run: Run, metric: str, first_tokens: int | None = None, group: str | None = None
    ) -> Self:
        """Return those of a run that were answered. group: a column of texts.

        Raises ValueError for a metric or a column that the run doesn't hold, or if nothing was
        answered.
        """
        run = run.answered
        if group is not None and getattr(run, group, np.empty(0)).dtype != object:
            raise ValueError(f"The run has no column of texts called {group!r}.")
        return cls(
            run.ranked(metric, first_tokens),
            np.unique(run.image_id.astype(str), return_inverse=True)[1],
            run.first_score,
            run.second_score,
            {name: (column(run, COSTS[name][0]), column(run, COSTS[name][1])) for name in SPENT},
            None if group is None else getattr(run, group).astype(str),
        )

    def __len__(self) -> int:
        return len(self.ranked)

    def take(self, samples: np.ndarray) -> Self:
        """Return some of them: indices, or a mask."""
        return replace(
            self,
            ranked=self.ranked[samples],
            image=self.image[samples],
            first_score=self.first_score[samples],
            second_score=self.second_score[samples],
            costs={name: (a[samples], b[samples]) for name, (a, b) in self.costs.items()},
            group=None if self.group is None else self.group[samples],
        )

    @cached_property
    def values(self) -> np.ndarray:
        """The distinct values of `ranked`, rising, (G,)."""
        return np.unique(self.ranked)

    @property
    def candidates(self) -> np.ndarray:
        """Thresholds of `ranked` that differ, rising: from asking all (−∞) to none (∞), (G + 1,).

        Number k asks again from the k-th distinct value on. Between two of them lies no question,
        so every η does what one of them does.
        """
        return np.concatenate(([-np.inf], self.values[1:], [np.inf]))

    @cached_property
    def images(self) -> int:
        return len(np.unique(self.image))


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
        raise PromiseError(_no_eta(questions, goals, masks))
    index = _best(allowed, goals)
    threshold = float(questions.candidates[index])
    kept = [
        _kept(part, name, goal, threshold, rule)
        for goal, (rule, _) in zip(goals, masks, strict=True)
        for name, part in _parts(questions, goal)
    ]
    return index, tuple(kept)


def rule_for(questions: Questions, goal: Goal, confidence: float | None, claims: int = 1) -> Rule:
    """Return what decides whether a goal may be promised; `claims` share the level 1 - confidence.

    An exact test where there are only 0 and 1 and no two questions about an image, else betting;
    of very many images, a bound that takes less time.
    """
    if confidence is None:
        return OnAverage()
    level = (1 - confidence) / claims
    if _is_binary(questions, goal):
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
    for name, part in _parts(questions, goal):
        if goal.what == WRONG:
            allowed &= _in_sequence(questions, part, name, goal, rule)
            continue
        own = _scan(part, goal, rule)
        if not own.any():
            raise PromiseError(_none(part, name, goal, rule))
        allowed &= own[np.searchsorted(part.values, questions.candidates, side="left")]
    return allowed


def measured(questions: Questions, goal: Goal, threshold: float) -> float:
    """Return the mean of what a goal is about, at a threshold of `ranked`; NaN for nothing."""
    total, weight, _ = _sums(questions, goal, questions.ranked < threshold)
    count = weight.sum()
    return float(total.sum() / count * _largest(questions, goal)) if count else math.nan


def _saves(goals: Sequence[Goal]) -> bool:
    """Return whether it is the asking that is to be kept low, as far as the other goals allow."""
    return any(goal.what not in SPENT for goal in goals)


def _best(allowed: np.ndarray, goals: Sequence[Goal]) -> int:
    return int(np.flatnonzero(allowed)[-1 if _saves(goals) else 0])


def _parts(questions: Questions, goal: Goal) -> list[tuple[str | None, Questions]]:
    """Return whom a goal must hold for: a budget is one for all questions, the rest one for each
    group.
    """
    if goal.what in SPENT or questions.group is None:
        return [(None, questions)]
    names = np.unique(questions.group)
    return [(str(name), questions.take(questions.group == name)) for name in names]


def _values(questions: Questions, goal: Goal) -> tuple[np.ndarray, np.ndarray]:
    """Return what a question adds to S where it isn't asked again, and where it is, (N,) each in
    0..1.
    """
    if goal.what in SPENT:
        first, added = questions.costs[goal.what]
        largest = _largest(questions, goal)
        return first / largest, (first + added) / largest
    alone = 1 - questions.first_score
    if goal.what == LOST:
        alone = np.maximum(questions.second_score - questions.first_score, 0.0)
    return alone, np.zeros(len(questions))


def _largest(questions: Questions, goal: Goal) -> float:
    """Return what one question can cost at most: the largest of this run, where there is no other
    bound.

    A promise assumes that it holds for the questions to come.
    """
    if goal.what not in SPENT or goal.what == ASKED:
        return 1.0
    first, added = questions.costs[goal.what]
    return float((first + added).max())


def _is_binary(questions: Questions, goal: Goal) -> bool:
    """One question an image, and nothing between 0 and 1, whatever comes."""
    if questions.images < len(questions):
        return False
    scores = np.concatenate((questions.first_score, questions.second_score))
    return goal.what == ASKED or (goal.what not in SPENT and bool(np.isin(scores, (0, 1)).all()))


def _order(image: np.ndarray) -> np.ndarray:
    """The images numbered in a random order, the same every time: a file may be sorted."""
    names, index = np.unique(image, return_inverse=True)
    return np.random.default_rng(0).permutation(len(names))[index]


def _sums(
    questions: Questions, goal: Goal, alone: np.ndarray
) -> tuple[np.ndarray, np.ndarray, int]:
    """S and m of every image that counts, and M, where `alone` (N,) bool aren't asked again."""
    image = _order(questions.image)
    total = np.bincount(image, np.where(alone, *_values(questions, goal)))
    weight = np.bincount(image, alone if goal.what == WRONG else None)
    return total[weight > 0], weight[weight > 0], int(np.bincount(image).max())


def _states(
    questions: Questions, goal: Goal
) -> Iterator[tuple[np.ndarray, np.ndarray, int] | None]:
    """S, m and M at each candidate, from the side on which a monotone goal is kept.

    None where they are those before; else the arrays are changed in place.
    """
    spent = goal.what in SPENT
    alone, again = _values(questions, goal)
    image = _order(questions.image)
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


def _scan(questions: Questions, goal: Goal, rule: Rule) -> np.ndarray:
    """The candidates until the first that a monotone goal isn't kept at, (G + 1,) bool."""
    spent = goal.what in SPENT
    share = goal.at_most / _largest(questions, goal)
    count = len(questions.candidates)
    if share >= 1:
        return np.ones(count, dtype=bool)
    weight = np.bincount(_order(questions.image))
    limit = rule.limit(weight, int(weight.max()), share)
    if limit is not None:
        order, ends = by_uncertainty(questions.ranked if spent else -questions.ranked)
        alone, again = _values(questions, goal)
        change = (again - alone if spent else alone - again)[order]
        begin = (alone if spent else again).sum()
        sums = begin + np.append(0.0, np.cumsum(change)[ends - 1])
        kept = keep_limit(sums, limit)
    else:
        kept = np.zeros(count, dtype=bool)
        for index, state in enumerate(_states(questions, goal)):
            if state is not None and not rule(*state, share):
                break
            kept[index] = True
    return kept[::-1] if spent else kept


def _in_sequence(
    questions: Questions, part: Questions, name: str | None, goal: Goal, rule: Rule
) -> np.ndarray:
    """Return which candidates keep a goal that isn't monotone: fixed-sequence testing.

    (arXiv 2110.01052, section 2.3.) Hypotheses in an order fixed beforehand are tested, each at the
    whole level, until the first isn't rejected. The order is that of rising thresholds, which a
    part of the images, used for nothing else, lays out; it begins where they promise the most.
    Raises PromiseError if there are too few images for any.
    """
    pilot = _order(questions.image) % PILOT == 0
    test = part.take(~np.isin(part.image, questions.image[pilot]))
    enough = needed(goal.at_most, 1 - rule.level) if isinstance(rule, LEVELLED) else 1
    if test.images < enough:
        raise PromiseError(_too_few(part.images, name, goal, math.ceil(enough / (1 - 1 / PILOT))))
    grid = np.sort(questions.ranked[pilot])
    grid = grid[_most_promising(questions.take(pilot), goal) :]
    grid = np.unique(grid)[:: max(1, len(grid) // STEPS)]
    allowed = np.zeros(len(questions.candidates), dtype=bool)
    for threshold in (*grid, np.inf):
        if not rule(*_sums(test, goal, test.ranked < threshold), goal.at_most):
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
    rate = (np.cumsum(_values(pilot, goal)[0][order])[:-1] + 0.5) / (below + 1)
    limit = goal.at_most
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = rate * np.log(rate / limit) + (1 - rate) * np.log((1 - rate) / (1 - limit))
    worth = np.where(rate < limit, below * apart, -1.0)
    return int(below[np.argmax(worth)]) if len(below) else 0


def _kept(part: Questions, name: str | None, goal: Goal, threshold: float, rule: Rule) -> Kept:
    """Return what a threshold does on the questions it was set on."""
    return Kept(
        goal, name, measured(part, goal, threshold), _bound(part, goal, threshold, rule),
        len(part), part.images, _largest(part, goal),
    )  # fmt: skip


def _bound(part: Questions, goal: Goal, threshold: float, rule: Rule) -> float:
    """The least limit that this threshold alone keeps by the rule, in the goal's unit."""
    sums, largest = _sums(part, goal, part.ranked < threshold), _largest(part, goal)
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if rule(*sums, middle) else (middle, high)
    return high * largest


def _no_eta(questions: Questions, goals: Sequence[Goal], masks: Sequence[tuple]) -> str:
    """Say that no η keeps all goals, and what each could be if the others are kept."""
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
        bound = max(_bound(part, goal, threshold, rule) for _, part in _parts(questions, goal))
        could.append(f"with {_words(rest)}, about {_limit(goal, bound)}")
    text = f"No η keeps {_words(goals)}"
    return f"{text}; it could be, {' or, '.join(could)}." if could else f"{text}."


def _none(part: Questions, name: str | None, goal: Goal, rule: Rule) -> str:
    """Say why a monotone goal isn't kept at any η."""
    if goal.what in SPENT and (alone := measured(part, goal, np.inf)) > goal.at_most:
        return f"The first stage alone costs {alone:.6g} ({goal.what}): {goal.at_most:.6g} is less."
    state = next(_states(part, goal))
    assert state is not None, "the first one isn't that before"
    total, weight, most = state
    enough = least(rule, total, weight, most, goal.at_most / _largest(part, goal))
    return _too_few(part.images, name, goal, enough)


def _too_few(images: int, name: str | None, goal: Goal, enough: int | None) -> str:
    of = "" if name is None else f" of the group {name!r}"
    many = "more than a million" if enough is None else f"at least {max(enough, images + 1):,}"
    return (
        f"To promise {_limit(goal, goal.at_most)} takes questions about {many} different images"
        f"{of}; here are {images:,}. Record more, or promise less."
    )


def _words(goals: Sequence[Goal]) -> str:
    return " and ".join(_limit(goal, goal.at_most) for goal in goals)


def _limit(goal: Goal, value: float) -> str:
    """A limit in words, within a sentence."""
    shares = {LOST: "lost", WRONG: "wrong among those not asked again", ASKED: "asked again"}
    if goal.what in shares:
        return f"at most {100 * value:.3g} % {shares[goal.what]}"
    return f"at most {value:.6g} {goal.what} a question"
