"""The packed sequence must be the prompts as they are given in use, only computed together."""

import numpy as np
import pytest
import torch
from PIL import Image

from core.pocket.examples.example import Branch, Example
from core.pocket.labels import IGNORE
from core.pocket.model import GRID, build_processor
from core.pocket.packing import Packer, tree_mask
from core.pocket.recipe import ANSWER_WEIGHTS, Recipe
from core.pocket.tokenizer import build_tokenizer, spell
from core.pocket.trainee import Focus, Trainee
from core.signs.questions import SceneQuestion
from core.signs.world.asking import OWN_ANSWERS
from core.signs.world.phrasing import calm


@pytest.fixture(scope="module")
def tokenizer():
    return build_tokenizer()


def test_words_are_single_tokens_and_signs_are_spelled(tokenizer):
    assert len(tokenizer.tokenize("What does the green triangle sign say?")) == 8
    assert tokenizer.tokenize("STOP") == list("STOP")
    assert tokenizer.tokenize("7UP4EW") == list("7UP4EW")
    assert tokenizer.decode(tokenizer("Für Ölße ☃").input_ids) == "Für Ölße ☃"


def test_answers_are_spelled_but_for_those_of_its_own_words(tokenizer):
    for text in ("stop", "the sign", "Café 24/7", "ÄÖ €", "no"):
        ids = spell(tokenizer, text)
        assert tokenizer.decode(ids) == text and len(ids) == len(text.encode())
    assert all(len(spell(tokenizer, answer)) == 1 for answer in OWN_ANSWERS)


def test_a_strip_has_the_positions_of_its_rows_in_an_image(tokenizer):
    question = SceneQuestion("text", "Read it.", "A", ((0, 0, 9, 9),))
    strip = Example([np.zeros((48, 192, 3), np.uint8)], [Branch(question)], grid=(3, GRID), top=5)
    image = Example([np.zeros((192, 192, 3), np.uint8)], [Branch(question)])
    packer = Packer(tokenizer, ANSWER_WEIGHTS)
    part, all_of_it = packer.pack(strip)["positions"], packer.pack(image)["positions"]
    assert part[0] == all_of_it[0] == 0
    assert part[1 : 1 + 3 * GRID].tolist() == all_of_it[1 + 5 * GRID : 1 + 8 * GRID].tolist()
    assert part[1 + 3 * GRID :].tolist() == all_of_it[1 + GRID * GRID :].tolist()


def test_the_prompt_in_training_is_the_one_in_use(tokenizer):
    """Whatever is asked, in whatever case: the chat template and the packer write the same."""
    processor = build_processor(tokenizer)
    asked = (
        'What DOES "The Red" SIGN Say?',
        "Which?\nA. Red\nB. Blue\nAnswer SO.",
        "É Ü\n\nB",
        "READ\nReference OCR token: STOP, Ab",
        "“Hi” «NO» Yes",
        'a 5" pipe IS',
    )
    for text in asked:
        content = [{"type": "image"}, {"type": "image"}, {"type": "text", "text": text}]
        messages = [{"role": "user", "content": content}]
        prompt = processor.apply_chat_template(messages, add_generation_prompt=True)
        assert prompt == f"<s><image>\nDetail: <image>\n{calm(text)}\nAnswer:"


def test_tree_mask_by_hand():
    # root of two tokens, a leaf of one, an inner node of one with a leaf of one
    mask = tree_mask(np.array([0, 0, 1, 2, 3]), [-1, 0, 0, 2])
    assert mask.astype(int).tolist() == [
        [1, 0, 0, 0, 0],
        [1, 1, 0, 0, 0],
        [1, 1, 1, 0, 0],
        [1, 1, 0, 1, 0],
        [1, 1, 0, 1, 1],
    ]


def _example(rng):
    images = [rng.integers(0, 255, (192, 192, 3), dtype=np.uint8) for _ in range(2)]
    spot = np.zeros(GRID * GRID, np.float32)
    spot[5] = 1
    branches = [
        Branch(SceneQuestion("text", "Read the red circle.", "STOP", ()), focus=spot),
        Branch(SceneQuestion("text", "Read the red circle.", "EXIT", ()), local=1),
        Branch(SceneQuestion("presence", "Is there a blue car?", "yes", ()), local=1),
    ]
    return Example(images, branches)


