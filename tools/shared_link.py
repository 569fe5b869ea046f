"""`python -m tools.shared_link`: do real edges on one link do as the simulation says?

Edges ask numbered questions of a recorded run at the moments of the simulation, each in a network
namespace of its own, through one token bucket (`tc tbf`), of a server that knows of it; as root,
or through `unshare --map-root-user`. Where namespaces can't be had, a throttling proxy stands in
for them. The server's model answers as recorded, and takes as long. Compared are the share that was
asked for a local image, and how long 95 % of the answers took.

The simulation is given what is there: the sizes of the messages, with the heads of HTTP, TCP, IP
and Ethernet; with --reconnecting, connections that are opened anew, each of which waits for the
link, too; the mean time of edge and server beside the model.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import httpx
import numpy as np

from core.bench.datasets import load_dataset
from core.bench.runs.files import load_run
from core.bench.runs.run import Run
from core.channel import Fixed, Link
from core.edge.client import Client, EdgeError, Result
from core.edge.device import Edge
from core.imaging import Codec
from core.messages import LocalImage, Question
from core.policies.registry import POLICIES, Terms
from core.protocol import ask
from core.server.machine import Server
from core.sharing.demand import Arrivals, Questions, poisson
from core.sharing.simulation import VERDICTS, Outcome, Scenario, simulate
from core.support.bundled import RUNS
from core.uncertainty import Gate
from core.vlm import load_vlm
from tools.doubles.replayed import Replayed, expected, gate_of, numbered
from tools.support.namespaces import SERVER, entered, laid
from tools.support.own_server import leaving_on_sigterm, own_server
from tools.support.proxy import proxied

NEAR = 0.1  # of the simulation's figure
OPEN_FOR = 5  # seconds without a question, after which edge and server close a connection
LONG = 3_600  # seconds; longer than all of it takes
HEAD, SYN = 66, 74  # bytes of Ethernet, IP and TCP around a segment, and of the first one
SEGMENT = 1_448  # bytes that a segment carries
Prompt = tuple[object, str]  # image and question


@dataclass
class Seen:
    """What the edges saw, by the question's number."""

    results: dict[int, Result] = field(default_factory=dict)
    seconds: dict[int, float] = field(default_factory=dict)  # from asking to the answer
    failed: list[str] = field(default_factory=list)
    work: dict[str, float] = field(default_factory=dict)  # of the server, mean by kind of message


