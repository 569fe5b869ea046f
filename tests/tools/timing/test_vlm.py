"""The benchmark command says what it measured, in one table."""

from __future__ import annotations

import re

import pytest

from tests.support.tiny import save_clip_llava
from tools.timing import vlm as bench


def run(monkeypatch, capsys, *arguments):
    monkeypatch.setattr("sys.argv", ["bench", *map(str, arguments)])
    bench.main()
    return capsys.readouterr().out


def test_the_table_has_every_step_and_its_sum(tmp_path, monkeypatch, capsys):
    folder = save_clip_llava(tmp_path)
    text = run(monkeypatch, capsys, "--model", folder, "--runs", 3, "--tokens", 4, "--batch", 3)
    rows = dict(re.findall(r"^(\w[\w .]*?) {2,}(.*\d)$", text, re.MULTILINE))
    assert all(step in rows for step in bench.STEPS)
    reference = [float(rows[step].split()[0]) for step in bench.STEPS]
    assert sum(reference) > 0
    assert rows["question attention"].split()[3:] == ["0.00", "0.0", "0", "0.00", "0.00"]
    assert "16 visual tokens, 4 layers of width 32" in text
    assert "total as eq. 20" in rows
    for line in ("shared / floor", "eq. 20 estimates", "A look holds", "3 at once: "):
        assert line in text


def test_a_model_that_is_not_there_is_one_sentence(tmp_path, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        run(monkeypatch, capsys, "--model", tmp_path / "none")
    assert capsys.readouterr().err.count("\n") == 1
