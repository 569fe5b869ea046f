"""Samples from the most to the least uncertain, with their ties."""

import numpy as np

MOST_POINTS = 4_096  # of a curve that is drawn anew for every draw of a bootstrap


def counts(cells: np.ndarray, size: int, weights: np.ndarray) -> np.ndarray:
    """Return the sum of weights (b, N) in each of `size` cells, (b, size): sample i's is cells[i].

    Sums of whole numbers are exact, in whatever order they are summed.
    """
    return np.stack([np.bincount(cells, row, size) for row in weights])


class Segments:
    """Samples between points of the gate's curve, counted together.

    ranked: uncertainty (N,), the higher the more uncertain. points: indices of the curve's points
    (`tradeoff`), rising; None: all of them, or, if there are more than `MOST_POINTS`, about that
    many at even shares of the samples, the first and the last among them.
    """

    def __init__(self, ranked: np.ndarray, points: np.ndarray | None = None):
        order, ends = by_uncertainty(ranked)
        asked = np.append(0, ends)  # at each point of the curve
        if points is None:
            points = np.arange(len(asked))
            if len(ends) > MOST_POINTS:
                shares = np.linspace(0, len(ranked), MOST_POINTS + 1)
                points = np.unique(np.searchsorted(asked, shares))
        value = np.empty(len(ranked), dtype=np.int64)
        value[order] = np.repeat(np.arange(len(ends)), np.diff(asked))
        # The first of the points at which a sample is asked for; past the last: at none.
        self.cells = np.searchsorted(points, value, side="right")
        self.points = len(points)

    def counts(self, weights: np.ndarray) -> np.ndarray:
        """Return the weight of the samples that are asked for from each point on, (b, P + 1).

        weights: (b, N). The last column is of those that are asked for at no point.
        """
        return counts(self.cells, self.points + 1, weights)

    def along(self, weights: np.ndarray) -> np.ndarray:
        """Return the weight of all samples that are asked for at each point, (b, P)."""
        return np.cumsum(self.counts(weights)[:, :-1], axis=1)


def is_thinned(ranked: np.ndarray) -> bool:
    """Return whether a curve of these uncertainties (N,) has more points than `Segments` keeps."""
    return len(ranked) > MOST_POINTS and len(np.unique(ranked)) > MOST_POINTS


def by_uncertainty(ranked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sort by uncertainty (N,), the highest first.

    Returns the order, indices (N,), and where in it each of the G distinct values ends, (G,):
    how many samples are at least as uncertain as that.
    """
    order = np.argsort(-ranked)
    ordered = ranked[order]
    return order, np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True)) + 1


def per_value(values: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Sums of ordered values (..., N) over the samples of each distinct uncertainty, (..., G)."""
    return np.add.reduceat(values, np.append(0, ends[:-1]), axis=-1)
