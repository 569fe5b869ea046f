"""Chooses, by measurement, what the checkpoint's config holds: attention layer, box and thresholds.

`python -m core.pocket.tune` measures as `core.vlm tune` does (core.bench.tuning), on validation
questions; `--write` stores the best in the checkpoint's config.json, under `second_look`. With
`--world open` each condition of the open world is asked in turn: an η chosen on clean scenes alone
is no promise for any other.
"""

import argparse
import json
from pathlib import Path

from core.bench.commands.tune_command import kept_for, tune
from core.bench.datasets import Dataset, load_dataset
from core.bench.datasets.rendered.open_signs import EACH
from core.imaging import Codec
from core.signs.scenes import GLOBAL_SIDE
from core.support.whole import check_writable, write_whole
from core.vlm.loading.arguments import add_load_arguments, load_options

# Of the box, in pixels of the original. A wider one holds more, in less detail.
SIDES = (GLOBAL_SIDE, 208, 256, 320, 384)


def closed_world() -> Dataset:
    return load_dataset("signs-text", "validation")


def open_world() -> Dataset:
    return load_dataset("open-signs", "validation", options={"condition": EACH})


WORLDS = {"closed": closed_world, "open": open_world}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="pocket", help="pocket or a local directory")
    parser.add_argument("--questions", type=int, default=300, help="how many questions are asked")
    parser.add_argument(
        "--world",
        choices=tuple(WORLDS),
        default="closed",
        help="world whose validation scenes are asked about: version 5's, or the wide one",
    )
    parser.add_argument("--write", action="store_true", help="store the choice in config.json")
    add_load_arguments(parser)
    args = parser.parse_args()
    from core.vlm import load_vlm
    from core.vlm.loading.checkpoint import POCKET

    path = (POCKET if args.model == "pocket" else Path(args.model)) / "config.json"
    if args.write and not path.is_file():
        parser.error(f"{args.model!r} is not a folder here: there is no config.json to write to")
    if args.write:
        check_writable(path)
    vlm = load_vlm(args.model, **load_options(args))
    data, codec = WORLDS[args.world](), Codec("jpeg", 75)
    kept = kept_for(vlm, data, codec, SIDES)
    chosen = tune(vlm, data, args.questions, codec, SIDES, kept)
    if args.write:
        config = json.loads(path.read_text())
        config["second_look"] |= chosen
        write_whole(path, json.dumps(config, indent=2) + "\n")
        kept.forget()
        print(f"All of this is in {path.name} now.")


if __name__ == "__main__":
    main()
