"""The runner on a small model: what is asked, what is written down, and what survives a kill."""

import errno
import json
import os
import random
import re
import shlex
import signal
import subprocess
import sys
import time
from argparse import ArgumentParser
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.bench.__main__ import main as command
from core.bench.commands import run_command
from core.bench.datasets.scoring import SCORERS
from core.bench.record import runner as runner_module
from core.bench.record.hd import tiles
from core.bench.record.runner import Plan, Runner
from core.bench.runs.errors import RunError
from core.bench.runs.files import load_run, reading
from core.bench.runs.metadata import Code
from core.bench.runs.record import Record
from core.cost import prefill_flops
from core.croppers import CROPPERS
from core.cropping import Box
from core.imaging import Codec, crop_local, downscale
from core.messages import Answer
from core.protocol import Edge, Server, ask, first_stage
from core.uncertainty import Gate, token_scores
from core.vlm import load_vlm
from core.vlm.base import ModelAway, VLMError
from tests.support.paths import ROOT
from tests.support.pixels import SIDE, TOKENS, PixelVLM, picture
from tests.support.tiny import save_focalnet_llava
from tools.doubles.untrained import save_untrained

SAMPLES = 11
TIMES = ("first_seconds", "second_seconds", "hd_seconds")
ALWAYS, NEVER = Gate(threshold=float("-inf")), Gate(threshold=float("inf"))


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(runner_module, "CHUNK", 4)


@pytest.fixture(scope="module")
def questions(tmp_path_factory):
    """A file of questions about a few pictures, of which the fifth can't be opened."""
    folder = tmp_path_factory.mktemp("questions")
    for i in range(3):
        picture(spot=(20 + 50 * i, 10 + 30 * i)).save(folder / f"{i}.png")
    (folder / "bad.png").write_bytes(b"no image")
    rows = [
        {"image": f"{image}.png", "question": f"What {i}?", "answers": ["a"]}
        for i, image in enumerate([0, 1, 2, 0, "bad", 2, 0, 1, 2, 0, 1])
    ]  # fmt: skip
    path = folder / "questions.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


@pytest.fixture
def plan(questions, tmp_path):
    return Plan(
        out=str(tmp_path / "run.parquet"), model="pixels", data="folder", folder=str(questions),
        batch=3,
    )  # fmt: skip


def carry_out(plan, vlm=None):
    runner = Runner(plan, vlm or PixelVLM())
    runner.work()
    return [load_run(path) for path in runner.finish()]


def same(a, b):
    """All but the times."""

    def plain(run, i):
        row = run.record(i)
        values = {f.name: getattr(row, f.name) for f in fields(Record) if f.name not in TIMES}
        return repr(values)  # NaN is NaN

    return len(a) == len(b) and all(plain(a, i) == plain(b, i) for i in range(len(a)))


def test_what_is_recorded_is_what_the_protocol_gives_one_by_one(plan):
    vlm, codec = PixelVLM(), Codec("jpeg", 75)
    (run,) = carry_out(plan)
    dataset = plan.dataset()
    for i, sample in enumerate(dataset):
        row = run.record(i)
        if i == 4:
            continue
        image = sample.image
        transcript = ask(Edge(image, codec), Server(vlm, ALWAYS), sample.prompt)
        assert (row.first_answer, row.second_answer) == (transcript.first_answer, transcript.answer)
        assert row.scores == {k: pytest.approx(v) for k, v in transcript.scores.items()}
        assert row.box == transcript.box
        score = SCORERS["exact"].score
        assert row.first_score == score(row.first_answer, sample)
        assert row.second_score == score(row.second_answer, sample)
        assert row.global_bytes == len(transcript.global_image.data)
        assert row.local_bytes == len(transcript.local_image.data)
        view = Edge(image).resize((SIDE, SIDE))
        assert row.reference_bytes == len(Codec("jpeg", 100).encode(view))
        alone = first_stage(Edge(image, codec), Server(vlm, NEVER), sample.prompt)
        question, answer = (message.byte_count for message in alone.messages)
        assert (row.question_message_bytes, row.answer_message_bytes) == (question, answer)
        assert [
            row.question_message_bytes, row.crop_request_message_bytes,
            row.local_image_message_bytes, row.refined_message_bytes,
        ] == [message.byte_count for message in transcript.messages]  # fmt: skip
        flops = [step.flops for step in transcript.steps if step.flops]
        assert (row.first_flops, row.second_flops) == (flops[0], sum(flops[1:]))
        assert row.first_seconds > 0 and row.second_seconds > 0


