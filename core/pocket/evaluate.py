"""Measures a model on held-out scenes: `python -m core.pocket.evaluate --questions 500`.

Each question is asked through the real protocol, with JPEG as on the link, and always gets its
second look, so that both answers are known. Prints one figure a line, each with its definition.
"""

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from core.bench.separability import auroc
from core.imaging import Codec, crop_local
from core.pocket.questions import FAMILIES, Question, ask_attribute, ask_presence, ask_text
from core.pocket.render import render
from core.pocket.scenes import Scene, make_scene, scene_rng
from core.protocol import Box, Edge, Server, first_stage, second_stage
from core.uncertainty import Gate

SMALL, LARGE = 4.0, 10.0  # capital height in pixels of the global image: illegible, plainly legible


@dataclass
class Record:
    family: str
    kind: str
    question: str
    truth: str
    letter: float  # capital height in the global image, pixels; 0 where nothing is read
    first: str
    second: str  # with the model's own box
    guided: str | None  # with a box around the asked sign; None where no text is asked
    uncertainty: float  # mean min-entropy of the first answer, bits
    hit: bool | None  # own box: holds the centre and 80 % of the asked object
    random_hit: float | None  # the same, expected of a random box of that size
    iou: float | None
    first_seconds: float
    both_seconds: float


def questions(scene: Scene, index: int, family: str, split: str, held_out: bool, hints: bool):
    """One question about each scene."""
    rng = scene_rng(split, index, seed=40_000)
    if family == "text":
        sign = scene.signs[rng.integers(len(scene.signs))]
        return ask_text(rng, scene, sign, held_out, hints)
    return (ask_presence if family == "presence" else ask_attribute)(rng, scene, held_out)


def measure(vlm, family, count, split, fonts_held_out, phrasings_held_out, quality, hints, log):
    """Records of `count` questions of one family."""
    server = Server(vlm, Gate(threshold=float("inf")))
    records, index, begin = [], 0, time.monotonic()
    while len(records) < count:
        scene = make_scene(split, index, held_out_fonts=fonts_held_out)
        question = None
        if scene.signs:
            question = questions(scene, index, family, split, phrasings_held_out, hints)
        index += 1
        if question is None:
            continue
        records.append(_ask(vlm, server, scene, question, quality))
        if len(records) % 100 == 0:
            each = (time.monotonic() - begin) / len(records)
            left = each * (count - len(records)) / 60
            print(f"{family} {len(records)}/{count}, {left:.0f} min left", file=log, flush=True)
    return records


def _ask(vlm, server: Server, scene: Scene, question: Question, quality: int) -> Record:
    original = render(scene)
    codec = Codec("jpeg", quality)
    edge = Edge(original, codec)
    begin = time.perf_counter()
    transcript = first_stage(edge, server, question.text)
    middle = time.perf_counter()
    transcript = second_stage(edge, server, transcript)
    end = time.perf_counter()
    guided = None
    hit = random_hit = iou = None
    if question.letter_height:
        around = box_around(question.boxes[0], original.size, vlm.info.base_side)
        view = codec.decode(codec.encode(crop_local(original, around, vlm.info.input_size)))
        look = vlm.look(transcript.global_image.open())
        guided = vlm.answer(look, question.text, view).text
    if len(question.boxes) == 1:
        target = Box(*question.boxes[0])
        hit = holds(transcript.box, target)
        random_hit = random_box_hit(transcript.box, target, original.size)
        iou = transcript.box.iou(target)
    return Record(
        question.family, question.kind, question.text, question.answer,
        question.letter_height * scene.scale, transcript.first.answer, transcript.second.answer,
        guided, transcript.uncertainty, hit, random_hit, iou, middle - begin, end - begin,
    )  # fmt: skip


def box_around(target, image_size, base_side: int) -> Box:
    """The smallest box that the search could ask for (1.0 to 2.0 base sides) around an object."""
    width, height = image_size
    side = max(target[2] - target[0], target[3] - target[1])
    side = int(min(max(base_side, 1.1 * side), 2 * base_side))
    w, h = min(side, width), min(side, height)
    left = int(np.clip((target[0] + target[2] - w) / 2, 0, width - w))
    top = int(np.clip((target[1] + target[3] - h) / 2, 0, height - h))
    return Box(left, top, left + w, top + h)


def holds(box: Box, target: Box) -> bool:
    """Does the box hold the target's centre and at least 80 % of its area?"""
    w = min(box.right, target.right) - max(box.left, target.left)
    h = min(box.bottom, target.bottom) - max(box.top, target.top)
    x, y = (target.left + target.right) / 2, (target.top + target.bottom) / 2
    centre = box.left <= x < box.right and box.top <= y < box.bottom
    return bool(centre and max(w, 0) * max(h, 0) >= 0.8 * target.area)


def random_box_hit(box: Box, target: Box, image_size) -> float:
    """How often a box of the same size at a random place would hold the target."""
    lefts = np.linspace(0, image_size[0] - box.width, 24).astype(int)
    tops = np.linspace(0, image_size[1] - box.height, 24).astype(int)
    hits = [holds(Box(int(x), int(y), int(x) + box.width, int(y) + box.height), target)
            for x in lefts for y in tops]  # fmt: skip
    return float(np.mean(hits))


