"""`python -m tools.timing.curve`: seconds of a tradeoff curve, metric by metric, on one core."""

import argparse
import time
from collections.abc import Callable

from core.bench.analysis.curves import tradeoff
from tools.doubles.synthetic import synthetic_run

VQAV2_VAL = 214_354  # samples of the largest data set of the paper


def least_seconds(work: Callable[[], object], repeats: int = 7) -> float:
    """Processor time of one call: the least of several, since other work on the core slows it."""
    seconds = []
    for _ in range(repeats):
        begin = time.process_time()
        work()
        seconds.append(time.process_time() - begin)
    return min(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description="Time the tradeoff curves on an invented run.")
    parser.add_argument(
        "--samples",
        type=int,
        default=VQAV2_VAL,
        help="samples of the run (default: as many as VQAv2's validation split has)",
    )
    args = parser.parse_args()
    run = synthetic_run(args.samples)
    print(f"{len(run):,} invented samples with {run.offsets[-1]:,} tokens")
    for metric in run.metrics:
        for first_tokens in (None, 5):
            seconds = least_seconds(lambda m=metric, n=first_tokens: tradeoff(run, m, n))
            points = len(tradeoff(run, metric, first_tokens))
            tokens = f"first {first_tokens} tokens" if first_tokens else "all tokens"
            print(f"{metric:20} {tokens:16} {1000 * seconds:6.1f} ms  {points:,} points")


if __name__ == "__main__":
    main()
