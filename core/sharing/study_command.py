"""Try every policy at every load, on all runs together and on each alone; print and draw it.

Policies are set on half of each run's images and tried on the other half; each seed has halves of
its own.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from core.bench.report import Section, as_page
from core.bench.runs.files import load_run
from core.bench.runs.run import Run
from core.channel import PRESETS, Fixed, Link
from core.policies.registry import POLICIES, known_of
from core.policies.shared import check_link
from core.sharing.demand import Split
from core.sharing.plots import (
    accuracy_over_load,
    label_of,
    order_of_policies,
    queue_over_time,
)
from core.sharing.simulation import Outcome, Scenario, simulate
from core.sharing.study import (
    ARRIVALS,
    OPTIMUM,
    Setting,
    Study,
    Trial,
    draw,
    mean_of,
    study,
    trial_of,
)
from core.support.bundled import RUNS
from core.support.whole import file_to_write, write_whole
from core.uncertainty import METRICS

SHIPPED = ("signs-text-q75", "signs-attributes-q75", "signs-presence-q75")
MIXED = "all together"
CALM = 0.4  # the load at which the fixed η is set
JUDGING = ("always", "fixed", "byte_budget", "skip_late", "backlog")  # whose order is compared
SHOWN = ("fixed", "skip_late", "backlog")  # whose queue is drawn
SECONDS = 60.0  # of it
MOST = 1_000_000  # edges, questions, seeds: all questions of a seed are held in memory


def add_arguments(parser: argparse.ArgumentParser) -> None:
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
    add("--out", type=file_to_write, help="HTML page to write the figures to")


def main(args: argparse.Namespace) -> int:
    """Print the figures of every policy at every load, and draw them."""
    runs = {path.stem: load_run(path) for path in args.runs}
    groups = {MIXED: list(runs.values())} if len(runs) > 1 else {}
    groups |= {name: [run] for name, run in runs.items()}
    setting = _setting(args)
    found: dict[str, Study] = {}
    queues: dict[str, Outcome] = {}
    args.loads = sorted(set(args.loads))
    for name, group in groups.items():
        first = not found
        loads = args.loads if first else [args.loads[0], args.loads[-1]]
        trials = _trials(group, setting, args)
        found[name] = study(trials, setting, loads)
        if first:
            queues = _queues(trials[0], setting, args.loads[-1])
        print(_table(name, found[name], trials))
        print(*_sentences(found[name]), sep="\n", end="\n\n", flush=True)
    print(order_sentence(found, args.loads[-1]))
    if args.out:
        write_whole(args.out, _page(found, queues, args))
        print(f"Drawn: {args.out}")
    return 0


def _trials(runs: Sequence[Run], setting: Setting, args: argparse.Namespace) -> list[Trial]:
    """Return a trial a seed, each with halves of its own: chance in them is in the intervals."""
    return [
        trial_of(Split.of(runs, args.metric, seed=seed), setting, CALM)
        for seed in range(args.seeds)
    ]


def _queues(trial: Trial, setting: Setting, load: float) -> dict[str, Outcome]:
    questions, arrivals = draw(trial.fresh, setting, load, np.random.default_rng(0))
    return {
        name: simulate(questions, arrivals, setting.scenario, POLICIES[name].make(trial.terms),
                       known_of(trial.terms), np.random.default_rng(0))
        for name in SHOWN
    }  # fmt: skip


def _setting(args: argparse.Namespace) -> Setting:
    """Raises ValueError for a rate, a deadline, a count or a trace that can't be."""
    if not all(math.isfinite(v) and v > 0 for v in (args.deadline, args.speed, *args.loads)):
        raise ValueError("The deadline, the speed and all loads must be positive and finite.")
    check_link(args.bytes_per_second, args.deadline)
    if min(args.edges, args.questions - 1, args.seeds - 1) < 1:
        raise ValueError("It takes at least 1 edge, 2 questions, and 2 seeds for an interval.")
    if max(args.edges, args.questions, args.seeds) > MOST:
        raise ValueError(f"Edges, questions and seeds can be at most {MOST:,}.")
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
        except OSError:
            raise ValueError(f"There is no file {args.trace.name!r} that can be read.") from None
    scenario = Scenario(link, args.deadline, args.speed, not args.silent_edges)
    return Setting(scenario, args.edges, args.questions, args.arrivals, trace)


def _table(name: str, found: Study, trials: Sequence[Trial]) -> str:
    shares = sorted(100 * trial.terms.share for trial in trials)
    lines = [
        f"{name}: η asks {shares[0]:.0f} to {shares[-1]:.0f} %, the best at load {CALM}; "
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
                f"At load {load:g}, the price of the backlog is {mean_of(apart, '+.1f')} points "
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
