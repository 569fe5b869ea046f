"""One uplink and one server, shared by many edges: what becomes of every question.

Discrete events on a heap. A question waits for the uplink (first come, first served), crosses it,
waits for the server, and is answered; then the policy decides. If it asks, the crop request goes
down, and the local image waits for the same uplink, for the server, and brings the refined answer.
Until that is there, the first answer stands: it is what counts if the second comes after the
deadline.

A plain heap, because SimPy takes several times as long; tests hold it against SimPy.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush

import numpy as np

from core.channel import Link
from core.policies.expectation import Expectation
from core.policies.registry import Moment, Policy, Verdict
from core.policies.uplink import Uplink
from core.sharing.demand import Arrivals, Questions

__all__ = ["VERDICTS", "Outcome", "Scenario", "crossing", "simulate"]

OPEN, ARRIVE, SERVE_FIRST, DECIDE, CROP, SERVE_SECOND = range(-1, 5)
VERDICTS: tuple[Verdict, ...] = ("ask", "sure", "late", "dear")


@dataclass(frozen=True)
class Scenario:
    """The link, the deadline in seconds, and how fast the server is.

    speed: as a multiple of the machine that recorded the runs. reports: whether edges say what
    waits at theirs; if not, the server goes by the local images that it asked for
    (`core.policies.uplink`).
    """

    link: Link
    deadline: float
    speed: float = 1.0
    reports: bool = True


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of N questions; every array is (N,), times in seconds from asking, inf: never."""

    asked_at: np.ndarray  # when the question was asked, on the clock
    edge: np.ndarray
    verdict: np.ndarray  # index of VERDICTS
    first_at: np.ndarray  # when the first answer was at the edge
    second_at: np.ndarray
    link_wait: np.ndarray  # seconds of work on the uplink when it was decided
    score: np.ndarray  # of the answer that counts at the deadline; 0 where there was none
    joules: np.ndarray  # of the edge's radio; NaN where the link's power isn't known

    @property
    def asked(self) -> np.ndarray:
        """Return which sent a local image, (N,) bool."""
        return self.verdict == 0

    def late(self, deadline: float) -> np.ndarray:
        """Return which had no answer at all by the deadline, (N,) bool."""
        return self.first_at > deadline

    def fairness(self, edges: int) -> float:
        """Return Jain's index of the edges' accuracy, 1 / edges..1 (Jain, Chiu and Hawe 1984)."""
        counts = np.bincount(self.edge, minlength=edges)
        sums = np.bincount(self.edge, weights=self.score, minlength=edges)[counts > 0]
        means = sums / counts[counts > 0]
        return float(means.sum() ** 2 / (len(means) * (means**2).sum())) if means.any() else 1.0


