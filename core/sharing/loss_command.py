"""Ask a model about damaged images, and print what equal and unequal protection come to."""

from __future__ import annotations

import argparse

from core.bench.datasets import load_dataset
from core.bench.datasets.scoring import SCORERS
from core.server.machine import Server
from core.sharing.protection import Damage, best_split, equal, expected, measure
from core.sharing.study import mean_of
from core.uncertainty import METRICS, Gate
from core.vlm.loading.arguments import add_load_arguments, load_options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--model", default="pocket", help="pocket, a directory, or a hub id")
    add_load_arguments(parser)
    add("--data", default="signs-text", help="name of a data set (core.bench.datasets)")
    add("--questions", type=int, default=200, help="how many questions are asked")
    add("--quality", type=int, default=75, help="quality of JPEG, 1 to 100")
    add("--loss", type=float, nargs="+", default=[0.01, 0.05, 0.1],
        help="shares of the packets that are lost")  # fmt: skip
    add("--redundancy", type=float, nargs="+", default=[0.05, 0.1, 0.2],
        help="redundant packets, as shares of what is sent")  # fmt: skip


def main(args: argparse.Namespace) -> int:
    """Ask about damaged images, and print what equal and unequal protection come to."""
    if args.questions < 4:
        raise ValueError("It takes at least 4 questions: half to choose on, half to try it on.")
    for name in ("loss", "redundancy"):  # before the model is asked for minutes
        if not all(0 <= share <= 1 for share in getattr(args, name)):
            raise ValueError(f"Every --{name} must be a share from 0 to 1, as 0.05.")
    from core.vlm import load_vlm  # here: torch is needed by this command only

    data = load_dataset(args.data)
    vlm = load_vlm(args.model, **load_options(args))
    gate = Gate(threshold=vlm.info.thresholds.get(Gate().metric, Gate().threshold))
    samples = data[: args.questions].samples
    damage = measure(Server(vlm, gate), samples, SCORERS[data.scoring], args.quality)
    print(f"{len(samples)} questions of {data.name}, {damage.sizes}")
    for lost, scores, doubt in zip(damage.lost, damage.scores, damage.uncertainty, strict=True):
        more = mean_of(doubt - damage.uncertainty[0], "+.3f")
        print(f"  {lost:2d} packets lost: right {mean_of(100 * scores)} %, ", end="")
        print(f"{METRICS[gate.metric].phrase} {doubt.mean():.3f}, {more} from the whole image's")
    print("loss, redundancy: right % with unequal protection; points [95 %] it is ahead by")
    for loss in args.loss:
        for redundancy in args.redundancy:
            print(_protected(damage, redundancy, loss))
    return 0


def _protected(damage: Damage, redundancy: float, loss: float) -> str:
    """Return a line: splits are chosen on every other question, and tried on the rest."""
    split, fresh = best_split(damage.half(True), redundancy, loss), damage.half(False)
    better = 100 * expected(fresh, split, loss)
    three, two = (
        100 * expected(fresh, equal(damage.sizes, redundancy, joint), loss)
        for joint in (False, True)
    )
    return (
        f"  {loss:.0%}, {redundancy:.0%}: {better.mean():.2f}; {mean_of(better - three, '+.2f')} "
        f"above equal for three parts, {mean_of(better - two, '+.2f')} above equal for two "
        f"messages (redundant packets: {'head and rows' if split.joint else f'head {split.head},'}"
        f"{'' if split.joint else ' rows'} {split.rows}, crop {split.crop})"
    )
