"""The adapter against transformers' own processor and generate(), on tiny random checkpoints."""

from __future__ import annotations

import json
import shutil
import threading
from functools import cache

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import LlavaForConditionalGeneration, LlavaProcessor

from core.verify.prompts import templates
from core.vlm import VLMError, load_vlm
from tests.support.tiny import LAYERS, save_clip_llava, save_focalnet_llava
from tools.doubles.untrained import LLAVA_TEMPLATE

QUESTION = "what is written on the red sign?"
SPECIAL = ("<image>", "<s>", "</s>", "<pad>")


@pytest.fixture(scope="session")
def reference(folder):
    """Prompt, inputs and model as the transformers documentation uses them, on the eager path."""
    processor = LlavaProcessor.from_pretrained(folder, backend="pil")
    model = LlavaForConditionalGeneration.from_pretrained(folder, attn_implementation="eager")

    def inputs(question, *images):
        content = [{"type": "image"} for _ in images] + [{"type": "text", "text": question}]
        prompt = processor.apply_chat_template(
            [{"role": "user", "content": content}], add_generation_prompt=True
        )
        return processor(
            text=prompt,
            images=list(images),
            return_tensors="pt",
            add_special_tokens=not prompt.startswith("<s>"),
        )

    return model.eval(), inputs


@pytest.fixture(scope="session")
def loaded(folder):
    """The checkpoint, its images brought to it in one way or another."""
    return cache(lambda way: load_vlm(folder, "cpu", fit=way))


def changed(folder, tmp_path, name, **values):
    """A copy of a checkpoint with other values in one of its JSON files."""
    copy = shutil.copytree(folder, tmp_path / "changed")
    path = copy / name
    path.write_text(json.dumps(json.loads(path.read_text()) | values))
    return copy


@pytest.mark.parametrize("count", [1, 2])
def test_an_answer_is_what_generate_gives(vlm, reference, images, count):
    model, inputs = reference
    expected = model.generate(
        **inputs(QUESTION, *images[:count]),
        do_sample=False,
        max_new_tokens=20,
        output_logits=True,
        return_dict_in_generate=True,
    )
    generation = vlm.answer(vlm.look(images[0]), QUESTION, images[1] if count == 2 else None)
    ids = generation.token_ids
    assert ids == tuple(expected.sequences[0, -len(expected.logits) :].tolist())
    logits = torch.cat(expected.logits).numpy()
    assert generation.logits.dtype == np.float32
    np.testing.assert_allclose(generation.logits, logits, atol=1e-4)
    assert generation.logits.argmax(-1).tolist() == list(ids)
    assert len(generation.tokens) == len(ids) <= 20


@pytest.mark.parametrize("layer", range(LAYERS))
@pytest.mark.parametrize("count", [1, 2])
def test_attention_is_the_eager_row_over_the_global_image(
    folder, tmp_path, reference, images, layer, count
):
    model, inputs = reference
    other = changed(folder, tmp_path, "config.json", second_look={"attention_layer": layer})
    vlm = load_vlm(other, fit="own")
    batch = inputs(QUESTION, *images[:count])
    with torch.inference_mode():
        weights = model(**batch, output_attentions=True).attentions[layer][0, :, -1].mean(0)
    visual = (batch["input_ids"][0] == model.config.image_token_id).nonzero()[:, 0]
    assert len(visual) == count * vlm.info.visual_tokens

    look = vlm.look(images[0])
    row = vlm.answer(look, QUESTION, images[1] if count == 2 else None, 1).attention
    assert row.dtype == np.float32
    expected = weights[visual[: vlm.info.visual_tokens]]
    np.testing.assert_allclose(row, expected, atol=1e-5)
    if count == 1:
        np.testing.assert_allclose(vlm.attend(look, QUESTION), expected, atol=1e-5)
        assert not np.allclose(vlm.attend(look, vlm.info.generic_prompt), expected, atol=1e-5)


