"""ZeroGPU, a Hugging Face Space whose GPU is lent to one function call at a time.

There, `spaces` has to be imported before torch, the model loaded before the launch, and whatever
runs on the GPU be a function of this module's `on_gpu`; it runs in a process of its own. Anywhere
else `spaces` isn't needed, and `on_gpu` gives back the function as it is.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

SECONDS = 60  # asked for a call; what isn't used isn't counted


def zero_gpu() -> bool:
    """Return whether this runs on ZeroGPU; its own package reads the same variable."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


def on_gpu(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function`, with a GPU while it runs. Arguments and result must pickle."""
    if not zero_gpu():
        return function
    import spaces

    return spaces.GPU(duration=SECONDS)(function)
