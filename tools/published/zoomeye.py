"""Hold the search of `tree` against ZoomEye's own code.

    python -m tools.published.zoomeye FOLDER

FOLDER is a checkout of github.com/om-ai-lab/ZoomEye. Its search, tree and patches are run as they
are, with the settings for LLaVA-1.5 and without the whole image as a candidate (`force_no_root`).
Both are first given the same confidences, drawn for each part and question, on images of many
sizes, then those of one model, each in its own way to them (`zoomeye_model`); its code is run, so
have a look at it first. Compared are every question that is asked of every part, in order, the
prompts, and the part in which the search ends. Ends with 1 if any differs.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from core.croppers.tree import PROMPTS, Settings, patch, search
from core.vlm import load_vlm
from tools.published.stand_ins import importable
from tools.published.zoomeye_model import (
    BIAS,
    LLAVA,
    compare_on,
    published_settings,
    untrained,
)

SIDE = 336  # the input of LLaVA-1.5, pixels
# What its modules import beside the search, and none of it is needed: a model answers elsewhere.
UNUSED = (
    "spacy", "llava", "llava.conversation", "llava.utils", "llava.model",
    "llava.model.language_model", "llava.model.language_model.llava_qwen",
    "llava.model.language_model.llava_llama", "ZoomEye.zoom_model_internvl",
    "ZoomEye.zoom_model_qwenvl",
)  # fmt: skip
OWN = "ZoomEye", "ZoomEye.tree", "ZoomEye.utils", "ZoomEye.zoom_model", "ZoomEye.zoom_eye"


@dataclass
class Asked:
    """What one search asked, (kind, part), in order, and where it ended; None: nowhere."""

    questions: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)
    box: tuple[int, ...] | None = None


def draw(seed: int, lift: float) -> Callable[[str, tuple[int, ...]], float]:
    """Return confidences, -1 to 1: the same for the same question of the same part."""

    def confidence(kind: str, box: tuple[int, ...]) -> float:
        digest = hashlib.sha256(repr((seed, kind, box)).encode()).digest()
        level = float(np.random.default_rng(list(digest)).uniform(-1, 1))
        return min(level + lift, 1.0) if kind == "answering" else level

    return confidence


def ours(size: tuple[int, int], confidence: Callable[[str, tuple[int, ...]], float]) -> Asked:
    """Return what our search does."""
    asked = Asked()

    def ask(kind: Any, node: Any) -> float:
        asked.questions.append((kind, node.box.as_tuple()))
        return confidence(*asked.questions[-1])

    found = search(size, SIDE, ask)
    if found.best is not None and found.content:
        asked.box = patch(found.best.box, size, SIDE).as_tuple()
    return asked


def theirs(
    code: dict[str, Any], size: tuple[int, int],
    confidence: Callable[[str, tuple[int, ...]], float],
) -> Asked:  # fmt: skip
    """Return what the published search does."""
    asked = Asked()

    class Told(code["ZoomEye.zoom_model"].ZoomModelLocal):  # type: ignore[misc]
        def __init__(self) -> None:
            vars(self).update(BIAS)

        def get_confidence_value(
            self, node: Any, image_pil: Any, confidence_type: str, input_ele: str
        ) -> float:
            left, top, width, height = node.state.bbox
            asked.questions.append((confidence_type, (left, top, left + width, top + height)))
            return confidence(*asked.questions[-1])

    model = Told()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.png"
        Image.new("L", size).save(path)
        tree = code["ZoomEye.tree"].ImageTree(path, SIDE, 4)
    candidates, *_ = code["ZoomEye.zoom_eye"].zoom_eye_search_type1(
        zoom_model=model, question="", visual_cue="", image_pil=None, image_tree=tree,
        **published_settings(Settings()),
    )  # fmt: skip
    if candidates:
        asked.box = tuple(model.get_patch(candidates[0].state.bbox, *size, SIDE, None))
    return asked


@contextmanager
def published(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield its modules by name, with stand-ins for what they import and don't need here."""
    with importable(folder, OWN, {name: {} for name in UNUSED} | LLAVA):
        yield {name: import_module(name) for name in OWN[1:]}


def compare(code: dict[str, Any], searches: int) -> bool:
    """Print how many searches are the same; returns whether all are, and the prompts."""
    model = code["ZoomEye.zoom_model"].ZoomModelLocal
    holder = model.__new__(model)
    holder.init_prompts()
    said = {kind: holder.prompts["local"][f"{kind}_prompt"] for kind in PROMPTS}
    print(f"prompts: {'the same' if said == PROMPTS else 'others'}")
    rng, same, ended, parts = np.random.default_rng(0), 0, 0, 0
    for index in range(searches):
        size = int(rng.integers(50, 6_000)), int(rng.integers(50, 6_000))
        confidence = draw(index, (0.0, -0.4, -0.7, -2.0)[index % 4])
        own, other = ours(size, confidence), theirs(code, size, confidence)
        if own == other:
            same += 1
        else:
            print(f"  {size}: ours ends in {own.box}, theirs in {other.box}")
        ended += own.box is not None
        parts += sum(kind == "existence" for kind, _ in own.questions)
    print(
        f"searches: the same questions of the same parts in the same order, and the same box, in "
        f"{same} of {searches}; {ended} ended content, {parts / searches:.1f} parts seen on average"
    )
    return same == searches and said == PROMPTS


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=Path, help="checkout of om-ai-lab/ZoomEye")
    parser.add_argument(
        "--searches", type=int, default=200, help="how many to compare (default: %(default)s)"
    )
    parser.add_argument(
        "--pictures", type=int, default=24, help="pictures on which both take the confidences of a "
        "model; 0 for none (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--model", type=Path, help="a LLaVA-1.5 checkpoint (default: an untrained "
                        "one with its input and its visual tokens)")  # fmt: skip
    args = parser.parse_args(argv)
    if not (args.folder / "ZoomEye" / "zoom_eye.py").is_file():
        print(
            f"{str(args.folder)!r} holds no ZoomEye/zoom_eye.py: git clone "
            "https://github.com/om-ai-lab/ZoomEye, and name that folder.",
            file=sys.stderr,
        )
        return 1
    with published(args.folder) as code:
        same = compare(code, args.searches)
        with tempfile.TemporaryDirectory() as folder:
            vlm = load_vlm(args.model, device="cpu") if args.model else untrained(Path(folder))
            if args.pictures:
                same &= compare_on(code, vlm, args.pictures)
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
