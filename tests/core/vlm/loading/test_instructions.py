from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from core.vlm import VLMError, load_vlm
from core.vlm.loading.instructions import LETTER, SHORT, instructed, instruction
from tests.support.tiny import save_clip_llava


@pytest.mark.parametrize(
    "family, layers, expected",
    [
        ("llava", 32, SHORT),
        ("llava", 40, SHORT),
        ("qwen2_5_vl", 28, SHORT),
        ("smolvlm", 30, SHORT),
        ("internvl", 24, SHORT),
        ("instructblip", 32, "Question: {question} Short answer:"),
        ("llava", 6, ""),  # the bundled model, which was trained on bare questions
    ],
)
def test_families_ask_for_a_short_answer_as_they_were_trained_to(family, layers, expected):
    assert instruction(family, layers) == expected


@pytest.mark.parametrize(
    "question, said, expected",
    [
        ("What?", SHORT, f"What?\n{SHORT}"),
        ("What?", "", "What?"),
        ("What?", "Question: {question} Short answer:", "Question: What? Short answer:"),
        ("A {question}?", "Q: {question} A:", "Q: A {question}? A:"),
        (f"What?\n{SHORT}", SHORT, f"What?\n{SHORT}"),  # typed, or of an old run
        (f"What? {SHORT} ", "In French.", f"What? {SHORT} "),
        (f"What?\nA. one\n{LETTER}", SHORT, f"What?\nA. one\n{LETTER}"),
        ("What? In French.", "In French.", "What? In French."),
    ],
)
def test_an_instruction_stands_beside_the_question_once(question, said, expected):
    assert instructed(question, said) == expected


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_clip_llava(tmp_path_factory.mktemp("instructed"))


def test_question_and_generic_prompt_end_alike(folder):
    bare, told = load_vlm(folder, "cpu"), load_vlm(folder, "cpu", instruction="In a word.")
    assert (bare.info.instruction, told.info.instruction) == ("", "In a word.")
    assert told.prompt_text("What?", 1) == bare.prompt_text("What?\nIn a word.", 1)
    assert told.info.load["instruction"] == "In a word."
    image = Image.effect_noise((64, 48), 90).convert("RGB")
    looks = bare.look(image), told.look(image)
    assert bare.answer(looks[0], "What?\nIn a word.").token_ids == (
        told.answer(looks[1], "What?").token_ids
    )
    for text in ("What?", told.info.generic_prompt):
        expected = bare.attend(looks[0], f"{text}\nIn a word.")
        np.testing.assert_array_equal(told.attend(looks[1], text), expected)


def test_an_instruction_spells_no_special_token(folder):
    vlm = load_vlm(folder, "cpu", instruction="Look at <image>.")
    assert vlm.prompt_text("What?", 1).count("<image>") == 1


def test_a_checkpoint_says_its_own(tmp_path):
    folder = save_clip_llava(tmp_path / "a", second_look={"instruction": "Say a word."})
    assert load_vlm(folder, "cpu").info.instruction == "Say a word."
    assert load_vlm(folder, "cpu", instruction="").info.instruction == ""
    wrong = save_clip_llava(tmp_path / "b", second_look={"instruction": None})
    with pytest.raises(VLMError, match="instruction must be a text"):
        load_vlm(wrong, "cpu")


def test_the_bundled_model_is_asked_as_it_was_trained():
    vlm = load_vlm("pocket", "cpu")
    assert vlm.info.instruction == ""
    assert vlm.prompt_text("{question}", 1) == "<s><image>\n{question}\nAnswer:"
