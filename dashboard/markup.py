"""A transcript as HTML: answers, verdict, bytes, and what is said around them.

Text from outside is escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from PIL import Image

from core.channel import Link
from core.imaging import MAX_PIXELS
from core.imaging.decode import FORMATS, readable_formats
from core.transcript import EncodedImage, Stage, Transcript
from core.uncertainty import METRICS, Metric
from core.vlm import ModelInfo
from dashboard import wording
from dashboard.samples import Sample
from dashboard.walkthrough import gauge, pictures, timeline, tokens
from dashboard.walkthrough.overlays import display_copy

PAPER = "https://arxiv.org/abs/2512.16349"
LARGE_MODEL = "llava-hf/llava-1.5-7b-hf"


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
            f"{wording.count(info.parameters)} parameters; sees images of {width} × {height} "
            f"pixels as {info.visual_tokens} visual tokens."
        )
        if info.layer_source and name != "pocket":
            facts += (
                f" Its box is read from layer {info.attention_layer} of {info.layers} "
                f"({escape(info.layer_source)})."
            )
    return f'<p class="model">{text}</p><p class="fine" id="model-facts">{facts}</p>'


def alert(sentence: str) -> str:
    """What went wrong, where the user is looking; screen readers speak it at once."""
    return f'<p class="alert" role="alert">{escape(sentence)}</p>'


def notice(sentence: str) -> str:
    return f'<p class="notice" role="status">{escape(sentence)}</p>'


def sample_cards(samples: Sequence[Sample]) -> str:
    """One button a sample, named by what it says. Which one is pressed is set in the browser."""
    cards = "".join(
        f"""<button type="button" data-index="{index}" aria-pressed="false">
