"""A transcript as HTML: answers, verdict, bytes, and what is said around them.

Text from outside is escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from markupsafe import Markup
from PIL import Image

from core.channel import Link
from core.imaging import MAX_PIXELS
from core.imaging.decode import FORMATS, readable_formats
from core.transcript import EncodedImage, Stage, Transcript
from core.uncertainty import METRICS, Gate
from core.vlm import ModelInfo
from dashboard.drawing import gauge, pictures, timeline, tokens, wording
from dashboard.drawing.overlays import display_copy
from dashboard.drawing.templating import render
from dashboard.samples import Sample

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


def first_stage(transcript: Transcript, original: Image.Image) -> Markup:
    """Return the first stage. original: at any size, what the global image is compared with."""
    compared = pictures.comparison(display_copy(original), transcript.global_image)
    return render(
        "transcript/first_stage.html",
        transcript=transcript,
        compared=Markup(compared),
        size=_size_of(transcript.global_image, transcript),
    )


def verdict(transcript: Transcript) -> Markup:
    """Return the first answer, and what the gate makes of it: all that depends on metric and η."""
    gate = transcript.gate
    return render(
        "transcript/verdict.html",
        transcript=transcript,
        metric=METRICS[gate.metric],
        state="uncertain" if transcript.uncertain else "confident",
        coloured=tokens.coloured(transcript.first, gate),
        gauge=Markup(gauge.gauge(transcript)),
        table=tokens.table(transcript.first, gate, "first-tokens"),
    )


# Stage 2


def second_stage(transcript: Transcript) -> str:
    """The heading of stage 2; empty until there was one."""
    if transcript.second is None:
        return ""
    return """<section aria-labelledby="stage-2">
<h2 id="stage-2">Stage 2: a closer look at one place</h2>
<p class="explain"><strong>Where it looked.</strong> Yellow is much attention, dark is little. The
square that stands out most in the map on the left is what the server asks for.</p></section>"""


def local_image(transcript: Transcript) -> Markup:
    """Return what the server asked for, and got; empty if it didn't."""
    if transcript.second is None:
        return Markup()
    image = transcript.local_image
    picture = pictures.as_sent(image, "local-image", "The local image as the server saw it")
    return render(
        "transcript/local_image.html",
        box=transcript.box,
        image=image,
        picture=Markup(picture),
        size=_size_of(image, transcript),
    )


def comparison(transcript: Transcript) -> Markup:
    """Return both answers side by side, and how sure the model was of each."""
    if transcript.second is None:
        return Markup()
    gate = transcript.gate
    return render(
        "transcript/comparison.html",
        transcript=transcript,
        phrase=METRICS[gate.metric].phrase,
        before=_measured(transcript.first, gate),
        after=_measured(transcript.second, gate),
        coloured=tokens.coloured(transcript.second, gate),
        table=tokens.table(transcript.second, gate, "second-tokens"),
    )


def move_the_box() -> str:
    return """<h3>What if it had looked elsewhere?</h3>
<p class="explain">Drag the box, or its corners, and ask what the model would have answered from
there.</p>"""


def elsewhere(transcript: Transcript) -> Markup:
    """Return what the model says if it looks at a box of the user's instead."""
    gate, image = transcript.gate, transcript.local_image
    picture = pictures.as_sent(image, "elsewhere-image", "The local image of your own box")
    return render(
        "transcript/elsewhere.html",
        transcript=transcript,
        box=transcript.box,
        picture=Markup(picture),
        coloured=tokens.coloured(transcript.second, gate),
        phrase=METRICS[gate.metric].phrase,
        value=_measured(transcript.second, gate),
        size=wording.byte_count(len(image.data)),
    )


# The link


def message_log(transcript: Transcript, link: Link, note: str = "") -> Markup:
    """Return who sent what, how many bytes; then when, on a link, beside each side's work."""
    return render(
        "transcript/log.html",
        link=link,
        note=note,
        messages=timeline.messages(transcript.messages, transcript.original_bytes),
        sizes=_sizes(transcript),
        timeline=timeline.timeline(transcript, link),
    )


# Parts


def _measured(stage: Stage, gate: Gate) -> str:
    return wording.measured(gate.uncertainty(stage.scores[gate.metric]), METRICS[gate.metric])


def _size_of(image: EncodedImage, transcript: Transcript) -> str:
    """Return the bytes of an image as sent, and their share of the original's."""
    count, whole = len(image.data), transcript.original_bytes
    part = f", {wording.share(count, whole)} of the original" if whole else ""
    return f"{wording.byte_count(count)}{part}"


def _sizes(transcript: Transcript) -> list[tuple[str, str, str, str]]:
    """Return the images sent beside the original: name, label, width of the bar in %, size."""
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
            rows.append((name, label, len(image.data), _size_of(image, transcript)))
    largest = max(count for _, _, count, _ in rows)
    return [(name, label, f"{100 * n / largest:.2f}", size) for name, label, n, size in rows]
