import hashlib
from dataclasses import replace

import pytest

from core.bench.runs.files import footer, load_run, save_run
from core.bench.runs.files.footer import DIGEST_KEY, KEY
from core.bench.runs.metadata import Code
from tests.support.run_files import OF_6, equal, metadata_entries, refused, rewrite
from tools.doubles.synthetic import synthetic_run


def test_options_and_code_come_back(tmp_path):
    code = (Code("a" * 40, True, None), Code(None, None, "0.1"))
    run = synthetic_run(2)
    run = replace(
        run, metadata=replace(run.metadata, load={"resolution": 224}, code=code, cropper="blank")
    )
    save_run(run, tmp_path / "run.parquet")
    assert load_run(tmp_path / "run.parquet").metadata == run.metadata


def test_a_newer_schema(saved):
    _, path = saved
    rewrite(path, entries=metadata_entries(path, schema=footer.SCHEMA + 1))
    refused(path, "written by a newer version .* update Second Look")


@pytest.mark.parametrize("schema", [0, -1, "1", True, None, 1.0])
def test_a_schema_that_never_was(saved, schema):
    _, path = saved
    rewrite(path, entries=metadata_entries(path, schema=schema))
    refused(path, "metadata of .* are damaged")


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"model": ...}, "lack a field or have one too many: model"),
        ({"extra": 1}, "lack a field or have one too many: extra"),
        ({"model": 3}, "model must be a text"),
        ({"versions": {"a": []}}, "versions must map"),
        ({"load": []}, "load must be an object"),
        ({"code": {}}, "code must be a list of clean, commit, version"),
        ({"code": ["abc"]}, "code must be a list of clean, commit, version"),
        ({"code": [{"commit": "a"}]}, "code must be a list of clean, commit, version"),
        ({"code": [{"commit": 7, "clean": None, "version": None}]}, "commit .* can't be 7"),
        ({"code": [{"commit": "a", "clean": 1, "version": None}]}, "clean .* can't be 1"),
        ({"schema": ...}, "damaged"),
    ],
)
def test_metadata_that_are_not_those_of_a_run(saved, changes, match):
    _, path = saved
    rewrite(path, entries=metadata_entries(path, **changes))
    refused(path, match)


@pytest.mark.parametrize("text", [b"[]", b"{", b"\xff", b"[" * 100_000, b"1", b'{"schema": 1' * 9])
def test_metadata_that_are_no_json_object(saved, text):
    _, path = saved
    digest = hashlib.sha256(text).hexdigest().encode()
    rewrite(path, entries={KEY: text, DIGEST_KEY: digest})
    refused(path, "metadata of .* are damaged")


def test_metadata_that_were_changed_by_accident(saved):
    _, path = saved
    rewrite(path, entries={DIGEST_KEY: b"0" * 64})
    refused(path, "metadata of .* are damaged")


def test_a_file_of_the_first_schema_knows_neither_options_nor_code(saved):
    run, path = saved
    entries = metadata_entries(path, load=..., code=..., cropper=..., **OF_6, schema=1)
    rewrite(path, entries=metadata_entries(path, **OF_6, schema=1))
    refused(path, "lack a field or have one too many: code, cropper, load")
    rewrite(path, entries=entries)
    assert equal(load_run(path), run)  # an invented run knows nothing of them either
