"""How the threads of one computation wait for each other, on a machine that has more to do."""

import os

__all__ = ["spin_briefly"]


def spin_briefly() -> None:
    """Let the threads that compute one matrix product fall asleep soon while they wait for others.

    By themselves (those of GNU's OpenMP, which torch uses on a CPU) they spin for milliseconds,
    many times in every layer. Where all cores are at work, for other requests or other programs,
    that keeps the one that is waited for from its core. If they never spin, waking them takes
    longer than most products of a small model.
    A question to pocket took, on two cores with nothing else and with ten programs beside: 0.18 and
    1.5 s by default, 0.20 and 0.7 s so, 0.29 and 0.5 s without spinning. What stands in
    `OMP_WAIT_POLICY` or `GOMP_SPINCOUNT` goes before. To be called before anything imports torch,
    which is when it is read.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "2000")
