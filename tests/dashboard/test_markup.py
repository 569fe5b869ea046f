import base64
import html
import re
from dataclasses import replace

import pytest
from PIL import Image

from core.imaging import Codec, load_image
from core.protocol import Sessions
from core.uncertainty import METRICS, Gate
from dashboard import markup
from dashboard.case import ask_first, ask_second

ATTACK = "<script>alert(1)</script>\"'&"


@pytest.fixture(scope="module")
def transcript(vlm, samples):
    sessions = Sessions()
    image = str(samples / "0.jpg")
    case = ask_first(vlm, sessions, image, f"What is {ATTACK}?", Gate(threshold=0.5), Codec())
    return ask_second(vlm, sessions, case).transcript


@pytest.fixture(scope="module")
def original(samples):
    return load_image(samples / "0.jpg")


def _all(transcript, original):
    return (
        markup.first_stage(transcript)
        + markup.verdict(transcript)
        + markup.second_stage(transcript, original)
        + markup.comparison(transcript)
        + markup.message_log(transcript, ATTACK)
    )


def test_nothing_from_outside_becomes_markup(transcript, original):
    stage = transcript.first
    token = replace(stage.tokens[0], text=ATTACK, alternatives=((ATTACK, 0.5), (ATTACK, 0.4)))
    stage = replace(stage, answer=ATTACK, tokens=(token, *stage.tokens[1:]))
    shown = _all(replace(transcript, first=stage, second=stage), original)
    shown += markup.alert(ATTACK) + markup.about_model(ATTACK) + markup.sample_note(ATTACK)
    assert "<script" not in shown
    assert html.escape(ATTACK) in shown


def test_the_images_are_the_bytes_that_were_sent(transcript, original):
    shown = _all(transcript, original)
    for name, image in (("global", transcript.global_image), ("local", transcript.local_image)):
        source = re.search(rf'class="pixelated {name}-image" src="([^"]*)"', shown)[1]
        assert base64.b64decode(source.removeprefix("data:image/jpeg;base64,")) == image.data


def test_no_element_asks_another_host_for_anything(transcript, original):
    shown = _all(transcript, original) + markup.header() + markup.about_model("pocket")
    assert all(source.startswith("data:image/") for source in re.findall(r'src="([^"]*)"', shown))
    assert re.findall(r"https?://[^\"]*", shown) == [markup.PAPER]


@pytest.mark.parametrize("metric", METRICS)
def test_every_token_has_a_row_with_its_value(transcript, metric):
    gate = Gate(metric, 0.5)
    shown = markup.verdict(replace(transcript, gate=gate, forced=False))
    body = shown[shown.index("<tbody>") : shown.index("</tbody>")]
    values = [float(v) for v in re.findall(r'class="number">([\d.]+)</td>', body)]
    assert values == [round(score, 2) for score in transcript.scores[metric]]
    foot = shown[shown.index("<tfoot>") :]
    mean = float(re.search(r'class="number">([\d.]+)<', foot)[1])
    assert mean == pytest.approx(gate.uncertainty(transcript.scores[metric]), abs=0.005)
    widths = [float(w) for w in re.findall(r'style="width:([\d.]+)%', shown)]
    assert widths and all(0 <= width <= 100 for width in widths)


def test_the_log_adds_up(transcript):
    shown = markup.message_log(transcript)
    total = sum(message.byte_count for message in transcript.messages)
    assert f"{total:,} bytes in 4 messages" in shown
    for message in transcript.messages:
        assert f">{message.byte_count:,}</td>" in shown


def test_before_the_second_stage_there_is_nothing_of_it(transcript):
    first = replace(transcript, second=None, local_image=None)
    assert markup.second_stage(first, Image.new("RGB", (4, 4))) == ""
    assert markup.comparison(first) == ""


def test_an_original_without_a_file_has_no_share(transcript):
    shown = markup.first_stage(replace(transcript, original_bytes=None))
    assert "of the original" not in shown


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(1, 1000, "0.1 %"), (99, 1000, "9.9 %"), (997, 1000, "100 %"), (30, 10, "300 %")],
)
def test_shares_read_as_numbers(part, whole, text):
    assert markup._share(part, whole) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(999, "999"), (9_754_880, "9.75 million"), (7_595_892_000_000, "7.6 trillion")],
)
def test_large_numbers_are_words(number, text):
    assert markup._count(number) == text


def test_the_heading_says_how_to_get_a_larger_model():
    text = re.sub(r"<[^>]*>", "", markup.about_model("pocket"))
    assert f"python app.py --model {markup.LARGE_MODEL}" in text
    assert "2512.16349" in markup.header()
