"""One question of a data set, asked through the protocol to the end and written down.

Both stages run, whatever a gate would decide: the gate is drawn afterwards, from the record.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image

from core.bench.datasets import Sample
from core.bench.datasets.scoring import Scorer
from core.bench.record.hd import ask_in_high_resolution
from core.bench.record.together import Asker
from core.bench.runs.metadata import Metadata
from core.bench.runs.record import Record
from core.bench.runs.run import Run
from core.croppers import DEFAULT
from core.croppers import cropper as cropper_named
from core.cropping import Box
from core.hits import box_around, contrast, holds_any, random_hit
from core.imaging import Codec
from core.messages import Answer, SecondLook
from core.protocol import Edge, Server, Transcript, first_stage, second_stage
from core.transcript import Attention, EncodedImage, Event, MessageRecord, Stage, Step
from core.uncertainty import Gate

REFERENCE = Codec("jpeg", 100)  # of the relative cost (section VII-F)
NEVER, ALWAYS = float("inf"), float("-inf")  # thresholds η


@dataclass(frozen=True)
class Recorder:
    """How samples are asked and scored.

    guided: also with the local image of the true box. hd: also in high resolution. rounds: looks
    of each cropper, as long as there is more to see. keeps: whether an answer is from all local
    images so far.
    """

    metadata: Metadata  # of whichever cropper
    scorer: Scorer
    codec: Codec
    guided: bool = False
    hd: bool = False
    rounds: int = 1
    keeps: bool = False

    def record(
        self,
        vlm: Asker,
        sample: Sample,
        original: Image.Image,
        croppers: Sequence[str] = (DEFAULT,),
    ) -> list[list[Record] | Exception]:
        """Ask everything there is to ask about one sample; the first stage once for all croppers.

        Returns the rows of each cropper, one a look, or what went wrong with it. Raises whatever
        goes wrong with all of them, and RunError for what could not stand in a run.
        """
        edge, targets = Edge(original, self.codec), [Box(*box) for box in sample.boxes]
        # Each cropper looks once, and then the true box may be looked at.
        server = Server(vlm, Gate(threshold=NEVER), looks=len(croppers) + self.guided)
        opened = first_stage(edge, server, sample.prompt)
        first = opened.first.answer
        row = replace(
            unanswered(sample),
            first_answer=first,
            first_score=self.scorer.score(first, sample),
            global_bytes=len(opened.global_image.data),
            reference_bytes=len(REFERENCE.encode(edge.resize(server.fit))),
            first_visual_tokens=float(vlm.visual_tokens(opened.global_image.size)),
            first_prompt_tokens=float(opened.first.prompt_tokens or np.nan),
            scores=opened.scores,
            question_message_bytes=opened.messages[0].byte_count,
            answer_message_bytes=opened.messages[1].byte_count,
            **_flops("first", opened.steps),
            first_seconds=_seconds(opened.steps),
        )
        if sample.letter_height:
            _, scale = server.fit.scale(original.size)
            row = replace(row, letter_height=sample.letter_height * scale)
        looked: list[list[Record] | Exception] = []
        for name in croppers:
            try:
                looked.append(self._look(vlm, edge, server, opened, name, sample, row))
            except Exception as error:  # another cropper may find its way
                looked.append(error)
        shared: dict[str, Any] = {}
        if self.guided and len(targets) == 1:
            around = box_around(targets[0], original.size, vlm.info.base_side)
            answer = second_stage(edge, server, opened, around).answer
            shared |= {"guided_answer": answer, "guided_score": self.scorer.score(answer, sample)}
        if self.hd:
            answer, taken = ask_in_high_resolution(vlm, edge, sample.prompt)
            shared |= {"hd_score": self.scorer.score(answer, sample), **taken}
        for rows in looked:
            if not isinstance(rows, Exception):
                rows[0] = replace(rows[0], **shared)
                Run.from_records(rows, self.metadata)  # raises for what would spoil a whole run
        return looked

    def _look(
        self,
        vlm: Asker,
        edge: Edge,
        opened_by: Server,
        opened: Transcript,
        cropper: str,
        sample: Sample,
        row: Record,
    ) -> list[Record]:
        """Return the rows of a sample looked at by a cropper, one a look; `opened` is the first
        stage, and `row` what is known of it."""
        targets = tuple(Box(*box) for box in sample.boxes)
        further = rounds_of(cropper, self.rounds) - 1
        gate = Gate(threshold=NEVER, rounds=(ALWAYS,) * further)
        server = Server(
            vlm, gate, opened_by.sessions, cropper=cropper, truth=targets, keeps=self.keeps
        )
        transcript = second_stage(edge, server, opened)
        rows: list[Record] = []
        tokens = row.first_visual_tokens
        for look in _looks(transcript, len(opened.events)):
            local = float(vlm.visual_tokens(look.image.size))
            before = tokens if self.keeps and rows else row.first_visual_tokens
            tokens = before + local
            if rows:
                row = _after(rows[-1])
            row = replace(
                row,
                second_answer=look.stage.answer,
                second_score=self.scorer.score(look.stage.answer, sample),
                local_bytes=sum(message.image_bytes for message in look.messages),
                **look.message_bytes,
                second_visual_tokens=tokens,
                second_prompt_tokens=float(look.stage.prompt_tokens or np.nan),
                box=look.box,
                box_fallback=look.fallback,
                finer=server.fit.finer(transcript.original_size, look.box.size),
                second_scores=look.stage.scores,
                **_flops("second", look.steps),
                second_seconds=_seconds(look.steps),
            )
            if (seen := look.seen) is not None:
                row = replace(row, box_contrast=contrast(seen.shown, seen.extent, look.box))
            if targets:
                chance = random_hit(look.box, list(targets), transcript.original_size)
                row = replace(row, box_hit=holds_any(look.box, targets), random_hit=chance)
            rows.append(row)
        return rows


def rounds_of(name: str, rounds: int) -> int:
    """Return how many of these rounds a cropper has: one that searches has its own looks."""
    return 1 if cropper_named(name).parts else rounds


@dataclass(frozen=True)
class _Look:
    """One look of a transcript: what was sent for it, what it took, and the answer."""

    box: Box
    image: EncodedImage
    stage: Stage
    seen: Attention | None
    fallback: str
    events: Sequence[Event]

    @property
    def steps(self) -> list[Step]:
        return [event for event in self.events if isinstance(event, Step)]

    @property
    def messages(self) -> list[MessageRecord]:
        return [event for event in self.events if isinstance(event, MessageRecord)]

    @property
    def message_bytes(self) -> dict[str, Any]:
        """Return the bytes of each message, the answer's as if no further look followed.

        What lies before the last crop request is a cropper's search.
        """
        sizes = [one.byte_count for one in self.messages if one.kind != Answer.kind]
        *search, request, local = sizes
        return {
            "search_down_bytes": float(sum(search[::2])),
            "search_up_bytes": float(sum(search[1::2])),
            "search_round_trips": len(search) / 2,
            "crop_request_message_bytes": request,
            "local_image_message_bytes": local,
            "refined_message_bytes": Answer(self.stage.answer).byte_count,
        }


def _looks(transcript: Transcript, begin: int) -> list[_Look]:
    """Return the looks of a transcript, whose second stage begins after so many events.

    The gate was content with the first answer, and then a second look was wished for. Had the gate
    asked for it, there would be no such wish on the wire: it is left out.
    """
    t, later = transcript, transcript.rounds
    assert t.second and t.local_image and t.box
    ends = [*(one.began for one in later), len(t.events)]
    events = [
        event for event in t.events[begin : ends[0]]
        if not (isinstance(event, MessageRecord) and event.kind == SecondLook.kind)
    ]  # fmt: skip
    first = _Look(t.box, t.local_image, t.second, t.attention, t.box_fallback, events)
    return [first] + [
        _Look(one.box, one.local_image, one.stage, one.attention, one.box_fallback,
              t.events[one.began : end])
        for one, end in zip(later, ends[1:], strict=True)
    ]  # fmt: skip


def _after(row: Record) -> Record:
    """Return what is known of the look after this one: this one's answer is its first stage."""
    return replace(
        row,
        round=row.round + 1,
        first_answer=row.second_answer,
        first_score=row.second_score,
        first_flops=row.second_flops,
        first_flops_exact=row.second_flops_exact,
        first_seconds=row.second_seconds,
        first_visual_tokens=row.second_visual_tokens,
        first_prompt_tokens=row.second_prompt_tokens,
        answer_message_bytes=row.refined_message_bytes,
        scores=row.second_scores,
        box_contrast=np.nan,
    )


def unanswered(sample: Sample, error: str = "") -> Record:
    """Return what is known of a sample before it is asked, or when that failed."""
    truth = {"answers": sample.answers, "choices": sample.choices, "choice": sample.choice}
    return Record(
        id=sample.id,
        image_id=sample.image_id,
        question=sample.question,
        prompt=sample.prompt,
        answers=json.dumps(truth if sample.choices else sample.answers, ensure_ascii=False),
        group=sample.group,
        truth_boxes=json.dumps(sample.boxes),
        error=error,
    )


def _flops(stage: str, steps: Sequence[Step]) -> dict[str, Any]:
    """Return what the steps of a stage computed, by the paper's count (0: not known) and as
    executed."""
    told = [step for step in steps if step.flops is not None]
    counted = [step.exact_flops for step in told if step.exact_flops is not None]
    exact = float(sum(counted)) if told and len(counted) == len(told) else np.nan
    flops = float(sum(step.flops for step in told if step.flops is not None))
    return {f"{stage}_flops": flops, f"{stage}_flops_exact": exact}


def _seconds(steps: Sequence[Step]) -> float:
    return sum(step.seconds for step in steps)
