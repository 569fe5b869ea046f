import pytest

from core.bench.runs.errors import RunError
from core.bench.runs.files import list_runs, save_run
from tools.doubles.synthetic import synthetic_run


def test_runs_are_listed_by_name_and_a_damaged_one_does_not_hide_the_others(tmp_path):
    save_run(synthetic_run(3), tmp_path / "b.parquet")
    save_run(synthetic_run(2), tmp_path / "a.parquet")
    (tmp_path / "c.parquet").write_bytes(b"PAR1 and nothing else")
    (tmp_path / "notes.txt").write_text("no run")
    a, b, c = list_runs(tmp_path)
    assert [(f.path.name, f.samples, f.problem) for f in (a, b)] == [
        ("a.parquet", 2, None), ("b.parquet", 3, None),
    ]  # fmt: skip
    assert a.metadata.model == "synthetic"
    assert c.metadata is None and "'c.parquet' is damaged" in c.problem
    with pytest.raises(RunError, match="no folder 'nowhere'"):
        list_runs(tmp_path / "nowhere")
