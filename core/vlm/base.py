"""What the protocol needs of a vision-language model, whatever its family.

An adapter answers from images and a question, hands over the raw logits of every generated token
(the uncertainty of eq. 13-16 is computed from them) and one layer's attention row over the visual
tokens (eq. 22 divides two such rows). This module imports neither torch nor transformers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from core.cost import prefill_flops
from core.cropping import MIN_CELLS
from core.uncertainty import METRICS, Evidence
from core.vlm.yes import NO, YES, of_likeliest, of_logits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL import Image

    from core.imaging import Fit, Geometry

MAX_NEW_TOKENS = 20  # the paper's limit for every answer (Section VII-A)


class VLMError(ValueError):
    """A model can't be loaded or can't take this input; the message is one sentence to show."""


class ModelAway(VLMError):
    """Nothing can be asked of the model for now: an engine that has ended, say. The same may be
    asked again later."""


@dataclass(frozen=True)
class ModelInfo:
    """The facts about a loaded model that the protocol, the costs and the page use."""

    name: str  # as the user asked for it: "pocket", a directory, a hub id
    family: str  # config.model_type, e.g. "llava"
    revision: str | None  # commit on the hub; None for a local directory
    parameters: int  # 0: not known
    hidden: int  # width of the language model, d_LLM of eq. 17; 0: not known
    layers: int  # layers of the language model, L of eq. 17
    visual_tokens: int  # of an image as large as input_size, n_v of eq. 17; 0: not known
    fit: Fit  # how an image is brought to the model, and to how many pixels
    attention_layer: int  # 0-based layer of the language model whose attention is used
    base_side: int  # side in original pixels of the box at ratio 1.0
    generic_prompt: str  # s' of eq. 22
    thresholds: dict[str, float]  # a default eta per metric of core.uncertainty.METRICS
    min_cells: int = MIN_CELLS  # a side, that a box has at least; 0: the published search
    # What a prompt says beside the question, the generic one's too; "": nothing.
    instruction: str = ""
    calibrated: frozenset[str] = frozenset()  # metrics whose eta was set for this model
    layer_source: str = ""  # who says so of attention_layer, or that nobody does; "": not known
    unshared: str | None = None  # why every prompt is read from its beginning; None: where prompts
    # about one image have a beginning in common, it is read once
    # Memory that a look at a square image takes while it is held; 0: not known.
    look_bytes: int = 0
    # (layer, head) of those that point at things, see core.croppers.heads; (): not chosen.
    heads: tuple[tuple[int, int], ...] = ()
    # How it was loaded: the options of `load_vlm`, defaults resolved. {}: not known.
    load: dict[str, Any] = field(default_factory=dict)
    look: str = ""  # who looks for the box, where it isn't the model that answers; "": that one
    # Of an engine behind HTTP: how many likeliest tokens it reports the log-probabilities of; None:
    # the model is here, with all its logits and its attention.
    likeliest: int | None = None
    several: bool = False  # trained on prompts with more images than two

    @property
    def input_size(self) -> tuple[int, int]:
        """Return (width, height) in pixels of what the model reads of a square image, at most."""
        return self.fit.input_size

    @property
    def metrics(self) -> tuple[str, ...]:
        """Return the metrics that its answers have, the bounded ones too."""
        here = self.likeliest is None
        return tuple(n for n, metric in METRICS.items() if metric.told_by(self.likeliest, here))

    def prefill_flops(self, n_visual: int) -> int | None:
        """Return eq. 17 for so many visual tokens; None where the model's width isn't known."""
        return prefill_flops(n_visual, self.hidden, self.layers) if self.hidden else None


@dataclass(frozen=True, eq=False)
class Generation:
    """One answer, decoded greedily, with what it takes to measure how sure the model was.

    T counts the generated tokens, the end-of-sequence token included where the model gave one, or
    its engine reports one.
    """

    text: str  # without special tokens, stripped
    token_ids: tuple[int, ...]  # (T,); -1: an engine doesn't say
    tokens: tuple[str, ...]  # (T,) readable, see VLM.decode_token
    # (T, V) float32, the model's own: before any sampling or penalty; V = 0: of an engine.
    logits: np.ndarray
    # (cells,) float32, last prompt token over the global image's grid; 0 cells: of an engine.
    attention: np.ndarray
    prompt_tokens: int = 0  # of what was read, visual tokens included; 0: not counted
    # Of an engine, (T,): each token's alternatives, (text, natural log-probability), itself first.
    likeliest: tuple[tuple[tuple[str, float], ...], ...] = ()
    # Of a look at both images (`VLM.zoom`), (cells,): the same row over the local image's grid.
    inside: np.ndarray | None = None

    @property
    def evidence(self) -> Evidence:
        """Return what there is to judge the answer by. Raises ValueError for what isn't a
        distribution."""
        attention = self.attention if self.attention.size else None
        if self.likeliest:
            return Evidence.of_likeliest([[p for _, p in row] for row in self.likeliest], attention)
        return Evidence.of_logits(self.logits, attention)


@dataclass(frozen=True, eq=False)
class PixelGradient:
    """Which pixels the answer to a prompt depends on."""

    pixels: np.ndarray  # (height, width, 3), 0 to 1, as the vision tower is given them
    norms: np.ndarray  # (height, width): of the gradient of the likeliest first token, over colours


@dataclass(frozen=True, eq=False)
class Look:
    """A server's work on one global image, done once and used by every call about that image.

    Opaque: each family keeps in a subclass what it can reuse. Only the adapter that made a look
    can use it.
    """

    image_size: tuple[int, int]  # (width, height) of the global image as received

    @property
    def nbytes(self) -> int:
        """The memory that holding it takes."""
        return 0


@dataclass
class Tally:
    """Floating-point operations that a model executed; None if it doesn't count them."""

    flops: int | None


