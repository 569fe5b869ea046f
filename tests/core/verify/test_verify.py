"""A sound model passes; each seeded fault is found, and told by the right sentence."""

from __future__ import annotations

import json
from dataclasses import replace
from errno import ENOSPC

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import RepetitionPenaltyLogitsProcessor

from core.box import Box
from core.imaging import Geometry, crop_local
from core.server.stages import maps
from core.support.bundled import POCKET
from core.support.whole import NotWritten
from core.verify.case import coordinates, scene
from core.verify.checks import CHECKS, verify
from core.verify.plain import Plain
from core.verify.same import _boxes
from core.verify.sending import covered, detail_kept, region
from core.vlm import FAMILIES, load_vlm
from core.vlm.__main__ import main
from core.vlm.adapter import Adapter
from core.vlm.capture import AttentionRow
from core.vlm.loading.revision import directory_digest
from core.vlm.reference import Reference
from tests.support.threads import one_thread
from tests.support.tiny import save_clip_llava, save_focalnet_llava
from tools.doubles.published import NAMES, save_published
from tools.doubles.untrained import save_untrained

SENT, PROMPT, SAME, PLACES, LOOKING, COST, GUESS = CHECKS


@pytest.fixture(scope="module", autouse=True)
def one_thread_a_model():
    with one_thread():
        yield


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """One that crops the centre, and one that pads."""
    return {
        "crop": save_clip_llava(tmp_path_factory.mktemp("crop")),
        "pad": save_focalnet_llava(tmp_path_factory.mktemp("pad")),
    }


@pytest.fixture
def cropping(folders):
    return load_vlm(folders["crop"], "cpu"), folders["crop"]


@pytest.fixture
def padding(folders):
    return load_vlm(folders["pad"], "cpu"), folders["pad"]


def told(model, *titles):
    """The faults that these checks find."""
    vlm, folder = model
    return verify(vlm, folder, checks={title: CHECKS[title] for title in titles}).faults


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_sound_model_of_each_family_passes(family, tmp_path):
    vlm = load_vlm(save_untrained(family, tmp_path), "cpu")
    checks = {title: CHECKS[title] for title in (SENT, PROMPT, SAME, PLACES)}
    assert verify(vlm, tmp_path, (9, 16), checks).verdict == "passed"


@pytest.mark.shapes
@pytest.mark.parametrize("name", NAMES)
def test_a_model_in_the_shape_of_a_published_one_passes(name, tmp_path):
    vlm = load_vlm(save_published(name, tmp_path), "cpu")
    assert verify(vlm, tmp_path).verdict == "passed"


def test_the_bundled_model_passes_and_looks_where_it_is_asked():
    vlm = load_vlm("pocket", "cpu")
    report = verify(vlm, POCKET)
    assert report.verdict == "passed"
    assert "So it looks where it is asked, as trained weights do." in str(report)


def test_a_report_is_a_page_of_text_and_json(padding):
    report = verify(*padding)
    assert report.passed
    text, said = str(report), json.loads(json.dumps(report.to_json()))
    assert text.endswith("Result: passed")
    assert [part["title"] for part in said["sections"]] == list(CHECKS)
    assert said["passed"] is True and said["faults"] == []
    assert any("a guess" in sentence for sentence in said["guesses"])
    assert "So it doesn't look where it is asked." in text  # and that is not a fault
    for title in CHECKS:
        assert title in text


def test_every_step_is_said_before_it_begins(padding):
    said = []
    verify(*padding, said=said.append)
    assert [title for title in said if not title.startswith("  ")] == list(CHECKS)
    assert said[said.index(PLACES) + 1] == "  place 1 of 9"
    assert said[said.index(SAME) + 1] == "  the first answer"
    assert sum(step.startswith("  picture ") for step in said) == 6


