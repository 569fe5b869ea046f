"""Everything that happened for one question: what was sent, what it cost, what the server thought.

A transcript is the bird's-eye view of a run of Algorithm 1: neither edge nor server ever holds
it. It travels as plain JSON (`to_dict`, `to_json`), and `from_dict` trusts nothing it is given:
what loads can be drawn.
"""

from core.transcript.errors import TranscriptError
from core.transcript.events import Event, MessageRecord, Step, timed
from core.transcript.looks import Attention, AttentionMap, EncodedImage, Round, Stage, Token
from core.transcript.plain import INFINITE
from core.transcript.transcript import Transcript

__all__ = [
    "INFINITE",
    "Attention",
    "AttentionMap",
    "EncodedImage",
    "Event",
    "MessageRecord",
    "Round",
    "Stage",
    "Step",
    "Token",
    "Transcript",
    "TranscriptError",
    "timed",
]