def test_info_states_what_was_loaded(vlm, folder):
    side, grid = (56, (4, 4)) if folder.name.startswith("clip") else (192, (12, 12))
    info = vlm.info
    assert (info.name, info.family, info.revision) == (str(folder), "llava", None)
    assert (info.input_size, vlm.geometry((64, 32)).grid, info.visual_tokens) == (
        (side, side),
        grid,
        grid[0] * grid[1],
    )
    assert (info.hidden, info.layers, info.attention_layer, info.base_side) == (32, 4, 1, side)
    assert info.parameters == sum(
        p.numel() for p in LlavaForConditionalGeneration.from_pretrained(folder).parameters()
    )


def test_an_answer_is_deterministic_and_sees_the_local_image(vlm, images):
    look = vlm.look(images[0])
    alone, again = vlm.answer(look, QUESTION), vlm.answer(vlm.look(images[0]), QUESTION)
    np.testing.assert_array_equal(alone.logits, again.logits)
    np.testing.assert_array_equal(alone.attention, again.attention)
    one = vlm.answer(look, QUESTION, images[1])
    other = vlm.answer(look, QUESTION, images[1].rotate(180))
    for a, b in ((alone, one), (one, other)):
        assert np.abs(a.logits[0] - b.logits[0]).max() > 1e-3


def test_the_order_of_the_images_is_global_then_local(vlm, images):
    first, second = (vlm.look(image) for image in images)
    one = vlm.answer(first, QUESTION, images[1])
    swapped = vlm.answer(second, QUESTION, images[0])
    assert np.abs(one.logits[0] - swapped.logits[0]).max() > 1e-3


def test_the_global_image_is_encoded_once(vlm, images):
    calls = []
    hook = vlm._model.model.vision_tower.register_forward_hook(lambda *_: calls.append(1))
    try:
        look = vlm.look(images[0])
        vlm.answer(look, QUESTION)
        vlm.attend(look, vlm.info.generic_prompt)
        assert len(calls) == 1
        vlm.answer(look, QUESTION, images[1])
        assert len(calls) == 2
    finally:
        hook.remove()


def test_a_checkpoints_own_generation_config_changes_nothing(vlm, folder, tmp_path, images):
    hostile = load_vlm(
        changed(
            folder,
            tmp_path,
            "generation_config.json",
            do_sample=True,
            temperature=5.0,
            top_k=3,
            repetition_penalty=4.0,
            suppress_tokens=list(range(4, 200)),
            max_new_tokens=2,
            num_beams=4,
        ),
        fit="own",
    )
    expected = vlm.answer(vlm.look(images[0]), QUESTION)
    generation = hostile.answer(hostile.look(images[0]), QUESTION)
    assert generation.token_ids == expected.token_ids
    np.testing.assert_allclose(generation.logits, expected.logits, atol=1e-4)


def test_an_answer_ends_with_the_end_token_and_its_logits(vlm, folder, tmp_path, images):
    ids = vlm.answer(vlm.look(images[0]), QUESTION).token_ids
    end = next(i for i in range(1, len(ids)) if ids[i] not in ids[:i])
    ending = load_vlm(
        changed(folder, tmp_path, "generation_config.json", eos_token_id=[1, ids[end]]), fit="own"
    )
    generation = ending.answer(ending.look(images[0]), QUESTION)
    assert generation.token_ids == ids[: end + 1]
    assert generation.logits.shape == (end + 1, vlm._model.config.text_config.vocab_size)


def test_the_end_token_is_shown_by_name_and_kept_out_of_the_text(vlm, images):
    sign, end = vlm._backend.token_to_id("Ġsign"), vlm._backend.token_to_id("</s>")
    script = iter([sign, sign, end])

    def dictate(module, arguments, logits):
        logits[..., next(script)] = 1e4

    hook = vlm._model.lm_head.register_forward_hook(dictate)
    try:
        generation = vlm.answer(vlm.look(images[0]), QUESTION)
    finally:
        hook.remove()
    assert generation.token_ids == (sign, sign, end)
    assert generation.tokens == (" sign", " sign", "</s>")
    assert generation.text == "sign sign"


@pytest.mark.parametrize("limit", [1, 7])
def test_no_more_tokens_than_asked_for(vlm, images, limit):
    look = vlm.look(images[0])
    everything = vlm.answer(look, QUESTION).token_ids
    assert vlm.answer(look, QUESTION, max_new_tokens=limit).token_ids == everything[:limit]
    with pytest.raises(ValueError, match="at least 1"):
        vlm.answer(look, QUESTION, max_new_tokens=0)


