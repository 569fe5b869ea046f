"""How the threads of one computation wait for each other, on a machine that has more to do."""

import os

__all__ = ["wait_asleep"]


def wait_asleep() -> None:
    """Let the threads that compute one matrix product sleep while they wait for the slowest.

    By themselves (OpenMP's, which torch uses on a CPU) they spin for milliseconds, many times in
    every layer. Where all cores are at work, for other requests or other programs, that keeps the
    one that is waited for from its core: on two cores with ten programs besides, a question took
    15 s and longer in place of 0.7 s. What stands in `OMP_WAIT_POLICY` or `GOMP_SPINCOUNT` goes
    before. To be called before anything imports torch, which is when it is read.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
