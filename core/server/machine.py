"""The machine with the model: what it makes of each message (Algorithm 1, lines 5-15 and 19-22).

`Server` holds the model and never the original. The line numbers in the comments are those of
Algorithm 1. Nothing here imports a deep-learning framework: the model is any `core.vlm.base.VLM`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from core.attention import relative_attention
from core.croppers.base import Clues, Cropper, CropperError, Found, Need, finite, windows
from core.croppers.registry import DEFAULT
from core.croppers.registry import cropper as chosen_cropper
from core.cropping import Box
from core.imaging import Codec, Fit, Geometry
from core.messages import (
    Answer,
    CropRequest,
    LocalImage,
    Message,
    MessageError,
    Question,
    SecondLook,
)
from core.policies.registry import Verdict
from core.policies.shared import SharedLink
from core.server.rounds import look_inside, next_box
from core.sessions import FirstStage, Sessions
from core.transcript import Attention, AttentionMap, Stage, Step, Token, timed
from core.uncertainty import METRICS, Gate, all_scores
from core.vlm.base import VLMError

if TYPE_CHECKING:
    from core.vlm.base import VLM, Generation, Look, ModelInfo

__all__ = ["Reply", "Server", "attention_maps", "check_gate", "chosen_box", "geometry_on"]

ALTERNATIVES = 5  # tokens listed at each position of an answer


@dataclass(frozen=True)
class Reply:
    """What came of one message to the server.

    `message` is all that the edge gets, as the bytes of `message.to_bytes()`. The rest is what the
    server noted on the way, for a transcript.
    """

    message: Answer | CropRequest
    steps: tuple[Step, ...]
    stage: Stage | None = None  # when the model answered
    attention: Attention | None = None  # when the server looked for a box
    skipped: Verdict | None = None  # why no local image was asked for, though the gate might have
    fallback: str | None = None  # what stands until the local image has come, on a shared link
    box_fallback: str = ""  # why the cropper's rule gave no box, and this is another one
    prompt_tokens: int = 0  # that the model read for its answer; 0: not counted, or no answer


class Server:
    """The machine with the model. Messages in, messages out: `handle` is its only door.

    vlm: a `core.vlm.base.VLM`. gate: decides whether the first answer will do. sessions: where
    first stages are held until the local image comes; servers that differ in gate and cropper only
    may share them. looks: local images that one first stage may be asked again with; the paper's
    protocol has one, an experiment may compare several. link: that the edges share; then its policy
    decides in the gate's place. cropper: what chooses the box, an entry of
    `core.croppers.CROPPERS` or its name. truth: the true boxes in pixels of the original, for one
    that needs them: then all questions must be about one image. alternatives: tokens listed at each
    position of an answer. `handle` may be called from several threads at once.

    With `gate.rounds` the server looks again as long as the answer is uncertain: the question's
    attention in the local image names a smaller box; if the question attends more to the global
    image, what it asks for isn't there, and the best box of what hasn't been seen is looked at. The
    model is shown the newest local image beside the global one.

    Raises ValueError for a cropper that isn't known, or that needs true boxes where there are none,
    for rounds on a shared link; CropperError for one that needs what this model hasn't got, and
    VLMError for a gate on what isn't known of this model's answers.
    """

    def __init__(
        self,
        vlm: VLM,
        gate: Gate,
        sessions: Sessions | None = None,
        looks: int = 1,
        link: SharedLink | None = None,
        cropper: str | Cropper = DEFAULT,
        truth: tuple[Box, ...] | None = None,
        alternatives: int = ALTERNATIVES,
    ):
        check_gate(gate, vlm.info)
        self.vlm, self.gate, self.looks, self.link = vlm, gate, looks, link
        self.cropper, self.truth = chosen_cropper(cropper), truth
        if Need.TRUTH in self.cropper.needs and truth is None:
            raise ValueError(f"The cropper {self.cropper.name!r} needs {Need.TRUTH.value}.")
        if (why := self.cropper.obstacle(vlm)) is not None:
            raise CropperError(why)
        self.alternatives = alternatives
        if link is not None and gate.rounds:
            raise ValueError("The policy of a shared link prices one look: leave out the rounds.")
        self.sessions = Sessions() if sessions is None else sessions

    @property
    def fit(self) -> Fit:
        """Return how an edge brings its images to the model before it sends them."""
        return self.vlm.info.fit

    def receive(self, data: bytes) -> Reply:
        """Return what `handle` makes of the bytes of a message, as they crossed the link."""
        return self.handle(Message.from_bytes(data))

    def handle(self, message: Message, age: float = 0.0) -> Reply:
        """Answer one message from an edge. age: seconds since its question was asked, if known.

        Raises ProtocolError: MessageError for a message or an image that is not as agreed,
        QuestionError for the question in it, SessionExpired for a session not held here. The
        model's own VLMError passes through.
        """
        with self.vlm.asking():
            match message:
                case Question():
                    return self._first_stage(message, time.monotonic() - age)
                case SecondLook(session):
                    return self._request_crop(session, self.sessions.get(session))
                case LocalImage():
                    return self._second_stage(message)
        raise MessageError("Send the server a question, a wish for a second look, or an image.")

    def _first_stage(self, message: Question, asked_at: float) -> Reply:
        steps: list[Step] = []
        with timed(steps, "decode global", "server"):
            image = self._decode(message)
            _check_size(image.size, message.original_size, self.fit)
        with self._asked(steps, "first answer", image.size):  # eq. 18
            look = self.vlm.look(image)  # line 6
            generation = self.vlm.answer(look, message.question)  # lines 7, 8, 10 (eq. 3)
        with timed(steps, "score tokens", "server"):
            stage = self._stage(generation, message.question)  # line 9 (eq. 14-16)
        geometry = geometry_on(self.vlm, image.size, message.original_size)
        held = FirstStage(
            message, geometry, image.size, look, generation.attention, generation.token_ids,
            self.looks,
        )  # fmt: skip
        session = self.sessions.add(held)
        verdict = self._verdict(stage, message, asked_at)  # lines 11, 12 (eq. 9)
        if verdict == "ask":
            request = self._request_crop(session, held)  # lines 13-15
            fallback = generation.text if self.link else None
            steps += request.steps
            return replace(
                request, steps=tuple(steps), stage=stage, fallback=fallback,
                prompt_tokens=generation.prompt_tokens,
            )  # fmt: skip
        skipped = None if verdict == "sure" else verdict
        return Reply(  # line 23
            Answer(generation.text, session), tuple(steps), stage, skipped=skipped,
            prompt_tokens=generation.prompt_tokens,
        )  # fmt: skip

    def _verdict(self, stage: Stage, message: Question, asked_at: float) -> Verdict:
        scores = stage.scores[self.gate.metric]
        if self.link is None:
            return "ask" if self.gate.retransmit(scores) else "sure"
        age = time.monotonic() - asked_at
        return self.link.decide(self.gate.uncertainty(scores), message.byte_count, age)

    def _request_crop(self, session: str, held: FirstStage) -> Reply:
        steps: list[Step] = []
        clues = self._clues(held, steps)
        start = time.perf_counter()
        found = self.cropper.find(clues)  # lines 13, 14
        seconds = time.perf_counter() - start - sum(step.seconds for step in steps)
        steps.append(Step("find box", "server", max(0.0, seconds)))
        if self.link:
            self.link.asked(session)
        if self.gate.rounds:
            box, *others = found.boxes
            found_there = replace(held, map=found.map, found=tuple(others), asked=(box,))
            self.sessions.keep(session, found_there)
        request = CropRequest(session, found.boxes[0])  # line 15
        return Reply(
            request, tuple(steps), attention=_seen(clues, found), box_fallback=found.fallback
        )

    def _clues(self, held: FirstStage, steps: list[Step]) -> Clues:
        """Return what the cropper is given; what the model does for it is noted in `steps`."""
        return Clues(
            self.vlm,
            self.cropper.needs,
            held.message.question,
            held.message.original_size,
            held.geometry,
            held.attention,
            held_look=lambda: self._look(held),
            held_image=lambda: self._decode(held.message),
            asked=lambda name, times: self._asked(steps, name, held.view_size, times=times),
            truth=self.truth or (),
            count=1 + len(self.gate.rounds),
        )

    def _second_stage(self, message: LocalImage) -> Reply:
        steps: list[Step] = []
        with timed(steps, "decode local", "server"):
            local = self._decode(message)
        held = self.sessions.take(message.session)  # no local image is answered twice
        may_ask = 0 < len(held.asked) <= len(self.gate.rounds)
        with self._asked(steps, "second answer", held.view_size, local.size):  # eq. 19, 2nd term
            look, question = self._look(held), held.message.question
            local = self.cropper.shows(local) if self.cropper.shows else local
            both = self.vlm.zoom(look, local) if may_ask else None
            if both is None:
                generation = self.vlm.answer(look, question, local, draft=held.answer)  # 20-22
            else:
                generation = self.vlm.answer(both, question, draft=held.answer)  # eq. 12, too
        reply = self._refined(generation, question, steps)
        assert reply.stage is not None
        if may_ask and self.gate.again(len(held.asked), reply.stage.scores[self.gate.metric]):
            held = replace(held, answer=generation.token_ids)
            request = self._look_again(message.session, held, both, local, generation, steps)
            return replace(reply, **request, steps=tuple(steps))
        return reply

    def answer_both(self, message: Question, local_message: LocalImage) -> Reply:
        """Answer from both images at once: a second stage of which no first one is held.

        The session of the local image is not read. Raises what `handle` raises.
        """
        steps: list[Step] = []
        with timed(steps, "decode both", "server"):
            image, local = self._decode(message), self._decode(local_message)
        with self._asked(steps, "second answer", image.size, local.size):
            generation = self.vlm.answer(self.vlm.look(image), message.question, local)  # eq. 12
        return self._refined(generation, message.question, steps)

    def _refined(self, generation: Generation, question: str, steps: list[Step]) -> Reply:
        with timed(steps, "score tokens", "server"):
            stage = self._stage(generation, question, 2)
        return Reply(  # line 23
            Answer(generation.text), tuple(steps), stage, prompt_tokens=generation.prompt_tokens
        )

    def _look_again(
        self,
        session: str,
        held: FirstStage,
        both: Look | None,
        local: Image.Image,
        generation: Generation,
        steps: list[Step],
    ) -> dict[str, Any]:
        """Return fields of a reply that asks for one more local image; {} if there is nothing more
        to see.

        both: the look at both images, `local` the second; None: the model has none.
        """

        def asked(name: str, times: float) -> AbstractContextManager[None]:
            return self._asked(steps, name, held.view_size, local.size, times=times)

        inside = None
        if both is not None:
            inside = look_inside(
                self.vlm, self.cropper, held, both, local, generation, asked, self.truth or ()
            )
        box = inside[1].boxes[0] if inside else next_box(self.vlm.info, held)
        if box is None:
            return {}
        self.sessions.keep(session, replace(held, asked=(*held.asked, box)))
        return {
            "message": CropRequest(session, box),
            "attention": _seen(*inside) if inside else None,
            "box_fallback": inside[1].fallback if inside else "",
        }

    @contextmanager
    def _asked(
        self, steps: list[Step], name: str, *sizes: tuple[int, int], times: float = 1
    ) -> Iterator[None]:
        """A step of the model, which reads images of these sizes, so many times."""
        n_visual = sum(map(self.vlm.visual_tokens, sizes))
        flops = self.vlm.info.prefill_flops(n_visual)
        if flops is not None and times != 1:
            flops = round(times * flops)
        with self.vlm.tally() as tally, timed(steps, name, "server", flops):
            yield
        steps[-1] = replace(steps[-1], exact_flops=tally.flops)

    def _look(self, held: FirstStage) -> Look:
        """The look of a first stage; made anew if its memory was needed."""
        return held.look or self.vlm.look(self._decode(held.message))

    def _decode(self, message: Question | LocalImage) -> Image.Image:
        """The image of a message, if the model can take it."""
        width, height = self.fit.input_size
        try:
            image = Codec(message.image_format).decode(message.image, max_pixels=width * height)
        except ValueError as error:  # an unknown format, or not an image of it
            raise MessageError(f"The image of the {message.kind} can't be used: {error}") from None
        if not self.fit.allows(image.size):
            raise MessageError(
                f"The image of the {message.kind} has {image.width} × {image.height} pixels:"
                f" send at most {width} × {height}"
                f"{', or as many in other proportions' if self.fit.how == 'area' else ''}."
            )
        return image

    def _stage(self, generation: Generation, question: str, images: int = 1) -> Stage:
        """An answer with the scores of every metric that it gives."""
        scores, bounds = all_scores(generation.evidence)
        tokens = tuple(
            Token(text, chosen, alternatives)
            for text, chosen, alternatives in zip(
                generation.tokens, map(int, generation.token_ids), self._alternatives(generation),
                strict=True,
            )
        )  # fmt: skip
        prompt = self.vlm.prompt_text(question, images)
        return Stage(generation.text, tokens, scores, prompt, bounds)

    def _alternatives(self, generation: Generation) -> list[tuple[tuple[str, float], ...]]:
        """Each token's likeliest alternatives as (text, probability), itself first."""
        count = self.alternatives
        if generation.likeliest:
            return [
                tuple((text, float(np.exp(logp))) for text, logp in row[:count])
                for row in generation.likeliest
            ]
        logits = np.asarray(generation.logits, dtype=np.float64)
        odds = np.exp(logits - logits.max(axis=-1, keepdims=True))
        probabilities = odds / odds.sum(axis=-1, keepdims=True)
        rows = []
        for text, chosen, p in zip(
            generation.tokens, generation.token_ids, probabilities, strict=True
        ):
            top = np.argpartition(p, -min(count, p.size))[-count:]
            others = sorted((int(i) for i in top if i != chosen), key=lambda i: (-p[i], i))
            ids = [chosen, *others[: count - 1]]
            texts = [text] + [self.vlm.decode_token(i) for i in ids[1:]]
            rows.append(tuple(zip(texts, (float(p[i]) for i in ids), strict=True)))
        return rows


def check_gate(gate: Gate, info: ModelInfo) -> None:
    """Raise VLMError for a gate on a metric that this model's answers don't have."""
    if gate.metric not in info.metrics:
        raise VLMError(
            f"{info.name!r} doesn't tell what {METRICS[gate.metric].noun} takes: set the gate on "
            f"one of {', '.join(info.metrics)}."
        )


def _check_size(size: tuple[int, int], original: tuple[int, int], fit: Fit) -> None:
    """Return whether some one scale, at most 1, takes what is to be sent of `original` to `size`,
    give or take a pixel.
    """
    (width, height), (full_width, full_height) = size, fit.size(original)
    if (
        width > full_width
        or height > full_height
        or (width - 1) * full_height > (height + 1) * full_width
        or (height - 1) * full_width > (width + 1) * full_height
    ):
        raise MessageError(
            f"A global image of {width} × {height} pixels can't be an original of"
            f" {original[0]} × {original[1]} brought to this model ({fit.how}): send"
            f" {full_width} × {full_height}."
        )


def geometry_on(vlm: VLM, view_size: tuple[int, int], original_size: tuple[int, int]) -> Geometry:
    """Return where the grid of a global image of `view_size` lies on its original."""
    region = vlm.info.fit.region(original_size)
    return vlm.geometry(view_size).of_original(original_size, region)


