"""The shared path against the plain one: the same numbers, whatever the image and the question."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from core.attention import relative_attention
from core.cropping import find_box
from core.imaging import crop_local
from core.vlm import FAMILIES, Request, VLMError, load_vlm
from core.vlm.reference import Reference
from tests.support.tiny import save_clip_llava, save_focalnet_llava
from tools.doubles.untrained import save_untrained

QUESTION = "what is written on the red sign?"
SIZES = {"square": (96, 96), "wide": (180, 40), "tall": (40, 180)}


def noise(size, seed=0):
    width, height = size
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))


@pytest.fixture(scope="session", params=[*sorted(FAMILIES), "focalnet"])
def vlm(request, tmp_path_factory):
    """Of every family, and one like the bundled model."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "focalnet":
        return load_vlm(save_focalnet_llava(folder), device="cpu")
    return load_vlm(save_untrained(request.param, folder), device="cpu")


@pytest.fixture(scope="session")
def plain(vlm):
    return Reference(vlm)


@pytest.fixture(scope="session")
def llava(clip_folder):
    return load_vlm(clip_folder, device="cpu")


def same(generation, expected):
    assert generation.token_ids == expected.token_ids
    assert (generation.text, generation.tokens) == (expected.text, expected.tokens)
    np.testing.assert_allclose(generation.logits, expected.logits, atol=1e-4, rtol=0)
    np.testing.assert_allclose(generation.attention, expected.attention, atol=1e-5, rtol=0)


def test_everything_shares_but_what_says_why(vlm):
    assert (vlm.info.unshared is not None) == (vlm.info.family == "instructblip")


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_a_retransmitted_question_is_that_of_the_plain_path(vlm, plain, size):
    image = noise(size)
    boxes, answers = [], []
    for model in (vlm, plain):
        look = model.look(image)
        first = model.answer(look, QUESTION, None, 20)
        generic = model.attend(look, model.info.generic_prompt)
        geometry = model.geometry(size)
        relative = relative_attention(first.attention, generic, geometry.grid)
        boxes.append(find_box(relative, size, model.info.base_side / 4, extent=geometry.extent))
        local = crop_local(image, boxes[0], model.info.fit)
        answers.append((first, generic, model.answer(look, QUESTION, local, 20)))
    assert boxes[0] == boxes[1]
    same(answers[0][0], answers[1][0])
    np.testing.assert_allclose(answers[0][1], answers[1][1], atol=1e-5, rtol=0)
    same(answers[0][2], answers[1][2])

    look = vlm.look(image)
    for tokens in (1, 2, 7):  # greedy: a shorter answer is the beginning of a longer one
        for stage, second in ((0, None), (2, local)):
            part, whole = vlm.answer(look, QUESTION, second, tokens), answers[1][stage]
            assert part.token_ids == whole.token_ids[:tokens]
            np.testing.assert_allclose(part.logits, whole.logits[:tokens], atol=1e-4, rtol=0)


def drafts(token_ids):
    """Right, wrong in one place, wrong all over, too short, too long, and with an end in it."""
    other = [token_id + 1 for token_id in token_ids]
    return {
        "right": token_ids,
        "one wrong": (*token_ids[:2], other[2], *token_ids[3:]),
        "wrong": other,
        "short": token_ids[:3],
        "long": token_ids * 3,
        "first alone": token_ids[:1],
    }


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_a_draft_changes_nothing(vlm, size):
    look, local = vlm.look(noise(size)), noise((50, 60), 1)
    expected = vlm.answer(look, QUESTION, local, 12)
    for draft in drafts(expected.token_ids).values():
        same(vlm.answer(look, QUESTION, local, 12, draft), expected)
    same(vlm.answer(look, QUESTION, local, 1, expected.token_ids), cut(vlm, expected, 1))


def cut(vlm, generation, count):
    tokens = generation.tokens[:count]
    return replace(
        generation,
        text=vlm._backend.decode(generation.token_ids[:count], skip_special_tokens=True).strip(),
        token_ids=generation.token_ids[:count],
        tokens=tokens,
        logits=generation.logits[:count],
    )


