"""`python -m tools.fuzz`: what strangers may send, by the thousand, and what comes of it.

Requests are good ones, broken in ways that have broken servers before: bytes flipped, cut out,
repeated; JSON of the wrong shape; heads, paths and lengths that lie; bodies that stop half-way;
sessions of others. Images are small files of every format, damaged, or bombs that unpack to
gigabytes. A server passes if it answers nothing with a 5xx, answers or closes each within ten
seconds, never dies, and doesn't go on taking memory: what a model and an allocator keep for
themselves comes to an end within a few thousand requests, and a leak doesn't.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import functools
import io
import json
import queue
import random
import socket
import struct
import sys
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
from PIL import Image

from core.edge.client import Client, EdgeError
from core.imaging import Codec, available_formats
from core.messages import LocalImage, Question, SecondLook
from core.support.headers import COMPACT
from tools.support.own_server import own_server

LONGEST = 10.0  # seconds
WARM_UP = 1_000  # requests from which on growth is reported
GROWTH = 16 * 2**20  # bytes over the second half of all requests that are noise

# Sessions and replies are held on purpose: few enough of them to be full before memory is compared.
OPTIONS = ["--rate", "0", "--stall-seconds", "4", "--sessions", "32", "--replies", "32"]

Make = Callable[[random.Random], bytes]


@dataclass
class Findings:
    """What came of it all."""

    statuses: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)  # 5xx, too slow, no answer where one is due
    slowest: float = 0.0
    memory: list[tuple[int, int]] = field(default_factory=list)  # requests done, bytes

    def growth(self, since: int) -> int:
        """Bytes of memory, from the first `since` requests to the end."""
        warm = [size for done, size in self.memory if done >= since]
        return warm[-1] - warm[0] if warm else 0


class Target:
    """The server to try: where it is, and good messages to start from."""

    def __init__(self, url: str):
        self.host, port = url.removeprefix("http://").split(":")
        self.port = int(port)
        self.url = url
        with Client(url) as client:
            width, height = client.info()["input_size"]
        self.size = (width, height)
        noise = Image.effect_noise((width, height), 80).convert("RGB")
        self.images = [
            (name, Codec(name).encode(noise.resize((w, h))))
            for name in available_formats()
            for w, h in ((width, height), (width, max(1, height // 3)), (7, 5))
        ]
        self.lock = threading.Lock()
        self.sessions: list[str] = ["x" * 22]

    def question(self, chance: random.Random, image: tuple[str, bytes] | None = None) -> Question:
        name, data = image or chance.choice(self.images)
        size = Codec(name).decode(data).size if image is None else self.size
        return Question((size[0] * 4, size[1] * 4), data, name, "What does the sign say?")

    def session(self, chance: random.Random) -> str:
        with self.lock:
            return chance.choice(self.sessions[-50:])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--server", help="URL of the server to try; without, one is started")
    parser.add_argument("--requests", type=int, default=10_000, help="how many requests are sent")
    parser.add_argument(
        "--images", type=int, default=2_000, help="how many damaged images are sent besides"
    )
    parser.add_argument("--threads", type=int, default=8, help="how many send at once")
    parser.add_argument("--seed", type=int, default=0, help="the same seed sends the same")
    args = parser.parse_args()
    with contextlib.ExitStack() as stack:
        if args.server:
            url, alive = args.server, lambda: True
        else:
            own = stack.enter_context(own_server(*OPTIONS))
            url, alive = own.url, lambda: own.process.poll() is None
        warm_up(url)
        start = time.monotonic()
        findings = fuzz(url, args.requests, args.images, args.threads, args.seed, log=print)
        if not alive():
            findings.faults.append("the server has died")
    print(f"{args.requests} requests and {args.images} images in {time.monotonic() - start:.0f} s")
    print("statuses:", ", ".join(f"{k}: {v}" for k, v in sorted(findings.statuses.items())))
    print(f"slowest: {findings.slowest:.2f} s")
    half = (args.requests + args.images) // 2
    for since in (WARM_UP, half):
        print(f"memory grew by {findings.growth(since) / 2**20:.1f} MiB after {since} requests")
    if findings.growth(half) > GROWTH:
        findings.faults.append("memory grows on")
    print(f"{len(findings.faults)} faults", *findings.faults[:20], sep="\n  ")
    return bool(findings.faults)


def fuzz(
    url: str, requests: int, images: int, threads: int = 8, seed: int = 0,
    log: Callable[[str], None] = lambda line: None,
) -> Findings:  # fmt: skip
    """Send it all to the server at `url`; the same requests for the same seed."""
    target, findings, work = Target(url), Findings(), queue.SimpleQueue()
    kinds = ["image"] * images + ["request"] * requests
    random.Random(seed).shuffle(kinds)
    for index, kind in enumerate(kinds):
        work.put((index, kind))
    done = [0]

    def run() -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                index, kind = work.get_nowait()
                chance = random.Random(f"{seed} {index}")
                make = _damaged_image if kind == "image" else chance.choice(REQUESTS)
                data = make(target, chance)
                begin = time.monotonic()
                status, answer = _send(target, data)
                seconds = time.monotonic() - begin
                with target.lock:
                    done[0] += 1
                    findings.statuses[status] += 1
                    findings.slowest = max(findings.slowest, seconds)
                    if status.startswith("5") or seconds > LONGEST or status == "silent":
                        findings.faults.append(
                            f"{make.__name__} {seed} {index}: {status} {answer[:200]!r}"
                        )
                    if done[0] % 500 == 0 or done[0] == len(kinds):
                        findings.memory.append((done[0], _memory(target)))
                        log(f"{done[0]:>6} done, {findings.memory[-1][1] / 2**20:.0f} MiB")
                if status == "200" and b'"session":"' in answer:
                    with target.lock:
                        target.sessions.append(
                            answer.split(b'"session":"')[1].split(b'"')[0].decode()
                        )
                        del target.sessions[:-200]

    workers = [threading.Thread(target=run) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    # Failures that no client got to see.
    findings.faults += [
        line for line in _metrics(target) if 'status="500"' in line and "requests_total" in line
    ]
    return findings


def warm_up(url: str, questions: int = 300) -> None:
    """Ordinary questions of many lengths: a model keeps what it has prepared for each of them."""
    target, chance = Target(url), random.Random(0)
    words = "what does the large red sign on the left say and who reads it ".split()
    with Client(url, patience=60) as client:
        for index in range(questions):
            _, data = chance.choice(target.images)
            text = " ".join(chance.choices(words, k=1 + index % 40))
            client.ask(data, text, force=index % 2 == 0)


def _memory(target: Target) -> int:
    """Resident memory of the server, by its own account."""
    for line in _metrics(target):
        if line.startswith("process_resident_memory_bytes "):
            return int(float(line.split()[1]))
    return 0


def _metrics(target: Target) -> list[str]:
    return httpx.get(f"{target.url}/metrics", trust_env=False).text.splitlines()


def _send(target: Target, data: bytes) -> tuple[str, bytes]:
    """Send these bytes and read what comes: a status, "closed", or "silent" after too long."""
    answer = b""
    try:
        with socket.create_connection((target.host, target.port), timeout=LONGEST + 5) as link:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                link.sendall(data)
            while part := link.recv(65_536):
                answer += part
                if _complete(answer):
                    break
    except TimeoutError:
        return "silent", answer
    except OSError:
        pass
    words = answer.split(b" ", 2)
    return (words[1].decode("ascii", "replace") if len(words) > 2 else "closed"), answer


def _complete(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length: "):
            return bool(end) and len(body) >= int(line.split()[1])
    return False


# Requests. Each takes the target and a source of chance, and gives the bytes to send.


def _http(path: str | bytes, body: bytes, kind: str = COMPACT, *more: bytes) -> bytes:
    path = path.encode() if isinstance(path, str) else path
    lines = [
        b"POST " + path + b" HTTP/1.1", b"Host: localhost", b"Connection: close",
        b"Content-Type: " + kind.encode(), b"Content-Length: %d" % len(body), *more,
    ]  # fmt: skip
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def _good(target: Target, chance: random.Random) -> tuple[str, bytes]:
    name, image = chance.choice(target.images)
    return chance.choice(
        [
            ("/v1/questions", target.question(chance).to_bytes()),
            ("/v1/local-images", LocalImage(target.session(chance), image, name).to_bytes()),
            ("/v1/second-looks", SecondLook(target.session(chance)).to_bytes()),
        ]
    )


def _flipped(target: Target, chance: random.Random) -> bytes:
    """A message with bytes changed, mostly in its header."""
    path, message = _good(target, chance)
    return _http(path, damage(message, chance, chance.choice([8, 200, len(message)])))


def _misplaced(target: Target, chance: random.Random) -> bytes:
    """A message at the wrong door, or a reply, or nothing."""
    path, _ = _good(target, chance)
    _, message = _good(target, chance)
    return _http(path, chance.choice([message, b"", b"\0\0\0\2{}", b"\xff\xff\xff\xff" + message]))


def _guessed_session(target: Target, chance: random.Random) -> bytes:
    """A session nobody was given: near to a real one, or a path, or a query."""
    real = target.session(chance)
    place = chance.randrange(len(real))
    guesses = [
        real[:place] + chance.choice("abcXYZ019-_") + real[place + 1 :], real[:-1], real + "=",
        "../../etc/passwd", "' OR 1=1 --", "\0" * 22, "ü" * 30, "%00", "a" * 64, real.swapcase(),
        "${jndi:ldap://localhost/a}", "{{7*7}}", "\u202e" + real,
    ]  # fmt: skip
    session = chance.choice(guesses)
    if chance.random() < 0.5:
        return _http(
            "/v1/second-looks", json.dumps({"session": session}).encode(), "application/json"
        )
    return _http("/v1/second-looks", SecondLook(session[:64]).to_bytes())


ODD = [
    None, True, -1, 0, 1.5, 10**400, 2**63, "", " ", "\0", "\ud800", "a" * 5_000, [], {}, [[]] * 9,
    {"a": 1}, float("inf"), float("nan"), "../../etc/passwd", "<script>", "Ω" * 1_000,
]  # fmt: skip


def _odd_json(target: Target, chance: random.Random) -> bytes:
    """JSON that doesn't fit: a field of another type, missing, or too many."""
    name, image = chance.choice(target.images)
    fields = {
        "question": "What?", "original_size": [768, 768], "image_format": name,
        "image": base64.b64encode(image).decode(),
    }  # fmt: skip
    path = chance.choice(["/v1/questions", "/v1/local-images", "/v1/second-looks"])
    if path != "/v1/questions":
        fields = {"session": target.session(chance)} | (
            {"image": fields["image"], "image_format": name} if "local" in path else {}
        )
    for _ in range(chance.randrange(1, 3)):
        key = chance.choice([*fields, "kind", "__class__", "extra"])
        match chance.randrange(4):
            case 0:
                fields.pop(key, None)
            case 1:
                fields["original_size"] = [chance.choice(ODD) for _ in range(chance.randrange(4))]
            case _:
                fields[key] = chance.choice(ODD)
    return _http(path, json.dumps(fields).encode(), "application/json")