def attention_maps(question: np.ndarray, generic: np.ndarray, geometry: Geometry) -> Attention:
    """Return the maps of eq. 22 from both prompts' rows (cells,), and the place of their grid."""
    grid, (left, top, right, bottom) = geometry.grid, geometry.extent
    return Attention(
        question=_map(question, grid),
        generic=_map(generic, grid),
        relative=_map(relative_attention(question, generic, grid), grid),  # eq. 22
        extent=(float(left), float(top), float(right), float(bottom)),
    )


def _seen(clues: Clues, found: Found) -> Attention | None:
    """Return the maps that there are after a cropper has looked; None where nothing attended."""
    if not clues.row_if_read.size:
        return None
    grid, relative = clues.geometry.grid, clues.relative_if_read
    left, top, right, bottom = clues.geometry.extent
    searched = None if found.map is relative else found.map
    return Attention(
        question=_map(clues.row_if_read, grid),
        generic=None if relative is None else _map(clues.generic_row, grid),
        relative=None if relative is None else _map(relative, grid),
        extent=(float(left), float(top), float(right), float(bottom)),
        searched=None if searched is None else _map(searched, grid),
    )


def chosen_box(
    vlm: VLM, attention: Attention, original_size: tuple[int, int], side: float | None = None
) -> Box:
    """Return the box of the original that `relative` asks for (eq. 11, 22), in pixels.

    side: of the box at ratio 1.0, in pixels of the original; None: the model's own.
    """
    weights = np.asarray(attention.relative)
    return windows(weights, attention.extent, original_size, vlm.info, side)[0]


def _map(weights: np.ndarray, grid: tuple[int, int]) -> AttentionMap:
    """(rows, cols) of plain floats; a weight that isn't a number is not evidence, hence 0."""
    return tuple(map(tuple, finite(weights, grid).tolist()))
