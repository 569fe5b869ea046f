"""Packets that are lost for good, and what is sent beside them: any k of n bring all of it back.

A block of k packets is sent as n, the k themselves and n - k of a Reed-Solomon code over GF(256),
byte by byte (Reed and Solomon 1960; RFC 5510). The code is reedsolo's, of the extra `robust`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

__all__ = ["failure", "packets_of", "protect", "recover"]

MOST = 255  # packets of a block


def failure(n: int, k: int, loss: float) -> float:
    """Return P(fewer than k of n packets arrive) = Σ_{j<k} C(n, j) (1 - p)^j p^(n - j).

    loss: p, the share lost, each independently. Raises ValueError unless 0 <= k <= n, 0 <= p <= 1.
    """
    if not (0 <= k <= n and 0 <= loss <= 1):
        raise ValueError(f"It takes 0 <= k <= n and a share, not k = {k}, n = {n}, p = {loss}.")
    return math.fsum(
        math.comb(n, j) * (1 - loss) ** j * loss ** (n - j) for j in range(k)
    )  # fmt: skip


def packets_of(data: bytes, payload: int) -> list[bytes]:
    """Return data cut into packets of `payload` bytes, the last one filled up with zeros."""
    if payload < 1:
        raise ValueError(f"A packet must hold at least 1 byte, not {payload}.")
    count = max(1, -(-len(data) // payload))
    return [data[i * payload : (i + 1) * payload].ljust(payload, b"\0") for i in range(count)]


def protect(data: bytes, payload: int, redundant: int) -> list[bytes]:
    """Return the k packets of data, and as many redundant ones behind them.

    Raises ValueError for more than 255 packets in all.
    """
    packets = packets_of(data, payload)
    if len(packets) + redundant > MOST:
        raise ValueError(f"A block has up to {MOST} packets: cut the data into several.")
    if redundant == 0:
        return packets
    from reedsolo import RSCodec

    coder = RSCodec(redundant, nsize=MOST)
    columns = [coder.encode(bytes(column))[-redundant:] for column in zip(*packets, strict=True)]
    return packets + [bytes(column[i] for column in columns) for i in range(redundant)]


def recover(arrived: Mapping[int, bytes], n: int, k: int, length: int) -> bytes | None:
    """Return the data of a block; None if fewer than k of its n packets arrived.

    arrived: packet by its place in the block. length: of the data, bytes.
    """
    if all(index in arrived for index in range(k)):
        return b"".join(arrived[index] for index in range(k))[:length]
    if len(arrived) < k:
        return None
    from reedsolo import RSCodec

    coder, payload = RSCodec(n - k, nsize=MOST), len(next(iter(arrived.values())))
    lost = [index for index in range(n) if index not in arrived]
    empty = bytes(payload)
    columns = zip(*(arrived.get(index, empty) for index in range(n)), strict=True)
    decoded = [coder.decode(bytes(column), erase_pos=lost)[0] for column in columns]
    return b"".join(bytes(column[i] for column in decoded) for i in range(k))[:length]
