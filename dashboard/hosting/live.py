"""The model that answers on this page, and another one in its place."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from core.imaging import ImageError
from core.protocol import ProtocolError, Sessions
from core.server.limits import Limits
from core.vlm import VLM, VLMError, load_vlm
from core.vlm.batched import batched
from dashboard.hosting.gpu import on_gpu, zero_gpu

EXPECTED = (ImageError, ProtocolError, VLMError)  # each says in one sentence what to do


def shared(vlm: VLM) -> VLM:
    """Return the model as page and edges ask it, together: in batches, where that is faster.

    On ZeroGPU each question runs in a process of its own.
    """
    return vlm if zero_gpu() else batched(vlm, Limits().at_once(vlm.info.look_bytes))


@dataclass(frozen=True, eq=False)
class Served:
    """A model, and the first stages that it holds: no other model can continue them."""

    vlm: VLM
    sessions: Sessions = field(default_factory=Sessions)


class LiveModel:
    """One model for all users of a page.

    name: what was asked for. loading: the model, once it is there. options: of `load_vlm`, for
    whatever takes its place.

    Whoever has begun a stage finishes it with the model it began with; that model's memory is
    freed when the last of them is done. `followers` are told of every new model.
    """

    def __init__(self, name: str, loading: Future[VLM], **options: Any):
        self.name, self._options = name, options
        self._loading, self._served = loading, None
        self.followers: list[Callable[[VLM], None]] = []
        self.arrivals: Sequence[float] = ()  # when edges asked this page's server, seconds
        self._lock = threading.Lock()
        self._run = on_gpu(self._attempt)

    @property
    def ready(self) -> bool:
        """Return whether the first model is there."""
        return self._loading.done()

    def current(self) -> Served:
        """Return the model that answers now; waits while the first one is being loaded."""
        vlm = self._loading.result()
        with self._lock:
            if self._served is None:
                self._served = Served(vlm)
            return self._served

    def run(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """Return `work(vlm, sessions, *arguments)`, run where the model is.

        Raises what `work` raises. On ZeroGPU it runs in another process, which is why `work` must
        be a function of a module.
        """
        self.current()
        result, error = self._run(work, *arguments)
        if error is not None:
            raise error
        return result

    def switch(self, name: str) -> Served:
        """Load another model and let it answer from now on.

        Raises VLMError, one sentence, if it can't be had: then the one before goes on. Both are in
        memory while the new one is being loaded.
        """
        if zero_gpu():
            raise VLMError("A Space with ZeroGPU loads its model once, when it starts.")
        name = name.strip()
        try:
            served = Served(shared(load_vlm(name, **self._options)))
        except VLMError:
            raise
        except (MemoryError, RuntimeError) as error:  # of torch, when there is no more memory
            raise VLMError(f"{name!r} can't be loaded: {_first_line(error)}") from error
        self.current()
        loaded: Future[VLM] = Future()
        loaded.set_result(served.vlm)
        with self._lock:
            self.name, self._loading, self._served = name, loaded, served
        for follow in self.followers:
            follow(served.vlm)
        gc.collect()  # modules refer to each other in circles; without this, they stay for long
        _empty_cuda_cache()
        return served

    def _attempt(self, work: Callable[..., Any], *arguments: Any) -> tuple[Any, Exception | None]:
        # Returned and not raised: of an exception, ZeroGPU carries no more than the name over.
        served = self.current()
        try:
            return work(served.vlm, served.sessions, *arguments), None
        except EXPECTED as error:
            return None, error


def _first_line(error: BaseException) -> str:
    text = (str(error).strip() or type(error).__name__).splitlines()[0]
    return text.rstrip(".") + "."


def _empty_cuda_cache() -> None:
    import torch  # not above: it takes seconds

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
