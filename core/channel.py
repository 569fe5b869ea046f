"""Links between edge and server: how long messages take, and what energy they cost the edge.

The paper counts what is sent; here bytes become seconds. A link has a rate each way (fixed, or
the Shannon capacity of an AWGN or a fading channel), a round-trip time, and packets, some of
which may be lost and are sent again. All figures are expectations in closed form, no simulation.

Not modelled: contention with other senders, connection set-up, congestion control (TCP's slow
start), and the computation at both ends, which a transcript records as it was measured.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from core.transcript import MessageRecord

__all__ = [
    "PRESETS",
    "Awgn",
    "Fixed",
    "Link",
    "Rayleigh",
    "RecordedSizes",
    "Traffic",
    "expected_rounds",
]

MAX_LOSS = 0.99  # a link that loses more is down
Direction = Literal["up", "down"]  # from the edge to the server, and back


@dataclass(frozen=True)
class Fixed:
    """A constant rate, in bit/s. Raises ValueError if it isn't positive and finite."""

    rate: float

    def __post_init__(self) -> None:
        _check_positive("rate", self.rate)

    @property
    def outage(self) -> float:
        """Share of the packets that the channel is too weak for."""
        return 0.0


@dataclass(frozen=True)
class Awgn:
    """Additive white Gaussian noise, used at its capacity B log₂(1 + SNR) [Shannon 1948].

    bandwidth: B, Hz. snr_db: signal-to-noise ratio, dB.
    Raises ValueError for a bandwidth that isn't positive and finite, an SNR that isn't finite.
    """

    bandwidth: float
    snr_db: float

    def __post_init__(self) -> None:
        _check_positive("bandwidth", self.bandwidth)
        _check_decibels(self.snr_db)

    @property
    def rate(self) -> float:
        """Capacity, bit/s."""
        return self.bandwidth * math.log2(1 + _linear(self.snr_db))

    @property
    def outage(self) -> float:
        return 0.0


@dataclass(frozen=True)
class Rayleigh:
    """Rayleigh block fading: the SNR of each packet is drawn anew from an exponential distribution.

    The sender doesn't know it, and sends at the rate that a share `target` of the packets won't
    get through: R = B log₂(1 - SNR ln(1 - target)) (Tse and Viswanath, Fundamentals of Wireless
    Communication, section 5.4: ε-outage capacity).

    bandwidth: B, Hz. snr_db: mean signal-to-noise ratio, dB. target: share in outage, 0 < target
    <= MAX_LOSS; None: the one with the highest rate of packets that do get through,
    R (1 - target), which is at R = B W(SNR) / ln 2, W being Lambert's function.
    Raises ValueError for other values.
    """

    bandwidth: float
    snr_db: float
    target: float | None = None

    def __post_init__(self) -> None:
        _check_positive("bandwidth", self.bandwidth)
        _check_decibels(self.snr_db)
        if self.target is not None and not 0 < self.target <= MAX_LOSS:
            raise ValueError(f"target must be above 0 and at most {MAX_LOSS}, not {self.target}.")

    @property
    def rate(self) -> float:
        """Rate while sending, bit/s; packets in outage are included."""
        snr = _linear(self.snr_db)
        if self.target is None:
            # Maximise x exp(-(eˣ - 1) / SNR) over x = R ln 2 / B: x eˣ = SNR.
            return self.bandwidth * _lambert(snr) / math.log(2)
        return self.bandwidth * math.log2(1 - snr * math.log1p(-self.target))

    @property
    def outage(self) -> float:
        """P(B log₂(1 + SNR) < R) = 1 - exp(-(2^(R/B) - 1) / SNR)."""
        if self.target is not None:
            return self.target
        snr = _linear(self.snr_db)
        return -math.expm1(-math.expm1(_lambert(snr)) / snr)


Rate = Fixed | Awgn | Rayleigh


