"""What a second look costs: computation (eq. 17-20) and communication (sections VII-A, VII-F)."""

from operator import index

import numpy as np
from numpy.typing import ArrayLike

__all__ = [
    "additional_communication_cost",
    "first_stage_flops",
    "prefill_flops",
    "relative_communication_cost",
    "sample_flops",
    "second_stage_flops",
]


def prefill_flops(n_visual: int, hidden: int, layers: int) -> int:
    """FLOPs of the language model's prefill over `n_visual` tokens (eq. 17), the paper's estimate.

    It takes the visual tokens for the whole sequence, and one formula for every architecture: the
    vision tower, text tokens, output head and decoding are left out.
    Raises ValueError for a number below 1, TypeError for one that isn't whole.
    """
    n, d, layers = index(n_visual), index(hidden), index(layers)  # Python ints can't overflow
    if min(n, d, layers) < 1:
        raise ValueError("n_visual, hidden and layers must be at least 1.")
    return (24 * n * d**2 + 4 * n**2 * d) * layers  # eq. 17


def first_stage_flops(n_visual: int, hidden: int, layers: int) -> int:
    """FLOPs of the first answer, from `n_visual` tokens of the global image (eq. 18)."""
    return prefill_flops(n_visual, hidden, layers)  # eq. 18


def second_stage_flops(n_visual: int, hidden: int, layers: int) -> int:
    """FLOPs of the generic prompt's attention, and of the answer from both images (eq. 19)."""
    return prefill_flops(n_visual, hidden, layers) + prefill_flops(2 * n_visual, hidden, layers)


def sample_flops(retransmitted: bool, n_visual: int, hidden: int, layers: int) -> int:
    """FLOPs of one question, with or without the second stage (eq. 20)."""
    first = first_stage_flops(n_visual, hidden, layers)
    return first + second_stage_flops(n_visual, hidden, layers) if retransmitted else first


def additional_communication_cost(
    retransmitted: ArrayLike, global_cost: ArrayLike = 1, local_cost: ArrayLike = 1
) -> float:
    """Data sent beyond the global images, as a share of the global images (section VII-A).

    retransmitted: (N,) bool, the samples whose local image was sent. global_cost, local_cost: what
    each image costs, (N,) or one number for all, both in the same unit. As they stand, all images
    cost the same, as in the paper: 0 is global images only, 1 is every sample retransmitted. With
    measured bytes the full cost is whatever the local images weigh against the global ones.
    `local_cost` is read only where `retransmitted` holds.

    Raises ValueError for no samples, a mask that isn't bool, costs that are negative or not finite,
    lengths that differ, and global images that cost nothing at all.
    """
    sent_globally, sent_locally = _totals(retransmitted, global_cost, local_cost)
    return _share(sent_locally, sent_globally, "global_cost")


def relative_communication_cost(
    retransmitted: ArrayLike,
    global_bytes: ArrayLike,
    local_bytes: ArrayLike,
    reference_bytes: ArrayLike,
) -> float:
    """All bytes sent, as a share of the global images at full quality (section VII-F).

    reference_bytes: (N,) or one number, the global images as JPEG of quality 100. The others, and
    the errors raised, are those of `additional_communication_cost`.
    """
    sent_globally, sent_locally = _totals(retransmitted, global_bytes, local_bytes)
    reference, _ = _totals(retransmitted, reference_bytes, 0)
    return _share(sent_globally + sent_locally, reference, "reference_bytes")


def _totals(
    retransmitted: ArrayLike, global_cost: ArrayLike, local_cost: ArrayLike
) -> tuple[float, float]:
    """Return what all global images cost, and what the local images that were sent cost."""
    mask = np.asarray(retransmitted)
    if mask.dtype != bool or mask.ndim != 1 or mask.size == 0:
        # Not cast: a column of uncertainties would pass as a mask that is true nearly everywhere.
        raise ValueError("retransmitted must be (N,) bool with at least one sample.")
    per_global = np.broadcast_to(np.asarray(global_cost, dtype=np.float64), mask.shape)
    per_local = np.broadcast_to(np.asarray(local_cost, dtype=np.float64), mask.shape)[mask]
    for costs in (per_global, per_local):
        if not (np.isfinite(costs).all() and (costs >= 0).all()):
            raise ValueError("The cost of an image must be finite and not negative.")
    return float(per_global.sum()), float(per_local.sum())


def _share(part: float, whole: float, name: str) -> float:
    if whole == 0:
        raise ValueError(f"{name} must not be 0 in total.")
    return part / whole
