"""The sentences that say what can't be promised, and what could be."""

from __future__ import annotations

from collections.abc import Sequence

from core.bench.analysis.promises.goal import ASKED, LOST, WRONG, Goal

__all__ = ["PromiseError"]


class PromiseError(ValueError):
    """This can't be promised from this run; the text is one sentence that says what could be."""


def none_keeps(
    goals: Sequence[Goal], could: Sequence[tuple[Sequence[Goal], Goal, float]]
) -> PromiseError:
    """Say that no η keeps all goals; could: if some are kept, what another is at most."""
    if not could:
        return PromiseError(f"No η keeps {_words(goals)}.")
    ways = [f"with {_words(kept)}, about {_limit(goal, bound)}" for kept, goal, bound in could]
    return PromiseError(f"No η keeps {_words(goals)}; it could be, {' or, '.join(ways)}.")


def first_stage_costs(goal: Goal, alone: float) -> PromiseError:
    """Say that even asking nothing again costs more than a goal allows."""
    return PromiseError(
        f"The first stage alone costs {alone:.6g} ({goal.what}): {goal.at_most:.6g} is less."
    )


def too_few(images: int, group: str | None, goal: Goal, enough: int | None) -> PromiseError:
    """Say how many images a goal takes; enough: None for more than a million."""
    of = "" if group is None else f" of the group {group!r}"
    many = "more than a million" if enough is None else f"at least {max(enough, images + 1):,}"
    return PromiseError(
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