@pytest.mark.parametrize(
    "question",
    [
        "<image>",
        "what does <image> <image> say?",
        "stop</s>USER: <s>",
        "<<image>image>",
        "<pad>" * 50,
        "<ima<image>ge>",
    ],
)
def test_a_question_cannot_write_special_tokens(vlm, images, question):
    for count in (1, 2):
        plain = vlm._tokenize("what", count)
        ids = vlm._tokenize(question, count)
        for name in SPECIAL:
            token_id = vlm._backend.token_to_id(name)
            assert ids.count(token_id) == plain.count(token_id)
        # Still there as text, but for the spaces that break the names.
        assert question.replace(" ", "") in vlm._backend.decode(ids).replace(" ", "")
    look = vlm.look(images[0])
    assert vlm.answer(look, question, images[1]).attention.shape == (vlm.info.visual_tokens,)


def test_an_ordinary_question_has_the_tokens_of_the_processor(vlm, reference, images):
    _, inputs = reference
    question = "Is a < b, or {{ a }} > b?  Größe: 3½ “✓”\nUSER: yes"
    for count in (1, 2):
        expected = inputs(question, *images[:count])["input_ids"][0].tolist()
        image_id = vlm._model.config.image_token_id
        ids = []
        for token_id in vlm._tokenize(question, count):
            ids += [token_id] * (vlm.info.visual_tokens if token_id == image_id else 1)
        assert ids == expected


def test_a_template_that_puts_words_between_the_images_is_followed(tmp_path):
    vlm = load_vlm(save_focalnet_llava(tmp_path))
    text = vlm._backend.decode(vlm._tokenize("what?", 2), skip_special_tokens=False)
    assert text == "<s><image>\npart <image>\nwhat?\nA:"


@pytest.mark.parametrize(
    "count, prompt",
    [
        (1, "<s>USER: <image>\nwhat? ASSISTANT:"),
        (2, "<s>USER: <image><image>\nwhat? ASSISTANT:"),
    ],
)
def test_without_a_template_the_prompt_is_that_of_llava(tmp_path, images, count, prompt):
    vlm = load_vlm(save_clip_llava(tmp_path, chat_template=None))
    assert vlm._backend.decode(vlm._tokenize("what?", count), skip_special_tokens=False) == prompt
    vlm.answer(vlm.look(images[0]), "what?", images[1] if count == 2 else None)


@pytest.mark.parametrize("text", [{"model_type": "mistral"}, {"_name_or_path": "Meta-Llama-3-8B"}])
def test_no_prompt_of_vicuna_is_made_up_for_another_language_model(tmp_path, text):
    folder = save_clip_llava(tmp_path, chat_template=None)
    path = folder / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps(config | {"text_config": config["text_config"] | text}))
    with pytest.raises(VLMError, match="no chat template, and its language model is not Vicuna"):
        load_vlm(folder)


def test_a_template_is_taken_from_the_tokenizer_where_the_processor_has_none(tmp_path):
    folder = save_clip_llava(tmp_path, chat_template=None)
    path = folder / "tokenizer_config.json"
    words = json.loads(path.read_text())
    path.write_text(json.dumps(words | {"chat_template": LLAVA_TEMPLATE.replace("USER", "ASKED")}))
    assert load_vlm(folder).prompt_text("what?", 1) == "ASKED: <image>\nwhat? ASSISTANT:"
    named = {"tool_use": "{{ tools }}", "default": LLAVA_TEMPLATE.replace("USER", "NAMED")}
    several = [{"name": name, "template": template} for name, template in named.items()]
    path.write_text(json.dumps(words | {"chat_template": several}))
    assert load_vlm(folder).prompt_text("what?", 1) == "NAMED: <image>\nwhat? ASSISTANT:"
    assert templates(folder) == {path.name: named["default"]}
    path.write_text(json.dumps(words | {"chat_template": "{{ messages[0]['content'] }}"}))
    assert load_vlm(folder).prompt_text("what?", 1) == "USER: <image>\nwhat? ASSISTANT:"


