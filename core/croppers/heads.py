"""The few heads of a model that point at things (arXiv 2503.06287), and how they are chosen.

`python -m core.vlm heads` chooses them once for a model, on rendered scenes, and keeps them in its
settings; here their maps are read.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from core.croppers.base import Clues, Cropper, Found, Need

Head = tuple[int, int]  # layer, head

CHOSEN = 3  # heads, as published
CANDIDATES = 10  # of least spatial entropy, that each question votes for; half of the able at most
SIGMA = 1.0  # cells, of the smoothing


def _heads(clues: Clues) -> Found:
    maps = clues.heads_map
    chosen = [smoothed(maps[layer, head]) for layer, head in clues.info.heads]
    return clues.on(np.sum(chosen, axis=0))


def choose(questions: Iterable[np.ndarray]) -> tuple[Head, ...]:
    """Return the heads that point most often, from maps (layers, heads, rows, cols) of questions.

    Criterion 1: of their attention much lies on the image, more than at the bend of the curve of
    all heads, in the mean of the questions. Criterion 2: it lies in few places; the heads of least
    spatial entropy get a vote of each question, ties go to the least in the mean. Raises ValueError
    for no questions.
    """
    maps = list(questions)
    if not maps:
        raise ValueError("Heads are chosen by questions, and there are none.")
    mass = np.mean([one.sum(axis=(2, 3)) for one in maps], axis=0)
    above = mass > bend(mass.ravel())
    able = [(int(layer), int(head)) for layer, head in np.argwhere(above | ~above.any())]
    entropies = np.array([[spatial_entropy(one[head]) for head in able] for one in maps])
    most = max(min(CANDIDATES, len(able) // 2), CHOSEN)
    votes = np.bincount(np.argsort(entropies, axis=1)[:, :most].ravel(), minlength=len(able))
    order = np.lexsort((entropies.mean(axis=0), -votes))
    return tuple(able[i] for i in order[:CHOSEN])


def bend(values: np.ndarray) -> float:
    """Return the value at which the sorted ones bend: furthest from the line between their ends."""
    rising = np.sort(values)
    share = np.linspace(0, 1, rising.size)
    reach = rising[-1] - rising[0]
    if reach == 0:
        return float(rising[0])
    return float(rising[np.argmax(share - (rising - rising[0]) / reach)])


def spatial_entropy(weights: np.ndarray) -> float:
    """Return the entropy, in bits, of how attention (rows, cols) is divided among the places that
    have more than the mean; 0 for a single place.
    """
    places = _places(weights > weights.mean())
    shares = np.array([weights[place].sum() for place in places])
    if not shares.size or shares.sum() <= 0:
        return float("inf")
    shares = shares[shares > 0] / shares.sum()
    return float(-(shares * np.log2(shares)).sum())


def _places(mask: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the connected places of a mask, corners count, each as rows and columns."""
    left, places = {tuple(at) for at in np.argwhere(mask)}, []
    while left:
        waiting, place = [left.pop()], []
        while waiting:
            row, col = at = waiting.pop()
            place.append(at)
            for near in [(row + i, col + j) for i in (-1, 0, 1) for j in (-1, 0, 1)]:
                if near in left:
                    left.remove(near)
                    waiting.append(near)
        rows, cols = zip(*place, strict=True)
        places.append((np.array(rows), np.array(cols)))
    return places


def smoothed(weights: np.ndarray, sigma: float = SIGMA) -> np.ndarray:
    """Return a map (rows, cols) blurred by a Gaussian; beyond its borders it goes on as there."""
    reach = int(3 * sigma)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    for axis in (0, 1):
        padded = np.pad(weights, [(reach, reach) if a == axis else (0, 0) for a in (0, 1)], "edge")
        weights = np.apply_along_axis(np.convolve, axis, padded, kernel, "valid")
    return weights


ENTRIES = (
    Cropper(
        name="heads",
        label="Localising heads",
        rule="The attention of the few heads that point at things in this model.",
        source="arXiv 2503.06287",
        find=_heads,
        needs=frozenset({Need.HEADS}),
    ),
)
