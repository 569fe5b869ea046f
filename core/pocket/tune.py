"""Chooses, by measurement, what the checkpoint's config holds: attention layer, box and thresholds.

`python -m core.pocket.tune` asks validation questions, prints for every layer how often its box
holds the asked sign and how well it fits (the paper chooses the layer "empirically"), for several
sides of the box how many answers from both images are right, and for every metric the η that best
parts right from wrong first answers. With `--world open` they are asked under every condition of
the open world in turn (`core.signs.world.trials`): an η chosen on clean scenes alone is no promise
for any other. `--write` stores the best of each in the checkpoint's
config.json, under `second_look`. The sides are tried with the layer that stands there already: of a
new checkpoint, write twice.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count, islice
from pathlib import Path

import numpy as np

from core.attention import relative_attention
from core.cropping import Box, find_box
from core.hits import holds
from core.imaging import Codec, crop_local, downscale
from core.signs.questions import Question, ask_text
from core.signs.render import render
from core.signs.scenes import GLOBAL_SIDE, Scene, make_scene, scene_rng
from core.signs.world.trials import CONDITIONS, trial
from core.support.whole import write_whole
from core.uncertainty import METRICS, Gate, token_scores
from core.vlm.loading.arguments import add_load_arguments, load_options

# Of the box, in pixels of the original. A wider one holds more, in less detail.
SIDES = (GLOBAL_SIDE, 208, 224, 256)


@dataclass
class Trial:
    right: bool
    scores: dict[str, np.ndarray]  # of the first answer's tokens, by metric
    hits: list[bool]  # by layer
    ious: list[float]
    right_with: list[bool]  # by side: the answer from both images


def closed_world() -> Iterator[tuple[Scene, Question, tuple[str, ...]]]:
    """Validation scenes, a question about each, and its right answers."""
    for index in count():
        scene = make_scene("validation", index)
        rng = scene_rng("validation", index, seed=50_000)
        if scene.signs:
            sign = scene.signs[rng.integers(len(scene.signs))]
            yield scene, ask_text(rng, scene, sign), (sign.text,)


def open_world() -> Iterator[tuple[Scene, Question, tuple[str, ...]]]:
    """Yield as `closed_world` does, in turn under each condition in which one thing is asked."""
    names = [
        name for name in CONDITIONS if name not in ("absent", "absent-object", "alike", "too-small")
    ]
    for index in count():
        found = trial(names[index % len(names)], "validation", index)
        yield found.scene, found.question, found.answers


WORLDS = {"closed": closed_world, "open": open_world}


def measure(vlm, questions: int, world: str = "closed", quality: int = 75) -> list[Trial]:
    """First answers to validation questions, and the box that each layer asks for."""
    codec, trials, fit = Codec("jpeg", quality), [], vlm.info.fit
    for scene, question, answers in islice(WORLDS[world](), questions):
        original = render(scene)
        view = codec.decode(codec.encode(downscale(original, fit)))
        look = vlm.look(view)
        answer = vlm.answer(look, question.text)
        region = fit.region(original.size)
        geometry = vlm.geometry(look.image_size).of_original(original.size, region)
        box_on = partial(
            find_box,
            image_size=original.size,
            extent=geometry.extent,
            min_cells=vlm.info.min_cells,
        )
        attentions = [
            attention_of(vlm, look, question.text, geometry.grid, layer)
            for layer in range(vlm.info.layers)
        ]
        boxes = [box_on(attention, base_side=vlm.info.base_side) for attention in attentions]
        right_with = []
        for side in SIDES:
            box = box_on(attentions[vlm.info.attention_layer], base_side=side)
            local = codec.decode(codec.encode(crop_local(original, box, fit)))
            right_with.append(vlm.answer(look, question.text, local).text in answers)
        target = Box(*question.boxes[0])
        trials.append(
            Trial(
                right=answer.text in answers,
                scores={n: token_scores(answer.logits, n, answer.attention) for n in METRICS},
                hits=[holds(box, target) for box in boxes],
                ious=[box.iou(target) for box in boxes],
                right_with=right_with,
            )
        )
    return trials


def attention_of(vlm, look, question: str, grid: tuple[int, int], layer: int) -> np.ndarray:
    """One layer's relative attention."""
    rows = [vlm.attend(look, text, layer) for text in (question, vlm.info.generic_prompt)]
    return relative_attention(*rows, grid)


def best_threshold(metric: str, trials: list[Trial]) -> tuple[float, float]:
    """η with the largest Youden index (share of wrong answers asked again, minus share of right
    ones), and that index."""
    gate = Gate(metric)
    values = np.array([gate.uncertainty(trial.scores[metric]) for trial in trials])
    wrong = np.array([not trial.right for trial in trials])
    best = (float(values[0]), -1.0)
    for eta in np.quantile(values, np.linspace(0.02, 0.98, 97)):
        again = values >= eta if METRICS[metric].higher_is_uncertain else values <= eta
        index = again[wrong].mean() - again[~wrong].mean()
        if index > best[1]:
            best = (float(eta), float(index))
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--model", default="pocket", help="checkpoint to tune: pocket, or a directory"
    )
    parser.add_argument("--questions", type=int, default=300,
                        help="how many validation questions are asked (default: 300)")  # fmt: skip
    parser.add_argument("--world", choices=tuple(WORLDS), default="closed",
                        help="world that the questions are about (default: closed)")  # fmt: skip
    parser.add_argument(
        "--write", action="store_true", help="store what is chosen in the checkpoint's config.json"
    )
    add_load_arguments(parser)
    args = parser.parse_args()
    from core.vlm import load_vlm
    from core.vlm.loading.checkpoint import POCKET

    vlm = load_vlm(args.model, **load_options(args))
    trials = measure(vlm, args.questions, args.world)
    print(f"{len(trials)} validation questions, {np.mean([t.right for t in trials]):.1%} right")
    hits = np.mean([trial.hits for trial in trials], axis=0)
    ious = np.mean([trial.ious for trial in trials], axis=0)
    for layer, (hit, iou) in enumerate(zip(hits, ious, strict=True)):
        print(f"layer {layer}: box holds the sign {hit:6.1%}, IoU {iou:.3f}")
    shares = np.mean([trial.right_with for trial in trials], axis=0)
    for side, share in zip(SIDES, shares, strict=True):
        print(f"box of {side} px: {share:6.1%} right from both images")
    thresholds = {}
    for name in METRICS:
        eta, index = best_threshold(name, trials)
        thresholds[name] = round(eta, 2)
        print(f"{name}: η = {eta:.2f}, Youden index {index:.2f}")
    if args.write:
        path = (POCKET if args.model == "pocket" else Path(args.model)) / "config.json"
        config = json.loads(path.read_text())
        layer, side = int(hits.argmax()), SIDES[int(shares.argmax())]
        chosen = {"attention_layer": layer, "base_side": side, "thresholds": thresholds}
        config["second_look"] |= chosen
        write_whole(path, json.dumps(config, indent=2) + "\n")
        print(f"layer {layer}, boxes of {side} px and the thresholds are in {path.name} now")


if __name__ == "__main__":
    main()