def test_a_sample_that_fails_is_recorded_with_its_error_and_the_run_goes_on(plan):
    (run,) = carry_out(plan)
    assert run.failed.tolist() == [i == 4 for i in range(SAMPLES)]
    assert run.error[4].startswith("This is a text file, which can't be read here")
    assert (run.id[4], run.question[4], run.first_answer[4]) == ("5", "What 4?", "")
    assert run.id.tolist() == [str(i + 1) for i in range(SAMPLES)]


def test_an_error_of_the_model_is_one_of_the_sample(plan):
    class Choosy(PixelVLM):
        def answer(self, look, question, local=None, max_new_tokens=20, draft=()):
            if question.startswith("What 7?") and local is not None:
                raise RuntimeError("out of\nmemory")
            return super().answer(look, question, local, max_new_tokens)

    (run,) = carry_out(plan, Choosy())
    (plain,) = carry_out(replace(plan, out=plan.out.replace("run", "plain")))
    assert run.error[7] == "RuntimeError: out of memory"
    others = np.arange(SAMPLES) != 7
    assert same(run.select(others), plain.select(others))


@pytest.mark.parametrize("stage", ["first", "second"])
def test_an_engine_that_is_gone_ends_the_run_which_goes_on_when_it_is_back(plan, stage):
    class Dying(PixelVLM):
        alive = True

        def answer(self, look, question, local=None, max_new_tokens=20, draft=()):
            if question.startswith("What 7?") and (local is not None or stage == "first"):
                self.alive = False
            if not self.alive:
                raise ModelAway("http://there can't be reached.")
            return super().answer(look, question, local, max_new_tokens)

    runner = Runner(plan, Dying())
    with pytest.raises(ModelAway, match=r"^Asked about \d: http://there can't be reached\. Wh"):
        runner.work()
    assert runner.recorded() == 4  # the first chunk of four
    with pytest.raises(RunError, match="isn't finished"):
        runner.finish()
    (run,), (plain,) = carry_out(plan), carry_out(replace(plan, out=plan.out.replace("run", "b")))
    assert same(run, plain)


def test_a_run_knows_how_to_repeat_it(plan):
    (run,) = carry_out(replace(plan, limit=5))
    meta = run.metadata
    assert (meta.model, meta.revision) == ("pixels", "r1")
    assert (meta.dataset, meta.split) == ("folder", "all")
    assert (meta.codec, meta.quality, meta.prompt) == ("jpeg", 75, "{question}")
    assert meta.command == (
        f"python -m core.bench run --model pixels --data folder --limit 5 --folder {plan.folder} "
        "--codec jpeg --quality 75 --batch 3 --out run.parquet"
    )
    assert meta.source["kind"] == "files" and meta.versions["numpy"] == np.__version__
    assert len(run) == 5


def test_the_tokens_of_second_answers_are_scored_too(plan):
    (run,) = carry_out(replace(plan, limit=2))
    vlm, codec = PixelVLM(), Codec("jpeg", 75)
    for i, sample in enumerate(plan.dataset()[:2]):
        row, edge = run.record(i), Edge(sample.image, codec)
        view = codec.decode(codec.encode(edge.resize((SIDE, SIDE))))
        local = codec.decode(codec.encode(edge.crop(row.box, (SIDE, SIDE))))
        found = vlm.answer(vlm.look(view), sample.prompt, local)
        for metric, values in row.second_scores.items():
            expected = token_scores(found.logits, metric, found.attention)
            assert values == pytest.approx(expected.tolist(), rel=1e-5, abs=1e-9)


def test_qualities_share_their_images_and_give_what_each_gives_alone(plan, monkeypatch):
    opened = []
    monkeypatch.setattr(
        runner_module, "rgb_of", lambda path, load=runner_module.rgb_of: (
            opened.append(path) or load(path))
    )  # fmt: skip
    several = replace(plan, out=plan.out.replace("run", "q{quality}"), qualities=(10, 80))
    runs = carry_out(several)
    assert len(opened) == SAMPLES
    for quality, run in zip((10, 80), runs, strict=True):
        (alone,) = carry_out(replace(plan, out=plan.out + str(quality), qualities=(quality,)))
        assert same(run, alone) and run.metadata.quality == quality
    assert runs[0].global_bytes.sum() < runs[1].global_bytes.sum()


def test_croppers_share_the_first_stage_and_give_what_each_gives_alone(plan):
    vlm, names = PixelVLM(), ("relative", "attention", "random", "blank")
    several = replace(plan, out=plan.out.replace("run", "{cropper}"), croppers=names)
    runs = carry_out(several, vlm)
    # All images but the broken one, once; and a local image of each of them a cropper.
    assert len(vlm.seen) == (SAMPLES - 1) * (1 + len(names))
    for name, run in zip(names, runs, strict=True):
        (alone,) = carry_out(replace(plan, out=plan.out + name, croppers=(name,)))
        assert same(run, alone) and run.metadata.cropper == name
        assert ("--cropper" in run.metadata.command) == (name != "relative")
    relative, attention, random, blank = (run.answered for run in runs)
    assert (blank.box == relative.box).all() and (random.box != relative.box).any()
    assert (blank.second_message_bytes - blank.refined_message_bytes == (
        relative.second_message_bytes - relative.refined_message_bytes)).all()  # fmt: skip
    assert (attention.second_flops < relative.second_flops).all()
    assert (relative.search_round_trips == 0).all()
    assert np.isfinite(attention.box_contrast).any()


def test_a_cropper_that_fails_spoils_no_other_ones_run(plan, monkeypatch):
    def find(clues):
        raise RuntimeError("lost")

    lost = replace(CROPPERS["attention"], find=find)
    monkeypatch.setitem(CROPPERS, "attention", lost)
    several = replace(
        plan, out=plan.out.replace("run", "{cropper}"), croppers=("relative", "attention")
    )
    relative, attention = carry_out(several)
    assert relative.failed.sum() == 1 and attention.failed.all()
    assert attention.error[0] == "RuntimeError: lost"


def test_the_runs_of_some_croppers_are_gone_on_with(plan):
    several = replace(plan, out=plan.out.replace("run", "{cropper}"), croppers=("relative",))
    carry_out(several)
    vlm = PixelVLM()
    both = carry_out(replace(several, croppers=("relative", "centre")), vlm)
    assert [run.metadata.cropper for run in both] == ["relative", "centre"]
    assert len(vlm.seen) == (SAMPLES - 1) * 2  # nothing is asked of `relative` again


def test_with_the_true_box_its_local_image_is_asked_too(tmp_path):
    """On rendered signs, the only ones whose boxes are known."""
    vlm = PixelVLM()
    plan = Plan(str(tmp_path / "run.parquet"), "pixels", "signs-text", limit=3, guided=True)
    (run,) = carry_out(plan)
    for i, sample in enumerate(plan.dataset()):
        row, image = run.record(i), sample.image
        (target,) = [Box(*box) for box in sample.boxes]
        assert json.loads(row.truth_boxes) == [list(target.as_tuple())]
        assert 0 <= row.random_hit <= 1 and row.box_hit in (True, False)
        scale = SIDE / max(image.size)
        assert row.letter_height == pytest.approx(sample.letter_height * scale)
        side = int(min(max(SIDE, 1.1 * max(target.size)), 2 * SIDE))
        left, top = (
            int(np.clip((a + b - side) / 2, 0, size - side))
            for a, b, size in zip(target.as_tuple()[:2], target.as_tuple()[2:], image.size,
                                  strict=True)
        )  # fmt: skip
        codec = Codec("jpeg", 75)
        around = Box(left, top, left + side, top + side)
        local = codec.decode(codec.encode(crop_local(image, around, (SIDE, SIDE))))
        view = codec.decode(codec.encode(Edge(image).resize((SIDE, SIDE))))
        assert row.guided_answer == vlm.answer(vlm.look(view), sample.prompt, local).text