def test_where_a_number_format_is_hopeless_less_is_checked_and_it_is_said(folders, monkeypatch):
    vlm, done, said = load_vlm(folders["pad"], "cpu", dtype="bfloat16"), [], []
    checks = {title: lambda case, title=title: iter(done.append(title) or ()) for title in CHECKS}
    monkeypatch.setattr("core.verify.checks.slowness", lambda dtype, device: 57.0)
    report = verify(vlm, folders["pad"], checks=checks, said=said.append)
    assert done == [SENT, PROMPT, SAME, GUESS]
    assert said[0].startswith("Left out: bfloat16 is 57 times as slow as float32 on this cpu")
    assert report.passed and report.verdict == "passed, as far as it was checked"
    assert str(report).count("  --    Left out: bfloat16 is 57 times as slow") == 3
    done.clear()
    monkeypatch.setattr("core.verify.checks.slowness", lambda dtype, device: 0.6)
    assert verify(vlm, folders["pad"], checks=checks).verdict == "passed"
    assert done == list(CHECKS)


def test_another_box_is_a_fault_where_rounding_does_not_explain_it():
    one, other = Box(0, 0, 10, 10), Box(5, 0, 15, 10)
    assert _boxes(one, one, 0.5, True).kind == "passed"
    assert _boxes(one, other, 1e-6, True).kind == "note"
    assert _boxes(one, other, 3e-4, True).kind == "failed"
    assert _boxes(one, other, 2e-2, False).kind == "note"  # in half precision, that is rounding


