"""`python -m tools.shared_link`: do real edges on one link do as the simulation says?

Edges ask the questions of a recorded run, each from an address of its own and at the same moments
as in the simulation, through one throttled uplink, of a server that knows of it. Compared are the
share that was asked for a local image, and how long 95 % of the answers took. The server's work is
taken at the speed that it had.
"""

from __future__ import annotations

import argparse
import re
import sys
import threading
import time
from dataclasses import dataclass, field, replace

import httpx
import numpy as np

from core.bench.datasets import load_dataset
from core.bench.runs.files import load_run
from core.bench.runs.run import Run
from core.channel import Fixed, Link
from core.edge.client import Client, EdgeError, Result
from core.imaging import Codec
from core.policies.expectation import Expectation
from core.policies.registry import POLICIES, Terms
from core.sharing.demand import Arrivals, Questions, poisson
from core.sharing.simulation import Outcome, Scenario, simulate
from core.support.bundled import EXPECTATION, RUNS
from tools.support.own_server import own_server
from tools.support.throttle import shared_uplink

NEAR = 0.1  # of the simulation's figure


@dataclass
class Seen:
    """What the edges saw, by the question's number."""

    results: dict[int, Result] = field(default_factory=dict)
    seconds: dict[int, float] = field(default_factory=dict)  # from asking to the answer
    failed: list[str] = field(default_factory=list)
    work: dict[str, float] = field(default_factory=dict)  # of the server, mean by kind of message
    threshold: float = 0.0  # η, the server's own


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    add = parser.add_argument
    add("--edges", type=int, default=64, help="edges that share the link (default: %(default)s)")
    add("--questions", type=int, default=150,
        help="questions asked in all (default: %(default)s)")  # fmt: skip
    add("--load", type=float, default=0.45, help="share of the uplink that questions alone take")
    add("--bytes-per-second", type=float, default=4_000.0, help="rate of the "
        "uplink; a slow one, so that the time of a busy processor weighs little")  # fmt: skip
    add("--deadline", type=float, default=20.0, help="seconds from a question to its answer")
    add("--policy", choices=list(POLICIES), default="backlog",
        help="who may send a local image (default: %(default)s)")  # fmt: skip
    add(
        "--run",
        default="signs-text-q75",
        help="name of a run in assets/runs (default: %(default)s)",
    )
    args = parser.parse_args()
    run = load_run(RUNS / f"{args.run}.parquet").answered
    run = run.select(np.arange(len(run)) < args.questions)
    questions, rate = Questions.of_runs([run]), args.bytes_per_second
    often = args.load * rate / questions.question_bytes.mean()
    arrivals = poisson(args.questions, often, args.edges, np.random.default_rng(0))
    words = ["--uplink-bytes-per-second", str(rate), "--deadline", str(args.deadline),
             "--policy", args.policy, "--rate", "0", "--max-wait", "60"]  # fmt: skip
    with own_server(*words) as server, shared_uplink(server.url, rate) as uplink:
        seen = ask_all(uplink.url, server.url, run, arrivals, args.edges)
        print(f"{uplink.carried:,} bytes carried for {args.edges} edges")
    outcome = simulated(questions, arrivals, seen, args)
    return report(seen, outcome, args.deadline)


def ask_all(url: str, server: str, run: Run, arrivals: Arrivals, edges: int) -> Seen:
    """Ask every question of the run at its time, by one edge after the other."""
    of = run.metadata
    data = load_dataset(of.dataset, of.split)
    wanted = {name: place for place, name in enumerate(run.id)}
    samples = {}
    for sample in data:
        if (place := wanted.get(sample.id)) is not None:
            samples[place] = (sample.image, sample.prompt)
        if len(samples) == len(wanted):
            break
    seen, codec = Seen(), Codec(of.codec, of.quality or 75)
    begin = time.monotonic() + 3.0

    def edge(number: int) -> None:
        transport = httpx.HTTPTransport(local_address=f"127.0.0.{number + 2}")
        with Client(url, codec=codec, transport=transport) as client:
            client.info()
            for index in range(number, len(run), edges):
                image, prompt = samples[index]
                due = begin + float(arrivals.seconds[index])
                time.sleep(max(0.0, due - time.monotonic()))
                try:
                    seen.results[index] = client.ask(image, prompt, since=due)
                    seen.seconds[index] = time.monotonic() - due
                except EdgeError as error:
                    seen.failed.append(str(error))

    threads = [threading.Thread(target=edge, args=(number,)) for number in range(edges)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gate = httpx.get(f"{server}/v1/info", trust_env=False).json()["gate"]
    seen.threshold = float(gate["threshold"])
    text = httpx.get(f"{server}/metrics", trust_env=False).text
    for kind in ("question", "local image"):
        total, count = (
            float(found[1]) if (found := re.search(
                rf'work_seconds_{part}\{{kind="{kind}"\}} (\S+)', text)) else 0.0
            for part in ("sum", "count")
        )  # fmt: skip
        seen.work[kind] = total / max(count, 1.0)
    return seen


def simulated(
    questions: Questions, arrivals: Arrivals, seen: Seen, args: argparse.Namespace
) -> Outcome:
    """Return the same questions, simulated; with HTTP's heads, and the server as fast as it was."""
    heads = {}
    for kind in ("question", "local image"):
        sizes = [e.head_sent for r in seen.results.values() for e in r.exchanges if e.kind == kind]
        heads[kind] = round(float(np.mean(sizes))) if sizes else 0
    count = len(questions)
    questions = replace(
        questions,
        question_bytes=questions.question_bytes + heads["question"],
        crop_bytes=questions.crop_bytes + heads["local image"],
        first_seconds=np.full(count, seen.work["question"]),
        second_seconds=np.full(count, seen.work["local image"]),
    )
    expectation = Expectation.read(EXPECTATION)  # as the server has it
    terms = Terms(args.deadline, args.bytes_per_second, expectation, threshold=seen.threshold)
    policy = POLICIES[args.policy].make(terms)
    expectation = expectation.model_copy(update={"work_seconds": seen.work["local image"]})
    link = Link(Fixed(8 * args.bytes_per_second), downlink=Fixed(1e9))
    scenario = Scenario(link, args.deadline, reports=False)
    return simulate(questions, arrivals, scenario, policy, expectation, np.random.default_rng(0))


def report(seen: Seen, outcome: Outcome, deadline: float) -> int:
    """Print both; 1 if they differ by more than a tenth, or a question was given up."""
    # An edge gives its first answer where the second isn't there by the deadline.
    until = np.minimum(outcome.second_at, np.maximum(outcome.first_at, deadline))
    took = np.where(outcome.asked, until, outcome.first_at)
    real = np.array(list(seen.seconds.values()))
    asked = np.mean([result.retransmitted for result in seen.results.values()])
    rows = {
        "asked share": (float(asked), float(outcome.asked.mean())),
        "p95, s": (float(np.quantile(real, 0.95)), float(np.quantile(took, 0.95))),
        "mean, s": (float(real.mean()), float(took.mean())),
    }
    print(f"{len(real)} answered, {len(seen.failed)} given up", *seen.failed[:3], sep="\n  ")
    print(f"server's work: {seen.work}")
    far = False
    for name, (measured, said) in rows.items():
        apart = measured / said - 1
        far |= abs(apart) > NEAR and name != "mean, s"
        print(f"{name:12} edges {measured:.3f}, simulation {said:.3f}, {apart:+.1%}")
    return int(far or bool(seen.failed))


if __name__ == "__main__":
    sys.exit(main())
