"""What the phone's script computes, against the same in Python: to the bit."""

import base64
import json
import random
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.box import Box
from core.imaging import Fit, crop_local, downscale
from core.messages import Answer, CropRequest, LocalImage, Question
from tests.support.programs import needed

FITS = (
    Fit("stretch", (96, 64)), Fit("cover", (96, 64)), Fit("pad", (96, 64)),
    Fit("area", (96, 64), 16), Fit("area", (63, 41), 1), Fit("pad", (1, 1)),
)  # fmt: skip


@pytest.fixture(scope="module")
def computed():
    """Ask the script: computed(what, **given)."""
    node = needed("node", "nodejs")
    script = Path(__file__).with_name("against_node.mjs")
    with subprocess.Popen(
        [node, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:

        def ask(what, **given):
            process.stdin.write(json.dumps({"what": what} | given) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield ask
        process.stdin.close()
        process.wait(10)


def as_json(fit):
    return {"how": fit.how, "inputSize": fit.input_size, "cell": fit.cell}


def text(data):
    return base64.b64encode(data).decode()


@pytest.mark.parametrize("fit", FITS, ids=str)
def test_sizes_and_regions(computed, fit):
    draw = random.Random(0)
    sizes = [(1, 1), (96, 64), (97, 64), (48, 32), (5, 4000), (4000, 3), (193, 129)]
    sizes += [(draw.randint(1, 300), draw.randint(1, 300)) for _ in range(200)]
    for size in sizes:
        there = computed("fit", fit=as_json(fit), original=size)
        assert tuple(there["size"]) == fit.size(size), size
        assert tuple(there["region"]) == fit.region(size), size


def resized_there(computed, image, fit):
    rgba = text(image.convert("RGBA").tobytes())
    there = computed("pixels", fit=as_json(fit), original=image.size, rgba=rgba)
    return Image.frombytes("RGB", tuple(there["size"]), base64.b64decode(there["rgb"]))


@pytest.mark.parametrize("fit", FITS, ids=str)
@pytest.mark.parametrize(
    "size", [(96, 64), (50, 40), (500, 300), (701, 997), (1500, 40), (7, 3), (2001, 801)], ids=str
)
def test_every_pixel_of_the_global_image(computed, fit, size):
    width, height = size
    pixels = np.random.default_rng(width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    pixels[height // 3 :, : width // 2] = 255  # an edge that rings, and a plane that must not
    image = Image.fromarray(pixels)
    there, here = resized_there(computed, image, fit), downscale(image, fit)
    assert there.size == here.size
    assert there.tobytes() == here.tobytes()


def test_every_pixel_of_a_local_image(computed):
    pixels = np.random.default_rng(1).integers(0, 256, (900, 1300, 3), dtype=np.uint8)
    image, box = Image.fromarray(pixels), Box(211, 97, 1000, 640)
    for fit in FITS:
        there = resized_there(computed, image.crop(box.as_tuple()), fit)
        assert there.tobytes() == crop_local(image, box, fit).tobytes()


def test_messages_are_the_same_bytes(computed):
    question = Question((40, 30), b"\xff\xd8image", "jpeg", "Was heißt „2 × 3“? \U0001f600")
    header = {"kind": "question", "original_size": [40, 30], "image_format": "jpeg"}
    sent = computed("packed", header=header | {"question": question.question},
                    image=text(question.image))  # fmt: skip
    assert base64.b64decode(sent) == question.to_bytes()
    local = LocalImage("s-1", b"\xff\xd8crop", "jpeg")
    header = {"kind": "local image", "session": "s-1", "image_format": "jpeg"}
    sent = computed("packed", header=header, image=text(local.image))
    assert base64.b64decode(sent) == local.to_bytes()


def test_replies_are_read(computed):
    request = CropRequest("s-1", Box(1, 2, 30, 40))
    read = computed("unpacked", bytes=text(request.to_bytes()))
    assert read == {"kind": "crop request", "session": "s-1", "box": [1, 2, 30, 40]}
    read = computed("unpacked", bytes=text(Answer("7 µm").to_bytes()))
    assert read["text"] == "7 µm"


def test_a_box_outside_the_original_is_not_cut(computed):
    assert computed("inside", box=[0, 0, 4, 3], original=[4, 3])
    for box in (
        [0, 0, 5, 3],
        [-1, 0, 4, 3],
        [2, 0, 2, 3],
        [0, 0.5, 4, 3],
        [0, 0, 4],
        ["0", 0, 4, 3],
    ):
        assert not computed("inside", box=box, original=[4, 3]), box
