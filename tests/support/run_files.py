"""Run files as tests need them: compared bit by bit, written again with something else in them."""

import hashlib
import json
from dataclasses import fields, replace

import numpy as np
import pytest

from core.bench.runs.errors import RunError
from core.bench.runs.files import load_run
from core.bench.runs.files.footer import DIGEST_KEY, KEY
from core.bench.runs.record import Record
from core.bench.runs.run import Run
from tools.doubles.synthetic import synthetic_run

pq = pytest.importorskip("pyarrow.parquet")

OF_6 = {"rounds": ..., "keeps": ..., "samples": ...}  # what files before schema 6 lack


def with_second(samples: int) -> Run:
    """A run whose second answers are as sure as the first ones of another."""
    run, other = synthetic_run(samples), synthetic_run(samples, seed=1)
    return replace(run, second_scores=other.scores, second_offsets=other.offsets)


def equal(a: Run, b: Run) -> bool:
    """To the last bit; NaN is NaN."""
    return (
        a.metadata == b.metadata
        and _same_tokens(a.scores, b.scores, a.offsets, b.offsets)
        and _same_tokens(a.second_scores, b.second_scores, a.second_offsets, b.second_offsets)
        and np.array_equal(a.box, b.box)
        and all(
            np.array_equal(x, y, equal_nan=x.dtype == float)
            for x, y in (
                (getattr(a, f.name), getattr(b, f.name))
                for f in fields(Record)
                if f.name not in ("scores", "second_scores", "box")
            )
        )
    )


def _same_tokens(a, b, offsets_a, offsets_b) -> bool:
    same = a.keys() == b.keys() and np.array_equal(offsets_a, offsets_b)
    return same and all(np.array_equal(a[metric], b[metric]) for metric in a)


def rewrite(path, change=None, entries=None, **options):
    """The file again, as an ordinary Parquet writer would write it, its table changed."""
    file = pq.ParquetFile(path)
    table = file.read()
    table = change(table) if change else table
    kept = {KEY: file.metadata.metadata[KEY], DIGEST_KEY: file.metadata.metadata[DIGEST_KEY]}
    with pq.ParquetWriter(path, table.schema, **{"store_schema": False} | options) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata(kept | (entries or {}))


def changed(name, values):
    """A change for `rewrite`: a column has what `values` makes of it."""

    def change(table):
        return table.set_column(table.schema.get_field_index(name), name, values(table[name]))

    return change


def metadata_entries(path, **changes):
    """Entries for `rewrite`: the file's metadata with other fields, and without those of `...`."""
    text = pq.ParquetFile(path).metadata.metadata[KEY]
    values = json.loads(text) | changes
    text = json.dumps({k: v for k, v in values.items() if v is not ...}).encode()
    return {KEY: text, DIGEST_KEY: hashlib.sha256(text).hexdigest().encode()}


def refused(path, match, **limits):
    """What is wrong with a file is said in one sentence that names the file, but not its folder."""
    with pytest.raises(RunError, match=match) as caught:
        load_run(path, **limits)
    text = str(caught.value)
    assert path.name in text and str(path.parent) not in text
    assert text.endswith(".") and "\n" not in text
    assert len(text) < 400