def crossing(
    link: Link, byte_count: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return how long messages hold the uplink, and how much later they are there, (N,) seconds.

    Each packet is sent until it gets through, drawn as `core.channel.Link` expects it: its mean is
    `link.airtime`. Rounds of repetition keep nobody else from the link.
    """
    failure = link.failure("up")
    once = link.airtime(byte_count, "up") * (1 - failure) / link.duty_cycle
    if failure == 0:
        return once, np.full(len(once), link.round_trip / 2)
    packets = -(-byte_count // link.payload)
    tries = rng.geometric(1 - failure, (len(packets), int(packets.max())))
    tries[np.arange(tries.shape[1]) >= packets[:, None]] = 0
    rounds = tries.max(axis=1)
    return once * tries.sum(axis=1) / packets, link.round_trip * (rounds - 0.5)


def simulate(
    questions: Questions,
    arrivals: Arrivals,
    scenario: Scenario,
    policy: Policy,
    expectation: Expectation,
    rng: np.random.Generator,
) -> Outcome:
    """Return what becomes of the questions, (N,) as there are arrivals, under a policy.

    The same `rng` state gives the same channel, whatever the policy.
    """
    deadline, count = scenario.deadline, len(arrivals.seconds)
    plan = _plan(questions, arrivals, scenario, expectation, rng)
    asked_at = arrivals.seconds.tolist()
    verdict, first, second, waits = [0] * count, [0.0] * count, [np.inf] * count, [0.0] * count
    arrived, guessed_age = [0.0] * count, [0.0] * count  # at the server, and what it takes it for
    begin = [OPEN if hold else ARRIVE for hold in plan.opening]
    heap = list(zip(asked_at, range(count), begin, strict=True))  # sorted: a heap already
    link_free = server_free = 0.0
    now = 0.0
    guess = None if scenario.reports else Uplink(plan.crop_mean, clock=lambda: now)
    code = {name: index for index, name in enumerate(VERDICTS)}

    while heap:
        now, index, kind = heappop(heap)
        if kind in (ARRIVE, CROP):
            hold, later = plan.crossings[kind == CROP]
            link_free = max(now, link_free) + hold[index]
            heappush(heap, (link_free + later[index], index, kind + 1))
        elif kind == OPEN:
            link_free = max(now, link_free) + plan.opening[index]
            heappush(heap, (link_free + scenario.link.round_trip, index, ARRIVE))
        elif kind == DECIDE:
            first[index] = now + plan.answer_down[index] - asked_at[index]
            waits[index] = wait = max(link_free - now, 0.0)
            age = now - asked_at[index]
            if guess:
                wait = guess.wait()
                age = guessed_age[index] + now - arrived[index]
            busy = max(server_free - now, 0.0)
            verdict[index] = code[
                policy.decide(plan.moment(index, now, wait, busy, deadline - age))
            ]
            if verdict[index] == 0:
                if guess:
                    guess.ask(index)
                heappush(heap, (now + plan.request_down[index], index, CROP))
        else:  # at the server, first or second
            if guess and kind == SERVE_SECOND:
                guess.arrived(index)
            elif guess:  # it is taken to have waited as a local image would now
                arrived[index] = now
                guessed_age[index] = guess.wait() + plan.crossings[0][0][index]
            work = plan.work[kind == SERVE_SECOND][index]
            server_free = max(now, server_free) + work
            if kind == SERVE_FIRST:
                heappush(heap, (server_free, index, DECIDE))
            else:
                second[index] = server_free + plan.refined_down[index] - asked_at[index]
    return _outcome(questions, arrivals, scenario, plan, verdict, first, second, waits)


@dataclass(frozen=True, eq=False)
class _Plan:
    """All that chance and the recorded runs settle before anything happens; lists for speed."""

    crossings: tuple[tuple[list[float], list[float]], ...]  # of question and crop: hold, later
    work: tuple[list[float], list[float]]  # of both stages
    answer_down: list[float]
    request_down: list[float]
    refined_down: list[float]
    uncertainty: list[float]
    gain: list[float]
    opening: list[float]  # of a connection: how long it holds the link
    chance: list[float]
    # What is expected of any local image, seconds: of the link, of its way, of the server and back.
    crop_mean: float
    request_mean: float
    later_mean: float
    work_mean: float
    down_mean: float

    def moment(self, index: int, now: float, wait: float, busy: float, left: float) -> Moment:
        """Return what is known of a question. left: seconds to its deadline."""
        there = max(wait, self.request_mean) + self.crop_mean + self.later_mean
        ready = max(there, busy) + self.work_mean + self.down_mean
        return Moment(
            now, self.uncertainty[index], self.gain[index], self.crop_mean, self.work_mean, wait,
            busy, left - ready, self.chance[index],
        )  # fmt: skip


def _plan(
    questions: Questions,
    arrivals: Arrivals,
    scenario: Scenario,
    expectation: Expectation,
    rng: np.random.Generator,
) -> _Plan:
    link = scenario.link
    opening = np.zeros(len(questions), np.int64) if arrivals.opening is None else arrivals.opening
    ways = [crossing(link, b, rng) for b in (questions.question_bytes, questions.crop_bytes)]
    first, second = (
        s / scenario.speed for s in (questions.first_seconds, questions.second_seconds)
    )
    down = [
        link.seconds(b, "down").tolist()
        for b in (questions.answer_bytes, questions.request_bytes, questions.refined_bytes)
    ]
    crop, request, answer = (
        np.array([round(getattr(expectation, name))])
        for name in ("crop_bytes", "crop_request_bytes", "answer_bytes")
    )
    return _Plan(
        tuple((hold.tolist(), later.tolist()) for hold, later in ways),
        (first.tolist(), second.tolist()),
        answer_down=down[0],
        request_down=down[1],
        refined_down=down[2],
        uncertainty=questions.uncertainty.tolist(),
        gain=[expectation.gain(u) for u in questions.uncertainty.tolist()],
        opening=(link.airtime(opening, "up") / link.duty_cycle).tolist(),
        chance=rng.random(len(questions)).tolist(),
        crop_mean=float(link.airtime(crop, "up")[0] / link.duty_cycle),
        request_mean=float(link.seconds(request, "down")[0]),
        later_mean=float(
            (link.seconds(crop, "up") - link.airtime(crop, "up") / link.duty_cycle)[0]
        ),
        work_mean=expectation.work_seconds / scenario.speed,
        down_mean=float(link.seconds(answer, "down")[0]),
    )


def _outcome(
    questions: Questions,
    arrivals: Arrivals,
    scenario: Scenario,
    plan: _Plan,
    verdict: list[int],
    first: list[float],
    second: list[float],
    waits: list[float],
) -> Outcome:
    first_at, second_at, verdicts = np.array(first), np.array(second), np.array(verdict)
    asked, link = verdicts == 0, scenario.link
    score = np.where(first_at <= scenario.deadline, questions.first_score, 0.0)
    score = np.where(second_at <= scenario.deadline, questions.second_score, score)
    held = [np.array(hold) * link.duty_cycle for hold, _ in plan.crossings]
    up = held[0] + np.where(asked, held[1], 0.0)
    down = link.airtime(questions.answer_bytes, "down") + np.where(
        asked,
        link.airtime(questions.request_bytes, "down")
        + link.airtime(questions.refined_bytes, "down"),
        0.0,
    )
    watts = [np.nan if w is None else w for w in (link.transmit_watts, link.receive_watts)]
    return Outcome(
        arrivals.seconds, arrivals.edge, verdicts, first_at, second_at, np.array(waits), score,
        up * watts[0] + down * watts[1],
    )  # fmt: skip
