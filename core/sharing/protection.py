"""Equal or unequal protection: packets that are lost for good, at the same bytes.

A question is three things of unlike worth: its text and the head of its image, without which there
is no answer; the rows of the global image, of which some may be missing; and the local image, which
costs only its gain. `measure` asks the model about images with rows missing. `expected` is exact
over the losses: nothing is drawn there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

import numpy as np

from core.bench.datasets.base import Sample
from core.bench.datasets.scoring import Scorer
from core.edge.device import Edge
from core.imaging import Codec
from core.imaging.partial import encode_in_rows, put_together
from core.messages import Question
from core.protocol import ask
from core.server.machine import Server
from core.sharing.erasure import failure

__all__ = ["LEVELS", "Damage", "Sizes", "Split", "best_split", "equal", "expected", "measure"]

PAYLOAD = 222  # bytes of a packet, as LoRa's; small ones make small losses visible
LEVELS = (1, 2, 4, 8, 14)  # packets of the global image that are lost


@dataclass(frozen=True)
class Sizes:
    """Packets of a question's text and head, rows, and local image, as they are on average.

    asked: share of the questions that send a local image.
    """

    head: int
    rows: int
    crop: int
    asked: float


@dataclass(frozen=True, eq=False)
class Damage:
    """What came of N questions. scores, uncertainty: (levels + 1, N), nothing missing first."""

    lost: tuple[int, ...]  # packets of the rows, of each level
    scores: np.ndarray
    uncertainty: np.ndarray
    second: np.ndarray  # score with the local image, (N,)
    asked: np.ndarray  # whether the gate asks for it, (N,) bool
    sizes: Sizes

    def with_lost(self, count: int) -> np.ndarray:
        """Return the scores with so many packets of the rows lost, between levels in proportion."""
        return np.array([np.interp(count, self.lost, column) for column in self.scores.T])

    def half(self, first: bool) -> Damage:
        """Return every other question."""
        take = slice(0 if first else 1, None, 2)
        return Damage(
            self.lost, self.scores[:, take], self.uncertainty[:, take], self.second[take],
            self.asked[take], self.sizes,
        )  # fmt: skip


@dataclass(frozen=True)
class Split:
    """Redundant packets. joint: head and rows are one block, protected by `rows` alone; a larger
    block is safer, but what it can't bring back may be the head."""

    head: int
    rows: int
    crop: int
    joint: bool = False


def measure(server: Server, samples: Sequence[Sample], scorer: Scorer, quality: int = 75) -> Damage:
    """Ask about each sample's global image, whole and with packets missing at random.

    server: with the model, and the gate that asks for local images.
    """
    rng = np.random.default_rng(0)
    scores, doubt, second, asked, packets = [], [], [], [], []
    for sample in samples:
        edge = Edge(sample.image, Codec("jpeg", quality))
        small = edge.resize(server.fit)
        parts = encode_in_rows(small, quality)
        ends = np.cumsum([len(row) for row in parts.rows])
        count = int(-(-ends[-1] // PAYLOAD))
        column, unsure = [], []
        for level in (0, *LEVELS):
            gone = rng.permutation(count)[: min(level, count)]
            rows = _without(parts.rows, ends, gone)
            image = put_together(parts.head, rows)
            message = Question(edge.image.size, image, "jpeg", sample.prompt)
            reply = server.handle(message)
            assert reply.stage is not None
            column.append(scorer.score(reply.stage.answer, sample))
            unsure.append(server.gate.uncertainty(reply.stage.scores[server.gate.metric]))
            if level == 0:
                wanted = server.gate.retransmit(reply.stage.scores[server.gate.metric])
                crop, better = _second(edge, server, message)
                packets.append((-(-(message.byte_count - ends[-1]) // PAYLOAD), count, crop))
                asked.append(wanted)
                second.append(scorer.score(better, sample))
        scores.append(column)
        doubt.append(unsure)
    head, rows_mean, crop_mean = (round(float(v)) for v in np.mean(packets, axis=0))
    sizes = Sizes(head, rows_mean, crop_mean, float(np.mean(asked)))
    return Damage(
        (0, *LEVELS), np.array(scores).T, np.array(doubt).T, np.array(second), np.array(asked),
        sizes,
    )  # fmt: skip


def equal(sizes: Sizes, redundancy: float, joint: bool = False) -> Split:
    """Return one share of redundant packets for all: for each of the three things, or joint, for
    each of the two messages, as they are sent today."""
    head = 0 if joint else round(redundancy * sizes.head)
    total = round(redundancy * (sizes.head + sizes.rows))
    return Split(head, total - head, round(redundancy * sizes.crop), joint)


def best_split(damage: Damage, redundancy: float, loss: float) -> Split:
    """Return the split of as many bytes as `equal` takes, or fewer, that is expected to do best."""
    plain, sizes = equal(damage.sizes, redundancy), damage.sizes
    room = plain.head + plain.rows + sizes.asked * plain.crop

    def crops(left: float) -> int:
        return min(int(left / max(sizes.asked, 1e-9) + 1e-9), 2 * sizes.crop)

    splits = [
        Split(head, rows, crops(room - head - rows), joint)
        for joint in (False, True)
        for head in range(1 if joint else int(room) + 1)
        for rows in range(int(room) - head + 1)
    ]
    return max(splits, key=lambda split: float(expected(damage, split, loss).mean()))


def expected(damage: Damage, split: Split, loss: float) -> np.ndarray:
    """Return the expected score of each question, (N,), over all losses of packets.

    A lost head is a lost question, 0. Rows that can't be recovered are missing, and no local image
    is asked for. A local image that can't be recovered leaves the first answer.
    """
    sizes, whole = damage.sizes, damage.scores[0]
    crop_there = 1 - failure(sizes.crop + split.crop, sizes.crop, loss)
    best = np.where(damage.asked, crop_there * damage.second + (1 - crop_there) * whole, whole)
    if split.joint:
        k, head_whole = sizes.head + sizes.rows, (1 - loss) ** sizes.head
        all_there = 1 - failure(k + split.rows, k, loss)
    else:
        head_whole = 1 - failure(sizes.head + split.head, sizes.head, loss)
        all_there = head_whole * (1 - failure(sizes.rows + split.rows, sizes.rows, loss))
    total = all_there * best
    for lost in range(1, sizes.rows + 1):
        chance = comb(sizes.rows, lost) * loss**lost * (1 - loss) ** (sizes.rows - lost)
        # More are lost than the redundant packets that arrived could replace.
        needed = failure(split.rows, lost, loss) if lost <= split.rows else 1.0
        total = total + head_whole * chance * needed * damage.with_lost(lost)
    return total


def _without(rows: Sequence[bytes], ends: np.ndarray, gone: np.ndarray) -> list[bytes | None]:
    """Rows, None where one lies in a packet that is gone."""
    starts = np.append(0, ends[:-1])
    hit = np.zeros(len(rows), dtype=bool)
    for packet in gone:
        hit |= (starts < (packet + 1) * PAYLOAD) & (ends > packet * PAYLOAD)
    return [None if lost else row for row, lost in zip(rows, hit, strict=True)]


def _second(edge: Edge, server: Server, message: Question) -> tuple[int, str]:
    """Packets of the local image, and the answer with it, whatever the gate says."""
    transcript = ask(edge, server, message.question, force=True)
    local = transcript.local_image
    assert local is not None
    return -(-len(local.data) // PAYLOAD), transcript.answer
