r"""Hold an engine's answers against the same checkpoint read here: python -m tools.engine --help.

    python -m tools.engine write FOLDER           a LLaVA-shaped, untrained checkpoint
    vllm serve FOLDER --dtype float32 --limit-mm-per-prompt '{"image": 2}' --served-model-name llava
    python -m tools.engine compare \
        'openai:http://127.0.0.1:8000/v1?add_special_tokens=true#llava' FOLDER

Both stages of each question are asked, of pictures as large as the model's input, so that neither
side resizes them; both answer as greedily as each other. It prints the largest difference of
min-entropies, token by token, as far as both wrote the same.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from core.support.whole import folder_to_write
from core.uncertainty import all_scores
from core.vlm import VLM, Generation, load_vlm
from tools.doubles.untrained import Size, byte_level_tokenizer, llava_clip, save_checkpoint

SIDE = 112  # pixels
# Heads of 32: vLLM has kernels for no smaller ones.
SIZE = Size(128, 4, 4, 2, 256, 64, 3, 2, SIDE, 2048, 0.15)


def write(folder: Path) -> Path:
    """Write an untrained checkpoint in the shape of LLaVA-1.5, and return its folder."""
    config, processor = llava_clip(byte_level_tokenizer(add_bos=True), SIZE)
    return save_checkpoint(folder, config, processor)


def compare(here: VLM, there: VLM, questions: int) -> list[tuple[float, bool]]:
    """Return for each stage, the largest difference in bits so far, and whether all texts agree.

    Prints both every ten questions.
    """
    rng = np.random.default_rng(1)
    found = [(0.0, True), (0.0, True)]
    for index in range(questions):
        pictures = [_picture(rng) for _ in range(2)]
        for stage, local in enumerate((None, pictures[1])):
            both = [
                model.answer(model.look(pictures[0]), f"What is on sign {index}?", local)
                for model in (here, there)
            ]
            apart, same = _apart(*both)
            most, all_same = found[stage]
            found[stage] = max(most, apart), all_same and same
        if index % 10 == 9 or index == questions - 1:
            told = "; ".join(f"{most:.2e} bits, {'same' if same else 'other'} texts"
                             for most, same in found)  # fmt: skip
            print(f"{index + 1} questions: {told}", flush=True)
    return found


def _picture(rng: np.random.Generator) -> Image.Image:
    squares = rng.integers(0, 256, (7, 7, 3), dtype=np.uint8)
    return Image.fromarray(squares).resize((SIDE, SIDE))


def _apart(a: Generation, b: Generation) -> tuple[float, bool]:
    """The largest difference of min-entropies, in bits, up to the first token that differs."""
    scores = [np.array(all_scores(one.evidence)[0]["min_entropy"]) for one in (a, b)]
    pairs = list(zip(a.tokens, b.tokens, strict=False))
    # Part of a character is told in another way by every engine.
    same = [x == y or "\ufffd" in x + y for x, y in pairs]
    count = len(pairs) if all(same) else same.index(False) + 1
    return float(np.abs(scores[0][:count] - scores[1][:count]).max()), all(same)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.engine", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    commands = parser.add_subparsers(dest="command", required=True)
    writing = commands.add_parser("write", help="write the checkpoint that is served")
    writing.add_argument("folder", type=folder_to_write, help="where to write the checkpoint")
    comparing = commands.add_parser("compare", help="ask the engine and the checkpoint the same")
    comparing.add_argument("engine", help="name of the engine's model, openai:URL#MODEL")
    comparing.add_argument("folder", type=Path, help="the checkpoint that it serves")
    comparing.add_argument(
        "--questions", type=int, default=200, help="questions to ask (default: %(default)s)"
    )
    args = parser.parse_args()
    if args.command == "write":
        print(write(args.folder))
        return
    options = {"fit": "stretch", "resolution": SIDE, "instruction": ""}
    here = load_vlm(args.folder, "cpu", **options)
    compare(here, load_vlm(args.engine, look="ask", **options), args.questions)


if __name__ == "__main__":
    main()