def test_packed_logits_equal_those_of_each_prompt_alone(tokenizer):
    torch.manual_seed(0)
    example = _example(np.random.default_rng(0))
    trainee = Trainee(Recipe({}), tokenizer).eval()
    processor = build_processor(tokenizer)
    batch = Packer(tokenizer, ANSWER_WEIGHTS).collate([example])
    with torch.inference_mode():
        _, features = trainee.see(batch.pixels)
        visual = trainee.vlm.model.multi_modal_projector(features)
        embeds = trainee.vlm.get_input_embeddings()(batch.ids)
        place = (batch.ids == trainee.image_id)[..., None].expand_as(embeds)
        packed = trainee.vlm.model.language_model(
            inputs_embeds=embeds.masked_scatter(place, visual),
            attention_mask=batch.mask,
            position_ids=batch.positions,
        ).last_hidden_state
        packed = trainee.vlm.lm_head(packed)[batch.labels != IGNORE]
        alone = []
        for branch in example.branches:
            count = 1 if branch.local is None else 2
            content = [{"type": "image"}] * count
            content.append({"type": "text", "text": branch.question.text})
            text = processor.apply_chat_template(
                [{"role": "user", "content": content}], add_generation_prompt=True
            )
            answer = branch.question.answer
            images = [Image.fromarray(image) for image in example.images[:count]]
            inputs = processor(
                text=text + answer, images=images, return_tensors="pt", add_special_tokens=False
            )
            logits = trainee.vlm(**inputs).logits[0]
            alone.append(logits[-len(tokenizer.tokenize(answer)) - 1 :])
    assert torch.allclose(packed, torch.cat(alone), atol=1e-4)


def test_focus_collects_the_attention_that_the_model_pays(tokenizer):
    torch.manual_seed(0)
    example = _example(np.random.default_rng(1))
    batch = Packer(tokenizer, ANSWER_WEIGHTS).collate([example, example])
    assert batch.focus_query.shape == (2, 2)
    row, position = batch.focus_query[0]
    assert tokenizer.decode(batch.ids[row, position]) == ":"
    focus = Focus(0, batch.focus_query, GRID * GRID)
    query = torch.randn(2, 4, batch.ids.shape[1], 8)
    focus.collect(query, query, 0.3)
    assert focus.rows.shape == (2, GRID * GRID)
    keys = query[0, :, 1 : 1 + GRID * GRID]  # behind <s>; (heads, n_v, d)
    by_head = torch.stack([keys[h] @ query[0, h, position] for h in range(4)])
    assert torch.allclose(focus.rows[0], (0.3 * by_head).softmax(-1).mean(0), atol=1e-6)


def test_the_last_token_of_each_name_is_told_its_place(tokenizer):
    text = "Please answer: Is the red circle sign above the blue car?"
    names = ("red circle sign", "blue car")
    question = SceneQuestion("attributes", text, "no", ((),) * 2, kind="relation", names=names)
    example = _example(np.random.default_rng(0))
    example.branches.append(Branch(question, places=((3, 4), (1, 7))))
    batch = Packer(tokenizer, ANSWER_WEIGHTS).collate([example])
    rows, places = batch.name_query.unbind(1)
    assert rows.tolist() == [0, 0]
    ends = [tokenizer.decode(batch.ids[0, : place + 1]) for place in places]
    assert ends[0].endswith("is the red circle sign") and ends[1].endswith("above the blue car")
    assert batch.name_place.tolist() == [[3, 4], [1, 7]]
    assert batch.pair_offset.tolist() == [[2, -3]] * 2  # the first is below and to the left
    behind, last = batch.pair_query[:, 1].tolist()
    assert behind == places[1] and tokenizer.decode(batch.ids[0, behind : last + 1]).endswith(
        "car?\nAnswer:"
    )


def test_a_weight_per_answer_token(tokenizer):
    packed = Packer(tokenizer, ANSWER_WEIGHTS).pack(_example(np.random.default_rng(2)))
    answered = packed["labels"] != IGNORE
    assert answered.sum() == len("STOP") + 1 + len("EXIT") + 1 + 2  # "yes" is one token, and ends
    assert (packed["weights"][answered] > 0).all()
