import numpy as np
import pytest

from core.bench.runs import uploads
from core.bench.runs.errors import RunError
from core.bench.runs.files import load_run, save_run
from core.bench.runs.uploads import load_upload
from tools.doubles.synthetic import synthetic_run

pytest.importorskip("pyarrow")


@pytest.fixture
def path(tmp_path):
    save_run(synthetic_run(40), tmp_path / "run.parquet")
    return tmp_path / "run.parquet"


def test_an_upload_is_read_as_any_run(path):
    assert np.array_equal(load_upload(path).first_score, load_run(path).first_score)


def test_what_is_wrong_with_an_upload_is_said_in_the_words_of_load_run(path):
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(RunError) as direct:
        load_run(path)
    with pytest.raises(RunError) as uploaded:
        load_upload(path)
    assert str(uploaded.value) == str(direct.value)


def test_an_upload_is_held_to_its_own_limits(path, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_ROWS", 39)
    with pytest.raises(RunError, match="at most 39"):
        load_upload(path)


def test_a_file_that_takes_all_memory_takes_only_its_own_process(path, monkeypatch):
    monkeypatch.setattr(uploads, "MEMORY", 100 << 20)  # too little for any file
    with pytest.raises(RunError, match="damaged, or takes too much memory"):
        load_upload(path)


def test_a_file_that_takes_for_ever_is_given_up(path, monkeypatch):
    monkeypatch.setattr(uploads, "SECONDS", 0.01)
    with pytest.raises(RunError, match="longer than 0.01 seconds"):
        load_upload(path)
