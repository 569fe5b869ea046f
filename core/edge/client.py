"""Algorithm 1 against a server somewhere else: HTTP, over a link that may fail at any time.

Messages are sent by `core.edge.exchange`. A server that forgot the first stage says so, and the
question starts anew. The original stays here: what leaves is a global image of the model's
input size and, as often as the server said it may look, a local one; a server that asks for more is
refused.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from os import PathLike
from typing import Any, BinaryIO, Self

import httpx
from PIL import Image

from core.box import Box
from core.edge.device import Edge
from core.edge.exchange import Exchange, Sender
from core.edge.problems import EdgeError, Refused, Unreachable, not_the_protocol
from core.imaging import Codec, Fit
from core.messages import (
    Answer,
    CropRequest,
    MessageError,
    SecondLook,
    check_question,
)
from core.support.headers import WAITED

__all__ = ["Client", "EdgeError", "Exchange", "Refused", "Result", "Unreachable"]

MAX_INPUT_PIXELS = 2048 * 2048  # a model that wants more would get the original, nearly
MAX_LOOKS = 5  # local images for one question, whatever the server says, unless more are allowed
MAX_RESTARTS = 5  # of a question whose session the server forgot


@dataclass(frozen=True)
class Result:
    """A question, answered."""

    question: str
    answer: str
    first_answer: str | None  # None: the server asked for a local image instead
    uncertainty: float | None  # of the first answer; None if the server doesn't say
    box: Box | None  # of the original, sent in detail: the one that the answer is from
    exchanges: tuple[Exchange, ...]  # those of restarted questions included
    restarts: int
    seconds: float  # all of it, pauses included
    # On a link that is shared: why no local image was asked for, "late" or "dear"; and whether it
    # or its answer didn't come in time, so that the first answer stands.
    skipped: str | None = None
    late: bool = False
    boxes: tuple[Box, ...] = ()  # every one that was sent in detail, in order

    @property
    def retransmitted(self) -> bool:
        """Return whether a local image was sent."""
        return self.box is not None

    @property
    def bytes_up(self) -> int:
        return sum(exchange.sent for exchange in self.exchanges)

    @property
    def bytes_down(self) -> int:
        return sum(exchange.received for exchange in self.exchanges)


class Client:
    """A server, seen from an edge. Use it as a context manager, or `close` it; one thread at once.

    url: of the server, with its path if it is mounted somewhere. token: if the server wants one.
    codec, local_codec: of the images sent, as `Edge` takes them. timeout: seconds for one attempt.
    patience: seconds of attempts and pauses before a message is given up. looks: local images that
    may leave this device for one question. log: called with one line of text for each thing that
    happens. transport: of httpx, for instance with an address to
    send from. Without one, proxies and certificates are those of the environment; this machine is
    asked without a proxy. Raises EdgeError for what isn't the URL of a server, and for a variable
    of the environment that is needed and can't be used.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        codec: Codec | None = None,
        local_codec: Codec | None = None,
        timeout: float = 30.0,
        patience: float = 300.0,
        log: Callable[[str], None] = lambda line: None,
        transport: httpx.BaseTransport | None = None,
        looks: int = MAX_LOOKS,
    ):
        self.codec, self.local_codec = codec, local_codec
        self.log, self.looks = log, looks
        self._sender = Sender(url, token, timeout, patience, log, transport)
        self._info: tuple[int, dict[str, Any]] | None = None  # and how many losses there had been

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._sender.close()

    def info(self) -> dict[str, Any]:
        """Return what the server says of itself: model, input_size, fit, gate, image_formats.

        Asked for once, and again after the connection was lost. Raises EdgeError.
        """
        if self._info is None or self._info[0] != self._sender.losses:
            response = self._sender.get("info", "v1/info")
            try:
                info = response.json()
                fit = _fit(info)
                width, height = fit.input_size
            except (ValueError, TypeError, KeyError, RecursionError):
                why = "it doesn't say, as known here, how images are sized: check the URL."
                raise not_the_protocol(response, why) from None
            if not (min(width, height) > 0 and width * height <= MAX_INPUT_PIXELS):
                raise EdgeError(
                    f"The server asks for images of {width} × {height} pixels, more than the"
                    f" {MAX_INPUT_PIXELS:,} pixels that may leave this device."
                )
            self._info = self._sender.losses, info
        return self._info[1]

    def ask(
        self,
        image: Image.Image | str | PathLike[str] | bytes | BinaryIO,
        question: str,
        force: bool = False,
        since: float | None = None,
    ) -> Result:
        """Algorithm 1 for one image and one question; with `force`, both stages at any rate.

        since: when it was asked, by time.monotonic(), if it has waited at this edge; a server with
        a deadline is told. With one, the first answer is given if the second isn't in time.
        Raises ImageError or QuestionError for what can't be asked, EdgeError otherwise.
        """
        question = check_question(question)
        edge = Edge(image, self.codec, self.local_codec)
        start = time.monotonic()
        exchanges: list[Exchange] = []
        for restarts in range(MAX_RESTARTS + 1):
            try:
                result = self._ask(edge, question, force, exchanges, since or start)
            except Refused as error:
                if error.code != "session_expired":
                    raise
                self.log("the server no longer holds this question: asking it again")
                continue
            except MessageError as error:
                raise EdgeError(f"The server doesn't keep to the protocol: {error}") from None
            return replace(result, restarts=restarts, seconds=time.monotonic() - start)
        raise EdgeError("The server forgot the question again and again: give it more sessions.")

    def _ask(
        self, edge: Edge, question: str, force: bool, exchanges: list[Exchange], since: float
    ) -> Result:
        fit = _fit(self.info())
        message = edge.question(question, edge.resize(fit))
        waited = {WAITED: f"{time.monotonic() - since:.3f}"} if self._deadline() else {}
        reply, beside = self._sender.send("v1/questions", message, exchanges, waited)
        first_answer = reply.text if isinstance(reply, Answer) else beside.first_answer
        if force and isinstance(reply, Answer):
            if reply.session is None:
                raise MessageError("its first answer has no session.")
            reply, _ = self._sender.send("v1/second-looks", SecondLook(reply.session), exchanges)
        boxes, box, late = list[Box](), None, False
        while isinstance(reply, CropRequest) and len(boxes) < self._looks():
            boxes.append(box := reply.box)
            local = edge.local_image(reply.session, edge.crop(reply.box, fit))
            within = None
            if first_answer is not None and not force and (deadline := self._deadline()):
                within = max(since + deadline - time.monotonic(), 0.01)
            try:
                reply, said = self._sender.send("v1/local-images", local, exchanges, within=within)
                box = said.box if said.box in boxes else box  # of a search that ended
            except EdgeError:
                if within is None:
                    raise
                self.log("the second look isn't there in time: the first answer stands")
                assert first_answer is not None
                reply, late = Answer(first_answer), True
        if not isinstance(reply, Answer):
            if self._looks_said() > self.looks:
                raise EdgeError(
                    f"The server may ask for {self._looks_said()} local images, and {self.looks}"
                    " may leave this device for one question: allow more (--looks)."
                )
            raise MessageError(f"a {reply.kind} came where an answer was expected.")
        return Result(
            question, reply.text, first_answer, beside.uncertainty, box, tuple(exchanges), 0, 0.0,
            beside.skipped, late, tuple(boxes),
        )  # fmt: skip

    def _looks(self) -> int:
        """Local images that are sent, at most."""
        return min(self._looks_said(), self.looks)

    def _looks_said(self) -> int:
        """Local images that the server said it may ask for; an older one has a look a round."""
        info = self.info()
        if type(looks := info.get("looks")) is int:
            return looks
        gate = info.get("gate")
        rounds = gate.get("rounds") if isinstance(gate, dict) else None
        return 1 + len(rounds) if isinstance(rounds, list) else 1

    def _deadline(self) -> float | None:
        """Seconds to the last answer, if the server's link is shared."""
        deadline = self.info().get("deadline")
        return float(deadline) if isinstance(deadline, int | float) and deadline > 0 else None


def _fit(info: dict[str, Any]) -> Fit:
    """Return how the server's model takes images. One that doesn't say is older: it pads what it
    gets.
    """
    width, height = (int(side) for side in info["input_size"])
    return Fit(info.get("fit", "pad"), (width, height), int(info.get("cell", 1)))
