"""The tokens of an answer: coloured by uncertainty, and as a table with values and runners-up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from core.transcript import Stage, Token
from core.uncertainty import METRICS, Gate, Metric
from dashboard import scales, wording

RUNNERS_UP = 4  # shown for each token; a transcript holds as many


def coloured(stage: Stage, gate: Gate) -> str:
    """The answer token by token; each one's value and rivals appear on hover and on focus."""
    metric = METRICS[gate.metric]
    spans = []
    scale = _colours(metric, stage.scores[metric.name])
    for token, score in zip(stage.tokens, stage.scores[metric.name], strict=True):
        level = scales.share(score, scale)
        level = level if metric.higher_is_uncertain else 1 - level
        spans.append(
            f"""<span class="token" role="note" tabindex="0" style="--level:{100 * level:.0f}%"
aria-label="{_spoken(token, score, metric)}">{visible(token.text)}
<span class="tip" aria-hidden="true"><strong>{wording.measured(score, metric)}</strong>
{_rivals(token)}</span></span>"""
        )
    low, high = ("certain", "unsure") if metric.higher_is_uncertain else ("unsure", "certain")
    reverse = "" if metric.higher_is_uncertain else " reverse"
    begin, end = scale
    top = f"{end:g}{'+' if math.isinf(metric.bounds[1]) else ''}"
    return f"""<div class="tokens-line">{"".join(spans)}</div>
<p class="scale fine"><span>{low} {begin:g}</span><span class="ramp doubt{reverse}"></span>
<span>{top} {escape(metric.unit)} {high}</span></p>"""


def table(stage: Stage, gate: Gate, element: str) -> str:
    """One row a token: its value as number and bar, η as a line across, and the runners-up."""
    metric, eta = METRICS[gate.metric], gate.threshold
    scores = stage.scores[metric.name]
    scale = scales.ends(metric, *scores, gate.uncertainty(scores), eta)
    mark = f"--eta: {100 * scales.share(eta, scale):.2f}%"
    rows = []
    for token, score in zip(stage.tokens, scores, strict=True):
        others = ", ".join(
            f'<span class="whole">{visible(text)} {wording.percent(p)}</span>'
            for text, p in token.alternatives[1 : RUNNERS_UP + 1]
        )
        own = wording.percent(token.alternatives[0][1]) if token.alternatives else ""
        rows.append(
            f"""<tr><th scope="row">{visible(token.text)}</th>{_bar([score], scale, gate)}
<td class="own">{own}</td><td>{others}</td></tr>"""
        )
    return f"""<div class="wide" tabindex="0" role="group" aria-label="Table of tokens">
<table class="tokens" id="{element}" style="{mark}">
<caption class="hidden">Tokens, each with its value</caption>
<thead><tr><th scope="col">Token</th><th scope="col" class="number">{wording.unit(metric)}</th>
<th scope="col" class="bar-cell"><span class="eta">η {eta:.2f}</span></th>
<th scope="col" class="own">Probability</th><th scope="col">It also considered</th></tr></thead>
<tbody>{"".join(rows)}</tbody>
<tfoot><tr><th scope="row">{metric.aggregation.word}</th>{_bar(scores, scale, gate)}
<td class="own"></td><td></td></tr></tfoot>
</table></div>"""


def visible(text: str) -> str:
    """A token with its spaces visible, since they are part of it."""
    shown = text.replace(" ", "␣").replace("\n", "⏎") or "∅"
    return f"<code>{escape(shown)}</code>"


def _colours(metric: Metric, scores: Sequence[float]) -> tuple[float, float]:
    """The scores between which the colour goes from none to full."""
    low, high = metric.bounds
    if math.isinf(low):
        return min(scores), max(*scores, min(scores) + 1)
    return low, low + 2 if math.isinf(high) else high  # 2 bits are a choice among four equals


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


def _bar(scores: Sequence[float], scale: tuple[float, float], gate: Gate) -> str:
    """Two cells: what `scores` come to, and its bar."""
    value = gate.uncertainty(scores)
    state = "uncertain" if gate.retransmit(scores) else "confident"
    return f"""<td class="number">{value:.2f}</td><td class="bar-cell marked">
<span class="bar {state}" style="width:{100 * scales.share(value, scale):.1f}%"></span></td>"""
