"""Many edges on one link, simulated on recorded runs: which policy answers most, in time.

    python -m core.sharing study                              the shipped runs, a link of 375 kbit/s
    python -m core.sharing study RUN RUN --link wifi --speed 50 --deadline 1 --out page.html
    python -m core.sharing fit RUN --out expectation.json     what a server with a policy wants
    python -m core.sharing loss                               equal and unequal protection

`study` mixes all runs into one stream of questions, and tries each of them alone, too. Policies are
set on half of each run's images and tried on the other; docs/sharing.md says what was found.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from core.bench.datasets import load_dataset
from core.bench.datasets.scoring import SCORERS
from core.bench.report import Section, as_page
from core.bench.runs.files import load_run
from core.bench.runs.run import Run
from core.channel import PRESETS, Fixed, Link
from core.policies.registry import POLICIES, Terms
from core.server.machine import Server
from core.sharing.demand import Split, fit
from core.sharing.figures import (
    accuracy_over_load,
    label_of,
    order_of_policies,
    queue_over_time,
)
from core.sharing.protection import Damage, best_split, equal, expected, measure
from core.sharing.simulation import Outcome, Scenario, simulate
from core.sharing.study import ARRIVALS, NORMAL, OPTIMUM, Setting, Study, best_share, draw, study
from core.support.bundled import RUNS
from core.support.commands import called
from core.support.whole import write_whole
from core.uncertainty import METRICS, Gate
from core.vlm.loading.arguments import add_load_arguments, load_options

SHIPPED = ("signs-text-q75", "signs-attributes-q75", "signs-presence-q75")
MIXED = "all together"
CALM = 0.4  # the load at which the fixed η is set
JUDGING = ("always", "fixed", "byte_budget", "skip_late", "backlog")  # whose order is compared
SHOWN = ("fixed", "skip_late", "backlog")  # whose queue is drawn
SECONDS = 60.0  # of it


def main(argv: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    try:
        return args.command(args)
    except (ValueError, OSError) as error:  # our own errors are sentences
        print(error, file=sys.stderr)
        return 1


def fit_command(args: argparse.Namespace) -> int:
    """Write what a second look is expected to add and to take."""
    expectation = fit([load_run(path) for path in args.runs], args.metric, args.first_tokens)
    write_whole(args.out, expectation.to_json())
    print(f"{args.out}: {expectation.questions:,} questions, gains up to {expectation.most:.2f}")
    return 0


def study_command(args: argparse.Namespace) -> int:
    """Print the figures of every policy at every load, and draw them."""
    runs = {path.stem: load_run(path) for path in args.runs}
    groups = {MIXED: list(runs.values())} if len(runs) > 1 else {}
    groups |= {name: [run] for name, run in runs.items()}
    setting, found, made = _setting(args), {}, {}
    for name, group in groups.items():
        loads = args.loads if name == next(iter(groups)) else [args.loads[0], args.loads[-1]]
        found[name], made[name] = _studied(group, setting, args, loads)
        print(_table(name, found[name], made[name]))
        print(*_sentences(found[name]), sep="\n", end="\n\n")
    print(order_sentence(found, args.loads[-1]))
    if args.out:
        first = next(iter(groups))
        queues = _queues(groups[first], setting, args, made[first])
        write_whole(args.out, _page(found, queues, args))
        print(f"Drawn: {args.out}")
    return 0


def loss_command(args: argparse.Namespace) -> int:
    """Ask about damaged images, and print what equal and unequal protection come to."""
    if args.questions < 4:
        raise ValueError("It takes at least 4 questions: half to choose on, half to try it on.")
    from core.vlm import load_vlm  # here: torch is needed by this command only

    data = load_dataset(args.data)
    vlm = load_vlm(args.model, **load_options(args))
    gate = Gate(threshold=vlm.info.thresholds.get(Gate().metric, Gate().threshold))
    samples = data[: args.questions].samples
    damage = measure(Server(vlm, gate), samples, SCORERS[data.scoring], args.quality)
    print(f"{len(samples)} questions of {data.name}, {damage.sizes}")
    for lost, scores, doubt in zip(damage.lost, damage.scores, damage.uncertainty, strict=True):
        more = _mean_of(doubt - damage.uncertainty[0], "+.3f")
        print(f"  {lost:2d} packets lost: right {_mean_of(100 * scores)} %, ", end="")
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
        f"  {loss:.0%}, {redundancy:.0%}: {better.mean():.2f}; {_mean_of(better - three, '+.2f')} "
        f"above equal for three parts, {_mean_of(better - two, '+.2f')} above equal for two "
        f"messages (redundant packets: {'head and rows' if split.joint else f'head {split.head},'}"
        f"{'' if split.joint else ' rows'} {split.rows}, crop {split.crop})"
    )


def _mean_of(values: np.ndarray, form: str = ".1f") -> str:
    """The mean with its 95 % interval, of independent values."""
    mean, error = values.mean(), NORMAL * values.std(ddof=1) / np.sqrt(len(values))
    return f"{mean:{form}} [{mean - error:{form}}, {mean + error:{form}}]"


def _studied(
    runs: Sequence[Run], setting: Setting, args: argparse.Namespace, loads: Sequence[float]
) -> tuple[Study, Terms]:
    split = Split.of(runs, args.metric)
    link, crop = setting.scenario.link, round(split.expectation.crop_bytes)
    rate = crop * link.duty_cycle / float(link.airtime(crop, "up"))  # repetitions included
    terms = Terms(args.deadline, rate, split.expectation)
    share = best_share(split.known, split.expectation, setting, CALM, terms)
    terms = replace(terms, share=share, crop_load=CALM * share)
    return study(split.fresh, split.expectation, setting, loads, terms, seeds=args.seeds), terms


def _queues(
    runs: Sequence[Run], setting: Setting, args: argparse.Namespace, terms: Terms
) -> dict[str, Outcome]:
    split = Split.of(runs, args.metric)
    questions, arrivals = draw(split.fresh, setting, args.loads[-1], np.random.default_rng(0))
    return {
        name: simulate(questions, arrivals, setting.scenario, POLICIES[name].make(terms),
                       split.expectation, np.random.default_rng(0))
        for name in SHOWN
    }  # fmt: skip


def _setting(args: argparse.Namespace) -> Setting:
    """Raises ValueError for a rate, a deadline or a trace that can't be."""
    if not (args.deadline > 0 and args.speed > 0 and min(args.loads) > 0):
        raise ValueError("The deadline, the speed and all loads must be positive.")
    if min(args.edges, args.questions - 1, args.seeds - 1) < 1:
        raise ValueError("It takes at least 1 edge, 2 questions, and 2 seeds for an interval.")
    link = PRESETS[args.link] if args.link else Link(
        Fixed(8 * args.bytes_per_second), round_trip=args.round_trip
    )  # fmt: skip
    trace = None
    if args.trace:
        try:
            trace = np.array([float(word) for word in args.trace.read_text().split()])
        except ValueError:
            raise ValueError(
                f"{args.trace.name} must hold times in seconds, nothing else."
            ) from None
    scenario = Scenario(link, args.deadline, args.speed, not args.silent_edges)
    return Setting(scenario, args.edges, args.questions, args.arrivals, trace)


