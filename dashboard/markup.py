"""A transcript as HTML: answers, tokens, verdict, bytes, messages. Text from outside is escaped."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape

from PIL import Image

from core.transcript import EncodedImage, MessageRecord, Stage, Step, Transcript
from core.uncertainty import METRICS, Gate, Metric
from core.vlm import ModelInfo
from dashboard.overlays import heatmap, outline, spotlight

PAPER = "https://arxiv.org/abs/2512.16349"
LARGE_MODEL = "llava-hf/llava-1.5-7b-hf"
SIDE_SHOWN = 400  # CSS px; small images are magnified by a whole factor towards it
RUNNERS_UP = 2  # listed beside each token
NAMES = {"edge": "Edge", "server": "Server"}


# The page around a question


def header() -> str:
    return f"""<header>
<h1>Second Look</h1>
<p>An edge device, a camera say, holds a picture; a vision-language model on a server answers
questions about it. The edge sends only a small copy, and the server asks for one crop in full
detail if it is too unsure of its answer.</p>
<p class="fine">The method is that of <cite>Collaborative Edge-to-Server Inference for
Vision-Language Models</cite> (Song and Kim), <a href="{PAPER}">arXiv 2512.16349</a>. Everything
below is computed here, as you ask.</p>
</header>"""


def about_model(name: str, info: ModelInfo | None = None) -> str:
    """What the model can and can't do; with `info`, once it is loaded, its facts."""
    if name == "pocket":
        text = (
            "<strong>The model is a laboratory animal.</strong> “pocket”, trained for this page, "
            "reads short texts on coloured signs in rendered scenes like the samples, and knows "
            "little else: it can't describe a photograph. For photographs start the page with a "
            'large model: <code>python app.py <span class="whole">--model</span> '
            f'<span class="whole">{LARGE_MODEL}</span></code>'
        )
    else:
        text = f"<strong>The model is {escape(name)}.</strong>"
    if info is None:
        facts = "It is being loaded, which takes some seconds; a question asked now will wait."
    else:
        width, height = info.input_size
        facts = (
            f"{_count(info.parameters)} parameters; sees images of {width} × {height} pixels as "
            f"{info.visual_tokens} visual tokens."
        )
    return f'<p class="model">{text}</p><p class="fine" id="model-facts">{facts}</p>'


def alert(sentence: str) -> str:
    """What went wrong, where the user is looking; screen readers speak it at once."""
    return f'<p class="alert" role="alert">{escape(sentence)}</p>'


def notice(sentence: str) -> str:
    return f'<p class="notice" role="status">{escape(sentence)}</p>'


def sample_note(note: str) -> str:
    return f'<p class="explain">{escape(note)}</p>'


# Stage 1


def first_stage(transcript: Transcript) -> str:
    return f"""<section aria-labelledby="stage-1">
<h2 id="stage-1">Stage 1: a small image of everything</h2>
<p class="explain">Asked: <q>{escape(transcript.question)}</q></p>
{_as_sent(transcript.global_image, "global-image", "The global image as the server saw it")}
<p class="explain"><strong>The global image:</strong> the whole picture, shrunk to what the model
takes in, and compressed. The server sees nothing else.</p>
{_sizes(transcript, local=False)}
</section>"""


def verdict(transcript: Transcript) -> str:
    """The first answer, and what the gate makes of it: all that depends on metric and η."""
    metric, gate = METRICS[transcript.gate.metric], transcript.gate
    state = "uncertain" if transcript.uncertain else "confident"
    relation = "at or above" if metric.higher_is_uncertain else "at or below"
    return f"""<section aria-labelledby="first-answer-heading">
<h3 id="first-answer-heading">First answer</h3>
{_answer(transcript.first, "first-answer")}
<p class="outcome {state}" id="verdict" role="status">{escape(transcript.summary())}</p>
{_tokens(transcript.first, gate, "first-tokens")}
<p class="explain">The answer comes one <strong>token</strong> at a time, a word or a piece of one.
<strong>{escape(metric.label)}</strong> is {escape(metric.formula)}, where p are the probabilities
of the next token. {escape(metric.definition)}{_coin(metric)} The <strong>gate</strong> asks for a
second look when the mean is {relation} the threshold η, the line across the bars.</p>
</section>"""