class Request(NamedTuple):
    """One question of a batch: what `VLM.answer` takes."""

    look: Look
    question: str
    local: Image.Image | Sequence[Image.Image] | None = None
    draft: Sequence[int] = ()

    @property
    def locals(self) -> Sequence[Image.Image]:
        """The images beside the global one."""
        if self.local is None:
            return ()
        return self.local if isinstance(self.local, list | tuple) else (self.local,)


class VLM(ABC):
    """A loaded vision-language model. Every method may be called by several threads at once."""

    info: ModelInfo
    batches: ClassVar[bool] = False  # whether several at once are faster than one by one
    waited: float = 0.0  # seconds so far in which calls were served that others had made

    @abstractmethod
    def geometry(self, image_size: tuple[int, int]) -> Geometry:
        """Return how an image of ``image_size`` (width, height), given to this model, meets its
        grid.

        The grid differs between images where a model takes them in different resolutions.
        """

    def visual_tokens(self, image_size: tuple[int, int]) -> int:
        """Return how many tokens such an image is to the language model, n_v of eq. 17.

        As many as its grid has cells, except where a model also reads an overview, or nothing but
        a summary. 0: not known.
        """
        rows, cols = self.geometry(image_size).grid
        return rows * cols

    def prompt_text(self, question: str, n_images: int) -> str:
        """The prompt as the model reads it, with the instruction and one placeholder an image."""
        return question

    @contextmanager
    def tally(self) -> Iterator[Tally]:
        """Return what this model executes within, in this thread: encoding, prefill, head,
        decoding.
        """
        yield Tally(None)

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Wait for this thread's next call before a batch, within: it may come at any moment."""
        yield

    @abstractmethod
    def look(self, image: Image.Image) -> Look:
        """Take in a global image; raises VLMError for an image that this model can't take."""

    def zoom(self, look: Look, local: Image.Image) -> Look | None:
        """Return a look at the global image and at a local one behind it.

        `answer` about it is from both images (eq. 12), `attend` over the grid of the local one, and
        so is the answer's `inside`.
        What all prompts about both have in common is read once. None: this model can't tell where
        in a local image it looks.
        """
        return None

    @abstractmethod
    def answer(
        self,
        look: Look,
        question: str,
        local: Image.Image | Sequence[Image.Image] | None = None,
        max_new_tokens: int = MAX_NEW_TOKENS,
        draft: Sequence[int] = (),
    ) -> Generation:
        """Answer from the global image alone (eq. 3) or from both images (eq. 12).

        ``local`` may be several images, where a model has places for them in its prompt. ``draft``:
        token ids that the answer may well be, such as those of the first answer. It changes
        nothing but the time: the more of them are right, the fewer have to be decoded.
        Greedy, hence deterministic. Nothing written in ``question`` is read as a special token.
        Raises VLMError if the prompt is longer than the model can read.
        """

    @abstractmethod
    def attend(self, look: Look, prompt: str, layer: int | None = None) -> np.ndarray:
        """Attention (cells,) float32 of ``prompt``'s last token over the global image's grid.

        The mean over the heads of layer ``info.attention_layer``, or of another (0-based): the
        numerator of eq. 22 for the question, the denominator for ``info.generic_prompt``. Raises
        ValueError for a layer that the model doesn't have.
        """

    def attend_layers(self, look: Look, prompt: str) -> np.ndarray:
        """`attend` of every layer, (layers, cells) float32: from one pass where a family can."""
        return np.stack([self.attend(look, prompt, layer) for layer in range(self.info.layers)])

    def in_full_detail(self) -> VLM | None:
        """Return this model reading images as its checkpoint does by itself, in all their tiles.

        Itself, if it does so already; None if its checkpoint reads no more of an image than this.
        """
        return None

    # What some croppers ask for beside these: `abilities` names the methods that a family has, and
    # the others raise VLMError.

    @property
    def abilities(self) -> frozenset[str]:
        """Return which of the methods below this model has, by name."""
        return frozenset()

    def attend_heads(self, look: Look, prompt: str) -> np.ndarray:
        """Return `attend` of every head of every layer, (layers, heads, cells) float32."""
        raise self._unable("attend_heads")

    def attend_gradient(self, look: Look, prompt: str, layer: int | None = None) -> np.ndarray:
        """Return attention (cells,) float32 as `attend`, each head's weighted by the positive part
        of the gradient by it of the likeliest first token's log-probability (ViCrop).
        """
        raise self._unable("attend_gradient")

    def pixel_gradient(self, image: Image.Image, prompt: str) -> PixelGradient:
        """Return which pixels of a global image the first token of an answer depends on."""
        raise self._unable("pixel_gradient")

    def similarity(self, look: Look, prompt: str, words: str) -> np.ndarray:
        """Return how alike the cached values of words in a prompt and of each cell are.

        (layers, cells) float32: the cosine, mean over the words' tokens and the heads.
        """
        raise self._unable("similarity")

    def box_units(self, image_size: tuple[int, int]) -> tuple[float, float]:
        """Return what the width and height of such a global image count where the model names a
        box in its answer.
        """
        raise self._unable("box_units")

    def yes(self, look: Look, prompt: str) -> float:
        """Return how likely an answer about a global image begins with yes, beside no, 0 to 1."""
        if "yes" not in self.abilities:
            raise self._unable("yes")
        generation = self.answer(look, prompt, max_new_tokens=1)
        if generation.likeliest:
            return of_likeliest(generation.likeliest[0])
        return of_logits(generation.logits[0], self.word_tokens(*YES), self.word_tokens(*NO))

    def word_tokens(self, *words: str) -> tuple[int, ...]:
        """Return the tokens that are one of these words; a word of several has none."""
        raise self._unable("word_tokens")

    def _unable(self, what: str) -> VLMError:
        return VLMError(f"{self.info.name!r} has no {what}: choose another cropper, or model.")

    # Several at once: the same results as one by one, and faster where the family can do it. What
    # would be refused alone makes the whole batch raise.

    def look_batch(self, images: Sequence[Image.Image]) -> list[Look]:
        """`look` at each image."""
        return [self.look(image) for image in images]

    def zoom_batch(
        self, looks: Sequence[Look], images: Sequence[Image.Image]
    ) -> Sequence[Look | None]:
        """`zoom` in on each look with the local image beside it."""
        return [self.zoom(look, image) for look, image in zip(looks, images, strict=True)]

    def answer_batch(
        self, requests: Sequence[Request], max_new_tokens: int = MAX_NEW_TOKENS
    ) -> list[Generation]:
        """`answer` each request; several may be about one look."""
        return [
            self.answer(look, question, local, max_new_tokens, draft)
            for look, question, local, draft in requests
        ]

    def attend_batch(
        self, looks: Sequence[Look], prompts: Sequence[str], layer: int | None = None
    ) -> list[np.ndarray]:
        """`attend` to each look with the prompt beside it."""
        return [self.attend(look, text, layer) for look, text in zip(looks, prompts, strict=True)]

    @abstractmethod
    def decode_token(self, token_id: int) -> str:
        """Readable text of one token, its leading space included; a special token's name."""