def test_in_high_resolution_the_whole_image_is_asked_about_at_twice_the_side(plan):
    """By hand: JPEG of 64 pixels on the longer side, cut in four, and 32 pixels of all of it."""
    (run,) = carry_out(replace(plan, hd=True, limit=4))
    vlm, codec = PixelVLM(), Codec("jpeg", 75)
    for i, sample in enumerate(plan.dataset()[:4]):
        row = run.record(i)
        sent = codec.encode(Edge(sample.image).resize((2 * SIDE, 2 * SIDE)))
        view = codec.decode(sent)
        assert view.size == (64, 32)
        parts = [view.crop((x, y, x + 32, y + 16)) for y in (0, 16) for x in (0, 32)]
        answer = vlm.answer(vlm.look(downscale(view, (SIDE, SIDE))), sample.prompt, parts)
        assert row.hd_answer == answer.text
        assert row.hd_score == SCORERS["exact"].score(answer.text, sample)
        assert row.hd_bytes == len(sent) < row.hd_question_message_bytes
        assert row.hd_answer_message_bytes == Answer(answer.text).byte_count
        assert row.hd_flops == prefill_flops(5 * TOKENS, vlm.info.hidden, vlm.info.layers)
        assert row.hd_seconds > 0
    (without,) = carry_out(replace(plan, limit=4, out=plan.out.replace("run", "without")))
    assert without.first_answer.tolist() == run.first_answer.tolist()
    assert np.isnan(without.hd_score).all()


def test_in_high_resolution_a_model_of_tiles_reads_all_of_them(tmp_path, questions):
    """As it is with --fit own: one image, in the tiles that the checkpoint itself cuts."""
    folder = str(save_untrained("internvl", tmp_path / "model"))
    plan = Plan(
        str(tmp_path / "run.parquet"), folder, "folder", folder=str(questions), limit=3, batch=2,
        hd=True, load={"device": "cpu"},
    )  # fmt: skip
    (run,) = carry_out(plan, load_vlm(folder, "cpu"))
    own = load_vlm(folder, "cpu", fit="own")
    assert own.info.fit.input_size > load_vlm(folder, "cpu").info.fit.input_size
    codec = Codec("jpeg", 75)
    for i, sample in enumerate(plan.dataset()):
        row, sent = run.record(i), codec.encode(Edge(sample.image).resize(own.info.fit))
        view = codec.decode(sent)
        assert row.hd_answer == own.answer(own.look(view), sample.prompt).text
        assert row.hd_bytes == len(sent) > row.global_bytes
        tokens = own.visual_tokens(view.size)
        assert row.hd_flops == prefill_flops(tokens, own.info.hidden, own.info.layers)
    with pytest.raises(RunError, match="With --fit own, .* its first answers are that baseline"):
        Runner(replace(plan, out=str(tmp_path / "own.parquet")), own)


@pytest.mark.parametrize(
    ("size", "sizes"),
    [
        ((64, 32), [(32, 16)] * 4),
        ((5, 3), [(2, 1), (3, 1), (2, 2), (3, 2)]),
        ((1, 1), [(1, 1)] * 4),
        ((1, 4), [(1, 2)] * 4),
    ],
)
def test_four_tiles_cover_the_image(size, sizes):
    assert [tile.size for tile in tiles(Image.new("RGB", size))] == sizes


