"""A goal: what may be at most how much."""

from __future__ import annotations

import math
from dataclasses import dataclass

from core.bench.analysis.curves import COSTS

__all__ = ["LOST", "SPENT", "Goal"]

LOST, WRONG, ASKED = "lost", "wrong", "additional_cost"
SPENT = tuple(name for name, (_, _, per) in COSTS.items() if per == 1)


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