@dataclass(frozen=True)
class Way:
    """How edges come to the server. enter: puts a thread where an edge is; carried: bytes up."""

    url: str
    server: str  # its URL for whoever isn't an edge
    enter: Callable[[int], httpx.HTTPTransport]
    carried: Callable[[], int]
    heads: bool  # whether packets have heads that cross the link, too


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    add = parser.add_argument
    add("--edges", type=int, default=64, help="edges that share the link (default: %(default)s)")
    add("--questions", type=int, default=200,
        help="questions asked in all (default: %(default)s)")  # fmt: skip
    add("--load", type=float, default=0.4, help="share of the uplink that questions alone take")
    add("--bytes-per-second", type=float, default=375e3 / 8,
        help="rate of the uplink (default: %(default)g)")  # fmt: skip
    add("--deadline", type=float, default=2.0, help="seconds from a question to its answer")
    add("--slow-motion", type=float, default=3.0, help="how many times as long link, model and "
        "deadline take, so that a busy processor weighs little (default: %(default)g)")  # fmt: skip
    add("--policy", choices=list(POLICIES), default="backlog",
        help="who may send a local image (default: %(default)s)")  # fmt: skip
    add("--run", default="signs-text-q75",
        help="name of a run in assets/runs (default: %(default)s)")  # fmt: skip
    add("--reconnecting", action="store_true", help="let edges open a new connection after "
        "5 s without a question, as `core.edge` does, in place of keeping one open")  # fmt: skip
    add(
        "--seed",
        type=int,
        default=0,
        help="number that the moments at which questions come are drawn from",
    )
    add("--through", choices=("auto", "namespaces", "proxy"), default="auto",
        help="how edges come to the server (default: namespaces if they can be had)")  # fmt: skip
    args = parser.parse_args()
    if min(args.edges, args.questions) < 1 or args.edges > 1_000:
        parser.error("It takes 1 to 1,000 edges, and at least 1 question.")
    figures = (args.load, args.bytes_per_second, args.deadline, args.slow_motion)
    if not all(math.isfinite(value) and value > 0 for value in figures):
        parser.error("Load, rate, deadline and slow motion must be positive and finite.")
    args.bytes_per_second /= args.slow_motion
    args.deadline *= args.slow_motion
    path = RUNS / f"{args.run}.parquet"
    run = load_run(path).answered
    run = run.select(np.arange(len(run)) < args.questions)
    model = Replayed(run, load_vlm("pocket"), slower=0.0)
    prompts = prompts_of(run)
    questions, edge_seconds = measured(run, prompts, model)
    often = args.load * args.bytes_per_second / questions.question_bytes.mean()
    arrivals = poisson(len(run), often, args.edges, np.random.default_rng(args.seed))
    arrivals = replace(arrivals, edge=np.arange(len(run)) % args.edges)
    with leaving_on_sigterm(), way(args, path) as to:
        print(f"{len(run)} questions in {arrivals.seconds[-1] + args.deadline:.0f} s, {to.url}")
        before = to.carried()
        seen = ask_all(to, codec_of(run), prompts, arrivals)
        carried = to.carried() - before
    if not seen.results:
        print("No question was answered.", *seen.failed[:3], sep="\n  ")
        return 1
    if to.heads and args.reconnecting:
        arrivals = replace(arrivals, opening=openings(arrivals))
    crossing = as_crossed(questions, arrivals, seen, to.heads)
    first, second = (args.slow_motion * s for s in (run.first_seconds, run.second_seconds))
    crossing = replace(
        crossing,
        first_seconds=first + _beside(seen, "question", first),
        second_seconds=second + _beside(seen, "local image", second),
    )
    outcome = simulated(crossing, arrivals, gate_of(model), args)
    said = crossing.question_bytes.sum() + crossing.crop_bytes[outcome.asked].sum()
    said += 0 if arrivals.opening is None else arrivals.opening.sum()
    print(f"carried {carried:,} bytes; {said:,} in the simulation ({carried / said - 1:+.1%})")
    return report(seen, outcome, args.deadline, edge_seconds)


@contextlib.contextmanager
def way(args: argparse.Namespace, run: object) -> Iterator[Way]:
    """Yield how edges come to a server of the run, through one uplink."""
    rate, lasting = args.bytes_per_second, OPEN_FOR if args.reconnecting else LONG
    words = [str(run), "--uplink-bytes-per-second", str(rate), "--deadline", str(args.deadline),
             "--policy", args.policy, "--slower", str(args.slow_motion),
             "--keep-alive", str(lasting)]  # fmt: skip
    kept = httpx.Limits(keepalive_expiry=lasting)
    replaying = {"module": "tools.doubles.replayed"}
    with contextlib.ExitStack() as stack:
        if args.through != "proxy":
            try:
                net = stack.enter_context(laid(args.edges, rate))
            except OSError as error:
                if args.through == "namespaces":
                    raise
                print(f"{error}: a proxy stands in for namespaces")
            else:
                server = stack.enter_context(
                    own_server(*words, host=SERVER, port=7870, prefix=net.prefix, **replaying)
                )

                def enter(number: int) -> httpx.HTTPTransport:
                    entered(net.edges[number])
                    return httpx.HTTPTransport(verify=False, limits=kept)

                yield Way(server.url, server.url, enter, net.carried, True)
                return
        server = stack.enter_context(own_server(*words, **replaying))
        proxy = stack.enter_context(proxied(server.url, rate=8 * rate, shared=True))

        def addressed(number: int) -> httpx.HTTPTransport:
            return httpx.HTTPTransport(
                verify=False, limits=kept, local_address=f"127.0.{number // 250}.{number % 250 + 2}"
            )

        yield Way(proxy.url, server.url, addressed, lambda: proxy.up, False)


