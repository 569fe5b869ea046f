"""Croppers compared: runs of the same questions that differ in who chose the box, and how often."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from core.bench.analysis.curves import full, initial
from core.bench.analysis.findings import Finding, points
from core.bench.analysis.goals import exceeds
from core.bench.analysis.intervals import bootstrap
from core.bench.analysis.rounds import every_look, folded
from core.bench.runs.run import Run
from core.bench.runs.series import looked_at_alike
from core.croppers import CROPPERS, DEFAULT
from core.croppers import label as cropper_label

__all__ = [
    "Looking", "beside", "by_rounds", "further", "groups", "label", "looking", "others", "seeing",
    "together",
]  # fmt: skip


@dataclass(frozen=True)
class Looking:
    """What one cropper's boxes are, and what came of looking there, over all answered questions."""

    cropper: str
    rounds: int  # looks at most
    accuracy: float  # of the second answers, 0 to 1
    gain: float  # over the first ones
    hits: float  # share of questions of which a box holds what was asked about; NaN: not known
    side: float  # median of the boxes' sides, pixels of the original
    contrast: float  # median, see core.hits.contrast; NaN: it found its boxes on no map
    fallbacks: int  # boxes that its rule didn't give
    bytes: float  # a question's messages, everything retransmitted, mean
    flops: float  # the same, computation by eq. 17-20
    seconds: float  # the same, without any link
    round_trips: float  # between edge and server for a question, mean: with the question's


def beside(run: Run, others: Iterable[Run]) -> dict[str, Run]:
    """Return a run and those of the same questions, or of some of them, that differ in cropper and
    number of rounds only: by cropper, the paper's first, then as in `CROPPERS`. Of a cropper, the
    one that shares the most questions, and has the most rounds.
    """
    ids, best = set(run.id), {run.metadata.cropper: ((0, 0), run)}
    for other in others:
        name = other.metadata.cropper
        if name == run.metadata.cropper or not looked_at_alike(run.metadata, other.metadata):
            continue
        worth = len(ids.intersection(other.id)), other.metadata.rounds
        if worth[0] and (name not in best or best[name][0] < worth):
            best[name] = worth, other
    order = {name: index for index, name in enumerate(CROPPERS)}
    return {
        name: best[name][1] for name in sorted(best, key=lambda name: order.get(name, len(order)))
    }


def groups(runs: Mapping[str, Run]) -> list[dict[str, Run]]:
    """Return the runs that lie beside each other, see `beside`: those of the most questions have
    the others beside them. A run that is alone, and has one round, is left out.
    """
    left = sorted(runs.values(), key=lambda run: (-len(run), -run.metadata.rounds))
    found = []
    while left:
        group = beside(left[0], left[1:])
        left = [run for run in left if all(run is not one for one in group.values())]
        if len(group) > 1 or next(iter(group.values())).metadata.rounds > 1:
            found.append(group)
    return found


def together(group: Mapping[str, Run]) -> dict[str, Run]:
    """Return the runs of a group, over the questions that all of these were asked.

    Without those that were asked less than half of the others': they would cut these short.
    """
    shared, large = set[str](), set[str]()
    for name, run in sorted(group.items(), key=lambda one: -len(one[1])):
        both = shared.intersection(run.id) if large else set(run.id)
        if 2 * len(both) >= len(shared):
            shared, large = both, large | {name}
    return {
        name: run if len(run) == len(shared) else run.select(np.isin(run.id, list(shared)))
        for name, run in group.items()
        if name in large
    }


def label(name: str, rounds: int = 1) -> str:
    """Return a cropper's name for people, also of one that isn't known here, and how many rounds
    it looks, if several.
    """
    known = cropper_label(name)
    return known if rounds == 1 else f"{known}, {rounds} rounds"


def by_rounds(group: Mapping[str, Run]) -> dict[str, tuple[Run, int]]:
    """Return each run of a group, by `label`, once for every number of rounds that it holds."""
    return {
        label(name, rounds): (run, rounds)
        for name, run in group.items()
        for rounds in range(1, run.metadata.rounds + 1)
    }


