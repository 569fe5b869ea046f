"""A certificate: an η, what it promises, and what it was set on, as a JSON file.

`core.bench.analysis.promises.guarantee` sets it, `Gate.from_certificate` takes the gate from it.
A promise holds for the model, the codec, the fit and the prompt it was set with, and for images
drawn alike: what can be seen of that is checked here, in one sentence; whether the world has
shifted, core.server.watch.drift watches.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from core.checked import read_checked
from core.croppers import DEFAULT
from core.support.whole import write_whole
from core.uncertainty import Gate

if TYPE_CHECKING:
    from core.vlm.base import VLM

__all__ = ["GAIN", "Certificate", "CertificateError", "Promise", "Setting"]

GAIN = "gain_"  # begins the name of a metric that a file brings (core.gain)
# Options of loading that change an answer.
SAME = (
    "dtype", "bits", "attention_layer", "resolution", "fit", "instruction", "base_side",
    "min_cells", "generic_prompt", "look", "likeliest", "end_token",
)  # fmt: skip
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
_STRICT = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


Threshold = float | Literal["Infinity", "-Infinity"]  # JSON has no infinity


class CertificateError(ValueError):
    """This certificate can't be used, or not here; the text is one sentence that says why."""


class Promise(BaseModel):
    """What is at most how much, on average: see `core.bench.analysis.promises.goal.Goal`."""

    model_config = _STRICT

    what: str
    at_most: Annotated[float, Field(gt=0)]
    group: str | None = None  # it holds for; None: for all questions
    measured: float  # on the questions it was set on
    bound: float  # what could have been promised of this η alone
    largest: float  # what no question may exceed for it to hold; 1 for shares


class Setting(BaseModel):
    """What a promise holds for. None, and {}: not known, and so not compared."""

    model_config = _STRICT

    model: str
    revision: str | None
    load: dict[str, Any]  # options of `load_vlm`
    prompt: str
    codec: str | None
    quality: int | None
    cropper: str = DEFAULT  # what chooses the box

    @classmethod
    def of_run(cls, metadata: Any) -> Self:
        """Return that of a run, from its `core.bench.Metadata`."""
        return cls(**{name: getattr(metadata, name) for name in cls.model_fields})

    @classmethod
    def of_model(cls, vlm: VLM, cropper: str = DEFAULT) -> Self:
        """Return that of a loaded model that looks again by a cropper; edges choose the codec."""
        from core.vlm.base import VLMError
        from core.vlm.loading.revision import revision

        try:
            weights = revision(vlm)  # a digest of gigabytes may have to be made
        except VLMError:  # it isn't there under its name any more
            weights = None
        return cls(
            model=vlm.info.name, revision=weights, load=dict(vlm.info.load),
            prompt=vlm.prompt_text("{question}", 1), codec=None, quality=None,
            cropper=cropper,
        )  # fmt: skip


class Certificate(BaseModel):
    """An η with a promise. Everything is as the file has it."""

    model_config = _STRICT

    kind: Literal["second-look certificate"] = "second-look certificate"
    version: Literal[1] = 1
    metric: str
    threshold: Threshold
    first_tokens: Annotated[int, Field(ge=1)] | None
    promises: Annotated[tuple[Promise, ...], Field(min_length=1, strict=False)]
    confidence: Share | None  # 1 − δ of all promises together; None: each on average
    metrics: Annotated[tuple[str, ...], Field(strict=False)]  # that were tried
    questions: Annotated[int, Field(ge=1)]
    images: Annotated[int, Field(ge=1)]
    asked: Count  # of the questions, again: where η was set
    dataset: str
    split: str
    data: str  # SHA-256 of what η was set on
    date: str
    setting: Setting

    @property
    def gate(self) -> Gate:
        return Gate(self.metric, float(self.threshold), self.first_tokens)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Self:
        """Read a certificate's file. Raises CertificateError for anything else."""
        found = read_checked(path, cls, "a certificate", CertificateError)
        name = repr(Path(path).name)
        try:
            _ = found.gate  # has rules of its own
        except ValueError as error:
            why = str(error)
            if found.metric.startswith(GAIN):
                why = f"its gate is on the gain {found.metric}; say that one's file with --gain."
            raise CertificateError(f"{name} can't be used: {why}") from None
        if found.asked > found.questions or found.images > found.questions:
            raise CertificateError(f"{name} counts more than there are questions.")
        return found

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the file, whole or not at all."""
        write_whole(path, self.to_json())

    def to_json(self) -> str:
        values = self.model_dump()
        return json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    @property
    def unchecked(self) -> str | None:
        """Return what `check` can't see of this certificate, in a sentence; None: it sees all."""
        if self.setting.load:
            return None
        return (
            "The certificate doesn't say how the model was loaded, because its run is older than "
            "that record: its promise holds with the layer, the fit and the resolution of that "
            "run, which isn't checked."
        )

    def check(self, other: Setting) -> None:
        """Raise CertificateError if this isn't what the promise holds for."""
        mine = self.setting
        known = mine.revision is not None and other.revision is not None
        for what, value, found in (
            # The same weights may have been loaded by another name.
            ("the model", mine.model, mine.model if known else other.model),
            (f"the model {mine.model!r} of revision", mine.revision, other.revision),
            ("the prompt", mine.prompt, other.prompt),
            ("the codec", mine.codec, other.codec),
            ("a codec of quality", mine.quality, other.quality),
            ("the cropper", mine.cropper, other.cropper),
            *_loaded(mine.load, other.load),
        ):
            if value is not None and found is not None and value != found:
                raise CertificateError(
                    f"The certificate holds for {what} {_shown(value)}, and this is "
                    f"{_shown(found)}: set η anew with `calibrate` on a run recorded like this."
                )

    def __str__(self) -> str:
        sure = "On average" if self.confidence is None else f"With confidence {self.confidence:g}"
        groups: dict[str, list[str]] = {}
        for promise in self.promises:
            groups.setdefault(_sentence(promise), []).extend(
                [] if promise.group is None else [repr(promise.group)]
            )
        texts = [
            f"{text} in each of the groups {', '.join(names)}" if names else text
            for text, names in groups.items()
        ]
        return f"{sure}, {' and '.join(texts)}."


def written(threshold: float) -> Threshold:
    """Return η as a certificate holds it."""
    if math.isinf(threshold):
        return "Infinity" if threshold > 0 else "-Infinity"
    return threshold


def _loaded(mine: Mapping[str, Any], other: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Return how a model was loaded, as far as both say: a resolution of None is one, too."""
    if not mine or not other:
        return []
    names = {
        "resolution": "the resolution", "fit": "the fit", "instruction": "the instruction",
    }  # fmt: skip
    return [
        (names.get(name, name), str(mine.get(name)), str(other.get(name)))
        for name in SAME
        if name in mine and name in other
    ]


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, str) else str(value)


def _sentence(promise: Promise) -> str:
    """Return what is promised, within a sentence."""
    shares = {"lost": "lost", "wrong": "wrong among those not asked again",
              "additional_cost": "asked again"}  # fmt: skip
    if promise.what in shares:
        return f"at most {100 * promise.at_most:.3g} % are {shares[promise.what]}"
    return f"a question takes at most {promise.at_most:.6g} {promise.what} in the mean"