def codec_of(run: Run) -> Codec:
    return Codec(run.metadata.codec, run.metadata.quality or 75)


def prompts_of(run: Run) -> list[Prompt]:
    """Return image and numbered question of each row of the run."""
    wanted = {name: place for place, name in enumerate(run.id)}
    found: dict[int, Prompt] = {}
    for sample in load_dataset(run.metadata.dataset, run.metadata.split):
        if (place := wanted.get(sample.id)) is not None:
            found[place] = (sample.image, numbered(sample.prompt, place))
        if len(found) == len(wanted):
            break
    return [found[place] for place in range(len(run))]


def measured(
    run: Run, prompts: list[Prompt], model: Replayed
) -> tuple[Questions, tuple[float, float]]:
    """Return the run with the sizes that its messages have when this model asks, and the seconds
    that an edge takes for a question and for a local image: all of it asked once in one process.
    """
    server = Server(model, Gate("min_entropy", float("-inf")))
    sizes, seconds = [], []
    for image, question in prompts:
        transcript = ask(Edge(image, codec_of(run)), server, question)
        sizes.append([message.byte_count for message in transcript.messages])
        at_edge = [step.seconds for step in transcript.steps if step.where == "edge"]
        seconds.append((sum(at_edge[:-2]), sum(at_edge[-2:])))
    up, request, crop, refined = np.array(sizes).T
    questions = replace(
        Questions.of_runs([run]), question_bytes=up, request_bytes=request, crop_bytes=crop,
        refined_bytes=refined,
    )  # fmt: skip
    first, second = np.median(seconds, axis=0)
    return questions, (float(first), float(second))


def openings(arrivals: Arrivals) -> np.ndarray:
    """Return the bytes that open a connection, (N,): 0 where the edge still has one."""
    last, opened = {}, np.zeros(len(arrivals.seconds), np.int64)
    for index, (at, edge) in enumerate(zip(arrivals.seconds, arrivals.edge, strict=True)):
        if at - last.get(edge, -np.inf) > OPEN_FOR:
            opened[index] = SYN
        last[edge] = at
    return opened


def ask_all(to: Way, codec: Codec, prompts: list[Prompt], arrivals: Arrivals) -> Seen:
    """Ask every question at its time, by its edge; say how far it is."""
    seen, edges = Seen(), sorted(set(arrivals.edge.tolist()))
    begin, ready = 0.0, threading.Barrier(len(edges) + 1)

    def edge(number: int) -> None:
        with Client(to.url, codec=codec, transport=to.enter(number)) as client:
            client.info()
            ready.wait()
            ready.wait()  # until it has begun
            for index in np.flatnonzero(arrivals.edge == number).tolist():
                image, question = prompts[index]
                due = begin + float(arrivals.seconds[index])
                time.sleep(max(0.0, due - time.monotonic()))
                try:
                    seen.results[index] = client.ask(image, question, since=due)
                    seen.seconds[index] = time.monotonic() - due
                except EdgeError as error:
                    seen.failed.append(str(error))

    threads = [threading.Thread(target=edge, args=(number,), daemon=True) for number in edges]
    for thread in threads:
        thread.start()
    ready.wait()
    begin = time.monotonic() + 0.5
    ready.wait()
    end, said = begin + float(arrivals.seconds[-1]), time.monotonic()
    while any(thread.is_alive() for thread in threads):
        time.sleep(0.2)
        if time.monotonic() - said > 10:
            said = time.monotonic()
            print(f"  {len(seen.results)} of {len(prompts)} answered; the last comes in "
                  f"{max(0.0, end - said):.0f} s", flush=True)  # fmt: skip
    text = httpx.get(f"{to.server}/metrics", trust_env=False).text
    for kind in ("question", "local image"):
        total, count = (
            float(found[1]) if (found := re.search(
                rf'work_seconds_{part}\{{kind="{kind}"\}} (\S+)', text)) else 0.0
            for part in ("sum", "count")
        )  # fmt: skip
        seen.work[kind] = total / max(count, 1.0)
    return seen


