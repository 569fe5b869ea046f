"""A model that answers as one did in a recorded run, and takes the time that it took then.

    python -m tools.doubles.replayed RUN --port 7870 --uplink-bytes-per-second 46875 --deadline 2

It waits where a model computes: so many edges can be tried on a small machine, and how long the
model takes doesn't depend on what else runs there.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from core.bench.runs.files import load_run
from core.bench.runs.run import Run
from core.imaging import Geometry
from core.policies.expectation import Expectation
from core.policies.registry import POLICIES
from core.policies.shared import LinkTerms
from core.server.app import create_app
from core.server.limits import Limits
from core.server.listening import make_server
from core.support.bundled import EXPECTATION
from core.uncertainty import Gate
from core.vlm import load_vlm
from core.vlm.base import MAX_NEW_TOKENS, VLM, Generation, Look

VOCABULARY = 64  # of which one word has the probability that its uncertainty says


@dataclass(frozen=True, eq=False)
class ReplayedLook(Look):
    begun: float  # by time.monotonic()


class Replayed(VLM):
    """Answers the numbered questions of a run, as sure by min-entropy as was recorded.

    like: a model, whose shapes are taken. slower: than recorded, so many times; 0: in no time.
    """

    def __init__(self, run: Run, like: VLM, slower: float = 1.0):
        self.run, self.like, self.slower, self.info = run, like, slower, like.info
        self._doubt = run.ranked("min_entropy", None)

    def geometry(self, image_size: tuple[int, int]) -> Geometry:
        return self.like.geometry(image_size)

    def look(self, image: Image.Image) -> ReplayedLook:
        return ReplayedLook(image.size, time.monotonic())

    def answer(
        self,
        look: Look,
        question: str,
        local: Image.Image | Sequence[Image.Image] | None = None,
        max_new_tokens: int = MAX_NEW_TOKENS,
        draft: Sequence[int] = (),
    ) -> Generation:
        assert isinstance(look, ReplayedLook)
        index = number_of(question)
        first = local is None
        begun = look.begun if first else time.monotonic()
        seconds = (self.run.first_seconds if first else self.run.second_seconds)[index]
        time.sleep(max(0.0, begun + self.slower * float(seconds) - time.monotonic()))
        text = str((self.run.first_answer if first else self.run.second_answer)[index])
        surest = 2.0 ** -float(self._doubt[index])  # min-entropy is -log₂ of the likeliest word
        odds = np.full((1, VOCABULARY), (1 - surest) / (VOCABULARY - 1))
        odds[0, 0] = surest
        logits = np.log(np.maximum(odds, 1e-30)).astype(np.float32)
        return Generation(text, (0,), (self.decode_token(0),), logits, self._map(look, index))

    def attend(self, look: Look, prompt: str, layer: int | None = None) -> np.ndarray:
        rows, cols = self.geometry(look.image_size).grid
        return np.full(rows * cols, 1 / (rows * cols), dtype=np.float32)

    def decode_token(self, token_id: int) -> str:
        return f"<{token_id}>"

    def _map(self, look: Look, index: int) -> np.ndarray:
        """Return a map that a box comes of: not the recorded one, but one for each question."""
        rows, cols = self.geometry(look.image_size).grid
        weights = np.full(rows * cols, 0.5 / (rows * cols), dtype=np.float32)
        weights[7 * index % (rows * cols)] += 0.5
        return weights


def numbered(prompt: str, index: int) -> str:
    """Return a question that says which of the run it is."""
    return f"{prompt} ({index})"


def number_of(question: str) -> int:
    """Return which of the run a numbered question is."""
    found = re.search(r"\((\d+)\)$", question)
    assert found, f"{question!r} has no number"
    return int(found[1])


def expected(slower: float) -> Expectation:
    """Return what pocket's servers expect of a second look, of a model so many times slower."""
    known = Expectation.read(EXPECTATION)
    return known.model_copy(update={"work_seconds": slower * known.work_seconds})


def gate_of(like: VLM) -> Gate:
    """Return the gate of a server of this model, on min-entropy."""
    return Gate("min_entropy", like.info.thresholds["min_entropy"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    add = parser.add_argument
    add("run", type=Path, metavar="RUN", help="run file whose questions are answered")
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add("--port", type=int, default=7870, help="port to listen on (default: %(default)s)")
    add("--uplink-bytes-per-second", type=float, required=True, help="rate of the shared uplink")
    add("--deadline", type=float, required=True, help="seconds from a question to its last answer")
    add("--policy", choices=list(POLICIES), default="backlog",
        help="who may send a local image (default: %(default)s)")  # fmt: skip
    add("--keep-alive", type=int, default=5, help="seconds that an idle connection is kept open")
    add("--slower", type=float, default=1.0, help="how many times as long as recorded it takes")
    args = parser.parse_args()
    link = LinkTerms(
        args.uplink_bytes_per_second, args.deadline, args.policy, expected(args.slower)
    )
    pocket, limits = load_vlm("pocket"), Limits(rate=0, max_wait=60.0)
    model = Replayed(load_run(args.run).answered, pocket, args.slower)
    app = create_app(model, gate_of(pocket), limits, link=link)
    options = {"host": args.host, "port": args.port, "log_config": None}
    make_server(app, limits, timeout_keep_alive=args.keep_alive, **options).run()


if __name__ == "__main__":
    main()
