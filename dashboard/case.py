"""One user's question on the page: what was asked, and how far it has come.

A case is what the page keeps for a user between two clicks. It holds the path of the original, not
its pixels: those are in memory only while a stage runs, so that a class of thirty fits into a
small machine.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from core.imaging import Codec, ImageError
from core.protocol import (
    Edge,
    ProtocolError,
    Server,
    SessionExpired,
    Sessions,
    first_stage,
    second_stage,
)
from core.transcript import Transcript
from core.uncertainty import Gate
from core.vlm import VLM


@dataclass(frozen=True)
class Case:
    image: str  # path of the original
    codec: Codec  # of global and local image
    asked: Gate  # under which the first stage ran
    transcript: Transcript

    def judged(self, gate: Gate) -> Case:
        """The same answers under another gate; a second stage continues under that gate."""
        return replace(self, transcript=self.transcript.with_gate(gate))

    @property
    def moved(self) -> bool:
        """Whether the gate now says something else than it did when the messages were sent."""
        before = self.asked.retransmit(self.transcript.scores[self.asked.metric])
        return before != self.transcript.uncertain


def ask_first(
    vlm: VLM, sessions: Sessions, image: str | None, question: str, gate: Gate, codec: Codec
) -> Case:
    """The first stage. Raises ImageError, ProtocolError or VLMError: one sentence each."""
    edge = _edge(image, codec)
    return Case(image, codec, gate, first_stage(edge, Server(vlm, gate, sessions), question))


def ask_second(vlm: VLM, sessions: Sessions, case: Case) -> Case:
    """The second stage, whatever the gate says. Raises what `ask_first` raises.

    If the server has forgotten the first stage in the meantime, it is run again: the model is
    deterministic, so nothing that the user has seen changes. Unless it is another model by now.
    """
    _check_model(vlm, case)
    edge = _edge(case.image, case.codec)
    server = Server(vlm, case.transcript.gate, sessions)
    try:
        return replace(case, transcript=second_stage(edge, server, case.transcript))
    except SessionExpired:
        again = first_stage(edge, server, case.transcript.question)
        return replace(case, asked=server.gate, transcript=second_stage(edge, server, again))


def _check_model(vlm: VLM, case: Case) -> None:
    before, now = case.transcript, vlm.info
    if (before.model, before.revision) != (now.name, now.revision):
        raise ProtocolError(
            f"The first answer was given by {before.model}, and {now.name} has taken its place:"
            " ask again."
        )


def _edge(image: str | None, codec: Codec) -> Edge:
    if not image:
        raise ImageError("There is no image yet: choose a sample or upload one.")
    if not Path(image).is_file():  # uploads are deleted after an hour
        raise ImageError("The image is no longer here: choose it or upload it once more.")
    return Edge(image, codec)