def _broken_json(target: Target, chance: random.Random) -> bytes:
    """Return what isn't JSON at all, or is far too deep."""
    deep = chance.choice([b"[", b'{"a":', b'{"question":[']) * chance.randrange(1, 20_000)
    text = json.dumps({"question": "What?", "session": target.session(chance)}).encode()
    body = chance.choice([deep, damage(text, chance, len(text)), b"\xff\xfe" + text, b""])
    kind = chance.choice(
        ["application/json", "application/json; charset=utf-16", "APPLICATION/JSON"]
    )
    return _http(chance.choice(["/v1/questions", "/v1/second-looks"]), body, kind)


PATHS = [
    b"/../../../etc/passwd", b"/v1/../../etc/passwd", b"/v1/questions/../info", b"//v1//info",
    b"/%2e%2e/%2e%2e/etc/passwd", b"/v1/info%00", b"/v1/info;a=b", b"/v1/info?" + b"a=b&" * 3_000,
    b"/static-offline-docs/../app.py", b"/static-offline-docs/%2e%2e/core.py",
    b"/static-offline-docs//etc/passwd", b"/static-offline-docs/..%2f..%2fcore.py", b"*",
    b"http://169.254.169.254/latest/meta-data", b"/v1/info#\xff", b"/" + b"a" * 8_000, b"/\xff\xfe",
    b"/v1/info%", b"/v1/questions%0d%0aX: y", b"/docs?url=http://localhost/", b"/metrics/../health",
]  # fmt: skip
METHODS = [
    b"GET",
    b"HEAD",
    b"PUT",
    b"DELETE",
    b"OPTIONS",
    b"TRACE",
    b"CONNECT",
    b"PATCH",
    b"A" * 99,
]