# Stage 2


def second_stage(transcript: Transcript, original: Image.Image) -> str:
    """Empty until there was a second stage; `original` is what the overlays are drawn on."""
    if transcript.second is None:
        return ""
    box, attention = transcript.box, transcript.attention
    figures = []
    if attention is not None:
        heat = heatmap(original, attention.relative, attention.extent)
        heat = outline(heat, box, transcript.original_size)
        peak = max(max(row) for row in attention.relative)
        figures.append(
            f"""<figure>{_picture(heat, "heatmap", "Heatmap of relative attention")}
<figcaption><strong>Where it looked.</strong> Attention while reading your question, divided by
attention while reading a prompt for a general description: <em>relative attention</em>, one
patch for each visual token.
<span class="scale"><span>0</span><span class="ramp"></span><span>{peak:.3g}×</span></span>
</figcaption></figure>"""
        )
    place = f"{box.left}, {box.top} to {box.right}, {box.bottom}"
    figures.append(
        f"""<figure>{_picture(spotlight(original, box), "box", "The box on the original")}
<figcaption><strong>What it asked for.</strong> The square that stands out most in that map:
{box.width} × {box.height} pixels of the original, from {place}.</figcaption></figure>"""
    )
    figures.append(
        f"""<figure>{_as_sent(transcript.local_image, "local-image", "The local image")}
<figcaption><strong>What it got.</strong> The <em>local image</em>: that square in as much detail
as the model takes in, as the server saw it.</figcaption></figure>"""
    )
    return f"""<section class="stage" aria-labelledby="stage-2">
<h2 id="stage-2">Stage 2: a closer look at one place</h2>
<div class="figures">{"".join(figures)}</div>
</section>"""


def comparison(transcript: Transcript) -> str:
    """Both answers side by side, and how sure the model was of each."""
    if transcript.second is None:
        return ""
    metric, gate = METRICS[transcript.gate.metric], transcript.gate
    before = _value(gate.uncertainty(transcript.first.scores[metric.name]), metric)
    after = _value(gate.uncertainty(transcript.second.scores[metric.name]), metric)
    label = escape(metric.label.lower())
    return f"""<section aria-labelledby="both-answers">
<h3 id="both-answers">Second answer, beside the first</h3>
<div class="columns"><div>
<div class="columns narrow">
<div><p class="explain">From the global image alone</p>
{_answer(transcript.first, "answer-before")}
<p class="explain">mean {label} <span id="mean-before">{before}</span></p></div>
<div><p class="explain">From both images together</p>
{_answer(transcript.second, "second-answer")}
<p class="explain">mean {label} <span id="mean-after">{after}</span></p></div>
</div>
{_sizes(transcript)}
</div><div>
{_tokens(transcript.second, gate, "second-tokens")}
<p class="explain">The second answer is final: the gate isn't asked again, whatever these
values.</p>
</div></div>
</section>"""


# The link


def message_log(transcript: Transcript, note: str = "") -> str:
    """Who sent what, how many bytes; then the work each side did for it."""
    return f"""<section class="stage" aria-labelledby="log">
<div class="columns"><div>
<h2 id="log">What crossed the link</h2>
<p class="explain">Every message between edge and server, with all its bytes: a short header, and
the encoded image where there is one.</p>
{_messages(transcript.messages, transcript.original_bytes)}
{f'<p class="notice">{escape(note)}</p>' if note else ""}
</div><div>
<h2>Where the time went</h2>
<p class="explain">Measured on this machine; sending is not counted. FLOPs, the model's
multiplications and additions, are the paper's estimate.</p>
{_steps(transcript.steps)}
</div></div>
</section>"""


