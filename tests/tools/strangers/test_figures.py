import json

import numpy as np
import pytest

from core.bench.runs.files import load_run
from tests.support.paths import ROOT
from tools.strangers import figures
from tools.strangers.asks import KINDS

RUN = ROOT / "assets" / "runs" / "signs-text-q75.parquet"


@pytest.fixture
def asked(tmp_path):
    """Questions by the ids of a run, of two kinds in turn, and one that isn't in it."""
    names = [*load_run(RUN).id, "another"]
    path = tmp_path / "questions.jsonl"
    lines = [{"id": name, "kind": KINDS[place % 2]} for place, name in enumerate(names)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_a_run_is_counted_by_kind(asked, capsys):
    figures.main([str(RUN), "--questions", str(asked), "--eta", "0.23"])
    head, first, second, both, rest = capsys.readouterr().out.splitlines()
    run = load_run(RUN)
    assert not run.failed.any()
    assert head.split() == ["n", *" ".join(figures.COLUMNS).split()]
    every_other = slice(0, None, 2), slice(1, None, 2)
    rows = (first, KINDS[0], every_other[0]), (second, KINDS[1], every_other[1])
    for row, kind, of in (*rows, (both, "all", slice(None))):
        right = run.first_score[of] == 1
        assert row.startswith(kind) and row[18:].split()[0] == str(len(right))
        assert row[18:].split()[1] == f"{100 * right.mean():.1f}"
    unsure = run.uncertainty("min_entropy") >= 0.23
    gated = np.where(unsure, run.second_score, run.first_score) == 1
    assert f" {100 * gated.mean():.1f} %" in both
    assert rest == "1 questions weren't answered."


def test_the_table_has_only_kinds_that_were_asked():
    hits = dict.fromkeys(figures.COLUMNS, np.array([1.0, 0.0, 1.0]))
    rows = figures.table(hits, ["says", "says", "absent"])
    assert [row.split()[0] for row in rows] == ["n", "says", "absent", "all"]
    assert rows[1].count(" 50.0 %") == 3 and rows[2].count("100.0 %") == 3


def test_another_run_or_file_is_a_sentence(asked, tmp_path):
    def ends(run, questions, why):
        with pytest.raises(SystemExit, match=why):
            figures.main([str(run), "--questions", str(questions), "--eta", "1"])

    ends(tmp_path / "none.parquet", asked, r"none\.parquet")
    ends(RUN, tmp_path / "none.jsonl", r"none\.jsonl")
    asked.write_text('{"id": "1", "kind": "says"}\n')
    ends(RUN, asked, "isn't a run over")
    asked.write_text('{"id": "1"}\n')
    ends(RUN, asked, "expected the questions.jsonl")
