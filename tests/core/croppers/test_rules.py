"""What each rule alone finds, where it can be said beforehand."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from core.croppers import CROPPERS
from core.croppers.asking import read_box
from core.croppers.funnel import spread
from core.croppers.gradients import pure_gradient
from core.croppers.heads import bend, choose, smoothed, spatial_entropy
from core.croppers.words import target
from core.cropping import Box
from core.protocol import Edge, Server, ask
from core.uncertainty import Gate
from core.vlm.base import Generation
from tests.support.pixels import SIDE, PixelVLM, picture

ALWAYS = Gate(threshold=-1.0)


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("What does the blue circle sign say?", "blue circle sign"),
        ("Is there a dog-sled in the picture?", "dog-sled"),
        ("Which word is written on the man's hat?", "man's hat"),
        ("What is it?", "What is it"),
        ("?", ""),
    ],
)
def test_what_a_question_is_about(question, words):
    assert target(question) == words


@pytest.mark.parametrize(
    ("said", "box"),
    [
        ("[100, 200, 300, 400]", Box(200, 100, 600, 200)),
        ('{"bbox_2d": [100,200,300,400], "label": "sign"} [1, 2, 3, 4]', Box(200, 100, 600, 200)),
        ("(-5, 0.4, 2000, 1000)", Box(0, 0, 2000, 500)),
        ("[300, 200, 100, 400]", None),
        ("[1, 2, 3]", None),
        ("I see no sign.", None),
        ("", None),
    ],
)
def test_a_box_is_read_from_what_the_model_says(said, box):
    assert read_box(said, (1000, 1000), (2000, 500)) == box


def test_a_box_that_the_model_names_is_looked_at(monkeypatch):
    vlm, real = PixelVLM(), PixelVLM.answer

    def answer(self, look, question, *args, **options):
        found = real(self, look, question, *args, **options)
        if not question.startswith("Locate the bright spot."):
            return found
        return Generation("[750, 400, 850, 600]", found.token_ids, found.tokens, found.logits,
                          found.attention)  # fmt: skip

    monkeypatch.setattr(PixelVLM, "answer", answer)
    t = ask(Edge(picture()), Server(vlm, ALWAYS, cropper="ask"), "What does the bright spot say?")
    assert t.box.contains(Box(150, 40, 170, 60)) and t.box_fallback == ""
    assert "asking" in [step.name for step in t.steps]
    other = ask(Edge(picture()), Server(vlm, ALWAYS, cropper="ask"), "What does the dark say?")
    assert other.box_fallback.startswith("The model named no box, but said '<")


def test_one_place_is_less_than_many():
    one, two = np.zeros((6, 6)), np.zeros((6, 6))
    one[1:3, 1:3] = 1
    two[0, 0] = two[5, 5] = 1
    assert spatial_entropy(one) == 0 and spatial_entropy(two) == pytest.approx(1.0)
    two[1, 1] = 1  # touches by a corner: still two places
    assert spatial_entropy(two) == pytest.approx(0.918, abs=1e-3)
    assert spatial_entropy(np.zeros((6, 6))) == np.inf


def test_the_heads_that_point_are_chosen():
    """Of six, two look at one place, one at the whole image, and three hardly at the image."""
    rng = np.random.default_rng(0)
    questions = []
    for _ in range(20):
        maps = rng.random((2, 3, 8, 8)) * 1e-4
        maps[0, 1] += 0.5 / 64
        maps[0, 1] += rng.random((8, 8)) * 0.01
        for head in (0, 2):
            row, col = rng.integers(0, 6, 2)
            maps[1, head, row : row + 2, col : col + 2] += 0.2
        questions.append(maps)
    assert set(choose(questions)) <= {(0, 1), (1, 0), (1, 2)}
    assert choose(questions)[:2] == ((1, 0), (1, 2))
    with pytest.raises(ValueError, match="there are none"):
        choose([])


def test_the_bend_of_a_curve():
    assert bend(np.array([0.0, 0.01, 0.02, 0.03, 1.0, 0.9])) == 0.03
    assert bend(np.full(4, 0.5)) == 0.5


def test_smoothing_keeps_what_is_flat_and_the_place_of_a_peak():
    np.testing.assert_allclose(smoothed(np.ones((5, 9))), 1)
    peak = np.zeros((9, 9))
    peak[2, 6] = 1
    assert np.unravel_index(smoothed(peak).argmax(), (9, 9)) == (2, 6)


def test_what_stands_out_in_a_part_is_found_there():
    """A further look is at a local image, which shows a part of the original only."""
    image = Image.new("RGB", (1600, 1600), "#808080")
    image.paste("black", (80, 80, 200, 200))  # in another part
    image.paste("white", (1180, 1190, 1230, 1240))
    part, local = (800, 800, 1600, 1600), image.crop((800, 800, 1600, 1600)).resize((SIDE, SIDE))
    found = []

    def find(clues):
        geometry = clues.vlm.geometry(local.size).of_original(image.size, part)
        inside = replace(clues, geometry=geometry, held_image=lambda: local, side=SIDE)
        found.append(CROPPERS["saliency"].find(inside).boxes[0])
        return CROPPERS["saliency"].find(clues)

    looks = replace(CROPPERS["saliency"], find=find)
    ask(Edge(image), Server(PixelVLM(), ALWAYS, cropper=looks), "What?")
    assert found[0].shared(Box(1180, 1190, 1230, 1240)) > 0


def test_a_pure_gradient_counts_where_there_is_detail():
    pixels = np.full((28, 28, 3), 0.5)
    pixels[14:, 14:] = np.random.default_rng(0).random((14, 14, 3))
    flat = np.ones((28, 28))
    found = pure_gradient(5 * flat, flat, pixels, (2, 2))
    assert found[1, 1] == found.max() > 4 and found[0, 0] == 0
    assert np.isfinite(pure_gradient(flat, 0 * flat, pixels, (2, 2))).all()


def test_attention_is_spread_from_none_to_all():
    one = np.zeros((4, 4))
    one[2, 2] = 1
    assert spread(one) == 0 and spread(np.ones((4, 4))) == pytest.approx(1)
    assert spread(np.zeros((4, 4))) == 1


def test_a_funnel_is_nested_and_wider_where_attention_is_spread():
    t = ask(Edge(picture(800, 600)), Server(PixelVLM(), ALWAYS, cropper="funnel"), "What?")
    own = ask(Edge(picture(800, 600)), Server(PixelVLM(), ALWAYS), "What?")
    assert t.attention.searched is None and t.attention.relative == own.attention.relative
    assert t.box.width > 200  # two cells of the grid, and a share more


def test_a_model_that_lacks_what_a_cropper_needs_is_told_so():
    class Plain(PixelVLM):
        abilities = frozenset()

    with pytest.raises(ValueError, match="'gradient' needs the gradient .* 'pixels' hasn't got"):
        Server(Plain(), ALWAYS, cropper="gradient")
    vlm = PixelVLM()
    vlm.info = type(vlm.info)(**{**vars(vlm.info), "heads": ()})
    with pytest.raises(ValueError, match="choose them once with `python -m core.vlm heads"):
        Server(vlm, ALWAYS, cropper="heads")
