"""Metadata of a run as JSON in the footer of its file, under a checksum of their own."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.bench.runs.errors import DamagedError, RunError
from core.bench.runs.files.refusals import name_of
from core.bench.runs.metadata import Metadata

if TYPE_CHECKING:
    import pyarrow.parquet as pq

SCHEMA = 6
KEY, DIGEST_KEY = b"second_look", b"second_look_sha256"
# Fields that came later: name -> the schema of the first files that have it.
ADDED_METADATA = {"load": 2, "code": 2, "cropper": 5, "rounds": 6, "keeps": 6}
MAX_METADATA = 1 << 20  # bytes


def entries_of(metadata: Metadata, samples: int) -> dict[bytes, bytes]:
    """Return the metadata as entries of a footer.

    Parquet has no checksum over it, so they bring their own. Raises RunError for too long ones.
    """
    text = json.dumps({"schema": SCHEMA, "samples": samples, **asdict(metadata)}).encode()
    if len(text) > MAX_METADATA:
        raise RunError(f"The metadata of a run take at most {MAX_METADATA:,} bytes.")
    return {KEY: text, DIGEST_KEY: hashlib.sha256(text).hexdigest().encode()}


def read_metadata(file: pq.ParquetFile, path: Path) -> tuple[Metadata, int]:
    """Return the metadata, and how many samples there are.

    Raises RunError if this isn't the metadata of a run that this version can read.
    """
    entries = file.metadata.metadata or {}
    text = entries.get(KEY)
    if text is None:
        raise RunError(f"{name_of(path)} is a Parquet file, but not a run file of Second Look.")
    damaged = DamagedError(
        f"The metadata of {name_of(path)} are damaged: copy or make the file again."
    )
    digest = hashlib.sha256(text).hexdigest().encode()
    if len(text) > MAX_METADATA or entries.get(DIGEST_KEY) != digest:
        raise damaged
    try:
        values: dict[str, Any] = json.loads(text)
        schema = values.pop("schema")
    except (ValueError, RecursionError, KeyError, AttributeError, TypeError):
        raise damaged from None
    if type(schema) is not int or schema < 1:
        raise damaged
    samples = values.pop("samples", None) if schema >= 6 else file.metadata.num_rows
    if schema > SCHEMA:
        raise RunError(
            f"{name_of(path)} was written by a newer version (schema {schema}; this one reads up "
            f"to {SCHEMA}): update Second Look."
        )
    names = {f.name for f in fields(Metadata) if ADDED_METADATA.get(f.name, 1) <= schema}
    if values.keys() != names:
        odd = ", ".join(sorted(values.keys() ^ names))
        raise RunError(
            f"The metadata of {name_of(path)} lack a field or have one too many: {odd:.200}."
        )
    if type(samples) is not int:
        raise damaged
    try:
        return Metadata.from_json(values), samples
    except RunError as error:
        raise DamagedError(f"{name_of(path)} is not a valid run file: {error}") from None