def _table(name: str, found: Study, terms: Terms) -> str:
    lines = [
        f"{name}: η asks {terms.share:.0%}, the best at load {CALM}; "
        "right in time % [95 %], asked %, no answer in time %, p95 s, Jain, J a question"
    ]
    for load, rows in found.items():
        for policy, figures in rows.items():
            mean, low, high = (100 * v for v in figures.interval("accuracy"))
            rest = (100 * figures.asked.mean(), 100 * figures.late.mean(), figures.p95.mean(),
                    figures.fairness.mean(), figures.joules.mean())  # fmt: skip
            cells = "".join(f"{v:9.3g}" if v == v else f"{'–':>9}" for v in map(float, rest))
            lines.append(
                f"  load {load:<4g} {label_of(policy):24} {mean:5.1f} [{low:.1f}, {high:.1f}]"
                f"{cells}"
            )
    return "\n".join(lines)


def _sentences(found: Study) -> list[str]:
    """Return how the price of the backlog does, at the lowest and the highest load."""
    said = []
    for load in sorted({min(found), max(found)}):
        rows = found[load]
        for other in ("fixed", "skip_late", OPTIMUM):
            apart = 100 * (rows["backlog"].accuracy - rows[other].accuracy)
            said.append(
                f"At load {load:g}, the price of the backlog is {_mean_of(apart, '+.1f')} points "
                f"from: {label_of(other).lower()}."
            )
    return said


