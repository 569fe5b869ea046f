"""Choose which heads of a model point at things (arXiv 2503.06287), for the cropper `heads`.

    python -m core.vlm heads --model llava-hf/llava-1.5-7b-hf

Questions about rendered scenes are read, and the heads kept that put much of their attention on few
places of the image, most often. They go into your settings of models, where `load_vlm`, the page,
the server and the bench find them (docs/croppers.md).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

import numpy as np

from core.bench.commands.run_command import add_place, pairs
from core.bench.datasets import Dataset, load_dataset
from core.croppers.base import CropperError
from core.croppers.heads import choose
from core.imaging import downscale, rgb_of
from core.vlm.base import VLM
from core.vlm.loading.arguments import add_load_arguments, load_options
from core.vlm.loading.own import file_to_fill, write
from core.vlm.loading.revision import revision

QUESTIONS = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--model", default="pocket", help="pocket, a directory or a hub id")
    add("--data", default="signs-text", help="name of a data set (core.bench.datasets)")
    add("--split", default="validation", help="part of the data set (default: %(default)s)")
    add("--questions", type=int, default=QUESTIONS, help="how many are read (default: %(default)s)")
    add_place(parser)
    add_load_arguments(parser)


def main(args: argparse.Namespace) -> int:
    from core.vlm import load_vlm

    data = load_dataset(
        args.data, args.split, args.folder, args.images, args.mirror, args.revision,
        pairs("--option", args.option),
    )[: args.questions]  # fmt: skip
    file = file_to_fill(args.settings)
    options = load_options(args)
    if not file.exists():
        options["settings"] = ""  # which is what is written here
    vlm = load_vlm(args.model, **options)
    if "attend_heads" not in vlm.abilities:
        raise CropperError(f"Of {args.model!r} single heads can't be read: choose another cropper.")
    heads = choose(maps(vlm, data))
    write(file, vlm.info.name, revision(vlm), {"heads": [list(head) for head in heads]})
    for layer, head in heads:
        print(f"layer {layer}, head {head}")
    print(f"{file}: kept for {vlm.info.name}")
    return 0


def maps(vlm: VLM, data: Dataset) -> Iterator[np.ndarray]:
    """Yield the attention (layers, heads, rows, cols) of each question of a data set."""
    from tqdm import tqdm

    for i in tqdm(range(len(data)), unit="question", file=sys.stderr):
        sample = data[i]
        view = downscale(rgb_of(sample.image), vlm.info.fit)
        heads = vlm.attend_heads(vlm.look(view), sample.prompt)
        yield heads.reshape(*heads.shape[:2], *vlm.geometry(view.size).grid)
