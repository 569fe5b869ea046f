"""The uplink that a server's edges share: which of them may send a local image, and by when."""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from core.policies.expectation import Expectation
from core.policies.registry import POLICIES, Moment, Terms, Verdict
from core.policies.uplink import Uplink
from core.uncertainty import METRICS, Gate

__all__ = ["LinkTerms", "SharedLink", "check_link"]

LEARNING = 0.05  # weight of the newest crop in what one is expected to take
RATES = 1.0, 1e12  # bytes per second; what lies outside is a slip, and prices overflow there
DEADLINES = 1e-3, 86_400.0  # seconds


def check_link(rate: float, deadline: float) -> None:
    """Raise ValueError for bytes per second, or seconds, that no link and no question have."""
    for name, value, (least, most), unit in (
        ("rate of the uplink", rate, RATES, "bytes per second"),
        ("deadline", deadline, DEADLINES, "seconds"),
    ):
        if not least <= value <= most:  # NaN neither
            raise ValueError(
                f"The {name} must lie between {least:g} and {most:g} {unit}, not {value}."
            )


@dataclass(frozen=True)
class LinkTerms:
    """A link, a deadline, and a policy.

    rate: of the uplink, bytes per second. deadline: seconds from a question to its last answer.
    policy: a key of POLICIES. expectation: what a second look adds; policies without a price take
    None. Raises ValueError as `check_link`, for an unknown policy, and for one that lacks its
    expectation.
    """

    rate: float
    deadline: float
    policy: str
    expectation: Expectation | None = None

    def __post_init__(self) -> None:
        check_link(self.rate, self.deadline)
        if self.policy not in POLICIES:
            names = ", ".join(POLICIES)
            raise ValueError(f"The policy must be one of {names}, not {self.policy!r}.")
        if POLICIES[self.policy].needs_expectation and self.expectation is None:
            raise ValueError(
                f"The policy {self.policy} weighs what a second look is expected to add: give "
                "--expectation a file of `python -m core.sharing fit`."
            )

    def check(self, metric: str, first_tokens: int | None) -> None:
        """Raise ValueError if the expectation isn't one of what the gate looks at."""
        known = self.expectation
        if known is not None and (known.metric, known.first_tokens) != (metric, first_tokens):
            raise ValueError(
                f"The expectation is one of {METRICS[known.metric].noun}, and the gate looks at "
                "another number: give --expectation a file that is fitted for it."
            )


class SharedLink:
    """Decides for each first answer, as `core.sharing` simulates it. For several threads at once.

    gate: whose η policies with one take. server_wait: returns the seconds of work that wait for the
    model. Raises ValueError as `LinkTerms.check` does.
    """

    def __init__(
        self,
        terms: LinkTerms,
        gate: Gate,
        server_wait: Callable[[], float] = lambda: 0.0,
        clock: Callable[[], float] = time.monotonic,
    ):
        terms.check(gate.metric, gate.first_tokens)
        self.rate, self.deadline, expectation = terms.rate, terms.deadline, terms.expectation
        self.expectation, self.server_wait, self._clock = expectation, server_wait, clock
        self._sign = 1.0 if METRICS[gate.metric].higher_is_uncertain else -1.0
        self.policy = POLICIES[terms.policy].make(
            Terms(self.deadline, self.rate, expectation, threshold=self._sign * gate.threshold)
        )
        self._crop_bytes = expectation.crop_bytes if expectation else None
        self._work_seconds = expectation.work_seconds if expectation else 0.0
        self.uplink = Uplink(self.crop_seconds(0), patience=10 * self.deadline, clock=clock)
        self._lock = threading.Lock()

    def crop_seconds(self, question_bytes: int) -> float:
        """Return what a local image takes of the link; at first, as much as the question."""
        return (self._crop_bytes or question_bytes) / self.rate

    def age(self, waited: float, byte_count: int, seconds: float) -> float:
        """Return how old a question is, in seconds, when it is there.

        waited: at its edge, as far as that says so. It is assumed to have waited for the link as a
        local image would now. seconds: that its bytes took to come in; a proxy may hold them back
        and pass them on at once.
        """
        return max(waited, self.uplink.wait()) + max(seconds, byte_count / self.rate)

    def decide(self, uncertainty: float, question_bytes: int, age: float) -> Verdict:
        """Return whether to ask for a local image, and if not, why.

        uncertainty: as the gate compares it with η. age: seconds since the question was asked, on
        its way (see `age`) and here.
        """
        wait, busy = self.uplink.wait(), self.server_wait()
        crop = self.crop_seconds(question_bytes)
        ready = max(wait + crop, busy) + self._work_seconds
        ranked = self._sign * uncertainty
        moment = Moment(
            now=self._clock(), uncertainty=ranked,
            gain=self.expectation.gain(ranked) if self.expectation else math.nan,
            link_seconds=crop, work_seconds=self._work_seconds, link_wait=wait, server_wait=busy,
            slack=self.deadline - age - ready, chance=random.random(),
        )  # fmt: skip
        with self._lock:
            return self.policy.decide(moment)

    def asked(self, session: Hashable) -> None:
        """A local image was asked for in this session."""
        self.uplink.ask(session)

    def arrived(self, session: Hashable, byte_count: int) -> None:
        """The local image of this session is there, a message of so many bytes.

        Nothing is learnt from one that nobody asked for.
        """
        if not self.uplink.arrived(session):
            return
        with self._lock:
            known = self._crop_bytes or byte_count
            self._crop_bytes = known + LEARNING * (byte_count - known)
            self.uplink.crop_seconds = self._crop_bytes / self.rate

    def worked(self, seconds: float) -> None:
        """A second stage took the model so long."""
        with self._lock:
            self._work_seconds += LEARNING * (seconds - self._work_seconds)

    def waited(self, seconds: float, byte_count: int) -> None:
        """A question of so many bytes took so long from the edge to here.

        A queue as long as the deadline makes all late; more is not believed, or one edge that says
        an hour would keep all others from a second look for as long.
        """
        self.uplink.report(min(max(seconds - byte_count / self.rate, 0.0), self.deadline))

    def price(self) -> float:
        """Return what a second of the link costs now, in score."""
        return self.policy.price(self.uplink.wait())