def _messages(messages: Sequence[MessageRecord], original_bytes: int | None) -> str:
    rows, total = [], 0
    for message in messages:
        total += message.byte_count
        to = "server" if message.sender == "edge" else "edge"
        image = f", with an image of {message.image_bytes:,} bytes" if message.image_bytes else ""
        rows.append(
            f"""<tr><td class="way {message.sender}">{NAMES[message.sender]} → {NAMES[to]}</td>
<td class="said"><strong>{escape(message.kind)}</strong>{image}<br>
<q>{escape(message.text)}</q></td>
<td class="number">{message.byte_count:,}</td>
<td class="number">{total:,}</td></tr>"""
        )
    share = (
        f" The original file has {original_bytes:,}: this is {_share(total, original_bytes)} of it."
        if original_bytes
        else ""
    )
    return f"""<div class="wide"><table class="log"><caption class="hidden">Messages</caption>
<thead><tr><th>From → to</th><th>Message</th><th class="number">Bytes</th>
<th class="number">Total</th></tr></thead><tbody>{"".join(rows)}</tbody></table></div>
<p id="bytes-total">{total:,} bytes in {len(messages)} messages.{share}</p>"""


def _steps(steps: Sequence[Step]) -> str:
    total = sum(step.seconds for step in steps)
    longest = max((step.seconds for step in steps), default=0) or 1.0
    rows = "".join(
        f"""<tr><td class="way {step.where}">{NAMES[step.where]}</td><td>{escape(step.name)}</td>
<td class="bar-cell"><span class="bar {step.where}"
style="width:{100 * step.seconds / longest:.1f}%"></span></td>
<td class="number">{_seconds(step.seconds)}</td>
<td class="number">{_count(step.flops) if step.flops else ""}</td></tr>"""
        for step in steps
    )
    return f"""<div class="wide"><table class="log"><caption class="hidden">Steps</caption>
<thead><tr><th>Where</th><th>Step</th><th class="bar-cell"></th><th class="number">Time</th>
<th class="number">FLOPs</th></tr></thead><tbody>{rows}</tbody>
<tfoot><tr><td></td><td>Together</td><td></td><td class="number">{_seconds(total)}</td><td></td>
</tr></tfoot></table></div>"""


# Parts


def _answer(stage: Stage, element: str) -> str:
    text = escape(stage.answer) or '<span class="fine">(an empty answer)</span>'
    return f'<p class="answer" id="{element}">{text}</p>'


def _tokens(stage: Stage, gate: Gate, element: str) -> str:
    """One row a token: its value as number and bar, η as a line across, and the runners-up."""
    metric, eta = METRICS[gate.metric], gate.threshold
    scores = stage.scores[metric.name]
    top = 1.0 if not metric.unit else max(*scores, eta * 1.15, 1.0)
    mark = f"--eta: {100 * min(eta / top, 1):.2f}%"
    rows = []
    for token, score in zip(stage.tokens, scores, strict=True):
        others = ", ".join(
            f'<span class="whole">{_token(text)} {_percent(p)}</span>'
            for text, p in token.alternatives[1 : RUNNERS_UP + 1]
        )
        own = _percent(token.alternatives[0][1]) if token.alternatives else ""
        rows.append(
            f"""<tr><th scope="row">{_token(token.text)}</th>{_bar([score], top, gate)}
<td class="own">{own}</td><td>{others}</td></tr>"""
        )
    return f"""<div class="wide"><table class="tokens" id="{element}" style="{mark}">
<caption class="hidden">Tokens with their {escape(metric.label.lower())}</caption>
<thead><tr><th>Token</th><th class="number">{_unit(metric)}</th>
<th class="bar-cell"><span class="eta">η {eta:.2f}</span></th>
<th class="own">Probability</th><th>It also considered</th></tr></thead>
<tbody>{"".join(rows)}</tbody>
<tfoot><tr><th scope="row">Mean</th>{_bar(scores, top, gate)}<td class="own"></td><td></td></tr>
</tfoot>
</table></div>"""


