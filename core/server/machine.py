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

from PIL import Image

from core.croppers.base import Clues, Cropper, CropperError, Found, Need, Wanted
from core.croppers.registry import DEFAULT
from core.croppers.registry import cropper as chosen_cropper
from core.cropping import Box
from core.imaging import Fit
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
from core.server.stages.maps import geometry_on, seen
from core.server.stages.received import check_size, decoded
from core.server.stages.rounds import look_inside, next_box
from core.server.stages.said import ALTERNATIVES, stage_of
from core.server.stages.searching import check_looks, part
from core.sessions import FirstStage, Search, Sessions
from core.transcript import Attention, Stage, Step, timed
from core.uncertainty import METRICS, Gate
from core.vlm.base import ModelAway, VLMError

if TYPE_CHECKING:
    from core.vlm.base import VLM, Generation, Look, ModelInfo

__all__ = ["Reply", "Server", "check_gate", "check_keeps"]


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
    search: int = 0  # how many of the last steps looked for one more box, after an answer
    searching: bool = False  # the crop asked for is a part that a cropper has to see first
    box: Box | None = None  # of the local image answered from, where that came during a search


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
    model is shown the newest local image beside the global one; with `keeps`, all so far, and then
    it is looked inside the first of them only.

    With a cropper that searches it asks for parts of the original, one after the other, which are
    local images like any other to the edge; then it answers from the one in which the search ended.

    Raises ValueError for a cropper that isn't known, or that needs true boxes where there are none,
    and for what `check_looks` refuses; CropperError for one that needs what this model hasn't got,
    and VLMError for a gate on what isn't known of this model's answers, or local images kept for
    one that wasn't trained on several.
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
        keeps: bool = False,
    ):
        check_gate(gate, vlm.info)
        if keeps:
            check_keeps(vlm.info)
        self.vlm, self.gate, self.looks, self.link = vlm, gate, looks, link
        self.cropper, self.truth = chosen_cropper(cropper), truth
        if Need.TRUTH in self.cropper.needs and truth is None:
            raise ValueError(f"The cropper {self.cropper.name!r} needs {Need.TRUTH.value}.")
        if (why := self.cropper.obstacle(vlm)) is not None:
            raise CropperError(why)
        self.alternatives, self.keeps = alternatives, keeps
        check_looks(self.cropper, gate, link is not None)
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
            image = decoded(message, self.fit)
            check_size(image.size, message.original_size, self.fit)
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
            return replace(request, steps=tuple(steps), stage=stage, fallback=fallback)
        skipped = None if verdict == "sure" else verdict
        answer = Answer(generation.text, session)
        return Reply(answer, tuple(steps), stage, skipped=skipped)  # line 23

    def _verdict(self, stage: Stage, message: Question, asked_at: float) -> Verdict:
        scores = stage.scores[self.gate.metric]
        if self.link is None:
            return "ask" if self.gate.retransmit(scores) else "sure"
        age = time.monotonic() - asked_at
        return self.link.decide(self.gate.uncertainty(scores), message.byte_count, age)

    @property
    def looks_at_most(self) -> int:
        """Return how many local images an edge may be asked for, for one question."""
        return 1 + len(self.gate.rounds) + self.cropper.parts

    def _request_crop(self, session: str, held: FirstStage) -> Reply:
        steps: list[Step] = []
        clues = self._clues(held, steps)
        start, waited = time.perf_counter(), self.vlm.waited
        found: Found | Wanted
        try:
            found = self.cropper.find(clues)  # lines 13, 14
        except Wanted as wanted:
            found = wanted
        seconds = time.perf_counter() - start - sum(step.seconds for step in steps)
        seconds -= self.vlm.waited - waited
        steps.append(Step("find box", "server", max(0.0, seconds)))
        if isinstance(found, Wanted):
            sent = held.search.sent if held.search else {}
            search = Search(sent, clues.said, found.box)
            self.sessions.keep(session, replace(held, search=search))
            return Reply(CropRequest(session, found.box), tuple(steps), searching=True)
        if self.link:
            self.link.asked(session)
        if self.gate.rounds:
            box, *others = found.boxes
            found_there = replace(held, map=found.map, found=tuple(others), asked=(box,), kept=())
            self.sessions.keep(session, found_there)
        request = CropRequest(session, found.boxes[0])  # line 15
        return Reply(
            request, tuple(steps), attention=seen(clues, found), box_fallback=found.fallback
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
            held_image=lambda: decoded(held.message, self.fit),
            asked=lambda name, times, size=held.view_size: self._asked(
                steps, name, size, times=times
            ),
            truth=self.truth or (),
            count=1 + len(self.gate.rounds),
            held_part=lambda box: part(held, box, self.fit),
            said=dict(held.search.said) if held.search else {},
        )

    def _search_on(self, message: LocalImage, held: FirstStage, steps: list[Step]) -> Reply:
        """Go on with a search whose next part has come: to one more, or to its end."""
        assert held.search is not None
        search, session = held.search.with_part(message), message.session
        request = self._request_crop(session, replace(held, search=search))
        steps += request.steps
        if request.searching:
            return replace(request, steps=tuple(steps))
        assert isinstance(request.message, CropRequest)
        box, sent = request.message.box, search.sent
        over = replace(held, search=None)
        if box not in sent:
            self.sessions.keep(session, over)
            return replace(request, steps=tuple(steps))
        if held.looks > 1:
            self.sessions.keep(session, replace(over, looks=held.looks - 1))
        reply = self._answer_again(sent[box], over, self._local(sent[box]), steps)
        return replace(
            reply, box=box, attention=request.attention, box_fallback=request.box_fallback
        )

    def _second_stage(self, message: LocalImage) -> Reply:
        steps: list[Step] = []
        with timed(steps, "decode local", "server"):
            local = self._local(message)
        held = self.sessions.take(message.session)  # no local image is answered twice
        try:
            if held.search is not None and Need.PARTS in self.cropper.needs:
                return self._search_on(message, held, steps)
            return self._answer_again(message, held, local, steps)
        except ModelAway:
            self.sessions.keep(message.session, held)  # for when it is back: nothing was answered
            raise

    def _answer_again(
        self, message: LocalImage, held: FirstStage, local: Image.Image, steps: list[Step]
    ) -> Reply:
        """Return the answer from both images, or the wish for one more.

        local: of the message, as the model is shown it.
        """
        may_ask = 0 < len(held.asked) <= len(self.gate.rounds)
        before = [self._local(one) for one in held.kept if self.keeps]
        sizes = (held.view_size, *(image.size for image in (*before, local)))
        with self._asked(steps, "second answer", *sizes):  # eq. 19, 2nd term
            look, question = self._look(held), held.message.question
            both = self.vlm.zoom(look, local) if may_ask and not before else None
            if both is None:
                shown = [*before, local] if before else local
                generation = self.vlm.answer(look, question, shown, draft=held.answer)  # 20-22
            else:
                generation = self.vlm.answer(both, question, draft=held.answer)  # eq. 12, too
        reply = self._refined(generation, question, steps, len(sizes))
        assert reply.stage is not None
        if may_ask and self.gate.again(len(held.asked), reply.stage.scores[self.gate.metric]):
            kept = (*held.kept, message) if self.keeps else ()
            held = replace(held, answer=generation.token_ids, kept=kept)
            answered = len(steps)
            request = self._look_again(message.session, held, both, local, generation, steps)
            search = len(steps) - answered
            return replace(reply, **request, steps=tuple(steps), search=search)
        return reply

    def answer_both(self, message: Question, local_message: LocalImage) -> Reply:
        """Answer from both images at once: a second stage of which no first one is held.

        The session of the local image is not read. Raises what `handle` raises.
        """
        steps: list[Step] = []
        with timed(steps, "decode both", "server"):
            image, local = decoded(message, self.fit), decoded(local_message, self.fit)
        with self._asked(steps, "second answer", image.size, local.size):
            generation = self.vlm.answer(self.vlm.look(image), message.question, local)  # eq. 12
        return self._refined(generation, message.question, steps)

    def _local(self, message: LocalImage) -> Image.Image:
        """Return a local image as the model is shown it."""
        local = decoded(message, self.fit)
        return self.cropper.shows(local) if self.cropper.shows else local

    def _refined(
        self, generation: Generation, question: str, steps: list[Step], images: int = 2
    ) -> Reply:
        with timed(steps, "score tokens", "server"):
            stage = self._stage(generation, question, images)
        return Reply(Answer(generation.text), tuple(steps), stage)  # line 23

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
            "attention": seen(*inside) if inside else None,
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
        waited = self.vlm.waited
        with self.vlm.tally() as tally, timed(steps, name, "server", flops):
            yield
        seconds = max(0.0, steps[-1].seconds - (self.vlm.waited - waited))
        steps[-1] = replace(steps[-1], seconds=seconds, exact_flops=tally.flops)

    def _look(self, held: FirstStage) -> Look:
        """The look of a first stage; made anew if its memory was needed."""
        return held.look or self.vlm.look(decoded(held.message, self.fit))

    def _stage(self, generation: Generation, question: str, images: int = 1) -> Stage:
        return stage_of(self.vlm, generation, question, images, self.alternatives)


def check_gate(gate: Gate, info: ModelInfo) -> None:
    """Raise VLMError for a gate on a metric that this model's answers don't have."""
    if gate.metric not in info.metrics:
        raise VLMError(
            f"{info.name!r} doesn't tell what {METRICS[gate.metric].noun} takes: set the gate on "
            f"one of {', '.join(info.metrics)}."
        )


def check_keeps(info: ModelInfo) -> None:
    """Raise VLMError for a model that would be shown more images than it was trained on."""
    if not info.several:
        raise VLMError(
            f"{info.name!r} was trained on a global and one local image: show it the newest only."
        )
