from pathlib import Path

import numpy as np
import pytest

from core.bench.runs.errors import DamagedError
from core.bench.runs.files import load_run, reading, save_run, stored, writing
from core.bench.runs.record import Record
from core.bench.runs.run import Run
from core.bench.runs.tokens import StoredScores
from tests.support.run_files import changed, equal, refused, rewrite, with_second
from tests.support.strategies import METADATA

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


@pytest.fixture
def large(tmp_path, monkeypatch):
    """A run with a failure, and the file of it, which is too large to be held."""
    monkeypatch.setattr(reading, "MAX_HELD", 0)
    monkeypatch.setattr(writing, "ROWS_PER_GROUP", 16)
    failed = Record("x", "i", "?", "?", "[]", error="It failed.")
    rows = [with_second(50).record(i) for i in range(50)]
    run = Run.from_records([*rows[:20], failed, *rows[20:]], METADATA)
    save_run(run, tmp_path / "run.parquet")
    return run, tmp_path / "run.parquet"


def test_token_scores_of_a_large_file_are_read_when_they_are_asked_for(large):
    run, path = large
    again = load_run(path)
    assert isinstance(again.scores, StoredScores) and isinstance(
        again.answered.scores, StoredScores
    )
    assert equal(again, run) and equal(again.answered, run.answered)
    assert repr(again.record(30)) == repr(run.record(30))
    some = np.array([40, 3, 20, 7])
    assert equal(again.select(some), run.select(some))
    for metric in run.metrics:
        assert np.array_equal(again.uncertainty(metric), run.uncertainty(metric), equal_nan=True)
        second = [one.second_uncertainty(metric) for one in (again, run)]
        assert np.array_equal(*second, equal_nan=True)
        with pytest.raises(ValueError, match="read-only"):
            again.scores[metric][0] = 0.0
    with pytest.raises(ValueError, match="no 'guess'"):
        again.uncertainty("guess")
    save_run(again, path)  # over the very file that it is read from
    assert equal(load_run(path), run) and equal(again, run)


def test_a_large_run_is_written_and_looked_at_without_reading_what_is_not_wanted(large, tmp_path):
    """Each row group of each metric is read once by a save, one by a look at one sample."""
    _, path = large
    again = load_run(path)
    batches, read = stored.batches, []

    def counted(file, columns=None, groups=None):
        read.extend((columns[0], group) for group in groups)
        return batches(file, columns, groups)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(stored, "batches", counted)
        again.record(30)
        assert len(read) == len(set(read)) == 2 * len(again.metrics)
        read.clear()
        save_run(again, tmp_path / "copy.parquet")
    assert len(read) == len(set(read)) == 2 * len(again.metrics) * 4  # groups of 16 rows
    assert equal(load_run(tmp_path / "copy.parquet"), load_run(path))


def test_a_large_file_may_go_and_is_closed_with_its_run(large):
    run, path = large
    again = load_run(path)
    path.unlink()
    assert np.array_equal(again.answered.scores["min_entropy"], run.answered.scores["min_entropy"])
    descriptors = Path("/proc/self/fd")
    if descriptors.is_dir():
        opened = len(list(descriptors.iterdir()))
        del again
        assert len(list(descriptors.iterdir())) == opened - 2  # of first and of second answers


def test_a_large_file_that_is_written_over_in_place_is_damaged(large):
    _, path = large
    again = load_run(path)
    content = bytearray(path.read_bytes())
    content[100 : len(content) // 2] = bytes(len(content) // 2 - 100)
    path.write_bytes(content)
    with pytest.raises(DamagedError, match="'run.parquet' is damaged"):
        _ = [again.scores[metric] for metric in again.metrics]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e9])
def test_token_scores_that_are_no_numbers_are_refused_in_a_large_file_too(large, value):
    _, path = large
    lengths = pq.ParquetFile(path).read()["tokens_energy"].combine_chunks().value_lengths()
    values = [[value] * count for count in lengths.to_pylist()]
    rewrite(path, changed("tokens_energy", lambda c: pa.array(values, c.type)))
    refused(path, "Column tokens_energy .* must have finite values")
