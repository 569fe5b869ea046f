"""A run as it would have been over a link: its seconds with those of the transfer in them."""

from dataclasses import replace
from typing import Any

import numpy as np

from core.bench.runs.run import Run
from core.channel import Link, Traffic

__all__ = ["over_link"]


def over_link(run: Run, link: Link) -> Run:
    """The answered samples, their seconds those of computing and of sending all messages.

    So every curve and point over "seconds" is that of a whole question, from asking to answer,
    whatever the strategy: nothing else adds a link's time to a run.
    Raises ValueError for a run in which no sample was answered.
    """
    run = run.answered
    first, second = Traffic.of_run(run).seconds(link)
    columns: dict[str, Any] = {
        "first_seconds": run.first_seconds + first,
        # Where the local image is all but nothing, and a long first answer isn't sent back.
        "second_seconds": np.maximum(run.second_seconds + second, 0.0),
        "hd_seconds": run.hd_seconds + Traffic.high_resolution(run, link),
        "later": tuple(over_link(one, link) for one in run.later if len(one)),
    }
    return replace(run, **columns)