def _bar(scores: Sequence[float], top: float, gate: Gate) -> str:
    """Two cells: the mean of `scores`, and its bar on a scale that ends at `top`."""
    value = gate.uncertainty(scores)
    state = "uncertain" if gate.retransmit(scores) else "confident"
    return f"""<td class="number">{value:.2f}</td><td class="bar-cell marked">
<span class="bar {state}" style="width:{100 * min(value / top, 1):.1f}%"></span></td>"""


def _sizes(transcript: Transcript, local: bool = True) -> str:
    """Bytes of the images sent beside those of the original, to scale."""
    width, height = transcript.original_size
    rows = [("original", f"Original, {width} × {height} pixels", transcript.original_bytes)]
    sent = {"global": transcript.global_image, "local": transcript.local_image if local else None}
    for name, image in sent.items():
        if image is not None:
            size = "{} × {}".format(*image.size)
            rows.append((name, f"{name.capitalize()} image, {size} pixels", len(image.data)))
    largest = max(count or 0 for _, _, count in rows)
    lines = []
    for name, label, count in rows:
        if count is None:  # not from a file
            continue
        share = ""
        if name != "original" and transcript.original_bytes:
            share = f", {_share(count, transcript.original_bytes)} of the original"
        lines.append(
            f"""<dt>{label}</dt><dd>
<span class="bar {name}" style="width:{100 * count / largest:.2f}%"></span>
<span class="{name}-bytes">{_bytes(count)}{share}</span></dd>"""
        )
    return f'<dl class="sizes">{"".join(lines)}</dl>'


def _as_sent(image: EncodedImage, element_class: str, alt: str) -> str:
    """The very bytes of the message, magnified without smoothing."""
    width, height = image.size
    factor = min(16, max(1, round(SIDE_SHOWN / max(width, height))))
    source = f"data:image/{image.format};base64,{base64.b64encode(image.data).decode('ascii')}"
    note = f"{width} × {height} pixels{', magnified' if factor > 1 else ''}"
    return f"""<div class="sent"><img class="pixelated {element_class}" src="{source}"
alt="{escape(alt)}" width="{width * factor}" height="{height * factor}">
<span class="fine">{note}</span></div>"""


def _picture(image: Image.Image, element_class: str, alt: str) -> str:
    """An illustration, not evidence: a good JPEG will do."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=90, subsampling=0)
    source = f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
    return f"""<img class="{element_class}" src="{source}" alt="{escape(alt)}"
width="{image.width}" height="{image.height}">"""


def _token(text: str) -> str:
    """A token with its spaces visible, since they are part of it."""
    visible = text.replace(" ", "␣").replace("\n", "⏎") or "∅"
    return f"<code>{escape(visible)}</code>"


def _coin(metric: Metric) -> str:
    return " 1 bit is the toss of a coin." if metric.unit == "bits" else ""


def _unit(metric: Metric) -> str:
    return metric.unit.capitalize() or "Margin"


def _value(value: float, metric: Metric) -> str:
    return f"{value:.2f} {metric.unit}".rstrip()


def _percent(p: float) -> str:
    return "&lt; 0.1 %" if p < 0.001 else f"{100 * p:.1f} %"


def _share(part: int, whole: int) -> str:
    percent = 100 * part / whole
    return f"{percent:.0f} %" if percent >= 10 else f"{percent:.1f} %"


def _bytes(count: int) -> str:
    return f"{count:,} bytes" if count < 10_000 else f"{count / 1000:,.0f} kB"


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{1000 * seconds:.1f} ms"


def _count(number: int) -> str:
    """1,234,000 -> 1.23 million, in words because it stands in a sentence."""
    for size, word in ((10**12, "trillion"), (10**9, "billion"), (10**6, "million")):
        if number >= size:
            return f"{number / size:.3g} {word}"
    return f"{number:,}"
