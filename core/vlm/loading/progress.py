"""How far the download and the loading of a model are, for whoever wants to be told.

The hub's client and transformers draw bars on the terminal. What is here hands their numbers on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from huggingface_hub.utils import tqdm
from transformers.utils import logging

Progress = Callable[[str, float], None]  # what is being done, "download" or "load"; 0 to 1

_BYTES = "huggingface_hub.snapshot_download"  # the hub's name for its bar of bytes on the disk
_hook = threading.Lock()


def download_bar(progress: Progress | None) -> type[tqdm] | None:
    """Return the bar of `snapshot_download`, made to tell `progress` too. None: as it is."""
    if progress is None:
        return None

    tell = progress  # which isn't None any more

    class Bar(tqdm):
        def __init__(self, *args, **kwargs):
            self._told = kwargs.get("name") == _BYTES
            super().__init__(*args, **kwargs)

        def update(self, n: float | None = 1) -> bool | None:
            if self.disable:  # then tqdm doesn't count
                self.n += n or 0
            drawn = super().update(n)
            if self._told and self.total:
                tell("download", min(self.n / self.total, 1.0))
            return drawn

    return Bar


@contextmanager
def loading_weights(progress: Progress | None) -> Iterator[None]:
    """Let transformers tell `progress`, within, which share of the weights it has loaded."""
    if progress is None:
        yield
        return

    def told(bar: Any, total: int) -> Iterator[Any]:
        for done, item in enumerate(bar):
            progress("load", done / total)
            yield item

    def hook(factory: Callable[..., Any], args: tuple, kwargs: dict[str, Any]) -> Any:
        bar = factory(*args, **kwargs)
        if kwargs.get("desc") != "Loading weights":
            return bar
        return told(bar, max(len(args[0]), 1))

    with _hook:  # there is one hook for all of transformers
        previous = logging.set_tqdm_hook(hook)
        try:
            yield
        finally:
            logging.set_tqdm_hook(previous)
    progress("load", 1.0)