def _beside(seen: Seen, kind: str, model: np.ndarray) -> float:
    """Return the mean seconds of the server's work on such a message, beside the model's."""
    chosen = [i for i, result in seen.results.items() if kind == "question" or result.retransmitted]
    return max(0.0, seen.work[kind] - float(model[chosen].mean())) if chosen else 0.0


def as_crossed(questions: Questions, arrivals: Arrivals, seen: Seen, heads: bool) -> Questions:
    """Return the questions with all bytes of theirs that cross the link."""
    sizes = {}
    for kind, name in ((Question.kind, "question_bytes"), (LocalImage.kind, "crop_bytes")):
        sent = [e.head_sent for r in seen.results.values() for e in r.exchanges if e.kind == kind]
        sizes[name] = getattr(questions, name) + (round(float(np.mean(sent))) if sent else 0)
        if heads:  # of each segment, and of the acknowledgement of the reply
            sizes[name] = sizes[name] + HEAD * (-(-sizes[name] // SEGMENT) + 1)
    if arrivals.opening is not None:  # the last of three to open a connection, two to close it
        sizes["question_bytes"] = sizes["question_bytes"] + 3 * HEAD * (arrivals.opening > 0)
    return replace(questions, **sizes)


def simulated(
    questions: Questions, arrivals: Arrivals, gate: Gate, args: argparse.Namespace
) -> Outcome:
    """Return what becomes of the same questions in the simulation."""
    expectation = expected(args.slow_motion)  # as the server has it
    terms = Terms(args.deadline, args.bytes_per_second, expectation, threshold=gate.threshold)
    policy = POLICIES[args.policy].make(terms)
    link = Link(Fixed(8 * args.bytes_per_second), downlink=Fixed(1e9))
    scenario = Scenario(link, args.deadline, reports=False)
    return simulate(
        questions, arrivals, scenario, policy, expectation, np.random.default_rng(args.seed)
    )


def report(
    seen: Seen, outcome: Outcome, deadline: float, edge_seconds: tuple[float, float] = (0.0, 0.0)
) -> int:
    """Print both; 1 if they differ by more than a tenth, or a question was given up."""
    # An edge gives its first answer where the second isn't there by the deadline.
    until = np.minimum(outcome.second_at, np.maximum(outcome.first_at, deadline))
    took = np.where(outcome.asked, until + edge_seconds[1], outcome.first_at) + edge_seconds[0]
    took = np.where(outcome.asked, np.minimum(took, np.maximum(outcome.first_at, deadline)), took)
    real = np.array(list(seen.seconds.values()))
    asked = np.mean([result.retransmitted for result in seen.results.values()])
    skipped = Counter(result.skipped for result in seen.results.values())
    for number, why in enumerate(VERDICTS):
        if why in ("late", "dear"):
            said = np.mean(outcome.verdict == number)
            print(f"no local image, because {why}: edges {skipped[why] / len(real):.3f}, "
                  f"simulation {said:.3f}")  # fmt: skip
    rows = {
        "asked share": (float(asked), float(outcome.asked.mean())),
        "p95, s": (float(np.quantile(real, 0.95)), float(np.quantile(took, 0.95))),
        "mean, s": (float(real.mean()), float(took.mean())),
    }
    print(f"{len(real)} answered, {len(seen.failed)} given up", *seen.failed[:3], sep="\n  ")
    print("server: " + ", ".join(f"{1e3 * s:.0f} ms a {kind}" for kind, s in seen.work.items()))
    far = False
    for name, (measured_, said) in rows.items():
        apart = measured_ / said - 1 if said else float(measured_ > 0)
        far |= abs(apart) > NEAR and name != "mean, s"
        print(f"{name:12} edges {measured_:.3f}, simulation {said:.3f}, {apart:+.1%}")
    return int(far or bool(seen.failed))


if __name__ == "__main__":
    sys.exit(main())