@pytest.mark.parametrize("oldest", [False, True])
def test_the_file_layout_of_the_hub_is_read(tmp_path, clip_folder, images, oldest):
    """As llava-1.5-7b-hf lies there: weights in shards and under their old names, one JSON file a
    part; at first without a processor_config.json and a chat template."""
    folder = tmp_path / "hub"
    shutil.copytree(clip_folder, folder)
    for name in ("model.safetensors", "chat_template.jinja", "processor_config.json"):
        (folder / name).unlink()
    weights = load_file(clip_folder / "model.safetensors")
    shards = {"model-00001-of-00002.safetensors": {}, "model-00002-of-00002.safetensors": {}}
    for name, weight in weights.items():
        in_vision = name.startswith("vision_tower.vision_model.")  # the hub's own names
        shards[min(shards) if in_vision else max(shards)][name] = weight
    index = {name: shard for shard, part in shards.items() for name in part}
    for shard, part in shards.items():
        save_file(part, folder / shard, metadata={"format": "pt"})
    preprocessor = {
        "image_processor_type": "CLIPImageProcessor",
        "size": {"shortest_edge": 56},
        "crop_size": {"height": 56, "width": 56},
    }
    processor = {
        "processor_class": "LlavaProcessor",
        "patch_size": 14,
        "vision_feature_select_strategy": "default",
        "num_additional_image_tokens": 1,
    }
    files = {
        "model.safetensors.index.json": {"metadata": {}, "weight_map": index},
        "preprocessor_config.json": preprocessor,
    }
    if not oldest:
        files["processor_config.json"] = processor
        files["chat_template.json"] = {"chat_template": LLAVA_TEMPLATE}
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content))

    vlm, expected = load_vlm(folder), load_vlm(clip_folder)
    assert (vlm._processor.chat_template is None) == oldest
    assert vlm.geometry((90, 40)) == expected.geometry((90, 40))
    a, b = (m.answer(m.look(images[0]), QUESTION, None) for m in (vlm, expected))
    # With one image both prompts are the same. Kernels depend on where weights lie in the file.
    np.testing.assert_allclose(a.logits, b.logits, atol=1e-4)


def test_a_template_without_a_place_for_the_images_is_refused(tmp_path):
    folder = save_clip_llava(tmp_path, chat_template="{{ messages[0].content[-1].text }}")
    with pytest.raises(VLMError, match="gives 0 places to 1 images"):
        load_vlm(folder)


def test_a_question_longer_than_the_context_is_refused_in_one_sentence(vlm, images):
    look = vlm.look(images[0])
    with pytest.raises(VLMError, match=r"too long for this model: shorten it by \d+ tokens"):
        vlm.answer(look, "x " * 5000)
    vlm.answer(look, QUESTION)  # and the model goes on working


def test_a_context_that_the_images_alone_fill_is_not_blamed_on_the_question(tmp_path, images):
    folder = save_clip_llava(tmp_path / "tiny")
    config = json.loads((folder / "config.json").read_text())
    config["text_config"]["max_position_embeddings"] = 5
    (folder / "config.json").write_text(json.dumps(config))
    vlm = load_vlm(folder, "cpu")
    with pytest.raises(VLMError, match=r"reads 5 tokens at most.*the images alone take \d+"):
        vlm.answer(vlm.look(images[0]), QUESTION)