def looking(run: Run, rounds: int = 1) -> Looking:
    """Return the figures of a run, with every look of so many rounds.

    Raises RunError for one in which nothing was answered, and ValueError for more rounds than were
    recorded.
    """
    run = folded(run, every_look(next(iter(run.answered.metrics)), rounds))
    end, boxes = full(run), run.box[run.box[:, 0] >= 0]
    sides = np.sqrt((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))
    return Looking(
        cropper=run.metadata.cropper,
        rounds=rounds,
        accuracy=end.accuracy,
        gain=end.accuracy - initial(run).accuracy,
        hits=_mean(run.box_hit),
        side=float(np.median(sides)) if sides.size else np.nan,
        contrast=_median(run.box_contrast),
        fallbacks=int((run.box_fallback != "").sum()),
        bytes=_bytes(run),
        flops=end.flops,
        seconds=float((run.first_seconds + run.second_seconds).mean()),
        round_trips=float(1 + run.local_images.mean()),
    )


def seeing(group: Mapping[str, Run]) -> list[Finding]:
    """Say how much of what the second look gains is seeing: what it gains blank, and anywhere."""
    if DEFAULT not in group:
        return []
    own = group[DEFAULT].answered
    told = []
    for name, what in (("blank", "a grey crop"), ("random", "a crop from a random place")):
        if name not in group:
            continue
        one, other = common(own, group[name])
        apart = _apart(one, other)
        gain, bare = float(one.gain.mean()), float(other.gain.mean())
        told.append(
            Finding(
                f"Of the {points(gain, True)} points that a second look gains, {what} of the same "
                f"size gains {points(bare, True)}: seeing there is worth "
                f"{points(apart.estimate.item(), True)} points "
                f"[{points(apart.low.item(), True)}, {points(apart.high.item(), True)}], over "
                f"{len(one):,} questions."
            )
        )
    return told


def further(group: Mapping[str, Run]) -> list[Finding]:
    """Say what each further round of the paper's cropper, or of the only one, adds, and costs."""
    run = group.get(DEFAULT, next(iter(group.values()), None)) if len(group) else None
    if run is None or run.metadata.rounds == 1:
        return []
    metric = next(iter(run.answered.metrics))
    one, told = folded(run, every_look(metric, 1)), []
    for rounds in range(2, run.metadata.rounds + 1):
        more = folded(run, every_look(metric, rounds))
        apart, times = _apart(more, one), _bytes(more) / _bytes(one)
        told.append(
            Finding(
                f"{label(run.metadata.cropper)} with {rounds} rounds has "
                f"{points(more.second_score.mean())} % right, everything retransmitted, and "
                f"{points(one.second_score.mean())} % with one: "
                f"{points(apart.estimate.item(), True)} points "
                f"[{points(apart.low.item(), True)}, {points(apart.high.item(), True)}] for "
                f"{times:.2f} times the bytes, over {len(one):,} questions."
            )
        )
    return told


def others(group: Mapping[str, Run]) -> list[Finding]:
    """Say which croppers look better, or worse, than the paper's beyond doubt."""
    if DEFAULT not in group:
        return []
    if len(group) == 1:
        return []
    better, worse = [], []
    for name, run in group.items():
        if name == DEFAULT or (name in CROPPERS and CROPPERS[name].control):
            continue
        apart = _apart(*common(run, group[DEFAULT]))
        said = (
            f"{label(name)} {points(apart.estimate.item(), True)} "
            f"[{points(apart.low.item(), True)}, {points(apart.high.item(), True)}]"
        )
        if exceeds(apart.low.item(), 0):
            better.append(said)
        elif exceeds(0, apart.high.item()):
            worse.append(said)
    text = "Against relative attention, everything retransmitted, in points: "
    parts = [f"better beyond doubt {'; '.join(better) or 'nothing'}"]
    parts.append(f"worse {'; '.join(worse) or 'nothing'}")
    return [Finding(text + ", ".join(parts) + ".")]


def common(one: Run, other: Run) -> tuple[Run, Run]:
    """Return the questions that both answered, in the same order.

    Raises RunError if there are none.
    """
    one, other = one.answered, other.answered
    _, here, there = np.intersect1d(one.id.astype(str), other.id.astype(str), return_indices=True)
    return one.select(here).answered, other.select(there).answered


def _apart(one: Run, other: Run):
    """Return how far the second answers of `one` are ahead, over the same questions."""
    ahead = one.second_score - other.second_score
    return bootstrap(one, lambda weights: (weights @ ahead / weights.sum(axis=1))[:, None])


def _bytes(run: Run) -> float:
    return float((run.first_message_bytes + run.second_message_bytes).mean())


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


def _median(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if known.size else float("nan")
