import os

import pandas as pd
import pytest

from core.bench.runs.files import list_runs, load_run, opening, save_run, writing
from tests.support.run_files import equal, refused
from tools.doubles.synthetic import synthetic_run

pq = pytest.importorskip("pyarrow.parquet")


def test_a_file_that_is_no_run(tmp_path):
    path = tmp_path / "x.parquet"
    refused(path, "There is no run file")
    for content in (b"", b"PA", b"id,answer\n1,a\n", b"\x80\x04K\x01."):
        path.write_bytes(content)
        refused(path, "it isn't Parquet")
    pd.DataFrame({"a": [1]}).to_parquet(path)
    refused(path, "a Parquet file, but not a run file")
    path.unlink()
    path.mkdir()
    refused(path, "There is no run file")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(saved):
    _, path = saved
    path.chmod(0)
    refused(path, "permissions")


def test_a_strangers_file_too_large_to_be_looked_at_is_not_opened(saved, monkeypatch):
    _, path = saved
    monkeypatch.setattr(pq, "ParquetFile", None)
    refused(path, "takes over 100 bytes", max_bytes=100)


def test_a_file_of_ones_own_has_no_limits(tmp_path, monkeypatch):
    """Nor has its footer, which grows with the row groups."""
    monkeypatch.setattr(opening, "MAX_FOOTER", 10)
    monkeypatch.setattr(writing, "ROWS_PER_GROUP", 1)
    run = synthetic_run(40)
    save_run(run, tmp_path / "run.parquet")
    assert equal(load_run(tmp_path / "run.parquet"), run)
    assert list_runs(tmp_path)[0].problem is None
    refused(tmp_path / "run.parquet", "damaged", max_bytes=2**30)
