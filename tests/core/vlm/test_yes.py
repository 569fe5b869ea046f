"""How likely an answer begins with yes, beside no."""

import numpy as np
import pytest

from core.vlm.base import VLMError
from core.vlm.yes import of_likeliest, of_logits
from tests.support.pixels import PixelVLM, picture


def test_words_for_yes_are_weighed_against_words_for_no():
    said = [("Yes", np.log(0.6)), (" no", np.log(0.2)), ("▁yes", np.log(0.1))]
    assert of_likeliest(said) == pytest.approx(0.7 / 0.9)
    assert of_likeliest([("No", -0.1)]) == 0.0
    assert of_likeliest([("maybe", -0.1)]) == 0.5


def test_logits_tell_the_same_however_large_they_are():
    logp = np.log([0.3, 0.3, 0.1, 0.2, 0.1])
    for shift in (0.0, 900.0, -900.0):
        assert of_logits(logp + shift, (0, 2), (3,)) == pytest.approx(0.4 / 0.6)
    assert of_logits(np.full(5, -np.inf), (0,), (1,)) == 0.5


def test_a_model_is_asked_for_one_token():
    class Brief(PixelVLM):
        asked = 0

        def answer(self, look, question, local=None, max_new_tokens=20, draft=()):
            self.asked += max_new_tokens
            return super().answer(look, question, local, max_new_tokens, draft)

    vlm = Brief()
    look = vlm.look(picture())
    logits = vlm.answer(look, "Is it?").logits[0]
    assert vlm.yes(look, "Is it?") == of_logits(logits, vlm.word_tokens("yes"), (2,))
    assert vlm.asked == 20 + 1


def test_a_model_that_has_no_token_for_yes_says_so():
    vlm = PixelVLM()
    vlm.abilities = frozenset()
    with pytest.raises(VLMError, match="'pixels' has no yes: choose another cropper, or model"):
        vlm.yes(vlm.look(picture()), "Is it?")
