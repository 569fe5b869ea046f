"""Time and memory of a piece of work."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import torch

_SIDE = 192  # of the matrices by which number formats are compared


@dataclass
class Peak:
    """The most memory that something took beyond what was taken before; None: can't be told."""

    nbytes: int | None = None


@dataclass(frozen=True)
class Metered:
    """What work gave, and what it took."""

    result: Any
    seconds: float
    peak_bytes: int | None


def metered(work: Callable[[], Any]) -> Metered:
    """Run the work once, and return what it took; on CUDA, memory is the card's."""
    with peak_memory() as peak:
        start = perf_counter()
        result = work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        seconds = perf_counter() - start
    return Metered(result, seconds, peak.nbytes)


def slowness(dtype: torch.dtype, device: torch.device) -> float:
    """Return how many times as long as in float32 a product of two matrices takes."""
    return _product(dtype, device) / _product(torch.float32, device)


def _product(dtype: torch.dtype, device: torch.device) -> float:
    """Seconds, the least of three after a first."""
    one = torch.ones(_SIDE, _SIDE, dtype=dtype, device=device)
    return min([metered(partial(torch.mm, one, one)).seconds for _ in range(4)][1:])


@contextmanager
def peak_memory() -> Iterator[Peak]:
    """Watch memory within; the peak is known behind."""
    peak = Peak()
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        yield peak
        peak.nbytes = torch.cuda.max_memory_allocated() - before
        return
    try:
        ctypes.CDLL(None).malloc_trim(0)  # what earlier work left unused would hide what is taken
        Path("/proc/self/clear_refs").write_text("5")  # Linux: forget the high-water mark
    except (AttributeError, OSError):
        yield peak
        return
    before = _status("VmRSS")
    yield peak
    peak.nbytes = max(_status("VmHWM") - before, 0)


def _status(name: str) -> int:
    """An entry of /proc/self/status, in bytes."""
    (kilobytes,) = re.findall(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(kilobytes) * 1024
