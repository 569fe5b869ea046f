import base64
import io
import zipfile

import pytest
from PIL import Image

from core.cropping import Box
from core.imaging import Codec, ImageError
from core.protocol import Sessions
from core.transcript import Transcript
from core.uncertainty import Gate
from dashboard.case import ask_elsewhere, ask_first, ask_second
from dashboard.drawing.files import downloads


@pytest.fixture(scope="module")
def case(vlm, samples):
    sessions = Sessions()
    image = str(samples / "0.jpg")
    first = ask_first(
        vlm, sessions, image, "What?", Gate(threshold=0.0), Codec(), Codec("webp", 60)
    )
    case = ask_second(vlm, sessions, first)
    return ask_elsewhere(vlm, sessions, case, Box(0, 0, 90, 90))


def test_the_transcript_can_be_read_again(case):
    parcel = downloads.transcript_file(case.transcript)
    assert (parcel["name"], parcel["type"]) == ("transcript.json", "application/json")
    assert Transcript.from_json(base64.b64decode(parcel["base64"])) == case.transcript


def test_pictures_are_what_was_sent_and_what_was_seen(case):
    parcel = downloads.picture_file(case)
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(parcel["base64"]))) as pack:
        files = {name: pack.read(name) for name in pack.namelist()}
    assert files.pop("global.jpeg") == case.transcript.global_image.data
    assert files.pop("local.webp") == case.transcript.local_image.data
    assert files.pop("local-own-box.webp") == case.elsewhere.local_image.data
    maps = {f"attention-{name}.png" for name in ("relative", "question", "generic")}
    assert set(files) == maps | {"box.png"}
    for data in files.values():
        Image.open(io.BytesIO(data)).verify()


def test_after_the_first_stage_there_is_one_picture(vlm, samples):
    image = str(samples / "0.jpg")
    case = ask_first(vlm, Sessions(), image, "What?", Gate(threshold=99.0), Codec(), Codec())
    data = base64.b64decode(downloads.picture_file(case)["base64"])
    assert zipfile.ZipFile(io.BytesIO(data)).namelist() == ["global.jpeg"]


def test_an_original_that_is_gone_is_one_sentence(case, tmp_path):
    from dataclasses import replace

    with pytest.raises(ImageError, match="There is no file"):
        downloads.picture_file(replace(case, image=str(tmp_path / "gone.jpg")))
