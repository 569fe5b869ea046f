r"""Hold an engine's answers against the same model read here: python -m tools.engine --help.

    python -m tools.engine write FOLDER           a LLaVA-shaped, untrained checkpoint
    vllm serve FOLDER --dtype float32 --limit-mm-per-prompt '{"image": 2}' --served-model-name llava
    python -m tools.engine compare \
        'openai:http://127.0.0.1:8000/v1?add_special_tokens=true#llava' FOLDER
    python -m tools.engine cached 'openai:http://127.0.0.1:8000/v1#llava'
    python -m tools.engine circle FOLDER          adapter, our own server and pocket, as two runs


For llama.cpp's server (pip install gguf; its files lie in FOLDER):

    python -m tools.engine write FOLDER --gguf
    LLAMA_MEDIA_MARKER='<image>' llama-server -m FOLDER/model.gguf --mmproj FOLDER/mmproj.gguf \
        --port 8000 --alias llava -ctk f32 -ctv f32 -fa off
    python -m tools.engine compare --class-last \
        'openai:http://127.0.0.1:8000/v1#llava' FOLDER

`compare`: both stages of each question are asked, of pictures as large as the model's input, so
that neither side resizes them; both answer as greedily as each other. It prints the largest
difference of min-entropies, token by token, as far as both wrote the same.
`cached`: how much of a second stage's prompt the engine had from the first one's, which begins with
the same global image; and of another image's, which must be nothing. vLLM says so with
--enable-prompt-tokens-details.
`circle`: the questions of a data set are recorded directly and through an own server in OpenAI's
words, with pocket as the scout. It prints how far the two runs are apart, and goes on with what is
in FOLDER when it was interrupted.
"""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import numpy as np
from PIL import Image

from core.bench import Run, load_run, tradeoff
from core.bench.record.runner import Plan, Runner
from core.support.whole import folder_to_write
from core.uncertainty import all_scores
from core.vlm import VLM, Generation, load_vlm
from core.vlm.engine.address import Address
from core.vlm.engine.endpoint import Endpoint
from core.vlm.engine.request import body, data_url
from tools.doubles.gguf_files import class_token_last, say_whole_characters, write_gguf
from tools.doubles.untrained import Size, byte_level_tokenizer, llava_clip, save_checkpoint
from tools.support.own_server import own_server

SIDE = 112  # pixels
TEXT = "What is on the sign?"
TOLERANCE = 1e-5  # bits between two min-entropies of a run that went around in a circle
PORT = 7869  # of the circle's server: part of the model's name, so always the same
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


def cached(engine: str, questions: int) -> list[tuple[int, int]]:
    """Return for each question the tokens cached of its second stage, and of another image's first.

    Prints both with their seconds. Exits if the engine doesn't say.
    """
    address = Address.read(engine)
    endpoint = Endpoint(address)

    def asked(*pictures: Image.Image) -> tuple[int, int, float]:
        begin = time.monotonic()
        urls = [data_url(picture) for picture in pictures]
        usage = endpoint.post("chat/completions", body(address, urls, TEXT, 20, 5))["usage"]
        if (details := usage.get("prompt_tokens_details")) is None:
            sys.exit("The engine doesn't say how much it had cached.")
        return usage["prompt_tokens"], details["cached_tokens"], time.monotonic() - begin

    rng, found = np.random.default_rng(7), []
    for index in range(questions):
        pictures = [_picture(rng) for _ in range(2)]
        first, second, other = asked(pictures[0]), asked(*pictures), asked(pictures[1])
        told = zip(("first", "second", "another image"), (first, second, other), strict=True)
        print(f"question {index + 1}:", "; ".join(
            f"{stage}: {tokens} tokens, {known} cached, {seconds:.2f} s"
            for stage, (tokens, known, seconds) in told
        ), flush=True)  # fmt: skip
        found.append((second[1], other[1]))
    return found


def circle(folder: Path, here: VLM, there: VLM, questions: int, batch: int) -> bool:
    """Record the questions with both models, and return whether the two runs are one.

    folder: where the runs are written; what is there isn't asked again. batch: asked at once.
    """
    runs = []
    for name, vlm in (("direct", here), ("engine", there)):
        plan = Plan(str(folder / f"{name}.parquet"), limit=questions, batch=batch)
        runner, done = Runner(plan, vlm), 0
        start = runner.recorded()

        def tell(count: int, name: str = name, start: int = start) -> None:
            nonlocal done
            done += count
            print(f"{name}: {start + done} questions", flush=True)

        runner.work(progress=tell)
        runs.append(load_run(runner.finish()[0]))
    return same(*runs)


