"""The gate among recorded questions: where things lie in the two small pictures."""

import re
from dataclasses import replace

import numpy as np
import pytest

from core.bench import operating_point
from core.channel import PRESETS
from core.imaging import Codec
from core.protocol import Edge, Server, ask
from core.uncertainty import Gate
from dashboard.benchmarks.library import Library
from dashboard.drawing.operating import BOTTOM, LEFT, RIGHT, TOP
from dashboard.eta.recorded import Recorded, drawn
from tests.support.pixels import PixelVLM, picture
from tools.doubles.synthetic import synthetic_run

RUN = synthetic_run(300)
ASKED = ask(Edge(picture()), Server(PixelVLM(), Gate(threshold=float("inf"))), "What?")


def _drawn(gate, value=None):
    transcript = ASKED.with_gate(gate)
    return drawn(Recorded("k", "<a run>", RUN, True), transcript, PRESETS["lte"])


def _number(html, pattern):
    return float(re.search(pattern, html)[1])


@pytest.mark.parametrize("metric", ["min_entropy", "probability_margin"])
def test_the_point_is_what_core_says_and_the_line_is_at_eta(metric):
    lines = []
    for eta in (0.2, 0.6):
        gate, html = Gate(metric, eta), _drawn(Gate(metric, eta))
        point = operating_point(RUN, gate)
        x = _number(html, r'<circle class="at" cx="([\d.]+)"')
        assert x == pytest.approx(LEFT + (RIGHT - LEFT) * point.retransmitted, abs=0.06)
        assert f"<strong>{100 * point.accuracy:.1f} %</strong> are right" in html
        lines.append(
            _number(html, r'<line class="at" x1="([\d.]+)" y1="14" x2="\1" y2="146"/>\n<p')
        )
        shaded = re.search(r'class="asks" x="([\d.]+)"', html)[1]
        assert float(shaded) == (lines[-1] if metric == "min_entropy" else LEFT)
    assert lines[0] < lines[1]
    assert "&lt;a run&gt;" in html


@pytest.mark.parametrize("eta", [float("inf"), float("-inf"), 1e9])
def test_an_eta_beyond_the_scale_stays_inside_the_picture(eta):
    html = _drawn(Gate("min_entropy", eta))
    for x, y in re.findall(r"([\d.]+),([\d.]+)", " ".join(re.findall(r'points="([^"]*)"', html))):
        assert LEFT <= float(x) <= RIGHT and TOP - 0.1 <= float(y) <= BOTTOM
    assert "nan" not in html and "inf<" not in html


def test_answers_that_are_all_right_are_drawn_too():
    right = replace(RUN, first_score=np.ones(len(RUN)), second_score=np.ones(len(RUN)))
    html = drawn(Recorded("k", "r", right, True), ASKED.with_gate(Gate()), PRESETS["lte"])
    assert "100 %" in html and "nan" not in html


def test_a_run_fits_by_weights_format_and_the_nearest_quality(runs_folder, tmp_path):
    from core.bench import save_run

    for name, quality in (("a", 20), ("b", 75)):
        of = replace(RUN.metadata, revision="r1", quality=quality)
        save_run(replace(RUN, metadata=of), tmp_path / f"{name}.parquet")
    library = Library(tmp_path)
    found = [library.fitting("r1", Codec("jpeg", quality)) for quality in (10, 75, 90)]
    assert [(one.key, one.exact) for one in found] == [("a", False), ("b", True), ("b", False)]
    assert library.fitting("r2", Codec()) is None
    assert library.fitting("r1", Codec("webp", 75)) is None
