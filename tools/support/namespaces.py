"""Edges in network namespaces of their own (Linux), behind one token bucket.

    edge 0 ─┐
    edge 1 ─┼─ router ── tc tbf ──> server        what edges send waits for one bucket; what
    ...    ─┘                                     comes back is let through at once

It takes `ip` and `tc` (iproute2) and root: `unshare --map-root-user` makes anyone root enough.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import subprocess
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Network", "entered", "laid"]

CLONE_NEWNET = 0x40000000
SERVER = "10.77.0.1"
ROUTER = "10.77.255.254"
UPLINK = "uplink"  # the router's way to the server
FRAME = 1_514  # bytes of an Ethernet frame, at most
# A kernel that isn't told takes what waits in a long queue for lost, and sends it again.
LEAST_TIMEOUT = "10s"
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Network:
    """The namespaces, as open files. They end with this process at the latest."""

    server: int
    edges: tuple[int, ...]

    @property
    def prefix(self) -> tuple[str, ...]:
        """Words before a command that is to run where the server is."""
        return ("nsenter", f"--net={_path(self.server)}")

    def carried(self) -> int:
        """Return the bytes that have crossed the bucket, heads of Ethernet included."""
        text = _run("tc", "-s", "qdisc", "show", "dev", UPLINK)
        found = re.search(r"qdisc tbf.*?Sent (\d+) bytes", text, re.S)
        assert found
        return int(found[1])


def entered(namespace: int) -> None:
    """Put the calling thread into a namespace: the sockets that it opens are there."""
    if _libc.setns(namespace, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "The namespace can't be entered")


@contextlib.contextmanager
def laid(edges: int, rate: float) -> Iterator[Network]:
    """Yield a network of so many edges that share `rate` bytes per second to the server.

    The calling thread is where the router is. Raises OSError where namespaces can't be had.
    """
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    opened: list[int] = []
    try:
        opened += [_new() for _ in range(edges + 1)]
        if _libc.unshare(CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "No network namespace is to be had")
        try:
            _connect(opened[0], opened[1:], rate)
            yield Network(opened[0], tuple(opened[1:]))
        finally:
            with contextlib.suppress(OSError):  # where root is only root of this: it stays there
                entered(home)
    finally:
        for one in (home, *opened):
            os.close(one)


def _connect(server: int, edges: Sequence[int], rate: float) -> None:
    """Lay a wire from the router, which is here, to each of them.

    They are routed and not bridged: a bridge leaves packets in the account of the socket that sent
    them, and Linux lets a socket have but two or three in a queue (TCP small queues), as if the
    edges shared the link packet by packet.
    """
    here = ["link set lo up", f"addr add {ROUTER}/32 dev lo"]
    for number, namespace in enumerate([server, *edges]):
        name = f"e{number}" if number else UPLINK
        here += [
            f"link add {name} address {_mac(0xFFFF)} type veth peer name eth0 "
            f"address {_mac(number)} netns {_path(namespace)}",
            f"link set dev {name} up gso_max_segs 1",
            f"route add {_address(number)}/32 dev {name} src {ROUTER}",
            f"neigh add {_address(number)} lladdr {_mac(number)} dev {name}",
        ]
    _ip(here)
    _settle("ipv4/ip_forward", "1")
    for number, namespace in enumerate([server, *edges]):
        _within(namespace, [
            f"addr add {_address(number)}/32 dev eth0", "link set dev eth0 up gso_max_segs 1",
            f"route add default via {ROUTER} dev eth0 onlink rto_min {LEAST_TIMEOUT}",
            f"neigh add {ROUTER} lladdr {_mac(0xFFFF)} dev eth0",
        ])  # fmt: skip
    _run("tc", "qdisc", "add", "dev", UPLINK, "root", "tbf", "rate", f"{round(8 * rate)}bit",
         "burst", str(FRAME), "limit", "100000000")  # fmt: skip


def _address(number: int) -> str:
    return f"10.77.{number // 250}.{number % 250 + 1}"


def _mac(number: int) -> str:
    return f"02:00:00:00:{number // 256:02x}:{number % 256:02x}"


def _path(namespace: int) -> str:
    return f"/proc/{os.getpid()}/fd/{namespace}"


def _new() -> int:
    """Return a new namespace, opened."""
    made: list[int | OSError] = []

    def make() -> None:
        if _libc.unshare(CLONE_NEWNET):
            made.append(OSError(ctypes.get_errno(), "No network namespace is to be had"))
        else:
            made.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY))

    _in_thread(make)
    if isinstance(made[0], OSError):
        raise made[0]
    return made[0]


def _within(namespace: int, lines: Sequence[str]) -> None:
    """Let `ip` do these things in a namespace."""
    failed: list[OSError] = []

    def work() -> None:
        try:
            entered(namespace)
            _ip(lines)
        except OSError as error:
            failed.append(error)

    _in_thread(work)
    if failed:
        raise failed[0]


def _in_thread(work) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def _settle(name: str, value: str) -> None:
    Path(f"/proc/sys/net/{name}").write_text(value)


def _ip(lines: Sequence[str]) -> None:
    _run("ip", "-batch", "-", given="\n".join(lines))


def _run(*words: str, given: str = "") -> str:
    done = subprocess.run(words, input=given, capture_output=True, text=True)
    if done.returncode:
        raise OSError(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout
