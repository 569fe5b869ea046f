"""What a second look is expected to add, and to take: fitted on recorded runs, kept as a JSON file.

The expected gain E[s₂ - s₁ | uncertainty] is an isotonic regression of the recorded gains on the
uncertainty of the first answer: the best fit, by least squares, that never falls as uncertainty
rises (Barlow et al., Statistical Inference under Order Restrictions, 1972).
"""

from __future__ import annotations

import os
from bisect import bisect_right
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.checked import read_checked
from core.uncertainty import METRICS

__all__ = ["Expectation", "ExpectationError", "isotonic"]

Some = Field(min_length=1, max_length=10_000, strict=False)
Row = Annotated[tuple[float, ...], Some]
Gains = Annotated[tuple[Annotated[float, Field(ge=-1, le=1)], ...], Some]  # of scores 0..1
Bytes = Annotated[float, Field(ge=0, le=1 << 40)]
QUANTILES = 1_001


class ExpectationError(ValueError):
    """This expectation can't be used; the text is one sentence that says why."""


class Expectation(BaseModel):
    """The gain expected of a second look at each uncertainty, and what it takes on average.

    Uncertainties are ranked: of a metric that falls as doubt grows (a margin) they are negative.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    kind: Literal["second-look expectation"] = "second-look expectation"
    version: Literal[1] = 1
    metric: str
    first_tokens: int | None
    steps: Row  # where the gain steps up, rising
    gains: Gains  # from each step on; never falling
    quantiles: Row  # of the uncertainty, from the least to the most; for an η that asks a share
    crop_bytes: Annotated[Bytes, Field(ge=1)]  # of a local image's message
    crop_request_bytes: Bytes
    answer_bytes: Bytes  # of a refined answer's message
    work_seconds: float = Field(ge=0, le=86_400)  # of the second stage, on the recorded server
    fitted_on: tuple[str, ...] = Field(strict=False)
    model: str
    questions: int = Field(ge=1)

    @model_validator(mode="after")
    def _checked(self) -> Self:
        if len(self.steps) != len(self.gains):
            raise ValueError("steps and gains must be as many")
        for name in ("steps", "gains", "quantiles"):
            if np.any(np.diff(getattr(self, name)) < 0):
                raise ValueError(f"{name} must not fall")
        if self.metric not in METRICS:
            raise ValueError(f"the metric {self.metric!r} is not one of those here")
        return self

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Self:
        """Read a file of `python -m core.sharing fit`. Raises ExpectationError for another."""
        return read_checked(path, cls, "an expectation", ExpectationError)

    def to_json(self) -> str:
        """Return the text of its file."""
        return self.model_dump_json(indent=1) + "\n"

    def gain(self, uncertainty: float) -> float:
        """Return E[s₂ - s₁] at a ranked uncertainty; below the first step, that of the first."""
        return self.gains[max(bisect_right(self.steps, uncertainty) - 1, 0)]

    @property
    def most(self) -> float:
        """The largest gain that is expected of any answer."""
        return self.gains[-1]

    def threshold(self, share: float) -> float:
        """Return the ranked η at which this share of the questions is asked again.

        Raises ValueError for a share outside 0..1.
        """
        if not 0 <= share <= 1:
            raise ValueError(f"The share asked again must lie between 0 and 1, not {share}.")
        if share in (0, 1):
            return np.inf if share == 0 else -np.inf
        return float(np.quantile(self.quantiles, 1 - share))


def isotonic(x: ArrayLike, y: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return the steps of the isotonic regression of y on x, (N,) each: where, and how high.

    Pool adjacent violators: neighbours that fall are replaced by their mean until none does.
    """
    values, which = np.unique(np.asarray(x, dtype=np.float64), return_inverse=True)
    weights = np.bincount(which).astype(np.float64)
    means = np.bincount(which, weights=np.asarray(y, dtype=np.float64)) / weights
    pools: list[tuple[float, float, float]] = []  # where it begins, mean, weight
    for start, mean, weight in zip(values.tolist(), means.tolist(), weights.tolist(), strict=True):
        while pools and pools[-1][1] >= mean:
            start, other, more = pools.pop()
            mean = (mean * weight + other * more) / (weight + more)
            weight += more
        pools.append((start, mean, weight))
    return np.array([pool[0] for pool in pools]), np.array([pool[1] for pool in pools])
