"""Samples from the most to the least uncertain, with their ties."""

import numpy as np


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