def same(a: Run, b: Run) -> bool:
    """Print where two runs of the same questions are apart; return whether it is nowhere.

    Nowhere: no other answer or box, the same points of the tradeoff curve, and min-entropies and
    thresholds within TOLERANCE.
    """
    told = {
        "first answers": a.first_answer != b.first_answer,
        "second answers": a.second_answer != b.second_answer,
        "boxes": (a.box != b.box).any(axis=1),
        "failed": a.failed | b.failed,
    }
    other = {name: int(np.sum(apart)) for name, apart in told.items()}
    print(
        f"{len(a)} questions;", ", ".join(f"{name}: {count} other" for name, count in other.items())
    )
    bits = []
    for stage, mine, its in (
        ("first", a.scores, b.scores),
        ("second", a.second_scores, b.second_scores),
    ):
        x, y = mine["min_entropy"], its["min_entropy"]
        bits.append(float(np.abs(x - y).max()) if x.shape == y.shape else np.inf)
        print(f"min-entropies of {stage} answers: at most {bits[-1]:.1e} bits apart")
    curves = tradeoff(a), tradeoff(b)
    points = all(
        np.array_equal(getattr(curves[0], name), getattr(curves[1], name))
        for name in ("retransmitted", "accuracy", "bytes")
    )
    print(
        f"tradeoff curves: {len(curves[0].threshold)} points, {'the same' if points else 'others'}"
    )
    return not any(other.values()) and points and max(bits) <= TOLERANCE


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
    writing.add_argument(
        "--gguf", action="store_true",
        help="write it for llama.cpp too, and let it say nothing but whole characters",
    )  # fmt: skip
    comparing = commands.add_parser("compare", help="ask the engine and the checkpoint the same")
    comparing.add_argument("engine", help="name of the engine's model, openai:URL#MODEL")
    comparing.add_argument("folder", type=Path, help="the checkpoint that it serves")
    comparing.add_argument(
        "--questions", type=int, default=200, help="questions to ask (default: %(default)s)"
    )
    comparing.add_argument(
        "--class-last", action="store_true",
        help="read images as llama.cpp does, with the class token behind the patches",
    )  # fmt: skip
    caching = commands.add_parser("cached", help="see what the engine's prefix cache finds")
    caching.add_argument("engine", help="name of the engine's model, openai:URL#MODEL")
    caching.add_argument(
        "--questions", type=int, default=5, help="questions to ask (default: %(default)s)"
    )
    circling = commands.add_parser("circle", help="record a run directly and through a server")
    circling.add_argument("folder", type=folder_to_write, help="where the two runs are written")
    circling.add_argument(
        "--questions", type=int, default=500, help="questions to ask (default: %(default)s)"
    )
    circling.add_argument(
        "--batch", type=int, default=8, help="questions asked at once (default: %(default)s)"
    )
    args = parser.parse_args()
    if args.command == "write":
        print(write(args.folder))
        if args.gguf:
            say_whole_characters(args.folder)
            print(*write_gguf(args.folder))
        return
    if args.command == "cached":
        cached(args.engine, args.questions)
        return
    if args.command == "circle":
        # It never asks for a crop by itself: both stages are asked of it anyway.
        words = ("--model", "pocket", "--eta", "1000", "--rate", "0", "--waiting-per-client", "64")
        with own_server(*words, port=PORT) as server:
            name = f"openai:{server.url}/v1#pocket"
            pocket = load_vlm("pocket", "cpu")
            there = load_vlm(name, "cpu", look="scout:pocket")
            sys.exit(not circle(args.folder, pocket, there, args.questions, args.batch))
    options = {"fit": "stretch", "resolution": SIDE, "instruction": ""}
    here = load_vlm(args.folder, "cpu", **options)
    with class_token_last() if args.class_last else nullcontext():
        compare(here, load_vlm(args.engine, look="ask", **options), args.questions)


if __name__ == "__main__":
    main()
