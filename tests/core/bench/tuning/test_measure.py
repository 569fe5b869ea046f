"""What each layer's box is worth, on a model that sees what is bright."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest

from core.bench.datasets import DatasetError, Sample
from core.bench.datasets.scoring import SCORERS
from core.bench.tuning.measure import ask, with_sides
from core.imaging import Codec
from tests.support.pixels import TOKENS, PixelVLM, picture

EXACT, CODEC, SIDES = SCORERS["exact"], Codec("png"), (60, 61, 100)
SPOT = (150, 40, 170, 60)


class Layered(PixelVLM):
    """Layer 1 sees the bright spot, layer 0 the corner at the top left."""

    def attend(self, look, prompt, layer=None):
        row = super().attend(look, prompt)
        if layer == 0 and prompt != "Describe.":
            row = np.zeros(TOKENS, dtype=np.float32)
            row[16] = 1.0  # the first row that isn't padding
        return row


def sample(boxes=(SPOT,), **others):
    file = io.BytesIO()
    picture().save(file, "png")
    return Sample("a", "a", "Where?", "Where?", ("x",), file.getvalue, boxes=boxes, **others)


def test_each_layer_is_asked_once_and_has_a_box_of_its_own():
    vlm = Layered()
    (trial,) = ask(vlm, [sample(boxes=()), sample()], SIDES, EXACT, CODEC)
    assert trial.hits == (False, True)
    assert trial.overlaps[0] == 0 < trial.overlaps[1]
    assert trial.contrasts[1] > 2
    assert trial.score == 0 and set(trial.scores) >= {"min_entropy"}
    assert 0 < trial.chance < 1
    assert len(vlm.seen) == 1  # one look, for the answer and all layers


def test_a_box_beside_the_image_is_not_counted_as_missed():
    width, height = picture().size
    beside = replace(sample(boxes=[SPOT, (width, 0, width + 9, height)]), id="seven")
    with pytest.raises(DatasetError, match=r"of question 'seven' lies beside its image of "):
        list(ask(Layered(), [beside], SIDES, EXACT, CODEC))
    partly = sample(boxes=[(width - 9, 0, width + 9, height)])
    assert len(list(ask(Layered(), [partly], SIDES, EXACT, CODEC))) == 1


def test_an_image_that_cannot_be_read_is_named():
    page = replace(sample(), id="seven", opener=lambda: b"<html>")
    with pytest.raises(DatasetError, match="The image of question 'seven' can't be used: "):
        list(ask(Layered(), [page], SIDES, EXACT, CODEC))


@pytest.mark.parametrize("layer, right", [(0, 0.0), (1, 1.0)])
def test_sides_are_tried_with_the_layer_that_was_chosen(layer, right):
    """Right is an answer that saw the spot; two sides that give one box are asked once."""
    vlm, asked = Layered(), []
    (trial,) = ask(vlm, [sample()], SIDES, EXACT, CODEC)

    def answer(look, question, local, draft):
        asked.append(local)
        text = "x" if np.asarray(local).max() == 255 else "y"
        return replace(PixelVLM.answer(vlm, look, question, local), text=text)

    vlm.answer = answer
    assert with_sides(vlm, trial, layer, EXACT, CODEC) == [right] * 3
    assert len(asked) == 2
