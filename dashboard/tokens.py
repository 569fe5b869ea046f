"""The tokens of an answer: coloured by uncertainty, and as a table with values and runners-up."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from core.transcript import Stage, Token
from core.uncertainty import METRICS, Gate, Metric
from dashboard import wording

RUNNERS_UP = 4  # shown for each token; a transcript holds as many


def coloured(stage: Stage, gate: Gate) -> str:
    """The answer token by token; each one's value and rivals appear on hover and on focus."""
    metric = METRICS[gate.metric]
    spans = []
    for token, score in zip(stage.tokens, stage.scores[metric.name], strict=True):
        level = _level(score, metric)
        spans.append(
            f"""<span class="token" role="note" tabindex="0" style="--level:{100 * level:.0f}%"
aria-label="{_spoken(token, score, metric)}">{visible(token.text)}
<span class="tip" aria-hidden="true"><strong>{wording.measured(score, metric)}</strong>
{_rivals(token)}</span></span>"""
        )
    low, high = ("certain", "unsure") if metric.higher_is_uncertain else ("unsure", "certain")
    reverse = "" if metric.higher_is_uncertain else " reverse"
    top = f"{_full(metric):g}{'' if not metric.unit else '+'}"
    return f"""<div class="tokens-line">{"".join(spans)}</div>
<p class="scale fine"><span>{low} 0</span><span class="ramp doubt{reverse}"></span>
<span>{top} {escape(metric.unit)} {high}</span></p>"""


def table(stage: Stage, gate: Gate, element: str) -> str:
    """One row a token: its value as number and bar, η as a line across, and the runners-up."""
    metric, eta = METRICS[gate.metric], gate.threshold
    scores = stage.scores[metric.name]
    top = 1.0 if not metric.unit else max(*scores, eta * 1.15, 1.0)
    mark = f"--eta: {100 * min(eta / top, 1):.2f}%"
    rows = []
    for token, score in zip(stage.tokens, scores, strict=True):
        others = ", ".join(
            f'<span class="whole">{visible(text)} {wording.percent(p)}</span>'
            for text, p in token.alternatives[1 : RUNNERS_UP + 1]
        )
        own = wording.percent(token.alternatives[0][1]) if token.alternatives else ""
        rows.append(
            f"""<tr><th scope="row">{visible(token.text)}</th>{_bar([score], top, gate)}
<td class="own">{own}</td><td>{others}</td></tr>"""
        )
    return f"""<div class="wide" tabindex="0" role="group" aria-label="Table of tokens">
<table class="tokens" id="{element}" style="{mark}">
<caption class="hidden">Tokens with their {escape(metric.label.lower())}</caption>
<thead><tr><th scope="col">Token</th><th scope="col" class="number">{wording.unit(metric)}</th>
<th scope="col" class="bar-cell"><span class="eta">η {eta:.2f}</span></th>
<th scope="col" class="own">Probability</th><th scope="col">It also considered</th></tr></thead>
<tbody>{"".join(rows)}</tbody>
<tfoot><tr><th scope="row">Mean</th>{_bar(scores, top, gate)}<td class="own"></td><td></td></tr>
</tfoot>
</table></div>"""


def visible(text: str) -> str:
    """A token with its spaces visible, since they are part of it."""
    shown = text.replace(" ", "␣").replace("\n", "⏎") or "∅"
    return f"<code>{escape(shown)}</code>"


def _full(metric: Metric) -> float:
    """The score at which the colour is full: 2 bits are a choice among four equals."""
    return 2.0 if metric.unit else 1.0


def _level(score: float, metric: Metric) -> float:
    """How unsure, 0 to 1."""
    level = min(max(score / _full(metric), 0.0), 1.0)
    return level if metric.higher_is_uncertain else 1 - level


def _rivals(token: Token) -> str:
    rows = "".join(
        f"<span>{visible(text)}</span><span>{wording.percent(p)}</span>"
        for text, p in token.alternatives[: RUNNERS_UP + 1]
    )
    return f'<span class="rivals">{rows}</span>'


def _spoken(token: Token, score: float, metric: Metric) -> str:
    others = ", ".join(
        f"{text.strip() or 'blank'} {100 * p:.1f} percent"
        for text, p in token.alternatives[1 : RUNNERS_UP + 1]
    )
    value = wording.measured(score, metric)
    return escape(f"{token.text.strip() or 'blank'}: {value}. It also considered {others}.")


def _bar(scores: Sequence[float], top: float, gate: Gate) -> str:
    """Two cells: the mean of `scores`, and its bar on a scale that ends at `top`."""
    value = gate.uncertainty(scores)
    state = "uncertain" if gate.retransmit(scores) else "confident"
    return f"""<td class="number">{value:.2f}</td><td class="bar-cell marked">
<span class="bar {state}" style="width:{100 * min(value / top, 1):.1f}%"></span></td>"""