def test_what_is_done_is_not_done_again(plan, questions):
    class Stops(PixelVLM):
        """Is interrupted at its n-th look."""

        def __init__(self, looks):
            super().__init__()
            self.looks = looks

        def look(self, image):
            self.looks -= 1
            if self.looks < 0:
                raise KeyboardInterrupt
            return super().look(image)

    (undisturbed,) = carry_out(replace(plan, out=plan.out.replace("run", "other")))
    for looks in (1, 5, 5):
        runner = Runner(plan, Stops(looks))
        with pytest.raises(KeyboardInterrupt):
            runner.work()
        with pytest.raises(RunError, match="isn't finished"):
            runner.finish()
    resumed = Runner(plan, PixelVLM())
    counted = []
    assert resumed.recorded() == 8
    resumed.work(progress=counted.append)
    assert sum(counted) == SAMPLES - 8
    (path,) = resumed.finish()
    assert same(load_run(path), undisturbed)
    assert os.listdir(path.parent).count("run.parquet.parts") == 0

    never = Runner(plan, Stops(0))  # finished: no look at all
    never.work()
    assert never.finish() == [path]


def test_shards_of_several_workers_are_the_single_run(plan):
    (single,) = carry_out(replace(plan, out=plan.out.replace("run", "single")))
    for rank in (2, 0, 1):
        Runner(plan, PixelVLM()).work(rank, 3)
    (path,) = Runner(plan, PixelVLM()).finish()
    assert same(load_run(path), single)


def test_a_damaged_chunk_is_asked_again(plan):
    runner = Runner(plan, PixelVLM())
    runner.work()
    chunk = Path(plan.out + ".parts") / "000001.parquet"
    whole = chunk.read_bytes()
    chunk.write_bytes(whole[:-9])
    with pytest.raises(RunError, match="from 4 on are missing. Run the command again."):
        runner.finish()
    assert chunk.with_suffix(".damaged").read_bytes() == whole[:-9]  # nothing is thrown away
    (run,) = carry_out(plan)
    assert len(run) == SAMPLES


def parts(plan):
    return sorted(path.name for path in Path(plan.out + ".parts").iterdir())


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), PermissionError(13, "denied")]
)
def test_a_run_file_that_cannot_be_written_costs_nothing(plan, monkeypatch, error):
    runner = Runner(plan, PixelVLM())
    runner.work()
    before = parts(plan)

    def fail(*_):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match=error.strerror):
            runner.finish()
    assert parts(plan) == before and not Path(plan.out).exists()
    (path,) = Runner(plan, PixelVLM()).finish()
    assert len(load_run(path)) == SAMPLES and not Path(plan.out + ".parts").exists()


def test_a_chunk_that_cannot_be_read_just_now_is_kept(plan, monkeypatch):
    runner = Runner(plan, PixelVLM())
    runner.work()
    before = parts(plan)
    for error in (MemoryError(), PermissionError(13, "denied"), OSError(errno.EIO, "error")):
        with monkeypatch.context() as patch:
            patch.setattr(reading, "_read_columns", lambda *_, error=error: (_ for _ in ()).throw(
                error))  # fmt: skip
            with pytest.raises(RunError, match="'000000.parquet'"):
                runner.finish()
        assert parts(plan) == before
    assert len(load_run(*runner.finish())) == SAMPLES


def test_a_chunk_that_cannot_be_written_ends_the_run_and_keeps_the_others(plan, monkeypatch):
    Runner(plan, PixelVLM()).work(0, 2)
    before = parts(plan)

    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="No space left"):
            Runner(plan, PixelVLM()).work()
    assert parts(plan) == before
    (run,) = carry_out(plan)
    assert len(run) == SAMPLES


def test_the_command_says_what_is_left_when_the_disk_is_full(plan, monkeypatch, capsys):
    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("core.vlm.load_vlm", lambda *_, **__: PixelVLM())
    monkeypatch.setattr(os, "fsync", fail)
    words = ["run", "--data", "folder", "--folder", plan.folder, "--out", plan.out]
    assert command(words) == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        "The run can't be written: No space left on device. What is finished is kept: make room, "
        "then run the same command again."
    )


@pytest.mark.parametrize(
    "change",
    [
        {"qualities": (50,)},
        {"limit": 3},
        {"hd": True},
        {"batch": 5},
        {"croppers": ("centre",)},
    ],
)
def test_another_run_of_that_name_is_neither_continued_nor_overwritten(plan, change):
    Runner(plan, PixelVLM()).work(0, 2)
    with pytest.raises(RunError, match="the beginning of another run"):
        Runner(replace(plan, **change), PixelVLM())
    (run,) = carry_out(plan)
    with pytest.raises(RunError, match="is there already, and another run"):
        Runner(replace(plan, **change), PixelVLM())
    assert same(load_run(plan.out), run)


def loaded(**load):
    """A model that says it was loaded so."""
    vlm = PixelVLM()
    vlm.info = replace(vlm.info, load={"dtype": "float32", "resolution": None} | load)
    return vlm


def test_a_run_of_a_model_loaded_otherwise_is_another_and_it_is_said_why(plan):
    Runner(plan, loaded()).work(0, 2)
    match = re.escape("another run (dtype float32 there, float16 here; resolution None there, 224")
    with pytest.raises(RunError, match=match):
        Runner(plan, loaded(dtype="float16", resolution=224))
    carry_out(plan, loaded())
    with pytest.raises(
        RunError, match=r"is there already, and another run \(resolution None there"
    ):
        Runner(plan, loaded(resolution=224))
    prompts = replace(plan, out=plan.out.replace("run", "prompts"))
    carry_out(prompts, loaded(instruction="Say it."))
    with pytest.raises(RunError, match=r"another run \(instruction 'Say it\.' there, '' here\)"):
        Runner(prompts, loaded(instruction=""))


def test_a_run_begun_before_an_option_was_recorded_is_gone_on_with(plan):
    Runner(plan, loaded()).work(0, 2)
    carry_out(plan, loaded(instruction=""))
    assert "instruction" not in load_run(plan.out).metadata.load


FIRST, SECOND = Code("a" * 40, True, "0.1"), Code("b" * 40, False, "0.1")


def test_a_run_gone_on_with_by_other_code_says_both(plan, monkeypatch):
    monkeypatch.setattr(runner_module, "code", lambda: FIRST)
    monkeypatch.setattr(runner_module, "machine", lambda: "one machine")
    Runner(plan, PixelVLM()).work(0, 2)
    assert Runner(plan, PixelVLM()).remarks == []
    monkeypatch.setattr(runner_module, "code", lambda: SECOND)
    monkeypatch.setattr(runner_module, "machine", lambda: "another")
    runner = Runner(plan, PixelVLM())
    both = "commit aaaaaaaaaaaa, and goes on with commit bbbbbbbbbbbb with changes."
    assert runner.remarks == [f"'run.parquet' was begun with {both}"]
    runner.work()
    (path,) = runner.finish()
    meta = load_run(path).metadata
    assert meta.code == (FIRST, SECOND) and meta.machine == "one machine; another"
    assert meta.made_with == "commit aaaaaaaaaaaa, then commit bbbbbbbbbbbb with changes"
    third = Code(None, None, "0.2")
    monkeypatch.setattr(runner_module, "code", lambda: third)
    (remark,) = Runner(plan, PixelVLM()).remarks
    assert remark.startswith("'run.parquet' is there already, made with commit aaaa")
    assert remark.endswith("; this is version 0.2.")


def test_a_run_begun_before_options_were_recorded_goes_on(plan):
    Runner(plan, loaded()).work(0, 2)
    begun = Path(plan.out + ".parts") / "run.json"
    content = json.loads(begun.read_text())
    del content["metadata"]["load"], content["metadata"]["code"]
    begun.write_text(json.dumps(content))
    runner = Runner(plan, loaded())
    assert runner.remarks[0].startswith("'run.parquet' was begun with code that is not known")
    runner.work()
    assert len(load_run(*runner.finish())) == SAMPLES


def test_a_run_that_can_not_be_written_is_not_begun(capsys):
    with pytest.raises(SystemExit):
        command(["run", "--model", "/nowhere", "--out", "/dev/null/run.parquet"])
    said = capsys.readouterr().err
    assert "argument --out: '/dev/null/run.parquet' can't be written: Not a directory." in said