def order_sentence(runs: Mapping[str, Study], load: float) -> str:
    """Return which policies are ahead of which at a load, and whether on all runs alike."""
    orders: dict[tuple[str, ...], list[str]] = {}
    for name, found in runs.items():
        rows = found[load]
        order = sorted(JUDGING, key=lambda policy: -float(rows[policy].accuracy.mean()))
        orders.setdefault(tuple(order), []).append(name)
    return "; ".join(
        f"{' > '.join(label_of(policy).lower() for policy in order)} on {', '.join(names)}"
        for order, names in orders.items()
    ).join((f"At load {load:g}: ", "."))


def _page(
    found: Mapping[str, Study], queues: Mapping[str, Outcome], args: argparse.Namespace
) -> str:
    first, load = next(iter(found)), args.loads[-1]
    section = Section("Many edges on one link")
    section.draw(accuracy_over_load(found[first], args.deadline), f"{first}, {args.seeds} seeds")
    section.draw(queue_over_time(queues, args.deadline, SECONDS), f"At load {load:g}, one seed")
    section.draw(order_of_policies(found, load), f"At load {load:g}, {args.seeds} seeds")
    for name, one in found.items():
        section.text(f"{name}: {' '.join(_sentences(one))}")
    section.text(order_sentence(found, load))
    return as_page("shared link", "many edges on one link", [section])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=called("core.sharing"), description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, command, add_arguments, what in (
        ("study", study_command, _add_study, "Try every policy at every load."),
        ("loss", loss_command, _add_loss, "Ask about damaged images, and protect them."),
        ("fit", fit_command, _add_fit, "Write what a second look is expected to add."),
    ):
        one = commands.add_parser(name, help=what, description=what)
        one.set_defaults(command=command)
        add_arguments(one)
    return parser


def _add_study(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("runs", nargs="*", type=Path, metavar="RUN", help="run files (default: three shipped ones)",
        default=[RUNS / f"{name}.parquet" for name in SHIPPED])  # fmt: skip
    add("--metric", choices=list(METRICS), default="min_entropy",
        help="measure of uncertainty of the gate")  # fmt: skip
    add(
        "--link",
        choices=list(PRESETS),
        help="a link of core/channel.py in place of --bytes-per-second and --round-trip",
    )
    add(
        "--bytes-per-second",
        type=float,
        default=375e3 / 8,
        help="rate of the uplink that all edges share (default: %(default)g)",
    )
    add("--round-trip", type=float, default=0.05,
        help="seconds of the link's round trip (default: %(default)s)")  # fmt: skip
    add(
        "--deadline",
        type=float,
        default=2.0,
        help="seconds from a question to its answer (default: %(default)s)",
    )
    add("--loads", type=float, nargs="+", default=[0.2, 0.4, 0.6, 0.8],
        help="shares of the uplink that questions alone take")  # fmt: skip
    add("--edges", type=int, default=64, help="edges that share the link (default: %(default)s)")
    add(
        "--questions",
        type=int,
        default=2_000,
        help="questions that are asked with each seed (default: %(default)s)",
    )
    add("--seeds", type=int, default=20, help="how often it is simulated (default: %(default)s)")
    add("--arrivals", choices=list(ARRIVALS), default="poisson",
        help="how questions arrive (default: %(default)s)")  # fmt: skip
    add(
        "--trace",
        type=Path,
        help="file of the times at which questions arrive, seconds, in place of --arrivals",
    )
    add(
        "--speed",
        type=float,
        default=1.0,
        help="how many times as fast as recorded the server is (default: 1)",
    )
    add(
        "--silent-edges",
        action="store_true",
        help="simulate edges that don't say how long they waited",
    )
    add("--out", type=Path, help="HTML page to write the figures to")


def _add_loss(parser: argparse.ArgumentParser) -> None:
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


def _add_fit(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("runs", nargs="+", type=Path, metavar="RUN", help="run files to fit it on")
    add("--metric", choices=list(METRICS), default="min_entropy",
        help="measure of uncertainty that it is read from")  # fmt: skip
    add(
        "--first-tokens",
        type=int,
        help="judge an answer by that many of its tokens (default: by all)",
    )
    add("--out", type=Path, required=True, help="file to write, for `core.server --expectation`")


if __name__ == "__main__":
    sys.exit(main())
