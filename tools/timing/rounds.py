"""`python -m tools.timing.rounds`: what one more look takes, beside the least it could.

The least is to read what is new: the local image and the question in one pass with the answer, and
the generic prompt behind both images. A round of the server also finds out whether what is asked
for is in the local image, searches for the next box, scores and encodes. Both are timed in turn, on
scenes of `signs-search`; the least of some repetitions counts, as other programs only add to it.
Run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from core.bench.datasets import load_dataset
from core.imaging import Codec
from core.protocol import Edge, Server, first_stage
from core.uncertainty import Gate
from core.vlm import load_vlm

ALWAYS = float("-inf")


def main() -> None:
    args = _parser().parse_args()
    import torch

    torch.set_num_threads(args.threads)
    vlm, dataset = load_vlm(args.model), load_dataset("signs-search", "validation")
    gate = Gate(threshold=ALWAYS, rounds=(ALWAYS, ALWAYS))
    ratios = []
    for sample in dataset[: args.questions]:
        edge, server = Edge(sample.image, Codec()), Server(vlm, gate)
        opened = first_stage(edge, server, sample.prompt)
        assert opened.box is not None
        message = edge.local_image(opened.session, edge.crop(opened.box, server.fit))
        held = server.sessions.get(opened.session)
        look, local = held.look, Codec(message.image_format).decode(message.image)
        assert look is not None
        both = vlm.zoom(look, local)
        if both is None:
            raise SystemExit(f"{args.model} can't say where in a local image it looks.")

        def least(look=look, local=local, both=both, held=held) -> Any:
            vlm.answer(look, held.message.question, local, draft=held.answer)
            return vlm.attend(both, vlm.info.generic_prompt)

        def whole(server=server, message=message, held=held) -> Any:
            server.sessions.keep(message.session, held)
            return server.handle(message)

        floor, taken = _least(args.repeat, least, whole)
        ratios.append(taken / floor)
        print(f"{1000 * floor:7.1f} ms to read what is new, {1000 * taken:7.1f} ms a round: "
              f"{ratios[-1]:.3f}", flush=True)  # fmt: skip
    print(f"median {np.median(ratios):.3f}, of {len(ratios)} questions")


def _least(repeat: int, *works: Callable[[], Any]) -> list[float]:
    """Return the least seconds of each, of so many repetitions in turn."""
    seconds = [[0.0] * repeat for _ in works]
    for i in range(repeat):
        for work, taken in zip(works, seconds, strict=True):
            start = time.perf_counter()
            work()
            taken[i] = time.perf_counter() - start
    return [min(taken) for taken in seconds]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--model", default="pocket", help="pocket, a directory, or a hub id")
    parser.add_argument("--questions", type=int, default=10, help="questions to be timed")
    parser.add_argument("--repeat", type=int, default=15, help="repetitions of each")
    parser.add_argument("--threads", type=int, default=1, help="threads of torch")
    return parser


if __name__ == "__main__":
    main()
