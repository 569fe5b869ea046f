"""What pocket's entry in the bundled settings file says: its way to fit, its heads and its ηs."""

import json
import re
from math import ceil, floor
from pathlib import Path
from typing import Any

from core.bench import Run, threshold_for_wrong_and_sure
from core.uncertainty import METRICS

SHARE = 0.03  # of the questions, that end wrong and sure at most: docs/choosing-eta.md
PLACES = 100  # ηs are written in hundredths


def thresholds(run: Run) -> dict[str, float]:
    """Return η of every measure: the cheapest that keeps `SHARE`, rounded to where more is asked.

    run: of validation questions of all conditions.
    """
    return {
        metric: asking_more(threshold_for_wrong_and_sure(run, SHARE, metric).gate.threshold, metric)
        for metric in METRICS
    }


def asking_more(eta: float, metric: str) -> float:
    """The next hundredth to η at which no question is asked less."""
    rounded = floor if METRICS[metric].higher_is_uncertain else ceil
    return rounded(round(eta * PLACES, 6)) / PLACES


def change(path: Path, **entries: Any) -> None:
    """Write these entries of pocket's settings into the file, and leave its others."""
    said = json.loads(path.read_text())
    said["pocket"]["any"] |= entries
    text = json.dumps(said, indent=2)
    lists = re.compile(r"\[[^]{}]*\](?:[^]{}]*\])*")  # on one line each
    path.write_text(lists.sub(lambda at: json.dumps(json.loads(at[0])), text) + "\n")
