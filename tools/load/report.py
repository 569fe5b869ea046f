"""What a run with many edges came to: in lines, or as a row of a table."""

from __future__ import annotations

import numpy as np

from tools.load.edges import Tally

__all__ = ["COLUMNS", "broken", "report", "row"]

COLUMNS = (
    "of capacity", "due / s", "right / s", "share", "p50 s", "p95 s", "p99 s", "429s", "time-outs",
    "5xx", "wrong", "given up", "memory MiB",
)  # fmt: skip


def broken(tally: Tally) -> bool:
    """Return whether anything went wrong: an answer, a time-out, a 5xx, a question given up."""
    return bool(tally.errors or tally.timeouts or tally.wrong or tally.failed or not tally.seconds)


def report(tally: Tally, title: str) -> int:
    """Print it all; 1 if anything was wrong."""
    done = len(tally.seconds)
    rate, good = done / tally.elapsed, (done - tally.wrong) / tally.elapsed
    print(f"{title}, {tally.elapsed:.0f} s: {done} questions, {rate:.1f} a second")
    print(
        f"right answers a second: {good:.1f}; 429s: {tally.turned_away:.1%} of responses; "
        f"requests timed out: {tally.timeouts}"
    )
    print(
        f"wrong answers: {tally.wrong}; given up: {len(tally.failed)}",
        *tally.failed[:3],
        sep="\n  ",
    )
    print("responses:", ", ".join(f"{k}: {v}" for k, v in sorted(tally.statuses.items())))
    for name, values in (("question", tally.seconds), ("request", tally.attempts)):
        if values:
            p50, p95, p99, most = np.percentile(values, [50, 95, 99, 100])
            print(
                f"seconds a {name}: median {p50:.2f}, p95 {p95:.2f}, p99 {p99:.2f}, most {most:.2f}"
            )
    sizes = [size / 2**20 for size in tally.memory]
    if sizes:  # a proxy may keep them to itself
        print(
            f"server memory, MiB: {sizes[0]:.0f} at the start, {max(sizes):.0f} at most,"
            f" {sizes[len(sizes) // 2]:.0f} half-way, {sizes[-1]:.0f} at the end"
        )
    return int(broken(tally))


def row(tally: Tally, share: float, capacity: float, seconds: float) -> str:
    """Return a line of the table whose head is `COLUMNS`, in Markdown.

    share: of the capacity (questions a second) that was due. seconds: for which questions came;
    only what was answered rightly within them counts as `right / s`.
    """
    good = sum(ended <= seconds for ended in tally.right) / seconds
    times = np.percentile(tally.seconds, [50, 95, 99]) if tally.seconds else [np.nan] * 3
    cells = (
        f"{share:g}", f"{share * capacity:.2f}", f"{good:.2f}", f"{good / capacity:.2f}",
        *(f"{value:.1f}" for value in times), f"{tally.turned_away:.1%}", str(tally.timeouts),
        str(tally.errors), str(tally.wrong), str(len(tally.failed)),
        f"{max(tally.memory, default=0) / 2**20:.0f}",
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"
