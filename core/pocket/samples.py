"""Picks the dashboard's samples: `python -m core.pocket.samples --out assets/samples`.

Each sample is the first test scene, from a given one on, that plays its part with the model as it
is: answered at once, answered only with the crop, or wrong to the end. Nothing is arranged beyond
that, and a test holds every sample to its part.
"""

import argparse
import json
from dataclasses import dataclass

from core.imaging import Codec
from core.protocol import Edge, Server, Transcript, first_stage, second_stage
from core.signs.questions import SceneQuestion, ask_presence, ask_text
from core.signs.render import render
from core.signs.scenes import Scene, make_scene, scene_rng
from core.support.whole import folder_to_write, write_whole
from core.uncertainty import Gate
from core.vlm.loading.arguments import add_load_arguments, load_options

SCENES_TRIED = 500
AT_ONCE, WITH_CROP, STAYS_WRONG = "at once", "with the crop", "stays wrong"


@dataclass(frozen=True)
class Part:
    file: str
    family: str
    outcome: str
    start: int  # first scene to try
    letters: tuple[float, float]  # capital height in the global image, pixels: from, to
    title: str  # of what is asked
    note: str


PARTS = (
    Part("corner", "text", WITH_CROP, 0, (2.5, 4), "Small print",
         "Illegible in the small image; the crop shows it."),
    Part("plain", "text", AT_ONCE, 100, (11, 99), "Large letters",
         "Legible at once: no second look is asked for."),
    Part("wide", "text", WITH_CROP, 200, (3, 5), "A wide scene",
         "The sign is a speck in a wide image; attention finds it."),
    Part("plate", "text", WITH_CROP, 300, (3, 6), "A plate to spell",
         "Letters and digits that no language model could guess."),
    Part("object", "presence", AT_ONCE, 400, (0, 0), "Is it there?",
         "A yes-or-no question, answered at once."),
    Part("near", "text", AT_ONCE, 500, (11, 99), "Close by",
         "Another sign near enough to be read in the small image."),
    Part("tall", "text", WITH_CROP, 600, (2.5, 5), "A tall scene",
         "Padding left and right does not shift the box."),
    Part("beyond", "text", STAYS_WRONG, 700, (1.5, 4), "Beyond it",
         "Uncertain, looked again, and still wrong."),
)  # fmt: skip


def fits(part: Part, scene: Scene) -> bool:
    """Return whether the scene is of the shape that the part's title promises."""
    if part.file == "wide":
        return scene.width > 1.4 * scene.height
    return scene.height > scene.width if part.file == "tall" else True


def question_for(part: Part, scene: Scene, index: int) -> SceneQuestion | None:
    rng = scene_rng("test", index, seed=60_000)
    if part.family == "presence":
        return ask_presence(rng, scene, kind="yes")
    low, high = part.letters
    signs = [sign for sign in scene.signs if low <= sign.letter_height * scene.scale <= high]
    if part.file == "plate":
        signs = [s for s in signs if any(c.isdigit() for c in s.text) and len(s.text) >= 4]
    elif part.outcome != STAYS_WRONG:
        signs = [sign for sign in signs if sign.text.isalpha() and len(sign.text) >= 3]
    return ask_text(rng, scene, signs[0]) if signs else None


def outcome(transcript: Transcript, answer: str) -> str | None:
    """The part that a transcript with both stages plays; None if it plays none of them."""
    assert transcript.second is not None
    first, second = transcript.first.answer == answer, transcript.second.answer == answer
    if first and not transcript.uncertain:
        return AT_ONCE
    if transcript.uncertain and not first:
        return WITH_CROP if second else STAYS_WRONG
    return None


def pick(vlm, part: Part, gate: Gate, codec: Codec):
    """The part's original, encoded, and its entry for samples.json."""
    server = Server(vlm, gate)
    for index in range(part.start, part.start + SCENES_TRIED):
        scene = make_scene("test", index)
        question = question_for(part, scene, index) if fits(part, scene) else None
        if question is None:
            continue
        original = codec.encode(render(scene))
        edge = Edge(original, Codec("jpeg", 75))
        transcript = second_stage(edge, server, first_stage(edge, server, question.text))
        if outcome(transcript, question.answer) == part.outcome:
            entry = {"file": f"{part.file}.jpg", "question": question.text, "title": part.title}
            entry |= {"note": part.note, "answer": question.answer, "outcome": part.outcome}
            return original, entry | {"scene": index}
    raise RuntimeError(f"No scene plays the part {part.file!r} with this model.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="pocket",
                        help="who is asked: pocket, a directory, or a hub id")  # fmt: skip
    parser.add_argument("--out", type=folder_to_write, required=True,
                        help="folder to write the samples to")  # fmt: skip
    add_load_arguments(parser)
    args = parser.parse_args()
    from core.vlm import load_vlm

    vlm = load_vlm(args.model, **load_options(args))
    gate = Gate("min_entropy", vlm.info.thresholds["min_entropy"])
    entries = []
    for part in PARTS:
        original, entry = pick(vlm, part, gate, Codec("jpeg", 92))
        write_whole(args.out / entry["file"], original)
        entries.append(entry)
        print(f"{entry['file']}: scene {entry['scene']}, {entry['question']!r}")
    write_whole(args.out / "samples.json", json.dumps(entries, indent=2) + "\n")


if __name__ == "__main__":
    main()
