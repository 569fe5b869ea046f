"""Measure which layer's boxes hold what is asked about, how large they should be, and η.

    python -m core.vlm tune --model HuggingFaceTB/SmolVLM-256M-Instruct --data signs-text
    python -m core.vlm tune --model ... --data textvqa+boxes --mirror jrzhang/TextVQA_GT_bbox
    python -m core.vlm tune --model ... --data folder --folder mine/questions.jsonl

For any data set that knows the boxes of what is asked. Every layer's box comes from one pass of
each question; the sides of the box are tried with the best layer; η parts right from wrong first
answers best. What is best goes into your settings of models, where `load_vlm`, the page, the server
and the bench find it (docs/models.md). A layer that was published or set, and an η that was set,
stay unless another is surely better. Interrupted, even killed, the same command goes on.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.bench.analysis.intervals import wilson
from core.bench.commands.run_command import add_place, pairs
from core.bench.datasets import Dataset, DatasetError, load_dataset
from core.bench.datasets.scoring import SCORERS, Scorer
from core.bench.tuning.choose import (
    Layer,
    as_good_a_layer,
    best_layer,
    best_side,
    layers,
    sides_of,
    threshold,
)
from core.bench.tuning.kept import Kept, file_of
from core.bench.tuning.measure import Trial, ask, with_sides
from core.imaging import Codec
from core.uncertainty import METRICS
from core.vlm.base import VLM, VLMError
from core.vlm.loading.arguments import add_load_arguments, load_options
from core.vlm.loading.own import file_to_fill, write
from core.vlm.loading.revision import revision

LATER = (
    "This η judges first answers. Further looks (--rounds) have ηs of their own, which no first "
    "answer tells: record them with `python -m core.bench run --rounds 2 --out looks.parquet` and "
    "this model and data, then `python -m core.bench calibrate looks.parquet --rounds 2 --bytes "
    "12000` prints the ηs for a budget."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--model", default="pocket", help="pocket, a directory or a hub id")
    add("--data", default="signs-text", help="name of a data set (core.bench.datasets)")
    add(
        "--split",
        help="part of the data set (default: validation, where there is one, else its first)",
    )
    add("--questions", type=int, default=100, help="how many questions that have a box are asked")
    add("--codec", default="jpeg", help="how both images are encoded: jpeg, webp, avif or png")
    add("--quality", type=int, default=Codec().quality, help="quality of the codec, 1 to 100")
    add("--sides", type=int, nargs="+", help="sides of the box to try, in pixels of the original "
        "(default: 2/3, 1, 7/6 and 4/3 of the model's input)")  # fmt: skip
    add_place(parser)
    add("--threads", type=int, help="threads of torch (default: its own choice)")
    add("--no-write", action="store_true", help="only say what is best")
    add_load_arguments(parser)


def main(args: argparse.Namespace) -> int:
    from core.vlm import load_vlm

    if args.threads:
        import torch

        torch.set_num_threads(args.threads)
    data, codec = dataset(args), Codec(args.codec, args.quality)
    options = load_options(args)
    try:
        file = None if args.no_write else file_to_fill(args.settings)
    except VLMError as error:
        raise VLMError(f"{str(error).removesuffix('.')}, or take --no-write.") from None
    if args.settings and not Path(args.settings).exists():
        options["settings"] = ""  # it is made here
    vlm = load_vlm(args.model, **options)
    sides = tuple(args.sides or sides_of(vlm.info.input_size))
    kept = kept_for(vlm, data, codec, sides)
    try:
        chosen = tune(vlm, data, args.questions, codec, sides, kept)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"Stopped. {kept.file} keeps what was measured: the same command goes on."
            if kept.file
            else "Stopped, and nothing is kept."
        ) from None
    if file is None:
        return 0
    weights = revision(vlm)
    write(file, vlm.info.name, weights, chosen)
    kept.forget()
    print(f"Written to {file}, for {vlm.info.name} in revision {weights}.")
    return 0


def kept_for(vlm: VLM, data: Dataset, codec: Codec, sides: tuple[int, ...]) -> Kept:
    """Return where each question is kept; nowhere, with a sentence, if nothing can be written."""
    file = file_of(vlm, data, codec, sides)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
        return Kept(file)
    except OSError as error:
        print(
            f"{str(file)!r} can't be written ({error.strerror}): if this is interrupted, it begins "
            "again.",
            file=sys.stderr,
        )
        return Kept(None)


def dataset(args: argparse.Namespace) -> Dataset:
    """Return what is asked. Raises DatasetError."""
    from core.bench.datasets import DATASETS

    split, entry = args.split, DATASETS.get(args.data)
    if split is None and entry and "validation" in entry.splits:
        split = "validation"  # what is chosen on the test's questions is no test any more
    return load_dataset(
        args.data, split, args.folder, args.images, args.mirror, args.revision,
        pairs("--option", args.option),
    )  # fmt: skip


def tune(
    vlm: VLM, data: Dataset, questions: int, codec: Codec, sides: Sequence[int], kept: Kept
) -> dict[str, Any]:
    """Measure, print what came of it, and return the settings that are best.

    sides: of the box, to try. kept: what was measured before, and keeps what is measured now.
    Raises DatasetError for data without boxes.
    """
    from tqdm import tqdm

    scorer, trials = SCORERS[data.scoring], list[Trial]()
    with tqdm(total=questions, unit="question", desc="every layer") as bar:
        for trial in ask(vlm, data, sides, scorer, codec, kept.trials):
            if trial.sample.id not in kept.trials:
                kept.add(trial)
            trials.append(trial)
            bar.update()
            if len(trials) == questions:
                break
    if not trials:
        raise DatasetError(
            f"{data.name}, {data.split}: no question says where its answer is: take signs-text, "
            "textvqa+boxes, or questions of your own with boxes."
        )
    right = np.mean([trial.score for trial in trials])
    print(f"{len(trials)} questions of {data.name}, {data.split}; first answers {right:.1%} right")
    found = layers(trials)
    best = _layer(found, vlm, trials)
    chosen: dict[str, Any] = {"attention_layer": best.index}
    chosen["base_side"] = _side(vlm, trials, best, sides, scorer, codec, kept)
    if thresholds := _thresholds(trials, vlm):
        chosen["thresholds"] = thresholds
        print(LATER)
    return chosen


def _layer(found: Sequence[Layer], vlm: VLM, trials: Sequence[Trial]) -> Layer:
    best, used = best_layer(found), found[vlm.info.attention_layer]
    for layer in found:
        marks = ["best"] * (layer is best) + ["in use"] * (layer is used)
        print(
            f"layer {layer.index:2}: box holds it {layer.hit:6.1%}, IoU {layer.overlap:.3f}, "
            f"contrast {layer.contrast:5.2f}  {', '.join(marks)}".rstrip()
        )
    low, high = wilson(best.hit, len(trials))
    chance = np.mean([trial.chance for trial in trials])
    print(
        f"layer {best.index} is best; 95 % interval {low:.1%} to {high:.1%}, a box at random "
        f"{chance:.1%}; in use: layer {used.index}, {vlm.info.layer_source}"
    )
    if low <= chance:
        print("No layer's box is surely better than one at random: ask more, or easier, questions.")
    guessed = "guess" in vlm.info.layer_source
    if used is not best and not guessed and as_good_a_layer(trials, used.index):
        print(f"Layer {used.index} stays: none is surely better.")
        return used
    return best


def _side(
    vlm: VLM, trials: Sequence[Trial], best: Layer, sides: Sequence[int], scorer: Scorer,
    codec: Codec, kept: Kept,
) -> int:  # fmt: skip
    from tqdm import tqdm

    scores = []
    for trial in tqdm(trials, unit="question", desc="sides of the box"):
        if (found := kept.sides.get((trial.sample.id, best.index))) is None:
            found = with_sides(vlm, trial, best.index, scorer, codec)
            kept.add_sides(trial, best.index, found)
        scores.append(found)
    side = best_side(sides, scores, vlm.info.base_side)
    for one, mean in zip(sides, np.mean(scores, axis=0), strict=True):
        marks = ["best"] * (one == side) + ["in use"] * (one == vlm.info.base_side)
        print(f"box of {one} px: {mean:6.1%} right from both images  {', '.join(marks)}".rstrip())
    if side == max(sides) > min(sides):
        print(f"{side} px is the widest that was tried: a wider one may be better.")
    return side


def _thresholds(trials: Sequence[Trial], vlm: VLM) -> dict[str, float]:
    """The η of every metric: one that was set for this model stays unless another is surely
    better, because the best is flat, and lies elsewhere with every draw of questions."""
    chosen = {}
    for name in METRICS:
        if (found := threshold(name, trials, vlm.info.thresholds[name])) is None:
            print("η can't be told: all first answers are right, or all are wrong.")
            return {}
        stays = name in vlm.info.calibrated and found.as_good
        chosen[name] = found.now if stays else round(found.best, 2)
        said = f"{name}: η = {found.best:.2f}, Youden index {found.best_index:.2f}"
        if name in vlm.info.calibrated:
            what = "stays: none is surely better" if stays else "is surely worse"
            said += f"; {found.now:g}, in use, has {found.now_index:.2f} and {what}"
        print(said)
    return chosen
