"""One user's question on the page: what was asked, and how far it has come.

A case is what the page keeps for a user between two clicks. It holds the path of the original, not
its pixels: those are in memory only while a stage runs, so that a class of thirty fits into a
small machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from core.croppers import DEFAULT
from core.cropping import Box
from core.imaging import Codec, Fit, ImageError
from core.protocol import (
    Edge,
    ProtocolError,
    Server,
    SessionExpired,
    Sessions,
    attention_at,
    first_alone,
    first_stage,
    look_anew,
    second_stage,
)
from core.transcript import Attention, EncodedImage, Transcript
from core.uncertainty import Gate
from core.vlm import VLM
from dashboard.hosting.room import Room

_ROOM = Room()
LOOKS = 1_000  # local images that a first stage may be asked again with: other croppers, own boxes


@dataclass(frozen=True)
class Case:
    image: str  # path of the original
    codec: Codec  # of the global image
    local_codec: Codec
    asked: Gate  # under which the first stage ran
    transcript: Transcript
    elsewhere: Transcript | None = None  # the same question with a box of the user's
    own: bool = False  # the picture is the user's
    # Under which the second stage ran; of its rounds, each at an η of its own. None: it didn't.
    looked: Gate | None = None

    def judged(self, gate: Gate) -> Case:
        """Return the same answers under another gate; a second stage continues under that gate.

        It has as many rounds as the one before, each at its η. Raises ProtocolError for a gate on a
        metric that these answers don't have.
        """
        gate = with_looks(gate, 1 + len(self.transcript.gate.rounds))
        try:
            elsewhere = self.elsewhere and self.elsewhere.with_gate(gate)
            return replace(self, transcript=self.transcript.with_gate(gate), elsewhere=elsewhere)
        except ValueError as error:
            raise ProtocolError(str(error)) from None

    @property
    def contradicted(self) -> Gate | None:
        """Return the gate under which messages were sent that the gate of now decides otherwise
        than; None: it would send the same.
        """
        transcript, looked = self.transcript, self.looked
        if self.asked.retransmit(transcript.scores[self.asked.metric]) != transcript.uncertain:
            return self.asked
        for looks, stage in enumerate(transcript.stages[1:], start=1):
            before = looked and looked.again(looks, stage.scores[looked.metric])
            now = transcript.gate.again(looks, stage.scores[transcript.gate.metric])
            if looked is not None and before != now:
                return looked
        return None


def with_looks(gate: Gate, looks: int) -> Gate:
    """Return a gate for at most so many local images, each further one at its own η."""
    return replace(gate, rounds=(gate.threshold,) * (looks - 1))


def ask_first(
    vlm: VLM,
    sessions: Sessions,
    image: str | None,
    question: str,
    gate: Gate,
    codec: Codec,
    local_codec: Codec,
    cropper: str = DEFAULT,
) -> Case:
    """Return the first stage. Raises ImageError, ProtocolError or VLMError: one sentence each."""
    with _edge(image, codec, local_codec) as edge:
        transcript = first_stage(edge, _server(vlm, sessions, gate, cropper), question)
    return Case(image, codec, local_codec, gate, transcript)


def ask_second(
    vlm: VLM,
    sessions: Sessions,
    case: Case,
    cropper: str | None = None,
    looks: int | None = None,
) -> Case:
    """Return the second stage, whatever the gate says. Raises what `ask_first` raises.

    cropper, looks: by whom, and how many at most; None: as the first stage was asked. A second
    stage that there is already is left out for this one, and the first answer stays. If the server
    has forgotten the first stage in the meantime, it is run again: the model is deterministic, so
    nothing that the user has seen changes. Unless it is another model by now.
    """
    before = case.transcript
    cropper = before.cropper if cropper is None else cropper
    gate = before.gate if looks is None else with_looks(before.gate, looks)
    # Where the server was to look it has told already, as long as nobody else is to look now.
    as_asked = (before.cropper, len(before.gate.rounds)) == (cropper, len(gate.rounds))
    goes_on = before.second is None and (as_asked or before.box is None)

    def look(edge: Edge, server: Server, transcript: Transcript) -> Transcript:
        if goes_on:
            return second_stage(edge, server, replace(transcript, gate=gate))
        return look_anew(edge, server, transcript)

    asked, transcript = _continue(vlm, sessions, case, gate, cropper, look)
    return replace(case, asked=asked, looked=gate, transcript=transcript)


def ask_elsewhere(vlm: VLM, sessions: Sessions, case: Case, box: Box) -> Case:
    """Return the second stage with a user's box, beside the case's own. Raises as `ask_first`."""
    # A server with rounds, or of a cropper that searches, would go on from its own box.
    gate = replace(case.transcript.gate, rounds=())

    def look(edge: Edge, server: Server, transcript: Transcript) -> Transcript:
        return second_stage(edge, server, replace(first_alone(transcript), gate=gate), box)

    _, transcript = _continue(vlm, sessions, case, gate, DEFAULT, look)
    return replace(case, elsewhere=replace(transcript, cropper=case.transcript.cropper))


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


def _continue(
    vlm: VLM,
    sessions: Sessions,
    case: Case,
    gate: Gate,
    cropper: str,
    look: Callable[[Edge, Server, Transcript], Transcript],
) -> tuple[Gate, Transcript]:
    """Return the gate that the first stage ran under, and the transcript after `look`."""
    _check_model(vlm, case)
    server = _server(vlm, sessions, gate, cropper)
    with _edge(case.image, case.codec, case.local_codec) as edge:
        try:
            return case.asked, look(edge, server, case.transcript)
        except SessionExpired:
            return gate, look(edge, server, first_stage(edge, server, case.transcript.question))


def _server(vlm: VLM, sessions: Sessions, gate: Gate, cropper: str) -> Server:
    return Server(vlm, gate, sessions, LOOKS, cropper=cropper)


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
