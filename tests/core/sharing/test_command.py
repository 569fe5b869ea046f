import json
from dataclasses import replace

import numpy as np
import pytest

from core.bench.runs.files import save_run
from core.policies.expectation import Expectation
from core.sharing.__main__ import main
from tools.doubles.synthetic import synthetic_run

QUICK = ["--questions", "120", "--seeds", "2", "--edges", "4", "--loads", "0.2", "0.8"]


@pytest.fixture
def runs(tmp_path):
    paths = [tmp_path / "one.parquet", tmp_path / "two.parquet"]
    for seed, path in enumerate(paths):
        save_run(synthetic_run(80, seed), path)
    return [str(path) for path in paths]


def test_a_study_prints_and_draws_every_policy(runs, tmp_path, capsys):
    assert main(["study", *runs, *QUICK, "--out", str(tmp_path / "page.html")]) == 0
    said = capsys.readouterr().out
    for word in ("all together", "one:", "two:", "Price of the backlog", "Offline optimum",
                 "] points from", "At load 0.8:"):  # fmt: skip
        assert word in said
    page = (tmp_path / "page.html").read_text()
    figures = json.loads(page.split("const figures = ")[1].split(";\nfor (")[0])
    accuracy, queue, order = figures.values()
    assert len(accuracy["data"]) == len(order["data"]) == 8 and len(queue["data"]) == 3
    assert accuracy["data"][0]["x"] == [20, 80]
    assert order["data"][0]["y"] == ["all together", "one", "two"]


@pytest.mark.parametrize("more", [["--arrivals", "bursts"], ["--link", "rayleigh", "--speed", "9"],
                                  ["--link", "lora", "--deadline", "9000"],
                                  ["--silent-edges"]])  # fmt: skip
def test_other_arrivals_links_and_edges(runs, capsys, more):
    assert main(["study", runs[0], *QUICK, *more]) == 0
    assert "At load 0.8" in capsys.readouterr().out


def test_a_trace(runs, tmp_path, capsys):
    trace = tmp_path / "trace.txt"
    trace.write_text("0.5 0.6\n4 9.5")
    assert main(["study", runs[0], *QUICK, "--trace", str(trace)]) == 0
    trace.write_text("0.5 now")
    assert main(["study", runs[0], *QUICK, "--trace", str(trace)]) == 1
    assert "trace.txt" in capsys.readouterr().err
    trace.write_text("-1e308 0 1e308")
    assert main(["study", runs[0], *QUICK, "--trace", str(trace)]) == 1
    assert "two different times" in capsys.readouterr().err
    for path, name in ((tmp_path, tmp_path.name), (tmp_path / "no.txt", "no.txt")):
        assert main(["study", runs[0], *QUICK, "--trace", str(path)]) == 1
        assert f"no file '{name}'" in capsys.readouterr().err


def test_what_cannot_be_is_said_in_a_sentence(runs, capsys):
    for words in (["--deadline", "0"], ["--loads", "0"], ["--loads", "0.2", "nan"],
                  ["--speed", "inf"]):  # fmt: skip
        assert main(["study", runs[0], *words]) == 1
        assert "positive" in capsys.readouterr().err
    for words in (["--bytes-per-second", "-3"], ["--bytes-per-second", "5e-324"],
                  ["--deadline", "1e-300"]):  # fmt: skip
        assert main(["study", runs[0], *words]) == 1
        assert "must lie between" in capsys.readouterr().err
    for name in ("--edges", "--questions", "--seeds"):
        assert main(["study", runs[0], name, "1000000000000"]) == 1
        assert "at most 1,000,000" in capsys.readouterr().err
    for words in (["--loss", "0.1", "nan"], ["--redundancy", "-1"], ["--redundancy", "1e9"]):
        assert main(["loss", *words]) == 1
        assert "must be a share" in capsys.readouterr().err
    for words in (["--edges", "0"], ["--questions", "1"], ["--seeds", "1"]):
        assert main(["study", runs[0], *words]) == 1
        assert "at least 1 edge" in capsys.readouterr().err
    assert main(["loss", "--questions", "3"]) == 1
    assert "at least 4" in capsys.readouterr().err
    assert main(["study", "nowhere.parquet"]) == 1


def test_a_run_that_is_too_small_is_said_to_be(tmp_path, capsys):
    run, path = synthetic_run(3, seed=1), tmp_path / "small.parquet"
    for rows, command, why in ((1, "study", "one image"), (0, "fit", "no sample")):
        save_run(run.select(np.arange(3) < rows), path)
        assert main([command, str(path), "--out", str(tmp_path / "out")]) == 1
        assert why in capsys.readouterr().err and not (tmp_path / "out").exists()


@pytest.mark.parametrize("column", ["question_message_bytes", "local_image_message_bytes"])
def test_a_run_that_sent_nothing_cannot_share_a_link(tmp_path, capsys, column):
    run, path = synthetic_run(40, seed=1), tmp_path / "silent.parquet"
    save_run(replace(run, **{column: np.zeros_like(getattr(run, column))}), path)
    for command in (["study", str(path)], ["fit", str(path), "--out", str(tmp_path / "out")]):
        assert main(command) == 1
        assert "took no bytes" in capsys.readouterr().err


def test_loads_may_come_in_any_order_and_one_edge_is_enough(runs, capsys):
    assert main(["study", runs[0], *QUICK[:4], "--edges", "1", "--loads", "0.8", "0.2", "0.8"]) == 0
    said = capsys.readouterr().out
    assert said.index("load 0.2 ") < said.index("load 0.8 ") and "At load 0.8:" in said


def test_what_a_server_wants_is_written(runs, tmp_path):
    out = tmp_path / "expectation.json"
    assert main(["fit", runs[0], "--out", str(out)]) == 0
    found = Expectation.read(out)
    assert found.questions == 80 and found.crop_bytes > 0
