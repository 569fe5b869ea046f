"""Let published code be imported where packages that it names, and none of what is run, are not."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

__all__ = ["InFormat", "importable"]


class InFormat:
    """torch, but for its bfloat16: that is another number format, the model's."""

    def __init__(self, dtype: torch.dtype):
        self.bfloat16 = dtype

    def __getattr__(self, name: str) -> Any:
        return getattr(torch, name)


@contextmanager
def importable(
    folder: Path, own: Sequence[str], absent: Mapping[str, Mapping[str, Any]]
) -> Iterator[None]:
    """Let the modules of a folder be imported, and forget them afterwards.

    own: their names. absent: modules that they import and that have stand-ins for as long: name ->
    what is known of it. Whatever else is asked of one is there, can be called, and does nothing.
    """
    before = {name: sys.modules.get(name) for name in (*absent, *own)}
    for name in own:
        sys.modules.pop(name, None)
    for name, known in absent.items():
        sys.modules[name] = _stand_in(name, known)
    for name in absent:
        parent, _, child = name.rpartition(".")
        if parent in absent:
            setattr(sys.modules[parent], child, sys.modules[name])
    sys.path.insert(0, str(folder.resolve()))
    try:
        yield
    finally:
        sys.path.pop(0)
        for name, module in before.items():
            sys.modules.pop(name, None)
            if module is not None:
                sys.modules[name] = module


def _stand_in(name: str, known: Mapping[str, Any]) -> ModuleType:
    module = ModuleType(name)
    module.__path__ = []
    module.__getattr__ = _nothing  # type: ignore[method-assign]
    vars(module).update(known)
    return module


def _nothing(name: str) -> Any:
    """Return what may be imported from a stand-in, and called: it does nothing."""
    if name.startswith("__"):
        raise AttributeError(name)
    return lambda *_, **__: None
