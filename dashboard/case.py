"""One user's question on the page: what was asked, and how far it has come.

A case is what the page keeps for a user between two clicks. It holds the path of the original, not
its pixels: those are in memory only while a stage runs, so that a class of thirty fits into a
small machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from core.cropping import Box
from core.imaging import Codec, Fit, ImageError
from core.protocol import (
    Edge,
    ProtocolError,
    Server,
    SessionExpired,
    Sessions,
    attention_at,
    first_stage,
    second_stage,
)
from core.transcript import Attention, EncodedImage, Transcript
from core.uncertainty import Gate
from core.vlm import VLM
from dashboard.hosting.room import Room

_ROOM = Room()


@dataclass(frozen=True)
class Case:
    image: str  # path of the original
    codec: Codec  # of the global image
    local_codec: Codec
    asked: Gate  # under which the first stage ran
    transcript: Transcript
    elsewhere: Transcript | None = None  # the same question with a box of the user's
    own: bool = False  # the picture is the user's

    def judged(self, gate: Gate) -> Case:
        """Return the same answers under another gate; a second stage continues under that gate.

        Raises ProtocolError for a gate on a metric that these answers don't have.
        """
        try:
            elsewhere = self.elsewhere and self.elsewhere.with_gate(gate)
            return replace(self, transcript=self.transcript.with_gate(gate), elsewhere=elsewhere)
        except ValueError as error:
            raise ProtocolError(str(error)) from None

    @property
    def moved(self) -> bool:
        """Return whether the gate now decides otherwise than when the messages were sent."""
        before = self.asked.retransmit(self.transcript.scores[self.asked.metric])
        return before != self.transcript.uncertain


def ask_first(
    vlm: VLM,
    sessions: Sessions,
    image: str | None,
    question: str,
    gate: Gate,
    codec: Codec,
    local_codec: Codec,
) -> Case:
    """Return the first stage. Raises ImageError, ProtocolError or VLMError: one sentence each."""
    with _edge(image, codec, local_codec) as edge:
        transcript = first_stage(edge, Server(vlm, gate, sessions), question)
    return Case(image, codec, local_codec, gate, transcript)


def ask_second(vlm: VLM, sessions: Sessions, case: Case) -> Case:
    """Return the second stage, whatever the gate says. Raises what `ask_first` raises.

    If the server has forgotten the first stage in the meantime, it is run again: the model is
    deterministic, so nothing that the user has seen changes. Unless it is another model by now.
    """
    asked, transcript = _continue(vlm, sessions, case, None)
    return replace(case, asked=asked, transcript=transcript)


def ask_elsewhere(vlm: VLM, sessions: Sessions, case: Case, box: Box) -> Case:
    """Return the second stage with a user's box, beside the case's own. Raises as `ask_first`."""
    _, transcript = _continue(vlm, sessions, case, box)
    return replace(case, elsewhere=transcript)


def sent_alone(image: str | None, codec: Codec, fit: Fit) -> tuple[Edge, EncodedImage]:
    """Return the edge of this image, and the global image it would send; no model runs.

    Raises ImageError.
    """
    with _edge(image, codec, codec) as edge:
        small = edge.resize(fit)
        return edge, EncodedImage(codec.format, codec.encode(small), small.size)


def look_through(vlm: VLM, sessions: Sessions, case: Case, layer: int) -> tuple[Attention, Box]:
    """Return where another layer would have made the server look, and its box.

    Raises ProtocolError for another model than the case's; ValueError for a layer it doesn't have.
    """
    _check_model(vlm, case)
    return attention_at(vlm, case.transcript, layer)


def _continue(vlm: VLM, sessions: Sessions, case: Case, box: Box | None) -> tuple[Gate, Transcript]:
    """Return the gate that the first stage ran under, and the transcript with its second stage."""
    _check_model(vlm, case)
    server = Server(vlm, case.transcript.gate, sessions)
    with _edge(case.image, case.codec, case.local_codec) as edge:
        try:
            return case.asked, second_stage(edge, server, case.transcript, box)
        except SessionExpired:
            again = first_stage(edge, server, case.transcript.question)
            return server.gate, second_stage(edge, server, again, box)


def _check_model(vlm: VLM, case: Case) -> None:
    before, now = case.transcript, vlm.info
    if (before.model, before.revision) != (now.name, now.revision):
        raise ProtocolError(
            f"The first answer was given by {before.model}, and {now.name} has taken its place:"
            " ask again."
        )


@contextmanager
def _edge(image: str | None, codec: Codec, local_codec: Codec) -> Iterator[Edge]:
    """Yield the edge with this original, once there is room for it."""
    if not image:
        raise ImageError("There is no image yet: choose a sample or upload one.")
    if not Path(image).is_file():  # uploads are deleted after an hour
        raise ImageError("The image is no longer here: choose it or upload it once more.")
    with _ROOM.holding(image):
        yield Edge(image, codec, local_codec)
