"""One question of a data set, asked through the protocol to the end and written down.

Both stages run, whatever a gate would decide: the gate is drawn afterwards, from the record.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image

from core.bench.datasets import Sample
from core.bench.datasets.scoring import Scorer
from core.bench.record.hd import ask_in_high_resolution
from core.bench.record.together import Asker
from core.bench.runs.run import Metadata, Record, Run
from core.cropping import Box
from core.hits import box_around, holds_any, random_hit
from core.imaging import Codec
from core.protocol import Edge, Server, Transcript, first_stage, second_stage
from core.uncertainty import Gate

REFERENCE = Codec("jpeg", 100)  # of the relative cost (section VII-F)
NEVER = Gate(threshold=float("inf"))


@dataclass(frozen=True)
class Recorder:
    """How samples are asked and scored.

    guided: also with the local image of the true box. hd: also in high resolution.
    """

    metadata: Metadata
    scorer: Scorer
    codec: Codec
    guided: bool = False
    hd: bool = False

    def record(self, vlm: Asker, sample: Sample, original: Image.Image) -> Record:
        """Ask everything there is to ask about one sample. Raises whatever goes wrong, and RunError
        for what could not stand in a run."""
        edge = Edge(original, self.codec)
        server = Server(vlm, NEVER, looks=2)  # at its own box, and at the true one
        opened = first_stage(edge, server, sample.prompt)
        waited = {"first": vlm.waited}
        first_steps = len(opened.steps)
        transcript = second_stage(edge, server, opened)
        assert transcript.second and transcript.local_image and transcript.box
        waited["second"] = vlm.waited - waited["first"]

        first, second = transcript.first.answer, transcript.second.answer
        row = replace(
            unanswered(sample),
            first_answer=first,
            second_answer=second,
            first_score=self.scorer.score(first, sample),
            second_score=self.scorer.score(second, sample),
            global_bytes=len(transcript.global_image.data),
            local_bytes=len(transcript.local_image.data),
            reference_bytes=len(REFERENCE.encode(edge.resize(server.fit))),
            **_message_bytes(transcript),
            **_tokens_read(vlm, transcript),
            box=transcript.box,
            finer=np.nan if transcript.finer is None else transcript.finer,
            scores=transcript.scores,
            second_scores=transcript.second.scores,
        )
        for stage, steps in (
            ("first", transcript.steps[:first_steps]),
            ("second", transcript.steps[first_steps:]),
        ):
            flops = float(sum(step.flops for step in steps if step.flops is not None))
            # Without the time in which others of the batch were served.
            seconds = max(0.0, sum(step.seconds for step in steps) - waited[stage])
            told = [step for step in steps if step.flops is not None]
            counted = [step.exact_flops for step in told if step.exact_flops is not None]
            exact = float(sum(counted)) if len(counted) == len(told) else np.nan
            columns: dict[str, Any] = {"flops": flops, "flops_exact": exact, "seconds": seconds}
            row = replace(row, **{f"{stage}_{name}": value for name, value in columns.items()})
        targets = [Box(*box) for box in sample.boxes]
        if targets:
            hit = holds_any(transcript.box, targets)
            row = replace(
                row, box_hit=hit, random_hit=random_hit(transcript.box, targets, original.size)
            )
        if sample.letter_height:
            _, scale = server.fit.scale(original.size)
            row = replace(row, letter_height=sample.letter_height * scale)
        if self.guided and len(targets) == 1:
            around = box_around(targets[0], original.size, vlm.info.base_side)
            answer = second_stage(edge, server, opened, around).answer
            score = self.scorer.score(answer, sample)
            row = replace(row, guided_answer=answer, guided_score=score)
        if self.hd:
            answer, taken = ask_in_high_resolution(vlm, edge, sample.prompt)
            row = replace(row, hd_score=self.scorer.score(answer, sample), **taken)
        Run.from_records([row], self.metadata)  # raises for what would spoil the run as a whole
        return row


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


def _tokens_read(vlm: Asker, transcript: Transcript) -> dict[str, Any]:
    """Return the counts of Table I. Every answer so far was one to this sample: the first, then the
    second.
    """
    assert transcript.local_image is not None
    local = vlm.visual_tokens(transcript.local_image.size)
    visual = vlm.visual_tokens(transcript.global_image.size)
    counts = {"first_visual_tokens": float(visual), "second_visual_tokens": float(visual + local)}
    for stage, count in zip(("first", "second"), vlm.prompt_tokens, strict=True):
        counts[f"{stage}_prompt_tokens"] = float(count or np.nan)
    return counts


def _message_bytes(transcript: Transcript) -> dict[str, Any]:
    """Return the bytes of each message: of a gate that is content with the first answer, and of one
    that isn't.

    The transcript's gate was content, and then a second look was wished for. Had the gate asked for
    it, there would be neither that wish nor a first answer on the wire.
    """
    question, answer, _wish, request, local, final = (m.byte_count for m in transcript.messages)
    return {
        "question_message_bytes": question,
        "answer_message_bytes": answer,
        "crop_request_message_bytes": request,
        "local_image_message_bytes": local,
        "refined_message_bytes": final,
    }
