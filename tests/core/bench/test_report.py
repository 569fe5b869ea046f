import json
import re
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import pytest

from core.bench import report
from core.bench.__main__ import main
from core.bench.analysis import ranking
from core.bench.plots.paper import REPORTED
from core.bench.runs.errors import RunError
from core.bench.runs.files import load_run, save_run
from core.bench.runs.metadata import Code
from core.uncertainty import METRICS, Gate, Metric, token_scores
from tools.doubles.synthetic import synthetic_run

N = 150
TITLES = (
    "Fig. 4 and 5", "Fig. 6, Table II", "Fig. 7 and 8, Table III", "Fig. 9", "Fig. 10", "Fig. 12",
    "Table I",
)  # fmt: skip


def made(dataset, quality=75, seed=0, **changes):
    run = synthetic_run(N, seed=seed, max_tokens=6)
    metadata = replace(run.metadata, seed=0, dataset=dataset, quality=quality, **changes)
    answers = np.array(['["yes"]', '["no"]'] * (N // 2), object)
    return replace(
        run, metadata=metadata, answers=answers, hd_score=run.second_score,
        hd_bytes=3.0 * run.global_bytes, hd_question_message_bytes=3.0 * run.global_bytes,
        hd_answer_message_bytes=np.zeros(N),
        hd_flops=6 * run.first_flops, hd_seconds=run.first_seconds,
        first_visual_tokens=np.full(N, 144.0), first_prompt_tokens=np.full(N, 160.0),
        second_visual_tokens=np.full(N, 288.0), second_prompt_tokens=np.full(N, 306.0),
    )  # fmt: skip


@pytest.fixture(scope="module")
def runs():
    return {
        "text": made("signs-text"),
        "text-q20": made("signs-text", 20, 1),
        "hints": made("signs-text+hints", seed=2),
        "presence": made("signs-presence", seed=3),
        "attributes": made("signs-attributes", seed=4),
        "other model": made("signs-text", seed=5, model="other"),
    }


@pytest.fixture(scope="module")
def text(runs):
    return report.page(runs)


@pytest.fixture(scope="module")
def figures(text):
    found = re.search(r"const figures = (\{.*\});\nfor", text)
    return json.loads(found[1].replace("<\\/", "</"))


def test_every_figure_and_table_of_the_paper_has_its_section(text, figures):
    for title in TITLES:
        assert re.search(rf"<h2>[^<]*{re.escape(title)}", text), title
    assert "No run" not in text
    # Fig. 4 and 5: three for each of two data sets; 6; 7a, b, c; 8; 9; 10; 12.
    assert len(figures) == 6 + 1 + 3 + 1 + 1 + 1 + 1
    assert text.count('role="img"') == len(figures)
    assert set(re.findall(r'<div id="([^"]+)"', text)) == set(figures)


def test_figures_are_what_plotly_takes(figures):
    for figure in figures.values():
        go.Figure(data=figure["data"], layout=figure["layout"])


def test_what_the_paper_reports_is_named_so_and_looks_like_nothing_else(figures, text):
    looks = {True: set(), False: set()}
    for figure in figures.values():
        for trace in figure["data"]:
            said = REPORTED in trace["name"]
            looks[said].add((trace.get("line", {}).get("color"), trace.get("line", {}).get("dash")))
    assert looks[True] == {("#000000", "dot")} and not looks[True] & looks[False]
    rows = re.findall(r'<tr class="reported">(.*?)</tr>', text)
    assert len(rows) == 3 + 2 + 2 and all(REPORTED in row for row in rows)
    assert '<th scope="row">Min-entropy, reported in the paper</th><td>0.47</td><td>0.33' in text


def test_the_page_needs_nothing_from_anywhere(text):
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=", text)


def test_tokens_of_table_i_are_those_recorded(text):
    assert '<th scope="row">text, second stage</th><td>288</td><td>306</td><td>94.1%' in text


def test_a_curve_too_fine_for_its_intervals_says_so(monkeypatch, text):
    assert "intervals are computed on" not in text
    monkeypatch.setattr(ranking, "MOST_POINTS", 20)
    said = report.page({"presence": made("signs-presence")})
    assert "presence: intervals are computed on 20 points of each curve" in said


def test_a_section_without_a_run_says_what_it_takes():
    text = report.page({"presence": made("signs-presence")})
    assert "No run stands for TextVQA: it would take one on textvqa or signs-text." in text
    assert "It takes runs on textvqa or signs-text that differ in nothing but" in text
    assert "All runs are of synthetic." in text


def test_a_measure_that_all_wrong_answers_leave_open_is_a_dash():
    run = made("signs-text")
    page = report.page({"wrong": replace(run, first_score=np.zeros(len(run)))})
    tables = re.findall(r"<table.*?</table>", page, flags=re.S)
    assert tables and not any(re.search(r"\bnan\b", one) for one in tables)


def test_words_of_strangers_are_text(runs):
    name = "</script><b>x"
    run = made("folder", model="<i>m</i>", command="python -m x '</pre><script>'")
    text = report.page({name: run})
    assert "<b>x" not in text.split("const figures")[0] and "</pre><script>" not in text
    assert "&lt;i&gt;m&lt;/i&gt;" in text
    last = text[text.rindex("<script>") :]
    assert last.count("</script>") == 1


def test_runs_that_cannot_be_reported():
    with pytest.raises(RunError, match="at least one"):
        report.page({})
    with pytest.raises(RunError, match="b and a are runs of the same kind"):
        report.page({"a": made("signs-text"), "b": made("signs-text", seed=1)})
    with pytest.raises(RunError, match="b and a are runs of the same kind"):
        report.page({name: made("signs-text", None, seed=i) for i, name in enumerate("ab")})


def test_the_command_takes_files_and_folders(tmp_path, capsys, runs):
    (tmp_path / "runs").mkdir()
    save_run(runs["presence"], tmp_path / "runs" / "presence.parquet")
    save_run(runs["text"], tmp_path / "text.parquet")
    out = tmp_path / "deep" / "report.html"
    assert main(["report", str(tmp_path / "runs"), str(tmp_path / "text.parquet"), "--out",
                 str(out)]) == 0  # fmt: skip
    page = out.read_text()
    assert "<h3>presence</h3>" in page and "<h3>text</h3>" in page
    assert [path.name for path in out.parent.iterdir()] == ["report.html"]
    assert main(["report", str(tmp_path / "none.parquet"), "--out", str(out)]) == 1
    assert "There is no run file 'none.parquet'." in capsys.readouterr().err


def test_a_metric_is_one_entry(monkeypatch, tmp_path):
    """The example of docs/metrics.md, from logits to curve, table and page."""

    def gini(evidence):
        return 1 - (np.exp(evidence.logp) ** 2).sum(axis=-1)

    entry = Metric(
        "gini", "Gini impurity", "", "1 − Σ p²", "How often two tokens drawn from p differ.", True,
        gini, threshold=0.3, bounds=(0.0, 1.0),
    )  # fmt: skip
    monkeypatch.setitem(METRICS, "gini", entry)
    assert Gate("gini", 0.5).retransmit(token_scores([[0.0, 0.0]], "gini"))
    save_run(made("signs-text"), tmp_path / "run.parquet")
    text = report.page({"run": load_run(tmp_path / "run.parquet")})
    assert text.count('<th scope="row">Gini impurity</th>') == 2  # Table II, and the last one
    assert '"name": "Gini impurity"' in text


def test_the_report_says_which_code_made_a_run_and_how_its_model_was_loaded():
    code = (Code("a" * 40, False, None),)
    run = made("signs-presence", code=code, load={"dtype": "float16", "bits": None})
    text = report.page({"one": run, "two": made("signs-attributes")})
    assert "commit aaaaaaaaaaaa with changes; loaded with dtype float16.</p>" in text
    assert "code that is not known.</p>" in text
