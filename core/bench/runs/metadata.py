"""Metadata of a run: what it takes to repeat it, and with which state of the code it was made."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Self

from core.bench.runs.errors import RunError
from core.bench.runs.later import MAX_ROUNDS
from core.croppers import DEFAULT


@dataclass(frozen=True)
class Code:
    """The state of this project that samples were recorded with."""

    commit: str | None  # of the checkout; None: installed from a wheel, or there is no git
    clean: bool | None  # whether the code was that commit's; None without one
    version: str | None  # of the installed package; None: not installed

    def __post_init__(self) -> None:
        for name, kind in (("commit", str), ("clean", bool), ("version", str)):
            value = getattr(self, name)
            if value is not None and type(value) is not kind:
                raise RunError(f"The {name} of a run's code can't be {value!r:.80}.")

    def __str__(self) -> str:
        if self.commit is not None:
            return f"commit {self.commit[:12]}{'' if self.clean else ' with changes'}"
        return f"version {self.version}" if self.version else "a version that is not known"


@dataclass(frozen=True)
class Metadata:
    """What it takes to repeat a run. None: not known, or there is none."""

    model: str
    revision: str | None
    parameters: int | None  # weights of the model
    dataset: str
    split: str
    seed: int | None
    codec: str  # of both images, a format of core.imaging.Codec
    quality: int | None
    prompt: str  # how a question is put to the model
    versions: dict[str, str]  # package -> version
    machine: str  # several, if samples were recorded on several
    date: str  # ISO 8601, of the beginning
    command: str
    source: dict[str, Any] = field(default_factory=dict)  # `Dataset.source`
    load: dict[str, Any] = field(default_factory=dict)  # `ModelInfo.load`; {}: not known
    # One, or several where a run was gone on with by other code; (): not known.
    code: tuple[Code, ...] = ()
    cropper: str = DEFAULT  # what chose the boxes, of core.croppers.CROPPERS
    rounds: int = 1  # local images of a question, at most
    keeps: bool = False  # whether an answer is from all local images so far, or from the newest

    def __post_init__(self) -> None:
        for name, kind, optional in (
            ("model", str, False), ("revision", str, True), ("parameters", int, True),
            ("dataset", str, False), ("split", str, False), ("seed", int, True),
            ("codec", str, False), ("quality", int, True), ("prompt", str, False),
            ("machine", str, False), ("date", str, False), ("command", str, False),
            ("cropper", str, False), ("rounds", int, False), ("keeps", bool, False),
        ):  # fmt: skip
            value = getattr(self, name)
            if type(value) is kind or (optional and value is None):
                continue
            wanted = {str: "a text", int: "a whole number", bool: "true or false"}[kind]
            raise RunError(f"The metadata's {name} must be {wanted}, not {value!r:.80}.")
        if not 1 <= self.rounds <= MAX_ROUNDS:
            raise RunError(f"The metadata's rounds must be 1 to {MAX_ROUNDS}, not {self.rounds}.")
        packages = self.versions
        if not isinstance(packages, dict) or not all(
            isinstance(text, str) for pair in packages.items() for text in pair
        ):
            raise RunError("The metadata's versions must map names of packages to texts.")
        for name in ("source", "load"):
            if not isinstance(getattr(self, name), dict):
                raise RunError(f"The metadata's {name} must be an object.")

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Return the metadata that `asdict` gave.

        Raises RunError for values that can't be, TypeError for other fields.
        """
        code, names = values.get("code", []), {f.name for f in fields(Code)}
        if not isinstance(code, list) or not all(
            isinstance(one, dict) and one.keys() == names for one in code
        ):
            raise RunError(f"The metadata's code must be a list of {', '.join(sorted(names))}.")
        return cls(**values | {"code": tuple(Code(**one) for one in code)})

    @property
    def made_with(self) -> str:
        """The code that the run was made with, in words."""
        return ", then ".join(map(str, self.code)) or "code that is not known"
