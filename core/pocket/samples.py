"""Picks the dashboard's samples: `python -m core.pocket.samples --out assets/samples`.

Each sample is the first test scene, from a given one on, that plays its part with the model as it
is: answered at once, answered only with the crop, wrong to the end, and, in the open world
(`--world open`), unsure for nothing or wrong without a doubt (`core.pocket.parts`). Nothing is
arranged beyond that, and a test holds every sample to its part.
"""

import argparse
import json
from typing import Any

from core.imaging import Codec
from core.pocket.parts import PHOTOGRAPH, WITH_CROP, WORLDS, Part, World, outcome
from core.protocol import Edge, Server, first_stage, second_stage
from core.signs import photographs
from core.support.whole import folder_to_write, write_whole
from core.uncertainty import Gate
from core.vlm.base import VLM
from core.vlm.loading.arguments import add_load_arguments, load_options

SCENES_TRIED = 500
CLEAR = 0.02  # bits from η, at least: another processor rounds otherwise, and the part must stay


def pick(
    vlm: VLM, world: World, part: Part, gate: Gate, codec: Codec
) -> tuple[bytes, dict[str, Any]] | None:
    """Return the part's original, encoded, and its entry for samples.json.

    It is the first that plays what the part prefers; where none does, the first that will do;
    None if none does that, either.
    """
    server, sure = Server(vlm, gate), gate.threshold - CLEAR
    found: dict[str, tuple[bytes, dict[str, Any]]] = {}  # by outcome
    for index in range(part.start, part.start + SCENES_TRIED):
        tried = world.candidate(part, index)
        if tried is None:
            continue
        original, question = codec.encode(tried.picture()), tried.question
        edge = Edge(original, Codec("jpeg", 75))
        transcript = second_stage(edge, server, first_stage(edge, server, question.text))
        if abs(gate.uncertainty(transcript.scores[gate.metric]) - gate.threshold) < CLEAR:
            continue
        played = outcome(transcript, question.answer)
        last = gate.uncertainty(transcript.stages[-1].scores[gate.metric])
        if played == WITH_CROP and last > sure:  # the page would call it a guess
            continue
        if played in part.outcomes and played not in found:
            entry = {"file": f"{part.file}.jpg", "question": question.text, "title": part.title}
            entry |= {"note": part.note, "answer": question.answer, "outcome": played}
            found[played] = original, entry | tried.of
        if part.outcomes[0] in found:
            break
    return next((found[name] for name in part.outcomes if name in found), None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="pocket",
                        help="who is asked: pocket, a directory, or a hub id")  # fmt: skip
    parser.add_argument("--out", type=folder_to_write, required=True,
                        help="folder to write the samples to")  # fmt: skip
    parser.add_argument("--world", choices=tuple(WORLDS), default="closed",
                        help="world whose test scenes are tried: version 5's, or the wide one, "
                        "with four parts more (default: closed)")  # fmt: skip
    add_load_arguments(parser)
    args = parser.parse_args()
    world = WORLDS[args.world]
    photograph = any(part.family == "photograph" for part in world.parts)
    if photograph and PHOTOGRAPH not in photographs.available("test"):
        parser.error(f"the photograph {PHOTOGRAPH} isn't here: pip install scikit-image")
    from core.vlm import load_vlm

    vlm = load_vlm(args.model, **load_options(args))
    gate = Gate("min_entropy", vlm.info.thresholds["min_entropy"])
    entries, missing = [], []
    for part in world.parts:
        found = pick(vlm, world, part, gate, Codec("jpeg", 92))
        if found is None:
            missing.append(part.file)
            continue
        original, entry = found
        write_whole(args.out / entry["file"], original)
        entries.append(entry)
        print(f"{entry['file']}: scene {entry['scene']}, {entry['question']!r}, "
              f"{entry['outcome']}", flush=True)  # fmt: skip
    write_whole(args.out / "samples.json", json.dumps(entries, indent=2) + "\n")
    if missing:
        parser.exit(1, f"No scene plays {', '.join(missing)} with this model.\n")


if __name__ == "__main__":
    main()
