import pytest

from core.bench.runs.files import save_run
from tools.doubles.synthetic import synthetic_run


@pytest.fixture
def saved(tmp_path):
    run = synthetic_run(40)
    save_run(run, tmp_path / "run.parquet")
    return run, tmp_path / "run.parquet"
