"""Settings of models in a small file of the user's, by model and revision.

    {"llava-hf/llava-1.5-7b-hf": {
        "b234b804b114d9e37bb655e11cbbb5f5e971b7a9": {
            "attention_layer": 14, "base_side": 336, "thresholds": {"min_entropy": 0.41}}}}

What can be set is what a checkpoint can say of itself (core.vlm.loading.settings), and `fit`. A
model on this machine goes by its folder, and its revision is a digest of its files; "any" stands
for every revision. `core.vlm tune` and the page write the file, and so can people.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from core.support.bundled import SETTINGS
from core.support.whole import NotWritten, check_writable, write_whole
from core.vlm.base import VLMError
from core.vlm.loading.arguments import FITS
from core.vlm.loading.revision import revision_of
from core.vlm.loading.settings import Settings

if TYPE_CHECKING:
    from core.vlm.loading.checkpoint import Checkpoint

ANY = "any"
Models = dict[str, dict[str, dict[str, Any]]]  # model -> revision -> its settings

log = logging.getLogger(__name__)


class Own(NamedTuple):
    """What a file says of one model."""

    where: str = ""  # the file, for sentences
    said: Mapping[str, Any] = MappingProxyType({})
    fit: str | None = None  # which no checkpoint says of itself


def usual_file() -> Path:
    """Return where the file lies if no other is named: in the folder that XDG gives."""
    folder = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(folder).expanduser() / "second-look" / "models.json"


def shipped_settings(checkpoint: Checkpoint) -> Own:
    """Return what comes with the code about a checkpoint, beside what it says itself."""
    return _own(SETTINGS.name, read(SETTINGS).get(checkpoint.name, {}).get(ANY, {}))


def own_settings(checkpoint: Checkpoint, path: str | os.PathLike[str] | None) -> Own:
    """Return what the user's file says of a checkpoint.

    path: the file; "": none; None: the usual one, which needn't be there. Raises VLMError for a
    file that isn't there or can't be read.
    """
    if path == "" or (path is None and not usual_file().is_file()):
        return Own()
    file = usual_file() if path is None else Path(path)
    revisions = read(file).get(key(checkpoint.name), {})
    if not revisions:
        return Own()
    revision = revision_of(checkpoint)
    found = revisions.get(revision or ANY, revisions.get(ANY))
    if found is None:
        log.warning(
            "%s has settings of %r for revision %s, and this is %s: they are not used.",
            file, checkpoint.name, " or ".join(sorted(revisions)), revision,
        )  # fmt: skip
        return Own()
    known = [*(one.name for one in fields(Settings)), "fit"]
    if unknown := sorted(set(found) - set(known)):
        names = ", ".join(known)
        raise _broken(
            file, f"{checkpoint.name!r} has an unknown key {unknown[0]!r} there; known are {names}"
        )
    if found.get("fit") not in (None, *FITS):
        ways = ", ".join(FITS)
        raise _broken(file, f"the fit {found['fit']!r} of {checkpoint.name!r} isn't one of {ways}")
    return _own(str(file), found)


def _own(where: str, found: Mapping[str, Any]) -> Own:
    said = {name: value for name, value in found.items() if name != "fit"}
    return Own(where, said, found.get("fit"))


def read(file: Path) -> Models:
    """Return what a file says of all its models. Raises VLMError, one sentence."""
    try:
        found = json.loads(file.read_text("utf-8-sig"))  # an editor may put a mark before it
    except OSError as error:
        raise VLMError(
            f"The settings file {str(file)!r} can't be read: {error.strerror}."
        ) from None
    except ValueError as error:  # not UTF-8, or not JSON
        raise _broken(file, f"it is not JSON ({error})") from None
    except RecursionError:
        raise _broken(file, "it is nested without end") from None
    if not isinstance(found, dict):
        raise _broken(file, "it must be an object with a model's name for each key")
    for model, revisions in found.items():
        if not isinstance(revisions, dict):
            raise _broken(file, f"{model!r} must be an object with a revision, or any, for a key")
        for revision, said in revisions.items():
            if not isinstance(said, dict):
                raise _broken(file, f"{model!r}, {revision!r} must be an object with its settings")
    return found


def file_to_fill(said: str | None) -> Path:
    """Return the file that settings are written into, as ``--settings`` says; None: the usual one.

    Raises VLMError if it says none, or if nothing can be written there: known before anything is
    measured.
    """
    if said == "":
        raise VLMError("What is best is written into a file of settings: name one.")
    file = usual_file() if said is None else Path(said)
    try:
        check_writable(file)
    except NotWritten as error:
        raise VLMError(f"{error} Name another file with --settings.") from None
    return file


def write(file: Path, name: str, revision: str | None, said: Mapping[str, Any]) -> None:
    """Put settings of a model, in a revision, into a file; all else in it stays.

    name: of `ModelInfo`. revision: as `core.vlm.loading.revision` gives it; None: any. Raises
    VLMError for a file that can't be read, OSError for one that can't be written.
    """
    models = read(file) if file.exists() else {}
    revisions = models.setdefault(key(name), {})
    revision = revision or ANY
    before = revisions.get(revision, revisions.get(ANY, {}))
    merged = {**before, **said}
    if isinstance(before.get("thresholds"), dict) and "thresholds" in said:
        merged["thresholds"] = {**before["thresholds"], **said["thresholds"]}
    revisions[revision] = merged
    write_whole(file, json.dumps(models, indent=2, ensure_ascii=False) + "\n")


def key(name: str) -> str:
    """Return what stands for a model in a file: of a folder its path, however it was written."""
    folder = Path(name).expanduser()
    return str(folder.resolve()) if name != "pocket" and folder.is_dir() else name


def _broken(file: Path, why: str) -> VLMError:
    return VLMError(
        f"The settings file {str(file)!r} can't be used: {why}. Correct it, or move it away."
    )
