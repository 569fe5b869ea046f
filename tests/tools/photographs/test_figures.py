import numpy as np
import pytest

from core.bench.runs.files import load_run
from tests.support.paths import ROOT
from tools.photographs import figures

RUN = ROOT / "assets" / "runs" / "signs-text-q75.parquet"


def test_a_run_is_counted_at_a_threshold(capsys):
    figures.main([str(RUN), "--eta", "0.23"])
    lines = capsys.readouterr().out.splitlines()
    run = load_run(RUN).answered
    unsure = run.uncertainty("min_entropy") >= 0.23
    right = np.where(unsure, run.second_score, run.first_score) == 1
    assert f"{100 * (run.first_score == 1).mean():.1f} %" in lines[0]
    assert lines[1].startswith("right with a second look where unsure")
    assert f"{100 * right.mean():.1f} %" in lines[1]
    assert f"{100 * unsure.mean():.1f} %" in lines[5]
    assert f"{100 * (run.box_hit == 1).mean():.1f} %" in lines[6]


def test_another_threshold_counts_others(capsys):
    figures.main([str(RUN), "--eta", "0"])
    lines = capsys.readouterr().out.splitlines()
    assert " 100.0 %" in lines[5] and "   0.0 %" in lines[3]  # always unsure, so never sure
    figures.main([str(RUN), "--eta", "99"])
    first, gated = capsys.readouterr().out.splitlines()[:2]
    assert first[38:] == gated[38:]


def test_what_is_no_run_is_a_sentence(tmp_path):
    with pytest.raises(SystemExit, match=r"none\.parquet"):
        figures.main([str(tmp_path / "none.parquet"), "--eta", "1"])