def test_a_draft_saves_the_steps_in_which_it_is_right(llava, monkeypatch):
    look, local, steps = llava.look(noise((96, 96))), noise((50, 60), 1), []
    whole = llava.answer(look, QUESTION, local, 12)
    hidden = llava._language.hidden

    def counted(*args):
        steps.append(args[0].shape[1])
        return hidden(*args)

    monkeypatch.setattr(llava._language, "hidden", counted)
    passes = {}
    for name, draft in {"none": (), **drafts(whole.token_ids)}.items():
        steps.clear()
        llava.answer(look, QUESTION, local, 12, draft)
        passes[name] = len(steps)
    assert len(whole.token_ids) == 12
    assert passes["none"] == 12
    assert passes["right"] == passes["long"] == 1
    assert passes["one wrong"] == 2
    assert passes["wrong"] == 12
    assert passes["short"] == 9


def test_the_reference_shares_weights_and_nothing_else(vlm, plain):
    theirs = dict(plain._model.named_parameters())
    assert all(theirs[name] is weight for name, weight in vlm._model.named_parameters())
    assert plain._model.config.text_config._attn_implementation == "eager"
    assert vlm._model.config.text_config._attn_implementation != "eager"


def test_the_reference_encodes_its_image_for_every_row(llava):
    plain, calls = Reference(llava), []
    hook = plain._model.model.vision_tower.register_forward_hook(lambda *_: calls.append(1))
    try:
        look = plain.look(noise((60, 40)))
        plain.attend(look, QUESTION)
        plain.attend(look, QUESTION)
    finally:
        hook.remove()
    assert len(calls) == 2


def requests(vlm, count):
    """Questions of several lengths about images of several shapes, some with a local image; two
    questions about the same look."""
    sizes = list(SIZES.values())
    looks = vlm.look_batch([noise(sizes[i % 3], i) for i in range(count - 1)])
    looks.append(looks[0])
    return [
        Request(
            look, f"{QUESTION} {'and ' * (5 * i % 7)}{i}", noise((50, 60), i) if i % 3 else None
        )
        for i, look in enumerate(looks)
    ]


def test_a_batch_gives_what_is_given_one_by_one(vlm):
    batch = requests(vlm, 7)
    for together, request in zip(vlm.answer_batch(batch), batch, strict=True):
        same(together, vlm.answer(*request[:3]))
    looks, prompts = [r.look for r in batch], [r.question for r in batch]
    for row, look, prompt in zip(vlm.attend_batch(looks, prompts), looks, prompts, strict=True):
        np.testing.assert_allclose(row, vlm.attend(look, prompt), atol=1e-5, rtol=0)
    assert (vlm.look_batch([]), vlm.answer_batch([]), vlm.attend_batch([], [])) == ([], [], [])


def test_a_batch_of_the_plain_path_is_one_by_one(vlm, plain):
    image, local = noise((60, 40)), noise((40, 60))
    (look,) = plain.look_batch([image])
    (answer,) = plain.answer_batch([Request(look, QUESTION, local)], 3)
    same(vlm.answer(vlm.look(image), QUESTION, local, 3), answer)
    (row,) = plain.attend_batch([look], [QUESTION])
    np.testing.assert_array_equal(row, plain.attend(look, QUESTION))


