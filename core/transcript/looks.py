"""The looks of a transcript: what the server was shown, what it answered, where it looked next."""

from __future__ import annotations

from dataclasses import dataclass, field

from PIL import Image

from core.box import Box
from core.imaging import Codec

AttentionMap = tuple[tuple[float, ...], ...]  # (rows, cols), as laid over the global image


@dataclass(frozen=True)
class EncodedImage:
    """An image as it was sent: the encoded bytes, not the pixels before encoding."""

    format: str  # a format of core.imaging.Codec
    data: bytes
    size: tuple[int, int]  # (width, height), pixels

    def open(self) -> Image.Image:
        """The image as the server saw it, compression artefacts included."""
        return Codec(self.format).decode(self.data)


@dataclass(frozen=True)
class Token:
    """One generated token."""

    text: str
    id: int
    alternatives: tuple[tuple[str, float], ...]  # (text, probability): this one, likeliest others


@dataclass(frozen=True)
class Stage:
    """One answer of the model."""

    answer: str
    tokens: tuple[Token, ...]  # T, the end-of-sequence token included
    scores: dict[str, tuple[float, ...]]  # metric name -> T token scores (eq. 14-16)
    prompt: str | None = None  # as the model read it, a placeholder for each image; None: not known
    # Metric name -> lowest and highest of each token's score, where an engine tells too little for
    # one number; `scores` has the more uncertain of the two.
    bounds: dict[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)
    prompt_tokens: int = 0  # that the model read, visual tokens included; 0: not counted

    @property
    def token_ids(self) -> tuple[int, ...]:
        return tuple(token.id for token in self.tokens)


@dataclass(frozen=True)
class Attention:
    """Where the server looked: one layer's attention over the visual tokens (section VI-B)."""

    question: AttentionMap  # numerator of eq. 22
    # The denominator, the same for the generic prompt, and A_rel (eq. 22); None: the cropper needs
    # neither.
    generic: AttentionMap | None
    relative: AttentionMap | None
    extent: tuple[float, float, float, float]  # of the grid: left, top, right, bottom, in pixels
    # of the original; beyond its borders if the model pads, within them if it crops
    # What another cropper than `relative` found its box on; None: it used no map of its own.
    searched: AttentionMap | None = None

    @property
    def shown(self) -> AttentionMap:
        """The map that says best where the server looked."""
        return self.searched or self.relative or self.question


@dataclass(frozen=True)
class Round:
    """One more look, after the second stage's: another local image."""

    box: Box
    local_image: EncodedImage
    stage: Stage  # the answer from the global image and this one, or all so far (`keeps`)
    # Where the server looked in the local image before; None: nowhere there, so this is the next
    # best box on the global image.
    attention: Attention | None = None
    box_fallback: str = ""  # as a transcript's
    # Where the transcript's events begin that are this round's, the search for its box first; None:
    # not known.
    began: int | None = None
