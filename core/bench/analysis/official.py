"""What the benchmark itself reports for a data set, from a run: accuracy, F1, by class."""

import json
from dataclasses import dataclass
from typing import Literal

from core.bench.datasets import DATASETS
from core.bench.datasets.scoring import SCORERS
from core.bench.runs.run import Run


@dataclass(frozen=True)
class Recorded:
    """What an answer of a run is measured by: a `core.bench.datasets.scoring.Truth`."""

    answers: tuple[str, ...]
    choices: tuple[str, ...] = ()
    choice: int | None = None
    group: str = ""


def truths(run: Run) -> list[Recorded]:
    """Return the truth of every sample. Raises ValueError where `answers` isn't as the runner
    writes it.
    """
    found = []
    for text, group in zip(run.answers, run.group, strict=True):
        value = json.loads(text)
        if isinstance(value, dict):
            choices = tuple(value["choices"])
            found.append(Recorded(tuple(value["answers"]), choices, value["choice"], group))
        else:
            found.append(Recorded(tuple(value), group=group))
    return found


def benchmark_figures(run: Run, stage: Literal["first", "second"]) -> dict[str, float]:
    """The data set's own figures for the first or the second answers, as fractions.

    As `Scorer.figures` gives them; for a data set that isn't known here, the accuracy alone.
    Raises ValueError for a run in which no sample was answered.
    """
    run = run.answered
    entry = DATASETS.get(run.metadata.dataset)
    if entry is None:
        return {"accuracy": float(getattr(run, f"{stage}_score").mean())}
    return SCORERS[entry.scoring].figures(list(getattr(run, f"{stage}_answer")), truths(run))
