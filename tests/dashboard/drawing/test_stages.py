import base64
import re
from dataclasses import replace
from html import unescape

import pytest
from markupsafe import Markup

from core.channel import Fixed, Link
from core.imaging import Codec, Fit, load_image
from core.protocol import Sessions
from core.uncertainty import METRICS, Gate
from core.vlm import load_vlm
from dashboard.case import ask_first, ask_second
from dashboard.drawing import stages
from dashboard.drawing.about import LARGE_MODEL, PAPER, about_model, header
from dashboard.drawing.timeline import message_log
from dashboard.drawing.words.sentences import alert, explain
from tests.support.engine import engine

LINK = Link(Fixed(1e6), name="a link")
ATTACK = "<script>alert(1)</script>\"'&"


@pytest.fixture(scope="module")
def transcript(vlm, samples):
    sessions = Sessions()
    image = str(samples / "0.jpg")
    codecs = Codec(), Codec("webp")
    case = ask_first(vlm, sessions, image, f"What is {ATTACK}?", Gate(threshold=0.5), *codecs)
    return ask_second(vlm, sessions, case).transcript


@pytest.fixture(scope="module")
def original(samples):
    return load_image(samples / "0.jpg")


def _all(transcript, original):
    return str(
        stages.question(transcript.question)
        + stages.picture(transcript, original)
        + stages.answers(transcript)
        + stages.verdict(transcript)
        + stages.notes(transcript)
        + stages.second_stage(transcript)
        + stages.local_image(transcript)
        + stages.elsewhere(transcript)
        + message_log(transcript, LINK, ATTACK)
    )


def test_nothing_from_outside_becomes_markup(transcript, original):
    stage = transcript.first
    token = replace(stage.tokens[0], text=ATTACK, alternatives=((ATTACK, 0.5), (ATTACK, 0.4)))
    stage = replace(stage, answer=ATTACK, tokens=(token, *stage.tokens[1:]))
    shown = _all(replace(transcript, first=stage, second=stage), original)
    shown += alert(ATTACK) + about_model(ATTACK) + explain(ATTACK)
    assert "<script" not in shown
    assert shown.count(str(Markup.escape(ATTACK))) >= 3


def test_prompts_are_shown_as_the_model_read_them(transcript, original):
    shown = unescape(_all(transcript, original))
    assert transcript.first.prompt.count("<image>") == 1 and transcript.first.prompt in shown
    assert transcript.second.prompt.count("<image>") == 2 and transcript.second.prompt in shown
    stage = replace(transcript.first, prompt=None)  # a transcript of before
    shown = _all(replace(transcript, first=stage, second=stage), original)
    assert "as the model reads it" not in shown


def test_the_images_are_the_bytes_that_were_sent(transcript, original):
    shown = _all(transcript, original)
    for name, image in (("global", transcript.global_image), ("local", transcript.local_image)):
        source = re.search(rf'class="pixelated {name}-image" src="([^"]*)"', shown)[1]
        assert (
            base64.b64decode(source.removeprefix(f"data:image/{image.format};base64,"))
            == image.data
        )


def test_no_element_asks_another_host_for_anything(transcript, original):
    shown = _all(transcript, original) + header() + about_model("pocket")
    assert all(source.startswith("data:image/") for source in re.findall(r'src="([^"]*)"', shown))
    assert re.findall(r"https?://[^\"]*", shown) == [PAPER]


@pytest.mark.parametrize("metric", METRICS)
def test_every_token_has_a_row_with_its_value(transcript, metric):
    gate = Gate(metric, 0.5)
    shown = stages.notes(replace(transcript, gate=gate, forced=False))
    body = shown[shown.index("<tbody>") : shown.index("</tbody>")]
    values = [float(v) for v in re.findall(r'class="number">([-\d.]+)</td>', body)]
    assert values == [round(score, 2) for score in transcript.scores[metric]]
    foot = shown[shown.index("<tfoot>") :]
    mean = float(re.search(r'class="number">([-\d.]+)<', foot)[1])
    assert mean == pytest.approx(gate.uncertainty(transcript.scores[metric]), abs=0.005)
    widths = [float(w) for w in re.findall(r'style="width:([\d.]+)%', shown)]
    assert widths and all(0 <= width <= 100 for width in widths)


def test_before_the_second_stage_there_is_nothing_of_it(transcript, original):
    first = replace(transcript, second=None, local_image=None)
    assert stages.second_stage(first) == stages.local_image(first) == ""
    assert "second" not in stages.answers(first) + stages.notes(first).replace("second look", "")
    assert 'class="outline"' not in stages.picture(first, original)


def test_an_original_without_a_file_has_no_share(transcript, original):
    shown = stages.picture(replace(transcript, original_bytes=None), original)
    assert "of the original" not in shown


def test_what_the_model_cannot_see_is_shaded_and_said(transcript, original):
    shown = stages.picture(transcript, original)
    assert 'id="unseen"' not in shown and 'class="seen"' not in shown
    assert "--left:0.0000%;--top:0.0000%;--width:100.0000%;--height:100.0000%" in shown
    cut = replace(transcript, original_size=(1600, 900), fit=Fit("cover", (192, 192)))
    shown = stages.picture(cut, original)
    assert "The shaded 44 %" in shown and 'class="seen"' in shown
    assert "--left:21.8750%;--top:0.0000%;--width:56.2500%;--height:100.0000%" in shown
    assert stages.picture(replace(transcript, fit=None), original)  # of before


def test_it_says_how_much_finer_the_crop_is_and_warns_where_it_is_not(transcript):
    finer = transcript.fit.finer(transcript.original_size, transcript.box.size)
    assert f'id="finer">{finer:.1f} times as fine' in stages.local_image(transcript)
    coarse = replace(transcript, fit=Fit("pad", transcript.original_size))
    assert "no finer than the global image" in stages.local_image(coarse)
    assert 'id="finer"' not in stages.local_image(replace(transcript, fit=None))


def test_the_heading_says_how_to_get_a_larger_model():
    text = re.sub(r"<[^>]*>", "", about_model("pocket"))
    assert f"python app.py --model {LARGE_MODEL}" in text
    assert "2512.16349" in header()


def test_an_engine_and_who_looks_in_its_place_are_said(transcript):
    looked = stages.second_stage(replace(transcript, look="scout:<pocket>"))
    assert 'id="looked"' in looked and "<code>scout:&lt;pocket&gt;</code>" in looked
    assert 'id="looked"' not in stages.second_stage(transcript)


def test_the_facts_of_an_engine_are_those_that_it_tells():
    with engine() as (url, _):
        info = load_vlm(f"openai:{url}#fake", look="tiles").info
    text = re.sub(r"<[^>]*>", "", about_model(info.name, info))
    assert "tells its 12 likeliest tokens; tiles looks for" in text
    assert "parameters" not in text and "visual tokens" not in text
