"""Photographs with writing in them, by reference: who keeps them, and what is asked of each.

`photographs.jsonl` has one picture a line: repository, commit and path of a public GitHub
repository, SHA-256 and size of the file, the licence of that repository (which needn't be the
picture's), and one or two questions, with every answer that is right and the box of the writing in
pixels of the upright picture. The pictures themselves aren't part of this project.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

import httpx

from core.support.proxies import way_to
from core.support.whole import write_whole

LIST = Path(__file__).with_name("photographs.jsonl")
HOST = "https://raw.githubusercontent.com"
TIMEOUT = 20.0  # seconds, for a connection and for each part of an answer


class Missing(Exception):
    """A picture isn't to be had; the text is one sentence."""


class Unreachable(Missing):
    """No picture is to be had from there."""


@dataclass(frozen=True)
class Photograph:
    repository: str  # OWNER/NAME
    commit: str
    path: str
    sha256: str
    size: int  # bytes
    licence: str  # of the repository
    questions: tuple[dict[str, Any], ...]  # question, answers, boxes: as `folder` takes them

    @property
    def name(self) -> str:
        """A file's name that every system takes."""
        return self.sha256[:12] + PurePosixPath(self.path).suffix.lower()

    @property
    def source(self) -> str:
        return f"{self.path} of {self.repository}"

    def is_right(self, data: bytes) -> bool:
        return len(data) == self.size and hashlib.sha256(data).hexdigest() == self.sha256


Fetch = Callable[[Photograph], bytes]  # raises Missing


def photographs(path: Path = LIST) -> list[Photograph]:
    lines = map(json.loads, path.read_text("utf-8").splitlines())
    return [Photograph(**line | {"questions": tuple(line["questions"])}) for line in lines]


@contextmanager
def from_web(host: str = HOST) -> Iterator[Fetch]:
    """Yield what downloads a picture; never more of it than its size.

    Raises EnvironmentFault if the environment names a proxy or certificates that can't be used.
    """
    way = way_to(httpx.URL(host))
    with httpx.Client(
        proxy=way.proxy, verify=way.certificates, trust_env=False, timeout=TIMEOUT
    ) as client:

        def fetch(photograph: Photograph) -> bytes:
            place = f"{photograph.repository}/{photograph.commit}/{photograph.path}"
            data = b""
            try:
                with client.stream("GET", f"{host}/{quote(place)}") as answer:
                    if answer.status_code != httpx.codes.OK:
                        raise Missing(f"the server answered {answer.status_code}")
                    for part in answer.iter_bytes():
                        data += part
                        if len(data) > photograph.size:
                            break
            except httpx.ConnectError as error:
                raise Unreachable(f"{host} can't be reached ({error})") from None
            except httpx.HTTPError as error:
                raise Missing(f"it can't be downloaded ({error or type(error).__name__})") from None
            return data

        yield fetch


def from_clones(folder: Path) -> Fetch:
    """Return what reads a picture from bare git directories in a folder, named OWNER+NAME."""

    def fetch(photograph: Photograph) -> bytes:
        if not folder.is_dir():
            raise Unreachable(f"there is no folder {folder}")
        clone = folder / photograph.repository.replace("/", "+")
        if not clone.is_dir():
            raise Missing(f"there is no git directory {clone.name} in {folder}")
        blob = f"{photograph.commit}:{photograph.path}"
        try:  # a clone from elsewhere may say where to fetch what it lacks; it isn't asked
            done = subprocess.run(
                ["git", "--git-dir", clone, "cat-file", "blob", blob],
                capture_output=True,
                env=os.environ | {"GIT_NO_LAZY_FETCH": "1"},
            )
        except FileNotFoundError:
            raise Missing("git isn't installed") from None
        if done.returncode:
            raise Missing(f"{clone.name} has no such file at commit {photograph.commit[:12]}")
        return done.stdout

    return fetch


def gather(
    wanted: Iterable[Photograph], fetch: Fetch, folder: Path, say: Callable[[str], None]
) -> list[Photograph]:
    """Write the pictures into a folder and return those that are there, unchanged.

    What is there already isn't fetched again. A sentence is said of each that is missing, or one of
    all where nothing can be reached. Raises NotWritten if the folder can't be written to.
    """
    there, reached = [], True
    for photograph in wanted:
        path = folder / photograph.name
        try:
            if not (path.is_file() and photograph.is_right(path.read_bytes())):
                if not reached:
                    continue
                data = fetch(photograph)
                if not photograph.is_right(data):
                    raise Missing("what came is another file, by its size or SHA-256")
                write_whole(path, data)
        except Unreachable as reason:
            reached = False
            say(f"What isn't here yet is left out: {reason}.")
        except Missing as reason:
            say(f"Missing: {photograph.source}: {reason}.")
        else:
            there.append(photograph)
    return there


def questions(there: Iterable[Photograph], folder: str) -> Iterator[dict[str, Any]]:
    """Yield the lines that the data set `folder` takes, for pictures in that folder beside it."""
    for photograph in there:
        for number, question in enumerate(photograph.questions, start=1):
            name = f"{photograph.sha256[:12]}-{number}"
            yield {"id": name, "image": f"{folder}/{photograph.name}", **question}