def interval(hits: np.ndarray) -> str:
    """A share in percent with its 95 % Wilson interval and the number of questions."""
    n = len(hits)
    if n == 0:
        return "no questions"
    p, z = hits.mean(), 1.96
    middle = (p + z * z / 2 / n) / (1 + z * z / n)
    half = z * np.sqrt(p * (1 - p) / n + z * z / 4 / n / n) / (1 + z * z / n)
    return f"{100 * p:5.1f} %  [{100 * (middle - half):.1f}, {100 * (middle + half):.1f}]  n = {n}"


def report(records: list[Record]) -> list[str]:
    """The figures of one family, one a line."""
    first = np.array([r.first == r.truth for r in records])
    second = np.array([r.second == r.truth for r in records])
    uncertainty = np.array([r.uncertainty for r in records])
    lines = [
        f"right from the global image only            {interval(first)}",
        f"right from both images (own box)            {interval(second)}",
        f"both minus global only, points              {100 * (second.mean() - first.mean()):+5.1f}",
        f"right answers broken by the second look     {interval(~second[first])}",
        f"wrong answers mended by the second look     {interval(second[~first])}",
        f"AUROC, min-entropy against first error      {auroc(uncertainty, ~first):.3f}",
    ]
    if records[0].family == "presence":
        lines.append(f"F1, global only / both                      "
                     f"{f1(records, 'first'):.3f} / {f1(records, 'second'):.3f}")  # fmt: skip
    if records[0].family == "text":
        lines += _text_report(records, first, second)
    hits = np.array([r.hit for r in records if r.hit is not None])
    chance = np.array([r.random_hit for r in records if r.hit is not None])
    lines.append(f"own box holds the asked object              {interval(hits)}"
                 f", random box {100 * chance.mean():.1f} %")  # fmt: skip
    seconds = np.array([(r.first_seconds, r.both_seconds) for r in records])
    lines.append("median milliseconds, stage 1 / both stages  "
                 + " / ".join(f"{1000 * s:.0f}" for s in np.median(seconds, axis=0)))  # fmt: skip
    return lines


def _text_report(records, first, second) -> list[str]:
    letter = np.array([r.letter for r in records])
    guided = np.array([r.guided == r.truth for r in records])
    hit = np.array([r.hit for r in records])
    chance = np.array([r.random_hit for r in records])
    small, large = letter <= SMALL, letter >= LARGE
    lines = [
        f"letters >= {LARGE:g} px, global image only           {interval(first[large])}",
        f"letters <= {SMALL:g} px, global image only            {interval(first[small])}",
        f"letters <= {SMALL:g} px, with the box around the sign {interval(guided[small])}",
        f"letters <= {SMALL:g} px, with the own box             {interval(second[small])}",
        f"letters <= {SMALL:g} px, own box holds the sign       {interval(hit[small])}"
        f", random box {100 * chance[small].mean():.1f} %",
    ]
    for low, high in pairwise((0, 3, 4, 6, 8, 10, 14, 99)):
        part = (letter > low) & (letter <= high)
        if part.any():
            parts = (100 * a[part].mean() for a in (first, second, guided, hit))
            line = "global {:.0f} %, both {:.0f} %, box around {:.0f} %, box holds {:.0f} %"
            lines.append(f"  letters {low}-{high} px: {line.format(*parts)}, n = {part.sum()}")
    return lines


def f1(records: list[Record], stage: str) -> float:
    """Of the answer yes."""
    said = np.array([getattr(r, stage) == "yes" for r in records])
    true = np.array([r.truth == "yes" for r in records])
    return float(2 * (said & true).sum() / max(1, said.sum() + true.sum()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="pocket")
    parser.add_argument("--family", choices=FAMILIES, nargs="+", default=["text"])
    parser.add_argument("--questions", type=int, default=500, help="per family")
    parser.add_argument("--split", choices=("validation", "test"), default="test")
    parser.add_argument("--fonts", choices=("held-out", "training"), default="held-out")
    parser.add_argument("--phrasings", choices=("held-out", "training"), default="training")
    parser.add_argument("--quality", type=int, default=75, help="JPEG quality of both images")
    parser.add_argument("--hints", action="store_true", help="OCR-like tokens in text questions")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, help="write every record to this JSON-lines file")
    args = parser.parse_args()
    import torch

    from core.vlm import load_vlm

    torch.set_num_threads(args.threads)
    vlm = load_vlm(args.model)
    for family in args.family:
        records = measure(
            vlm, family, args.questions, args.split, args.fonts == "held-out",
            args.phrasings == "held-out", args.quality, args.hints, sys.stderr,
        )  # fmt: skip
        print(f"\n{family}: {len(records)} questions, {args.split} split, {args.fonts} fonts, "
              f"{args.phrasings} phrasings, JPEG {args.quality}")  # fmt: skip
        print("\n".join(report(records)))
        if args.out:
            with args.out.open("a") as file:
                file.writelines(json.dumps(asdict(record)) + "\n" for record in records)


if __name__ == "__main__":
    main()
