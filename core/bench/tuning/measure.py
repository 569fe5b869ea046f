"""Questions whose answers lie in known boxes, asked so that every layer of the model is judged.

Each question is asked through the protocol once. Two passes more, of the question and of the
generic prompt, give the attention of all layers; each layer's map of eq. 22 then has a box of its
own, and whether that holds what was asked about takes no more of the model.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from PIL import Image

from core.bench.datasets.base import Sample
from core.bench.datasets.records import DatasetError
from core.bench.datasets.scoring import Scorer
from core.hits import contrast, holds_any, random_hit
from core.imaging import Codec, ImageError, rgb_of
from core.protocol import Box, Edge, Server, first_stage
from core.server.stages.maps import attention_maps, chosen_box
from core.sessions import FirstStage
from core.transcript import Attention
from core.uncertainty import Gate
from core.vlm.base import VLM

NEVER = Gate(threshold=float("inf"))


@dataclass(frozen=True)
class Trial:
    """One question, and what each layer made of it."""

    sample: Sample
    score: float  # of the first answer, 0 to 1
    scores: dict[str, tuple[float, ...]]  # of its tokens, by metric
    draft: tuple[int, ...]  # its token ids
    boxes: tuple[tuple[Box, ...], ...]  # by layer, those of every side that is tried
    hits: tuple[bool, ...]  # by layer: does its box hold what was asked about?
    overlaps: tuple[float, ...]  # by layer: IoU of its box with the nearest of those asked about
    contrasts: tuple[float, ...]  # by layer, see `core.hits.contrast`
    chance: float  # how often a box of that size (of the layer in use) would hold it at random


def ask(
    vlm: VLM,
    samples: Iterable[Sample],
    sides: Sequence[int],
    scorer: Scorer,
    codec: Codec,
    before: Mapping[str, Trial] = MappingProxyType({}),
) -> Iterator[Trial]:
    """Ask each sample that has a box; yield what came of it.

    sides: of the box, in pixels of the original, that are to be tried. before: trials of an earlier
    call, by the id of their sample, which isn't asked again. Raises what the protocol raises, and
    DatasetError for an image that can't be read or a box beside it.
    """
    for sample in samples:
        targets = [Box(*box) for box in sample.boxes]
        if not targets:
            continue
        if sample.id in before:
            yield replace(before[sample.id], sample=sample)
            continue
        original = opened(sample)
        _check_boxes(sample, targets, original.size)
        edge, server = Edge(original, codec), Server(vlm, NEVER)
        transcript = first_stage(edge, server, sample.prompt)
        held = server.sessions.get(transcript.session)
        maps = every_layer(vlm, held, transcript.question)
        boxes = [chosen_box(vlm, one, original.size) for one in maps]
        used = boxes[vlm.info.attention_layer]
        yield Trial(
            sample=sample,
            score=scorer.score(transcript.first_answer, sample),
            scores=transcript.scores,
            draft=transcript.first.token_ids,
            boxes=tuple(
                tuple(chosen_box(vlm, one, original.size, side) for side in sides) for one in maps
            ),
            hits=tuple(holds_any(box, targets) for box in boxes),
            overlaps=tuple(max(box.iou(target) for target in targets) for box in boxes),
            contrasts=tuple(
                contrast(one.shown, one.extent, box) for one, box in zip(maps, boxes, strict=True)
            ),
            chance=random_hit(used, targets, original.size),
        )


def with_sides(vlm: VLM, trial: Trial, layer: int, scorer: Scorer, codec: Codec) -> list[float]:
    """Return the score of the answer from both images, 0 to 1, for each side of the box.

    layer: whose map chooses it.
    """
    edge, fit = Edge(opened(trial.sample), codec), vlm.info.fit
    look = vlm.look(codec.decode(codec.encode(edge.resize(fit))))
    scores: dict[Box, float] = {}
    boxes = trial.boxes[layer]
    for box in dict.fromkeys(boxes):  # where cells are large, several sides may give one box
        local = codec.decode(codec.encode(edge.crop(box, fit)))
        answer = vlm.answer(look, trial.sample.prompt, local, draft=trial.draft)
        scores[box] = scorer.score(answer.text, trial.sample)
    return [scores[box] for box in boxes]


def every_layer(vlm: VLM, held: FirstStage, question: str) -> tuple[Attention, ...]:
    """Return the maps of eq. 22 of each layer."""
    look = held.look
    assert look is not None, "one look at a time is never forgotten"
    asked, generic = (vlm.attend_layers(look, text) for text in (question, vlm.info.generic_prompt))
    return tuple(attention_maps(*rows, held.geometry) for rows in zip(asked, generic, strict=True))


def opened(sample: Sample) -> Image.Image:
    """Return the original of a sample. Raises DatasetError, which names it."""
    try:
        return rgb_of(sample.image)
    except (ImageError, OSError) as error:
        raise DatasetError(f"The image of question {sample.id!r} can't be used: {error}") from error


def _check_boxes(sample: Sample, boxes: Sequence[Box], size: tuple[int, int]) -> None:
    """Raise DatasetError if one lies beside the image: no layer could ever hit it."""
    width, height = size
    for box in boxes:
        if box.left >= width or box.top >= height or box.right <= 0 or box.bottom <= 0:
            raise DatasetError(
                f"The box {box.left} {box.top} {box.right} {box.bottom} of question "
                f"{sample.id!r} lies beside its image of {width} × {height} pixels: give boxes in "
                "pixels of the image as it is stored."
            )