def test_the_command_takes_every_option_of_loading_and_a_run_repeats_them(plan, capsys):
    parser = ArgumentParser()
    run_command.add_arguments(parser)
    words = "--model m --data folder --dtype bf16 --layer 0 --resolution 224 --batch 3"
    made = run_command.plan_of(parser.parse_args([*words.split(), "--out", "run.parquet"]))
    assert made.load["resolution"] == 224 and made.load["dtype"] == "bfloat16"
    said = shlex.split(made.command(75))[4:]
    assert run_command.plan_of(parser.parse_args(said)) == made


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"qualities": (1, 2)}, "put {quality} into the name"),
        ({"qualities": ()}, "needs a quality"),
        ({"croppers": ("relative", "blank")}, "put {cropper} into the name"),
        ({"croppers": ()}, "needs a cropper"),
        ({"croppers": ("nowhere",)}, "A cropper must be one of relative"),
        ({"limit": 0}, "limit must be at least 1"),
        ({"batch": 0}, "batch must be at least 1"),
    ],
)
def test_a_plan_that_makes_no_sense(plan, change, match):
    with pytest.raises(RunError, match=match):
        replace(plan, **change)


def test_a_real_model_gives_in_batches_what_it_gives_alone(questions, tmp_path):
    folder = save_focalnet_llava(tmp_path / "tiny")
    plan = Plan(
        str(tmp_path / "run.parquet"), str(folder), "folder", folder=str(questions), limit=4,
        load={"device": "cpu"},
    )  # fmt: skip
    runner = Runner(plan)
    runner.work()
    (path,) = runner.finish()
    run = load_run(path)
    assert run.metadata.revision.startswith("sha256:")
    assert run.metadata.prompt == "<s><image>\n{question}\nA:"
    assert run.metadata.load == {
        "device": "cpu", "dtype": "float32", "bits": None, "attention": "sdpa",
        "attention_layer": runner.vlm.info.attention_layer, "resolution": None, "fit": "own",
        "instruction": "", "base_side": runner.vlm.info.base_side, "min_cells": 2,
        "generic_prompt": runner.vlm.info.generic_prompt,
    }  # fmt: skip
    for i, sample in enumerate(runner.dataset):
        row = run.record(i)
        transcript = ask(Edge(sample.image), Server(runner.vlm, ALWAYS), sample.prompt)
        assert (row.first_answer, row.second_answer) == (transcript.first_answer, transcript.answer)
        assert row.box == transcript.box
        assert (row.first_visual_tokens, row.second_visual_tokens) == (144, 288)
        steps = {step.name: step.exact_flops for step in transcript.steps}
        assert row.first_flops_exact == pytest.approx(steps["first answer"], rel=0.15)
        assert row.second_flops_exact > row.first_flops_exact > 0
        words = row.first_prompt_tokens - 144
        assert words >= 10 and row.second_prompt_tokens > 288 + words
        for name, scores in transcript.scores.items():
            assert row.scores[name] == pytest.approx(scores, abs=1e-4)


KILLED = """
import sys, time
from core.bench.record import runner
from core.bench.record.runner import Plan, Runner
from tests.support.pixels import PixelVLM
runner.CHUNK = 4
class Slow(PixelVLM):
    def look_batch(self, images):
        time.sleep(0.05)
        return super().look_batch(images)
made = Runner(Plan(sys.argv[1], "pixels", "folder", folder=sys.argv[2], batch=3), Slow())
print("begun", flush=True)
made.work()
made.finish()
"""


