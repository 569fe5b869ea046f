"""A gate for gain: how much a second look is expected to add, from what the first stage knows.

Uncertainty says whether the first answer is wrong, not whether a local image would mend it. A
regression of the recorded gain s₂ - s₁ on a few features of the first answer says that:
E[s₂ - s₁ | features] in -1..1, fitted by `python -m core.bench gain` on a validation run, and kept
as a JSON file. Read, it is an entry of METRICS like any other: gate, runs, curves and promises take
it from there.

The features are the answer's values of the metrics below, some of them as probabilities, where the
question looks, and how long the answer is: all of it is there before anything is asked again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from core.certificate import GAIN
from core.checked import read_checked
from core.uncertainty import MAXIMUM, METRICS, Evidence, Metric, aggregate

FROM = (  # metrics of the first answer that are read; those of a run file
    "min_entropy", "shannon_entropy", "probability_margin", "max_nll", "sum_nll", "renyi_entropy",
    "energy", "focused_min_entropy",
)  # fmt: skip


class GainError(ValueError):
    """This gain can't be used; the text is one sentence that says why."""


def features(values: Mapping[str, np.ndarray], tokens: np.ndarray) -> np.ndarray:
    """Return what the gain is predicted from, (N, F).

    values: of each metric of `FROM`, (N,), as the gate compares them with η. tokens: of each
    answer, (N,).
    """
    mean, shannon, margin, largest, total, renyi, energy, focused = (values[m] for m in FROM)
    with np.errstate(divide="ignore", invalid="ignore"):
        focus = np.where(mean > 1e-9, focused / mean, 0.0)
    return np.stack(
        (
            mean, shannon, margin, np.log1p(largest), np.log1p(total), renyi, energy, focused,
            np.exp2(-mean), np.exp2(-largest), np.exp2(-total), np.sqrt(mean), np.sqrt(largest),
            focus, focus * margin, focus * np.sqrt(largest), np.log(tokens),
        ),
        axis=-1,
    )  # fmt: skip


N_FEATURES = 17
Row = Annotated[
    tuple[float, ...], Field(min_length=N_FEATURES, max_length=N_FEATURES, strict=False)
]


class Gain(BaseModel):
    """A logistic regression: E[s₂ - s₁] = 2 / (1 + exp(-(w · z + b))) - 1, z standardised."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    kind: Literal["second-look gain"] = "second-look gain"
    version: Literal[1] = 1
    center: Row
    scale: Row
    weights: Row
    bias: float
    threshold: float  # η to begin with
    fitted_on: tuple[str, ...] = Field(strict=False)  # data sets and splits
    model: str
    questions: int

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Self:
        """Read a gain's file. Raises GainError for anything else."""
        found = read_checked(path, cls, "a gain file", GainError)
        if min(found.scale) <= 0:
            raise GainError(
                f"{Path(path).name!r} is not a gain file of Second Look: scale must be positive."
            )
        return found

    def to_json(self) -> str:
        return json.dumps(self.model_dump(), indent=1, allow_nan=False) + "\n"

    @property
    def name(self) -> str:
        """The metric's: another file is another metric, so a certificate knows its own."""
        return GAIN + hashlib.sha256(self.to_json().encode()).hexdigest()[:8]

    def expected(self, values: Mapping[str, np.ndarray], tokens: np.ndarray) -> np.ndarray:
        """Return E[s₂ - s₁ | features], (N,) in -1..1. Arguments as of `features`."""
        z = (features(values, tokens) - np.array(self.center)) / np.array(self.scale)
        return np.tanh((z @ np.array(self.weights) + self.bias) / 2)  # 2 · logistic - 1

    def metric(self) -> Metric:
        """Return it as an entry of METRICS; every token of an answer has the answer's value."""

        def score(evidence: Evidence) -> np.ndarray:
            values = {
                name: np.array(
                    [aggregate(METRICS[name].score(evidence), None, METRICS[name].aggregation)]
                )
                for name in FROM
            }
            count = len(evidence.logp)
            return np.full(count, self.expected(values, np.array([count]))[0])

        return Metric(
            name=self.name,
            label=f"Expected gain ({', '.join(self.fitted_on)})",
            unit="",
            formula="E[s₂ − s₁ | first answer]",
            definition="How much of a right answer a second look is expected to add.",
            higher_is_uncertain=True,
            score=score,
            threshold=self.threshold,
            bounds=(-1.0, 1.0),
            aggregation=MAXIMUM,
            needs_attention=True,
        )


def use(path: str | os.PathLike[str]) -> str:
    """Make a gain's file an entry of METRICS, and return its name there. Raises GainError."""
    metric = Gain.read(path).metric()
    METRICS[metric.name] = metric
    return metric.name
