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
from core.bench.runs.run import Metadata, Record, Run
from core.croppers import DEFAULT
from core.cropping import Box
from core.hits import box_around, contrast, holds_any, random_hit
from core.imaging import Codec
from core.protocol import Edge, Server, Transcript, first_stage, second_stage
from core.transcript import Step
from core.uncertainty import Gate

REFERENCE = Codec("jpeg", 100)  # of the relative cost (section VII-F)
NEVER = Gate(threshold=float("inf"))


@dataclass(frozen=True)
class Recorder:
    """How samples are asked and scored.

    guided: also with the local image of the true box. hd: also in high resolution.
    """

    metadata: Metadata  # of whichever cropper
    scorer: Scorer
    codec: Codec
    guided: bool = False
    hd: bool = False

    def record(
        self,
        vlm: Asker,
        sample: Sample,
        original: Image.Image,
        croppers: Sequence[str] = (DEFAULT,),
    ) -> list[Record | Exception]:
        """Ask everything there is to ask about one sample; the first stage once for all croppers.

        Returns what came of each cropper, or what went wrong with it. Raises whatever goes wrong
        with all of them, and RunError for what could not stand in a run.
        """
        edge, targets = Edge(original, self.codec), [Box(*box) for box in sample.boxes]
        # Each cropper looks once, and then the true box may be looked at.
        server = Server(vlm, NEVER, looks=len(croppers) + self.guided)
        opened = first_stage(edge, server, sample.prompt)
        first, first_seconds = opened.first.answer, _seconds(opened.steps, vlm.waited)
        row = replace(
            unanswered(sample),
            first_answer=first,
            first_score=self.scorer.score(first, sample),
            global_bytes=len(opened.global_image.data),
            reference_bytes=len(REFERENCE.encode(edge.resize(server.fit))),
            first_visual_tokens=float(vlm.visual_tokens(opened.global_image.size)),
            first_prompt_tokens=float(vlm.prompt_tokens[-1] or np.nan),
            scores=opened.scores,
            **_flops("first", opened.steps),
            first_seconds=first_seconds,
        )
        if sample.letter_height:
            _, scale = server.fit.scale(original.size)
            row = replace(row, letter_height=sample.letter_height * scale)
        looked: list[Record | Exception] = []
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
        rows = [one if isinstance(one, Exception) else replace(one, **shared) for one in looked]
        # Raises for what would spoil the run as a whole.
        for one in rows:
            if isinstance(one, Record):
                Run.from_records([one], self.metadata)
        return rows

    def _look(
        self,
        vlm: Asker,
        edge: Edge,
        opened_by: Server,
        opened: Transcript,
        cropper: str,
        sample: Sample,
        row: Record,
    ) -> Record:
        """Return the row of a sample with the second stage by a cropper; `opened` is the first."""
        targets, waited = tuple(Box(*box) for box in sample.boxes), vlm.waited
        server = Server(vlm, NEVER, opened_by.sessions, cropper=cropper, truth=targets)
        transcript = second_stage(edge, server, opened)
        assert transcript.second and transcript.local_image and transcript.box
        second, steps = transcript.second.answer, transcript.steps[len(opened.steps) :]
        local = vlm.visual_tokens(transcript.local_image.size)
        row = replace(
            row,
            second_answer=second,
            second_score=self.scorer.score(second, sample),
            local_bytes=sum(m.image_bytes for m in transcript.messages[1:]),
            **_message_bytes(transcript),
            second_visual_tokens=row.first_visual_tokens + local,
            second_prompt_tokens=float(vlm.prompt_tokens[-1] or np.nan),
            box=transcript.box,
            box_fallback=transcript.box_fallback,
            finer=np.nan if transcript.finer is None else transcript.finer,
            second_scores=transcript.second.scores,
            **_flops("second", steps),
            second_seconds=_seconds(steps, vlm.waited - waited),
        )
        if (seen := transcript.attention) is not None:
            row = replace(row, box_contrast=contrast(seen.shown, seen.extent, transcript.box))
        if not targets:
            return row
        return replace(
            row,
            box_hit=holds_any(transcript.box, targets),
            random_hit=random_hit(transcript.box, list(targets), transcript.original_size),
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


def _seconds(steps: Sequence[Step], waited: float) -> float:
    """Return the seconds of these steps, without those in which others of the batch were served."""
    return max(0.0, sum(step.seconds for step in steps) - waited)


def _message_bytes(transcript: Transcript) -> dict[str, Any]:
    """Return the bytes of each message: of a gate that is content with the first answer, and of one
    that isn't.

    The transcript's gate was content, and then a second look was wished for. Had the gate asked for
    it, there would be neither that wish nor a first answer on the wire. What lies between that wish
    and the last crop request is a cropper's search.
    """
    sizes = [message.byte_count for message in transcript.messages]
    (question, answer, _wish), search, (request, local, final) = sizes[:3], sizes[3:-3], sizes[-3:]
    return {
        "search_down_bytes": float(sum(search[::2])),
        "search_up_bytes": float(sum(search[1::2])),
        "search_round_trips": len(search) / 2,
        "question_message_bytes": question,
        "answer_message_bytes": answer,
        "crop_request_message_bytes": request,
        "local_image_message_bytes": local,
        "refined_message_bytes": final,
    }