def _odd_path(target: Target, chance: random.Random) -> bytes:
    """Somewhere else on the disk, or on the network."""
    head = chance.choice(METHODS) + b" " + chance.choice(PATHS) + b" HTTP/1.1\r\n"
    return head + b"Host: localhost\r\nConnection: close\r\n\r\n"


def _odd_head(target: Target, chance: random.Random) -> bytes:
    """Headers that contradict each other or the body, or are enormous."""
    path, message = _good(target, chance)
    more = chance.choice(
        [
            [b"Content-Length: 3"], [b"Transfer-Encoding: chunked"],
            [b"Transfer-Encoding: identity"], [b"X: " + b"y" * 70_000],
            [b"X%d: y" % i for i in range(2_000)], [b"Expect: 100-continue"],
            [b"Authorization: Bearer " + b"\xff" * 100], [b"Idempotency-Key: \xc3\xbc\x01"],
            [b"Idempotency-Key: " + b"k" * 5_000], [b"Content-Encoding: gzip"],
            [b"X-Forwarded-For: 8.8.8.8"], [b"Upgrade: websocket", b"Connection: Upgrade"],
            [b" folded: header"], [b"NoColon"], [b"Range: bytes=0-1"], [b"Host: evil.example"],
        ]
    )  # fmt: skip
    kinds = ["text/plain", "multipart/form-data; boundary=x", "image/jpeg", "", "*/*", COMPACT]
    return _http(path, message, chance.choice(kinds), *more)