def test_answers_of_a_batch_end_where_they_end_alone(vlm, monkeypatch):
    batch = requests(vlm, 6)
    ids = [vlm.answer(*request[:3]).token_ids for request in batch]
    ends = {row[len(row) * i // 4] for i, row in enumerate(ids[:3])}
    monkeypatch.setattr(vlm, "_end_ids", frozenset(ends))
    alone = [vlm.answer(*request[:3]) for request in batch]
    assert len({len(generation.token_ids) for generation in alone}) > 1
    for together, expected in zip(vlm.answer_batch(batch), alone, strict=True):
        same(together, expected)


def test_looks_of_a_batch_hold_no_more_than_their_own(vlm):
    images = [noise((60, 40), i) for i in range(3)]
    for look, image in zip(vlm.look_batch(images), images, strict=True):
        layers = look.prefix.layers if look.prefix else ()
        tensors = [look.visual.features, *(part for layer in layers for part in layer)]
        stored = sum(tensor.untyped_storage().nbytes() for tensor in tensors)
        assert look.nbytes == stored == vlm.look(image).nbytes > 0


TEXT_FIRST = (
    "{% for message in messages %}{% for kind in ['text', 'image'] %}"
    "{% for part in message['content'] if part['type'] == kind %}"
    "{{ '<image>' if kind == 'image' else part['text'] + ' ' }}{% endfor %}{% endfor %}"
    "{% endfor %}{% if add_generation_prompt %}A:{% endif %}"
)
ONE_IMAGE = "<image>{{ messages[0].content[-1].text }}{% if add_generation_prompt %} A:{% endif %}"


def test_a_prompt_with_the_question_in_front_takes_the_plain_path_and_says_so(tmp_path):
    vlm = load_vlm(save_clip_llava(tmp_path, chat_template=TEXT_FIRST))
    assert "differ before the image has ended" in vlm.info.unshared
    plain, image, local = Reference(vlm), noise((90, 50)), noise((40, 40), 1)
    look, theirs = vlm.look(image), plain.look(image)
    assert look.prefix is None and look.nbytes == look.visual.features.nbytes
    for second in (None, local):
        same(vlm.answer(look, QUESTION, second), plain.answer(theirs, QUESTION, second))
    mixed = [Request(look, QUESTION, local), Request(vlm.look(local), "so?")]
    for together, request in zip(vlm.answer_batch(mixed), mixed, strict=True):
        same(together, vlm.answer(*request[:3]))


def test_a_template_for_one_image_answers_from_one_and_says_why_nothing_is_shared(tmp_path):
    vlm = load_vlm(save_clip_llava(tmp_path, chat_template=ONE_IMAGE))
    assert "1 places to 2 images" in vlm.info.unshared
    look = vlm.look(noise((60, 60)))
    same(
        vlm.answer(look, QUESTION),
        Reference(vlm).answer(Reference(vlm).look(noise((60, 60))), QUESTION),
    )
    with pytest.raises(VLMError, match="1 places to 2 images"):
        vlm.answer(look, QUESTION, noise((60, 60)))


def test_eight_threads_with_twenty_questions_each_get_what_they_would_get_alone(vlm):
    looks = vlm.look_batch([noise(size) for size in SIZES.values()])

    def ask(i):
        look, question = looks[i % 3], f"{QUESTION} {i}"
        local = noise((40, 50), i) if i % 4 == 0 else None
        generation = vlm.answer(look, question, local, 1 + i % 5)
        row = vlm.attend(look, question if i % 2 else vlm.info.generic_prompt)
        fields = (generation.logits, generation.attention, row)
        return generation.token_ids, *(field.tobytes() for field in fields)

    # The full number for one family; what is a family's own is tried by fewer.
    n, each = (8, 20) if (vlm.info.family, vlm.info.visual_tokens) == ("llava", 16) else (4, 5)
    questions = [range(each * thread, each * thread + each) for thread in range(n)]
    alone = [[ask(i) for i in part] for part in questions]
    together, start = [None] * n, threading.Barrier(n)

    def run(thread):
        start.wait()
        together[thread] = [ask(i) for i in questions[thread]]

    threads = [threading.Thread(target=run, args=(thread,)) for thread in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone
    assert len({answer[1] for part in alone for answer in part}) == n * each


def test_several_local_images_are_read_as_the_plain_path_reads_them(llava):
    """As many as the high-resolution baseline has; and one in a list is one."""
    parts = [noise((40 + 8 * i, 56), seed=i) for i in range(4)]
    look, plain = llava.look(noise((96, 60))), Reference(llava)
    same(
        llava.answer(look, QUESTION, parts),
        plain.answer(plain.look(noise((96, 60))), QUESTION, parts),
    )
    same(llava.answer(look, QUESTION, parts[:1]), llava.answer(look, QUESTION, parts[0]))


def test_what_a_batch_gives_does_not_depend_on_what_was_asked_before(clip_folder):
    fresh, images = load_vlm(clip_folder, device="cpu"), [noise((96, 60), seed=i) for i in range(3)]
    answers = []
    for _ in range(2):  # the first time, shapes are counted that are known the second time
        with fresh.tally() as tally:
            looks = fresh.look_batch(images)
            answers.append(fresh.answer_batch([Request(look, QUESTION) for look in looks]))
        assert tally.flops > 0
    for first, again in zip(*answers, strict=True):
        assert np.array_equal(first.logits, again.logits)