@dataclass(frozen=True)
class Link:
    """A link between one edge and the server.

    A message is cut into packets of `payload` bytes, each with `overhead` bytes of headers around
    it. Packets are lost independently of each other and sent again in rounds (selective repeat
    with block acknowledgement): whoever sends hears half a round trip after the last packet of a
    round arrives what is missing, and sends that. Acknowledgements cost no airtime.

    uplink, downlink: from the edge, and to it (None: as the uplink). round_trip: seconds.
    loss: share of the packets lost in either direction, beside those in outage; up to MAX_LOSS.
    duty_cycle: share of the time that a sender may be on the air. transmit_watts, receive_watts:
    what the edge's radio draws while it sends or receives; None: not known.
    Raises ValueError for values out of their range.
    """

    uplink: Rate
    downlink: Rate | None = None
    round_trip: float = 0.0
    loss: float = 0.0
    payload: int = 1460  # bytes that an Ethernet frame leaves to TCP
    overhead: int = 0
    duty_cycle: float = 1.0
    transmit_watts: float | None = None
    receive_watts: float | None = None
    name: str = ""  # for people
    source: str = field(default="", compare=False)  # where the figures come from

    def __post_init__(self) -> None:
        if not (math.isfinite(self.round_trip) and self.round_trip >= 0):
            raise ValueError(f"round_trip must be 0 s or more, not {self.round_trip}.")
        if not 0 <= self.loss <= MAX_LOSS:
            raise ValueError(f"loss must be a share from 0 to {MAX_LOSS}, not {self.loss}.")
        if self.payload < 1 or self.overhead < 0:
            raise ValueError("payload must be at least 1 byte, and overhead at least 0.")
        if not 0 < self.duty_cycle <= 1:
            raise ValueError(f"duty_cycle must be above 0 and at most 1, not {self.duty_cycle}.")
        for watts in (self.transmit_watts, self.receive_watts):
            if watts is not None and not (math.isfinite(watts) and watts >= 0):
                raise ValueError(f"A power must be 0 W or more, not {watts}.")

    def rate(self, direction: Direction) -> Rate:
        """The channel of one direction."""
        return self.uplink if direction == "up" or self.downlink is None else self.downlink

    def failure(self, direction: Direction) -> float:
        """Share of the packets that must be sent again: lost, or in outage."""
        return 1 - (1 - self.loss) * (1 - self.rate(direction).outage)

    def airtime(self, byte_count: ArrayLike, direction: Direction) -> np.ndarray:
        """Expected seconds on the air for messages of these bytes, repetitions included; any shape.

        Each packet is sent 1 / (1 - failure) times on average, whenever that is.
        """
        count = _counts(byte_count)
        bits = 8 * (count + self.overhead * self._packets(count))
        return bits / (self.rate(direction).rate * (1 - self.failure(direction)))

    def seconds(self, byte_count: ArrayLike, direction: Direction) -> np.ndarray:
        """Expected seconds from the first bit sent to the last one received; any shape.

        Airtime, stretched by the duty cycle, half a round trip, and a whole one for each further
        round. A message of 0 bytes isn't sent and takes none. Raises ValueError for a negative one.
        """
        count = _counts(byte_count)
        rounds = expected_rounds(self._packets(count), self.failure(direction))
        waiting = np.where(count > 0, self.round_trip * (rounds - 0.5), 0.0)
        return self.airtime(count, direction) / self.duty_cycle + waiting

    def joules(self, byte_count: ArrayLike, direction: Direction) -> np.ndarray:
        """Expected energy of the edge's radio, J; any shape; NaN where its power isn't known.

        Waiting, and the time a radio stays awake afterwards, aren't in it.
        """
        watts = self.transmit_watts if direction == "up" else self.receive_watts
        return self.airtime(byte_count, direction) * (math.nan if watts is None else watts)

    def message_seconds(self, messages: Sequence[MessageRecord]) -> float:
        """Expected seconds for messages one after the other, such as `Transcript.messages`."""
        return sum(float(self.seconds(m.byte_count, _way(m.sender))) for m in messages)

    def message_joules(self, messages: Sequence[MessageRecord]) -> float:
        """Expected energy of the edge's radio for these messages, J; NaN if it isn't known."""
        return sum(float(self.joules(m.byte_count, _way(m.sender))) for m in messages)

    def _packets(self, count: np.ndarray) -> np.ndarray:
        return -(-count // self.payload)


class RecordedSizes(Protocol):
    """What holds the bytes of each message of N questions, (N,) each."""

    @property
    def question_message_bytes(self) -> np.ndarray: ...
    @property
    def answer_message_bytes(self) -> np.ndarray: ...
    @property
    def crop_request_message_bytes(self) -> np.ndarray: ...
    @property
    def local_image_message_bytes(self) -> np.ndarray: ...
    @property
    def refined_message_bytes(self) -> np.ndarray: ...
    @property
    def search_up_bytes(self) -> np.ndarray: ...  # of all messages of a search; NaN: there is none
    @property
    def search_down_bytes(self) -> np.ndarray: ...
    @property
    def search_round_trips(self) -> np.ndarray: ...
    @property
    def hd_question_message_bytes(self) -> np.ndarray: ...  # NaN where it wasn't measured
    @property
    def hd_answer_message_bytes(self) -> np.ndarray: ...
    @property
    def hd_message_bytes(self) -> np.ndarray:
        """Both of them."""


@dataclass(frozen=True, eq=False)
class Traffic:
    """The bytes of each message of N questions, (N,) int64 each; see `Run` for the bytes of stages.

    If the first answer stands, `question` and `answer` cross the link; if not, `crop_request`
    comes in place of `answer`, and `local_image` and `refined` follow. A cropper that searches asks
    for as many more images as it makes `trips`; `search_up` and `search_down` are the bytes of all
    of a question's.
    """

    question: np.ndarray
    answer: np.ndarray
    crop_request: np.ndarray
    local_image: np.ndarray
    refined: np.ndarray
    search_up: np.ndarray
    search_down: np.ndarray
    trips: np.ndarray

    @classmethod
    def of_run(cls, run: RecordedSizes) -> Self:
        """Return the messages of a `core.bench` run; samples that failed sent none."""
        return cls(
            run.question_message_bytes,
            run.answer_message_bytes,
            run.crop_request_message_bytes,
            run.local_image_message_bytes,
            run.refined_message_bytes,
            *(
                np.nan_to_num(column).astype(np.int64)
                for column in (run.search_up_bytes, run.search_down_bytes, run.search_round_trips)
            ),
        )

    @staticmethod
    def high_resolution(run: RecordedSizes, link: Link) -> np.ndarray:
        """Return the expected seconds on `link` of asking in high resolution instead, (N,): the
        image one way, the answer the other. NaN where the run hasn't measured it."""
        known = ~np.isnan(run.hd_message_bytes)
        up, down = (
            np.where(known, sizes, 0.0).astype(np.int64)
            for sizes in (run.hd_question_message_bytes, run.hd_answer_message_bytes)
        )
        return np.where(known, link.seconds(up, "up") + link.seconds(down, "down"), np.nan)

    def seconds(self, link: Link) -> tuple[np.ndarray, np.ndarray]:
        """Expected seconds on `link`: if the first answer stands, and what it adds if not; (N,)."""
        return self._stages(link.seconds)

    def joules(self, link: Link) -> tuple[np.ndarray, np.ndarray]:
        """Return the energy of the edge's radio, J, shaped as `seconds`; NaN where the link's isn't
        known.
        """
        return self._stages(link.joules)

    def _stages(
        self, cost: Callable[[ArrayLike, Direction], np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        answer = cost(self.answer, "down")
        first = cost(self.question, "up") + answer
        second = cost(self.crop_request, "down") + cost(self.local_image, "up")
        return first, second + self._search(cost) + cost(self.refined, "down") - answer

    def _search(self, cost: Callable[[ArrayLike, Direction], np.ndarray]) -> np.ndarray:
        """Return what the round trips of a search cost: each as if all were equally large."""
        trips = np.maximum(self.trips, 1)
        each = cost(self.search_up // trips, "up") + cost(self.search_down // trips, "down")
        return np.where(self.trips > 0, each * self.trips, 0.0)


def expected_rounds(packets: ArrayLike, failure: float) -> np.ndarray:
    """Expected rounds until all packets are through, each failing with probability `failure`.

    The mean of the largest of n geometric variables, E = Σ_k≥0 1 - (1 - pᵏ)ⁿ; 0 for no packets.
    packets: n, of any shape. Raises ValueError for a failure outside 0 <= failure < 1.
    """
    if not 0 <= failure < 1:
        raise ValueError(f"failure must be a share below 1, not {failure}.")
    n = _counts(packets)
    distinct, where = np.unique(n, return_inverse=True)
    rounds = (distinct > 0).astype(np.float64)  # k = 0, where p⁰ = 1
    power = failure
    while power > 0 and (rest := -np.expm1(distinct * math.log1p(-power))).max(initial=0) > 1e-12:
        rounds += rest
        power *= failure
    return rounds[where].reshape(n.shape)


def _way(sender: str) -> Direction:
    return "up" if sender == "edge" else "down"


def _linear(decibels: float) -> float:
    return 10 ** (decibels / 10)


def _lambert(value: float) -> float:
    """W of `value` > 0: the x with x eˣ = value. Newton's method on x + ln x = ln value."""
    x = math.log1p(value)  # above W everywhere, within a factor of 1.6 or so
    for _ in range(50):
        step = (x + math.log(x) - math.log(value)) * x / (1 + x)
        x = x - step if step < x else x / 2
        if abs(step) <= 1e-15 * x:
            break
    return x


def _counts(values: ArrayLike) -> np.ndarray:
    counts = np.asarray(values)
    if counts.dtype.kind not in "iu" or (counts < 0).any():
        raise ValueError("Bytes and packets must be whole numbers, 0 or more.")
    return counts.astype(np.int64)


def _check_positive(name: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{name} must be positive and finite, not {value}.")


def _check_decibels(value: float) -> None:
    if not -100 <= value <= 100:
        raise ValueError(f"snr_db must lie between -100 and 100 dB, not {value}.")


def _cellular(up: float, down: float, alpha: tuple[float, float], beta: float) -> dict[str, Any]:
    """Rates and power draw: P = α · rate + β, rates in Mbit/s, α in mW per Mbit/s, β in mW."""
    return {
        "uplink": Fixed(up * 1e6),
        "downlink": Fixed(down * 1e6),
        "transmit_watts": (alpha[0] * up + beta) / 1e3,
        "receive_watts": (alpha[1] * down + beta) / 1e3,
    }


_HUANG = "Huang et al., A Close Examination of Performance and Power Characteristics of 4G LTE"
_HUANG += " Networks, MobiSys 2012"

PRESETS: dict[str, Link] = {
    "lora": Link(
        name="LoRa (868 MHz, SF7, 1 % duty cycle)",
        uplink=Fixed(5468.75),  # SF · B / 2^SF · 4/5 for SF 7 and B = 125 kHz
        round_trip=1.0,
        payload=222,
        # 13 bytes of LoRaWAN, and the preamble, explicit header and checksum of the modulation in
        # bytes of the same rate: a full frame takes 368.9 ms.
        overhead=30,
        duty_cycle=0.01,
        transmit_watts=0.029 * 3.3,
        receive_watts=0.0115 * 3.3,
        source="LoRaWAN Regional Parameters RP002, EU863-870, DR5: 222 bytes, RECEIVE_DELAY1 1 s;"
        " airtime: Semtech AN1200.13; 1 %: ETSI EN 300 220; currents at 3.3 V: Semtech SX1276"
        " data sheet (13 dBm 29 mA, receiving 11.5 mA)",
    ),
    "nb-iot": Link(
        name="NB-IoT (Cat-NB1, peak)",
        uplink=Fixed(66e3),
        downlink=Fixed(26e3),
        round_trip=1.6,
        source="3GPP Release 13, Cat-NB1 multi-tone: peak rates, and the least latency stated",
    ),
    "lte-m": Link(
        name="LTE-M (Cat-M1, peak)",
        uplink=Fixed(1e6),
        round_trip=0.03,
        source="3GPP Release 13, Cat-M1 full duplex: peak rates; 15 ms each way",
    ),
    "3g": Link(
        name="3G",
        **_cellular(1.1, 2.0275, (868.98, 122.12), 817.88),
        round_trip=0.1,
        source="Rates: Eshratifar et al., JointDNN, IEEE Trans. Mobile Computing 2019; power:"
        f" {_HUANG}; round trip assumed",
    ),
    "lte": Link(
        name="4G LTE (median of 2012)",
        **_cellular(6.0, 13.0, (438.39, 51.97), 1288.04),
        round_trip=0.07,
        source=f"{_HUANG}: median rates, round trip and power",
    ),
    "wifi": Link(
        name="Wi-Fi",
        **_cellular(18.88, 54.97, (283.17, 137.01), 132.86),
        round_trip=0.005,
        source="Rates: Eshratifar et al., JointDNN, IEEE Trans. Mobile Computing 2019; power:"
        f" {_HUANG}; round trip assumed",
    ),
    "5g": Link(
        name="5G (what IMT-2020 demands)",
        uplink=Fixed(50e6),
        downlink=Fixed(100e6),
        round_trip=0.008,
        source="Report ITU-R M.2410-0: user experienced data rates in dense urban areas, 4 ms"
        " user plane latency each way",
    ),
    "awgn": Link(
        name="AWGN, 1 MHz at 10 dB",
        uplink=Awgn(1e6, 10.0),
        round_trip=0.01,
        source="Textbook channel, Shannon 1948; round trip assumed",
    ),
    "rayleigh": Link(
        name="Rayleigh fading, 1 MHz at 10 dB on average, 10 % outage",
        uplink=Rayleigh(1e6, 10.0, target=0.1),
        round_trip=0.01,
        source="Textbook channel, Tse and Viswanath 2005, section 5.4; round trip assumed",
    ),
}
"""Links to compare, from the slowest to the fastest, and two channels of theory behind them."""
