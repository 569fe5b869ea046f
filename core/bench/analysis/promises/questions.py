"""The questions that a promise is computed from, and the thresholds that differ on them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

import numpy as np

from core.bench.analysis.curves import COSTS, column
from core.bench.analysis.promises.goal import SPENT
from core.bench.runs.run import Run

__all__ = ["Questions"]


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
