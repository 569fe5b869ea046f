import os
from dataclasses import replace

import pandas as pd
import pytest

from core.bench.runs.errors import RunError
from core.bench.runs.files import load_run, save_pieces, save_run, writing
from core.bench.runs.record import Record
from core.bench.runs.run import Run
from tests.support.run_files import equal
from tests.support.strategies import METADATA
from tools.doubles.synthetic import synthetic_run

pq = pytest.importorskip("pyarrow.parquet")


def test_any_parquet_reader_reads_it(saved):
    run, path = saved
    frame = pd.read_parquet(path)
    assert frame["first_score"].tolist() == run.first_score.tolist()
    assert frame["question"].tolist() == run.question.tolist()
    assert list(frame["tokens_min_entropy"][3]) == list(run.record(3).scores["min_entropy"])
    assert frame["first_flops_exact"].isna().all()


def test_saving_replaces_the_file_in_one_step_or_leaves_it(saved, monkeypatch):
    _, path = saved
    before = path.read_bytes()

    def fail(*_):
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fail)
        with pytest.raises(OSError, match="disk full"):
            save_run(synthetic_run(3), path)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]  # nothing half written lies about
    save_run(synthetic_run(3), path)
    assert len(load_run(path)) == 3
    assert os.listdir(path.parent) == [path.name]


def test_a_new_file_is_as_readable_as_any_other(saved):
    _, path = saved
    (path.parent / "other").touch()
    assert path.stat().st_mode == (path.parent / "other").stat().st_mode


def test_pieces_are_written_as_the_run_that_they_make(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "ROWS_PER_GROUP", 16)
    run = synthetic_run(50)
    failed = Record("x", "i", "?", "?", "[]", error="It failed.")
    whole = [failed, *(run.record(i) for i in range(50))]
    pieces = (Run.from_records(part, METADATA) for part in (whole[:1], whole[1:41], [], whole[41:]))
    save_pieces(pieces, METADATA, run.metrics, tmp_path / "run.parquet")
    assert equal(load_run(tmp_path / "run.parquet"), Run.from_records(whole, METADATA))
    assert pq.ParquetFile(tmp_path / "run.parquet").num_row_groups == 4


@pytest.mark.parametrize(
    ("second", "match"),
    [
        (synthetic_run(1), "'0' is there twice"),
        (replace(synthetic_run(1), id=["b"], scores={"min_entropy": synthetic_run(1).scores[
            "min_entropy"]}), "the same metrics"),
    ],
)  # fmt: skip
def test_pieces_that_make_no_run_are_not_written(tmp_path, second, match):
    first = synthetic_run(3)
    with pytest.raises(RunError, match=match):
        save_pieces([first, second], METADATA, first.metrics, tmp_path / "run.parquet")
    assert not list(tmp_path.iterdir())


def test_what_would_not_be_read_is_not_written(tmp_path):
    path = tmp_path / "run.parquet"
    row = synthetic_run(1).record(0)
    with pytest.raises(RunError, match="question of sample '0' is longer"):
        save_run(Run.from_records([replace(row, question="x" * 100_001)], METADATA), path)
    with pytest.raises(RunError, match="metadata of a run take at most"):
        save_run(replace(synthetic_run(1), metadata=replace(METADATA, command="x" * 2**20)), path)
    assert not path.exists()