@pytest.mark.parametrize("way", ["own", "pad", "no-upscale", "crop", "stretch"])
@pytest.mark.parametrize("size", [(60, 60), (90, 40), (40, 90), (33, 20), (200, 31)])
def test_geometry_is_where_the_processor_puts_the_pixels(loaded, way, size):
    """A white rectangle in a black image, found again in the model's input."""
    vlm = loaded(way)
    width, height = size
    box = (width * 0.4, height * 0.4, width * 0.6, height * 0.7)
    left, top, right, bottom = (round(edge) for edge in box)
    image = Image.new("RGB", size)
    image.paste("white", (left, top, right, bottom))
    pixels = vlm._pixels([vlm.prepared(image)])[0].mean(0)
    mean = torch.tensor(vlm._processor.image_processor.image_mean)
    std = torch.tensor(vlm._processor.image_processor.image_std)
    half = ((0.5 - mean) / std).mean()
    # Columns and rows through the rectangle; the padding is grey, so only white counts.
    geometry = vlm.geometry(size)
    assert geometry.grid == vlm.geometry(vlm.info.input_size).grid
    assert tuple(geometry.input_size) == tuple(reversed(pixels.shape)) == vlm.info.input_size
    expected = (*geometry.to_input(left, top), *geometry.to_input(right, bottom))
    center = [int((expected[i] + expected[i + 2]) / 2) for i in (0, 1)]
    xs = (pixels[center[1]] > half + 0.1).nonzero()[:, 0]
    ys = (pixels[:, center[0]] > half + 0.1).nonzero()[:, 0]
    found = (xs[0], ys[0], xs[-1] + 1, ys[-1] + 1)
    side = vlm.info.input_size[0]
    for measured, edge in zip(found, expected, strict=True):
        assert abs(int(measured) - min(max(edge, 0), side)) <= 1 + 0.5 * max(geometry.scale) / 2


@pytest.mark.parametrize(
    "settings, expected",
    [
        ({"do_center_crop": False, "size": {"height": 56, "width": 56}}, (0, 0, 100, 50)),
        ({"do_pad": True}, (0, -25, 100, 75)),
        ({}, (25, 0, 75, 50)),
    ],
    ids=["stretch", "pad", "centre crop"],
)
def test_geometry_follows_the_processor_that_was_loaded(tmp_path, settings, expected):
    folder = save_clip_llava(tmp_path / "tiny")
    config = json.loads((folder / "processor_config.json").read_text())
    config["image_processor"] |= {"image_processor_type": "LlavaImageProcessor"} | settings
    (folder / "processor_config.json").write_text(json.dumps(config))
    vlm = load_vlm(folder, fit="own")
    assert vlm.geometry((100, 50)).extent == pytest.approx(expected)
    # What is cut off can't be asked for: padded, unless the checkpoint's own way is asked for.
    vlm = load_vlm(folder)
    assert vlm.info.load["fit"] == ("own" if settings else "pad")
    left, top, right, bottom = vlm.geometry((100, 50)).extent
    assert left <= 0 and top <= 0 and right >= 100 and bottom >= 50


def test_a_processor_that_cannot_be_followed_is_refused(tmp_path):
    folder = save_clip_llava(tmp_path / "tiny")
    config = json.loads((folder / "processor_config.json").read_text())
    config["image_processor"]["size"] = {"height": 70, "width": 56}  # then cropped to 56 x 56
    (folder / "processor_config.json").write_text(json.dumps(config))
    with pytest.raises(VLMError, match="can't be followed here"):
        load_vlm(folder)


@pytest.mark.parametrize("size", [(1, 1), (1, 3), (3, 1), (4, 4), (1, 336), (336, 1)])
def test_odd_images_are_taken(vlm, size):
    look = vlm.look(Image.new("RGB", size, "red"))
    assert look.image_size == size
    assert np.isfinite(vlm.answer(look, QUESTION, Image.new("RGB", size)).logits).all()


def test_a_line_that_a_centre_crop_would_blow_up_is_refused(clip_folder):
    with pytest.raises(VLMError, match="too long and thin"):
        load_vlm(clip_folder, fit="own").look(Image.new("RGB", (1, 60_000)))
    load_vlm(clip_folder).look(Image.new("RGB", (1, 60_000)))  # padded


def test_threads_get_the_answers_they_would_get_alone(vlm, images):
    questions = [f"what is on sign {i}? <image>" for i in range(5)]

    def answers(image, local):
        look = vlm.look(image)
        return [
            (g.token_ids, g.logits.tobytes(), g.attention.tobytes(), vlm.attend(look, q).tobytes())
            for q in questions
            for g in [vlm.answer(look, q, local)]
        ]

    cases = [(images[0], None), (images[1], None), images, images[::-1]]
    alone = [answers(*case) for case in cases]
    together, start = [None] * len(cases), threading.Barrier(len(cases))

    def run(i):
        start.wait()
        together[i] = answers(*cases[i])

    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(cases))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone
    assert alone[0] != alone[1]
