import html
import re

import pytest

from core.transcript import Stage, Token
from core.uncertainty import METRICS, Gate
from dashboard.drawing import tokens

STAGE = Stage(
    "A b",
    (
        Token("A", 1, (("A", 0.5), ("<b>", 0.3), ("c", 0.1), ("d", 0.05), ("e", 0.01))),
        Token(" b", 2, ((" b", 1.0), ("x", 0.0))),
    ),
    {name: (1.0, 0.0) for name in METRICS} | {"probability_margin": (0.2, 1.0)},
)


@pytest.mark.parametrize("metric", METRICS)
def test_the_less_sure_the_more_colour(metric):
    shown = tokens.coloured(STAGE, Gate(metric, 0.5))
    first, second = (int(level) for level in re.findall(r"--level:(\d+)%", shown))
    assert first > second == 0


def test_a_token_says_its_value_and_its_rivals():
    shown = tokens.coloured(STAGE, Gate("min_entropy", 0.5))
    said = html.unescape(re.findall(r'aria-label="([^"]*)"', shown)[0])
    assert said.startswith("A: 1.00 bits. It also considered <b> 30.0 %, c 10.0 %")
    assert "&lt;b&gt;" in shown and "<b>" not in shown
    assert "30.0 %" in shown and "1.0 %" in shown


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("eta", [0.0, 0.5, 9.0])
def test_every_token_has_a_row_with_its_value(metric, eta):
    gate = Gate(metric, eta)
    shown = tokens.table(STAGE, gate, "t")
    body = shown[shown.index("<tbody>") : shown.index("</tbody>")]
    values = [float(v) for v in re.findall(r'class="number">([\d.]+)</td>', body)]
    assert values == [round(score, 2) for score in STAGE.scores[metric]]
    foot = shown[shown.index("<tfoot>") :]
    mean = float(re.search(r'class="number">([\d.]+)<', foot)[1])
    assert mean == pytest.approx(gate.uncertainty(STAGE.scores[metric]), abs=0.005)
    widths = [float(w) for w in re.findall(r'style="width:([\d.]+)%', shown)]
    assert widths and all(0 <= width <= 100 for width in widths)