def test_killed_at_random_moments_it_ends_as_if_undisturbed(plan, questions):
    (undisturbed,) = carry_out(replace(plan, out=plan.out.replace("run", "other")))
    rng = random.Random(0)
    kills = 0
    while not Path(plan.out).exists():
        child = subprocess.Popen(
            [sys.executable, "-c", KILLED, plan.out, str(questions)],
            cwd=ROOT, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        child.stdout.readline()
        if kills < 3:
            time.sleep(rng.uniform(0.02, 0.2))
            child.send_signal(signal.SIGKILL)
            kills += 1
        assert child.wait(60) in (0, -signal.SIGKILL)
        child.stdout.close()
    assert same(load_run(plan.out), undisturbed)
    assert kills == 3
    assert not os.path.exists(plan.out + ".parts")


def test_a_run_of_several_rounds_has_a_row_a_look(plan, tmp_path):
    (run,) = carry_out(replace(plan, rounds=3, out=str(tmp_path / "three.parquet")))
    (once,) = carry_out(plan)
    first = replace(run.answered, later=())
    for name in ("second_answer", "local_bytes", "second_flops", "refined_message_bytes"):
        assert (getattr(first, name) == getattr(once.answered, name)).all(), name
    assert [len(one) for one in run.later] == [SAMPLES - 1, SAMPLES - 1]
    sample = plan.dataset()[0]
    gate = replace(ALWAYS, rounds=(ALWAYS.threshold,) * 2)
    t = ask(Edge(sample.image, Codec()), Server(PixelVLM(), gate), sample.prompt)
    rows = [one.record(0) for one in (run, *run.later)]
    assert [row.second_answer for row in rows] == [stage.answer for stage in t.stages[1:]]
    assert [row.first_answer for row in rows] == [stage.answer for stage in t.stages[:-1]]
    assert [row.scores for row in rows] == [stage.scores for stage in t.stages[:-1]]
    assert [row.box for row in rows] == list(t.boxes) and [row.round for row in rows] == [1, 2, 3]
    images = [t.local_image, *(one.local_image for one in t.rounds)]
    assert [row.local_bytes for row in rows] == [len(image.data) for image in images]
    crossed = sum(message.byte_count for message in t.messages)
    looks = [one.second_message_bytes[0] for one in (run, *run.later)]
    assert run.first_message_bytes[0] + sum(looks) == crossed  # to the byte
    spent = sum(step.flops or 0 for step in t.steps)
    assert rows[0].first_flops + sum(row.second_flops for row in rows) == spent


def test_every_cropper_has_its_own_rounds(plan, tmp_path):
    names = ("relative", "saliency")
    out = str(tmp_path / "{cropper}.parquet")
    runs = carry_out(replace(plan, croppers=names, rounds=2, out=out))
    for name, run in zip(names, runs, strict=True):
        (alone,) = carry_out(replace(plan, croppers=(name,), rounds=2))
        Path(plan.out).unlink()
        for name in ("id", "box", "second_answer"):
            looks = [[getattr(one, name).tolist() for one in of.later] for of in (run, alone)]
            assert looks[0] == looks[1], name
    assert runs[0].later


def test_a_run_is_not_gone_on_with_in_another_number_of_rounds(plan):
    two = replace(plan, rounds=2)
    Runner(two, PixelVLM()).work(rank=1, workers=3)  # one of three chunks
    with pytest.raises(RunError, match="beginning of another run .rounds 2 there, 3 here"):
        Runner(replace(plan, rounds=3), PixelVLM())
    (run,) = carry_out(two)
    assert "--rounds 2" in run.metadata.command
    with pytest.raises(RunError, match="is there already, and another run .rounds 2 there, 1 here"):
        Runner(plan, PixelVLM())
    for rounds in (0, 65):
        with pytest.raises(RunError, match="rounds must be 1 to 64"):
            replace(plan, rounds=rounds)


def test_local_images_are_kept_where_a_model_was_trained_on_several(plan, tmp_path):
    kept = replace(plan, rounds=2, keeps=True, out=str(tmp_path / "kept.parquet"))
    with pytest.raises(VLMError, match="trained on a global and one local image"):
        Runner(kept, PixelVLM())
    vlm = PixelVLM()
    vlm.info = replace(vlm.info, several=True)
    (run,) = carry_out(kept, vlm)
    (alone,) = carry_out(replace(plan, rounds=2), PixelVLM())
    assert run.metadata.keeps and not alone.metadata.keeps
    assert "--keep-local-images" in run.metadata.command
    more, one = run.later[0].record(0), alone.later[0].record(0)
    assert more.second_visual_tokens == one.second_visual_tokens + TOKENS
    assert more.second_flops > one.second_flops and more.second_answer != one.second_answer
    with pytest.raises(RunError, match="One round has one local image"):
        replace(plan, keeps=True)