<img src="{pictures.source(sample.thumbnail())}" alt=""><span class="sample-title">
{escape(sample.title)}</span> <span class="sample-note">{escape(sample.note)}</span></button>"""
        for index, sample in enumerate(samples)
    )
    return f'<div class="sample-cards" role="group" aria-labelledby="samples-heading">{cards}</div>'


def image_limits(largest_file: int) -> str:
    """What may be brought. The browser reads the limit here before it sends a file."""
    *names, last = (FORMATS[name] for name in readable_formats())
    return f"""<p class="fine" id="image-limits" data-largest="{largest_file}">{", ".join(names)} or
{last}, up to {largest_file // 10**6} MB and {MAX_PIXELS // 10**6} megapixels.</p>"""


CAMERA = {  # why the browser lent none -> what to do
    "insecure": "Browsers lend the camera only to https pages, and to pages of the machine itself:"
    " choose a file; on a telephone, that offers the camera, too.",
    "forbidden": "The camera isn't allowed for this page: allow it in the browser's settings and"
    " try again, or choose a file.",
    "absent": "No camera can be used: it isn't there, or another program has it. Choose a file.",
}


def not_sent(name: str, why: str, size: float, largest_file: int) -> str:
    """Why a file isn't here: the browser kept it to itself, or it was lost on the way."""
    what = f"“{str(name)[:60]}”"
    if why in CAMERA:
        return CAMERA[why]
    if why == "folder":
        return f"{what} is a folder: choose an image file in it."
    if why == "size":
        return (
            f"{what} has {size / 1e6:,.0f} MB, and at most {largest_file // 10**6} MB can be taken:"
            " save it as JPEG, or smaller."
        )
    return f"{what} didn't arrive: try again, or a smaller file."


def sample_note(note: str) -> str:
    return f'<p class="explain">{escape(note)}</p>'


# Stage 1


def first_stage(transcript: Transcript, original: Image.Image) -> str:
    """`original` at any size: what the global image is compared with."""
    compared = pictures.comparison(display_copy(original), transcript.global_image)
    return f"""<section aria-labelledby="stage-1">
<h2 id="stage-1">Stage 1: a small image of everything</h2>
<p class="explain">Asked of {escape(transcript.model)}:
<q>{escape(transcript.question)}</q></p>
{compared}
<p class="explain"><strong>The global image:</strong> the whole picture, shrunk to what the model
takes in, and compressed: {_size_of(transcript.global_image, "global", transcript)}. The server
sees nothing else.</p>
</section>"""


def verdict(transcript: Transcript) -> str:
    """The first answer, and what the gate makes of it: all that depends on metric and η."""
    metric, gate = METRICS[transcript.gate.metric], transcript.gate
    state = "uncertain" if transcript.uncertain else "confident"
    relation = "at or above" if metric.higher_is_uncertain else "at or below"
    return f"""<section aria-labelledby="first-answer-heading">
<h3 id="first-answer-heading">First answer</h3>
{_answer(transcript.first, "first-answer")}
{tokens.coloured(transcript.first, gate)}
<p class="outcome {state}" id="verdict" role="status">{escape(transcript.summary())}</p>
{gauge.gauge(transcript)}
<p class="explain">The answer comes one <strong>token</strong> at a time, a word or a piece of one.
<strong>{escape(metric.label)}</strong> is {escape(metric.formula)}, where p are the probabilities
of the next token. {escape(metric.definition)}{_coin(metric)} The <strong>gate</strong> asks for a
second look when the {escape(metric.phrase)} is {relation} the threshold η.</p>
<details><summary>Token by token</summary>
{tokens.table(transcript.first, gate, "first-tokens")}</details>
</section>"""


# Stage 2


def second_stage(transcript: Transcript) -> str:
    """The heading of stage 2; empty until there was one."""
    if transcript.second is None:
        return ""
    return """<section aria-labelledby="stage-2">
<h2 id="stage-2">Stage 2: a closer look at one place</h2>
<p class="explain"><strong>Where it looked.</strong> Yellow is much attention, dark is little. The
square that stands out most in the map on the left is what the server asks for.</p></section>"""


def local_image(transcript: Transcript) -> str:
    """What the server asked for, and got."""
    if transcript.second is None:
        return ""
    box = transcript.box
    image = transcript.local_image
    return f"""<section aria-labelledby="local-heading">
<h3 id="local-heading">What it asked for, and got</h3>
{pictures.as_sent(image, "local-image", "The local image as the server saw it")}
<p class="explain"><strong>The local image:</strong> {box.width} × {box.height} pixels of the
original, from {box.left}, {box.top} to {box.right}, {box.bottom}, in as much detail as the model
takes in: sent as {image.size[0]} × {image.size[1]} pixels,
{_size_of(image, "local", transcript)}.</p></section>"""


def comparison(transcript: Transcript) -> str:
    """Both answers side by side, and how sure the model was of each."""
    if transcript.second is None:
        return ""
    metric, gate = METRICS[transcript.gate.metric], transcript.gate
    before = wording.measured(gate.uncertainty(transcript.first.scores[metric.name]), metric)
    after = wording.measured(gate.uncertainty(transcript.second.scores[metric.name]), metric)
    label = escape(metric.phrase)
    return f"""<section aria-labelledby="both-answers">
<h3 id="both-answers">Second answer, beside the first</h3>
<div class="columns narrow">
<div><p class="explain">From the global image alone</p>
{_answer(transcript.first, "answer-before")}
<p class="explain">{label} <span id="mean-before">{before}</span></p></div>
<div><p class="explain">From both images together</p>
{_answer(transcript.second, "second-answer")}
{tokens.coloured(transcript.second, gate)}
<p class="explain">{label} <span id="mean-after">{after}</span></p></div>
</div>
<p class="explain">The second answer is final: the gate isn't asked again, whatever these
values.</p>
<details><summary>Token by token</summary>
{tokens.table(transcript.second, gate, "second-tokens")}</details>
</section>"""


def move_the_box() -> str:
    return """<h3>What if it had looked elsewhere?</h3>
<p class="explain">Drag the box, or its corners, and ask what the model would have answered from
there.</p>"""


def elsewhere(transcript: Transcript) -> str:
    """What the model says if it looks at a box of the user's instead."""
    metric, gate = METRICS[transcript.gate.metric], transcript.gate
    value = wording.measured(gate.uncertainty(transcript.second.scores[metric.name]), metric)
    box, image = transcript.box, transcript.local_image
    return f"""<section class="elsewhere" aria-labelledby="elsewhere-heading">
<h3 id="elsewhere-heading">If it had looked there</h3>
<div class="columns narrow"><div>
{pictures.as_sent(image, "elsewhere-image", "The local image of your own box")}
</div><div role="status">
<p class="explain">With your box, {box.width} × {box.height} pixels from {box.left}, {box.top}</p>
{_answer(transcript.second, "elsewhere-answer")}
{tokens.coloured(transcript.second, gate)}
<p class="explain">{escape(metric.phrase)} {value};
the image takes {wording.byte_count(len(image.data))}</p></div></div></section>"""


# The link


def message_log(transcript: Transcript, link: Link, note: str = "") -> str:
    """Who sent what, how many bytes; then when, on a link, beside the work of each side."""
    return f"""<section aria-labelledby="log">
<h2 id="log">What crossed the link</h2>
<div class="columns"><div>
{timeline.messages(transcript.messages, transcript.original_bytes)}
{f'<p class="notice">{escape(note)}</p>' if note else ""}
</div><div>
<p class="explain">Every message between edge and server, with all its bytes: a short header, and
the encoded image where there is one. Nearly all of it is images:</p>
{_sizes(transcript)}
</div></div>
<h2>Where the time goes</h2>
<p class="explain">Messages take what their bytes need on {escape(link.name)}; work takes what was
measured on this machine. FLOPs, the model's multiplications and additions, are the paper's
estimate.</p>
{timeline.timeline(transcript, link)}
</section>"""


# Parts


def _answer(stage: Stage, element: str) -> str:
    text = escape(stage.answer) or '<span class="fine">(an empty answer)</span>'
    return f'<p class="answer" id="{element}">{text}</p>'


def _size_of(image: EncodedImage, name: str, transcript: Transcript) -> str:
    """Bytes of an image as sent, and their share of the original's."""
    count, whole = len(image.data), transcript.original_bytes
    part = f", {wording.share(count, whole)} of the original" if whole else ""
    return f'<span class="{name}-bytes whole">{wording.byte_count(count)}{part}</span>'


def _sizes(transcript: Transcript) -> str:
    """Bytes of the images sent beside those of the original, to scale."""
    width, height = transcript.original_size
    rows = []
    if transcript.original_bytes:  # from a file
        size = wording.byte_count(transcript.original_bytes)
        rows.append(
            ("original", f"Original, {width} × {height} pixels", transcript.original_bytes, size)
        )
    for name, image in (("global", transcript.global_image), ("local", transcript.local_image)):
        if image is not None:
            size = "{} × {}".format(*image.size)
            label = f"{name.capitalize()} image, {size} pixels, {image.format.upper()}"
            rows.append((name, label, len(image.data), _size_of(image, name, transcript)))
    largest = max(count for _, _, count, _ in rows)
    lines = (
        f"""<dt>{label}</dt><dd>
<span class="bar {name}" style="width:{100 * count / largest:.2f}%"></span>{size}</dd>"""
        for name, label, count, size in rows
    )
    return f'<dl class="sizes">{"".join(lines)}</dl>'


def _coin(metric: Metric) -> str:
    return " 1 bit is the toss of a coin." if metric.unit == "bits" else ""