def _half_sent(target: Target, chance: random.Random) -> bytes:
    """A request that stops: the server has to give up on it by itself."""
    path, message = _good(target, chance)
    whole = _http(path, message)
    # Most of them a few bytes short of the end, so that the client, which then closes, is quick.
    return (
        whole[: chance.randrange(1, len(whole))] if chance.random() < 0.05 else whole + b"junk" * 9
    )


def _too_much(target: Target, chance: random.Random) -> bytes:
    """More than is allowed, or less than is announced."""
    announced = chance.choice([10**9, 10**30, 5 * 2**20])
    return _http("/v1/questions", b"", COMPACT).replace(
        b"Content-Length: 0", b"Content-Length: %d" % announced
    ) + b"x" * chance.randrange(100_000)


def _damaged_image(target: Target, chance: random.Random) -> bytes:
    """A whole message around an image that is damaged, lies about itself, or is a bomb."""
    name, data = chance.choice(target.images)
    match chance.randrange(5):
        case 0:
            data = chance.choice(BOMBS)(chance)
            name = "png"
        case 1:  # of another format than it says, or two in one
            data = chance.choice([data[: len(data) // 2], b""]) + chance.choice(target.images)[1]
        case _:
            data = damage(data, chance, chance.choice([40, len(data)])) or b"x"
    if chance.random() < 0.3:
        return _http("/v1/local-images", LocalImage(target.session(chance), data, name).to_bytes())
    return _http("/v1/questions", target.question(chance, (name, data)).to_bytes())


def damage(data: bytes, chance: random.Random, within: int) -> bytes:
    """`data` with one to eight changes among its first `within` bytes, or cut short."""
    out = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 8])):
        place = chance.randrange(max(1, min(within, len(out))))
        match chance.randrange(6):
            case 0 | 1:
                out[place : place + 1] = bytes([chance.randrange(256)])
            case 2:
                out[place : place + 4] = struct.pack(">I", chance.choice([0, 1, 2**31, 2**32 - 1]))
            case 3:
                del out[place : place + chance.randrange(1, 50)]
            case 4:
                out[place:place] = out[place : place + chance.randrange(1, 200)]
            case 5:
                del out[place:]
    return bytes(out)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@functools.cache
def _packed(size: int) -> bytes:
    return zlib.compress(b"\0" * size, 9)


def _png(width: int, height: int, *chunks: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + b"".join(chunks) + _chunk(b"IEND", b"")


def _enormous(chance: random.Random) -> bytes:
    """A header that announces gigapixels."""
    side = chance.choice([30_000, 2**31 - 1])
    return _png(side, side, _chunk(b"IDAT", zlib.compress(b"\0" * 10**6)))


def _text_bomb(chance: random.Random) -> bytes:
    """A comment that unpacks to a hundred megabytes."""
    text = _chunk(chance.choice([b"zTXt", b"iCCP"]), b"a\0\0" + _packed(10**8))
    return _png(64, 64, text, _chunk(b"IDAT", zlib.compress(b"\0" * 64 * 193)))


def _data_bomb(chance: random.Random) -> bytes:
    """Small by its header, with a thousand times the data."""
    return _png(64, 64, _chunk(b"IDAT", _packed(10**7)))


def _many_frames(chance: random.Random) -> bytes:
    """An animation of a thousand frames, called a PNG."""
    file = io.BytesIO()
    frames = [Image.new("P", (32, 32), i % 256) for i in range(200)]
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    return file.getvalue()


BOMBS: list[Make] = [_enormous, _text_bomb, _data_bomb, _many_frames]
REQUESTS = [
    _flipped, _flipped, _misplaced, _guessed_session, _odd_json, _odd_json, _broken_json, _odd_path,
    _odd_head, _half_sent, _too_much,
]  # fmt: skip


if __name__ == "__main__":
    try:
        sys.exit(main())
    except EdgeError as error:
        sys.exit(str(error))