def test_the_command_ends_with_the_verdict(folders, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("core.verify.checks.CHECKS", {})
    monkeypatch.setattr("core.verify.checks.verify.__kwdefaults__", None)
    written = tmp_path / "report.json"
    assert main(["verify", "--model", str(folders["pad"]), "--json", str(written)]) == 0
    assert "Result: passed" in capsys.readouterr().out
    assert json.loads(written.read_text())["model"]["family"] == "llava"
    assert main(["verify", "--model", "/nowhere"]) == 1
    assert "is not a model" in capsys.readouterr().err


def test_a_report_that_cannot_be_written_costs_no_page(folders, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("core.verify.checks.CHECKS", {})
    monkeypatch.setattr("core.verify.checks.verify.__kwdefaults__", None)

    def full(path, data):
        raise NotWritten(ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr("core.verify.command.write_whole", full)  # since it was begun
    assert main(["verify", "--model", str(folders["pad"]), "--json", str(tmp_path / "a")]) == 1
    said = capsys.readouterr()
    assert "Result: passed" in said.out and "can't be written: No space left" in said.err


def test_a_report_says_which_weights_of_a_folder_it_is_about(padding):
    vlm, folder = padding
    assert verify(vlm, folder, checks={}).model["revision"] == directory_digest(folder)


@pytest.mark.parametrize("ratio", ["5x3", "0:1", "51:1", "4:3:2", ":", "9:1", "1:50"])
def test_what_is_no_ratio_is_told_what_one_is(ratio, capsys):
    with pytest.raises(SystemExit):
        main(["verify", "--ratio", ratio])
    said = capsys.readouterr().err
    assert ("longer than the 8:1" if ratio in ("9:1", "1:50") else "such as 4:3") in said


# The faults.


def test_a_wrong_crop(cropping, monkeypatch):
    def beside(image, box, fit):
        left = 0 if 2 * box.left > image.width - box.width else image.width - box.width
        moved = replace(box, left=left, right=left + box.width)
        return crop_local(image, moved, fit)

    monkeypatch.setattr("core.edge.device.crop_local", beside)
    (sentence,) = told(cropping, SENT)
    assert sentence.startswith("The local image doesn't show the box: it shows the pixels ")


def test_a_global_image_of_a_part(cropping, monkeypatch):
    from core.imaging import downscale

    def part(image, fit):
        return downscale(image.crop((0, 0, image.width // 2, image.height)), fit)

    monkeypatch.setattr("core.edge.device.downscale", part)
    assert any("global image doesn't show the whole photo" in text for text in told(cropping, SENT))


@pytest.mark.parametrize("family", ["llava", "qwen2_5_vl", "smolvlm"])
def test_rows_and_columns_swapped(family, tmp_path, monkeypatch):
    vlm = load_vlm(save_untrained(family, tmp_path), "cpu")
    cells = type(vlm)._cells

    def swapped(self, size):
        rows, cols = self._geometry(size).grid
        right = cells(self, size)
        right = torch.arange(rows * cols) if right is None else right
        return right.view(rows, cols).T.flatten()

    monkeypatch.setattr(type(vlm), "_cells", swapped)
    sentences = told((vlm, tmp_path), PLACES)
    assert any("rows and columns of the grid are swapped" in text for text in sentences)


def test_a_layer_off_by_one(cropping, monkeypatch):
    def next_one(layer, **how):
        return AttentionRow(min(layer + 1, 3), **how)

    monkeypatch.setattr("core.vlm.adapter.AttentionRow", next_one)
    sentences = told(cropping, SAME)
    assert (
        "The attention of the question isn't that of the plain pass: it is that of layer 2, and "
        "the layer is said to be 1."
    ) in sentences


def test_an_end_token_removed(cropping):
    vlm, _ = cropping
    vlm._end_ids = frozenset()
    (sentence,) = told(cropping, PROMPT)
    assert "The token 1 ('</s>') should end an answer, as " in sentence


def test_an_end_that_only_the_template_writes(tmp_path):
    """As Idefics3's: the files name other ends."""
    folder = save_untrained("idefics3", tmp_path)
    vlm = load_vlm(folder, "cpu")
    end = vlm._tokenizer.convert_tokens_to_ids("<end_of_utterance>")
    vlm._end_ids = vlm._end_ids - {end}
    assert f"The token {end} ('<end_of_utterance>')" in "".join(told((vlm, folder), PROMPT))


def test_a_template_lost(cropping, monkeypatch):
    vlm, _ = cropping
    monkeypatch.setattr(type(vlm), "_text", lambda self, question, n: "<image>" * n + question)
    (sentence,) = told(cropping, PROMPT)
    assert "The prompt isn't what the chat template in chat_template.jinja writes" in sentence
    assert "the template is lost" in sentence


def test_a_template_lost_with_its_file(tmp_path, capsys):
    folder = save_untrained("smolvlm", tmp_path)
    (folder / "chat_template.jinja").unlink()
    assert main(["verify", "--model", str(folder)]) == 1
    assert "has no chat template" in capsys.readouterr().err


def test_a_cache_that_leaks_between_questions(cropping, monkeypatch):
    answer_batch = Adapter.answer_batch

    def leaking(self, requests, *args):
        answers = answer_batch(self, requests, *args)
        keys, _ = requests[0].look.prefix.layers[0]
        with torch.inference_mode():
            keys[:, -1] += 1.0  # as a cache would that appends in place
        return answers

    monkeypatch.setattr(Adapter, "answer_batch", leaking)
    (sentence,) = told(cropping, SAME)
    assert "what is kept of an image is changed by a question" in sentence


def test_padding_that_is_not_counted(padding, monkeypatch):
    pad = Geometry.pad.__func__

    def unpadded(cls, *args):
        return replace(pad(cls, *args), offset=(0.0, 0.0))

    monkeypatch.setattr(Geometry, "pad", classmethod(unpadded))
    sentences = told(padding, PLACES)
    assert any("padding, or what is cut off, isn't counted" in text for text in sentences)


def test_a_box_shifted_by_the_padding(padding, monkeypatch):
    windows = maps.windows

    def shifted(weights, extent, size, *rest):
        return windows(weights, (0.0, 0.0, *map(float, size)), size, *rest)

    monkeypatch.setattr(maps, "windows", shifted)
    (sentence,) = told(padding, PLACES)
    assert "beside what changed the tokens, as if padding weren't counted" in sentence


def altered(monkeypatch, alter):
    """Let every answer come with altered logits."""
    answer_batch = Adapter.answer_batch

    def answers(self, requests, *args):
        return [
            replace(one, logits=alter(one.logits, one.token_ids).astype(np.float32))
            for one in answer_batch(self, requests, *args)
        ]

    monkeypatch.setattr(Adapter, "answer_batch", answers)


def penalised(logits, ids):
    penalty = RepetitionPenaltyLogitsProcessor(1.3)
    rows = [
        penalty(torch.tensor([ids[:t]]), torch.tensor(row)[None]).numpy()
        for t, row in enumerate(logits[1:], start=1)
    ]
    return np.concatenate([logits[:1], *rows])


def ruled_out(logits, ids):
    return np.where(logits >= np.sort(logits)[:, -5:-4], logits, -np.inf)


@pytest.mark.parametrize(
    ("alter", "expected"),
    [
        (penalised, "as after a repetition penalty"),
        (lambda logits, ids: logits / 0.7, "times their own value, as after a temperature"),
        (ruled_out, "tokens have been ruled out"),
        (lambda logits, ids: logits * np.nan, "some are not numbers"),
        (lambda logits, ids: np.roll(logits, 1, axis=1), "isn't what is read at once"),
    ],
)
def test_scores_that_are_not_the_models_own(cropping, monkeypatch, alter, expected):
    altered(monkeypatch, alter)
    sentences = told(cropping, SAME)
    assert sentences and sentences[0].startswith("The scores of the first answer")
    assert expected in sentences[0]


def test_what_generation_config_asks_for_is_said(cropping, tmp_path):
    vlm, _ = cropping
    config = tmp_path / "generation_config.json"
    config.write_text(json.dumps({"eos_token_id": 2, "repetition_penalty": 1.05, "top_k": 50}))
    report = verify(vlm, tmp_path, checks={PROMPT: CHECKS[PROMPT]})
    assert "generation_config.json asks for repetition_penalty = 1.05" in str(report)


def test_a_check_that_breaks_is_a_fault(cropping):
    def breaks(case):
        raise RuntimeError("out of memory\nand more")
        yield

    report = verify(*cropping, checks={"Breaks": breaks})
    assert report.verdict == "FAULT: This could not be checked to its end: out of memory"


# Of what the checks are made of.


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_one_plain_pass_gives_the_rows_and_logits_of_the_reference(family, tmp_path):
    vlm = load_vlm(save_untrained(family, tmp_path), "cpu")
    images = [Image.new("RGB", (80, 60), "red"), Image.new("RGB", (60, 60), "blue")]
    reference = Reference(vlm)
    answer = reference.generate(images, "what?", 4)
    got = Plain(vlm).run(images, "what?", answer.token_ids[:-1])
    for layer, row in enumerate(got.rows):
        np.testing.assert_allclose(row, reference.row(images, "what?", layer), atol=1e-7)
    np.testing.assert_allclose(got.logits, answer.logits, atol=1e-4, rtol=0)


def test_a_part_of_a_picture_is_told_from_its_colours():
    picture = coordinates((640, 360))
    assert region(picture, (640, 360)) == pytest.approx((0, 0, 640, 360), abs=4)
    part = picture.crop((100, 50, 420, 250)).resize((64, 40))
    assert region(part, (640, 360)) == pytest.approx((100, 50, 420, 250), abs=6)


def test_what_is_covered_and_what_is_kept():
    photo = scene(0, (16, 9)).image
    crop = Geometry.center_crop(photo.size, 56, (56, 56), (4, 4))
    assert covered(crop) == pytest.approx(9 / 16, abs=0.02)
    assert covered(Geometry.pad(photo.size, 56, (4, 4))) == pytest.approx(1.0)
    half = photo.resize((photo.width // 4, photo.height // 4))
    as_large = Geometry.stretch(half.size, photo.size, (4, 4))
    as_sent = Geometry.stretch(half.size, half.size, (4, 4))
    assert detail_kept(photo, half, as_sent) > 0.8
    assert detail_kept(photo, half, as_large) < 0.4
