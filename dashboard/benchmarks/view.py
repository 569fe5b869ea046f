"""What the analysis tabs look at: a run, a metric, and over how many tokens it is averaged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.bench import Run, RunError
from core.uncertainty import METRICS, Gate
from dashboard.benchmarks.library import Choice, Library, Series, find, series

Viewer = Callable[..., "View | None"]  # the values of the controls -> what they say
AGGREGATIONS = {"All tokens": None, "First token": 1, "First 2": 2, "First 3": 3, "First 5": 5}


@dataclass(frozen=True)
class View:
    choices: tuple[Choice, ...]  # all there are
    series: Series
    choice: Choice  # one of the series
    run: Run  # its answered samples
    metric: str
    first_tokens: int | None

    @property
    def key(self) -> str:
        """Return the name of a figure of this view: two that differ have different ones."""
        return f"{self.choice.key} {self.metric} {self.first_tokens}"

    def gate(self, eta: float) -> Gate:
        """Return the gate with this η."""
        return Gate(self.metric, eta, self.first_tokens)


def look_at(
    library: Library,
    uploads: tuple[Choice, ...],
    key: str | None,
    quality: str | None,
    metric: str | None,
    tokens: str | None,
) -> View | None:
    """Return what the controls say, as near to it as there is; None if there are no runs.

    key: of a series. quality: key of a choice, of this series or of the one before.
    Raises RunError for a run that can't be read.
    """
    choices = library.choices(uploads)
    if not choices:
        return None
    groups = series(choices)
    group = next((g for g in groups if find(g.choices, key)), groups[0])
    before = find(choices, quality)
    choice = find(group.choices, quality) or group.nearest(before and before.metadata.quality)
    run = library.load(choice)
    if metric not in run.metrics:
        metric = next(m for m in METRICS if m in run.metrics)
    return View(choices, group, choice, run, metric, AGGREGATIONS.get(tokens))


def load_all(library: Library, choices: tuple[Choice, ...]) -> dict[Choice, Run]:
    """Return the runs that can be read."""
    runs = {}
    for choice in choices:
        try:
            runs[choice] = library.load(choice)
        except RunError:
            continue
    return runs
