"""Transcripts that tests share: of one stage, of both, and of a second one that was forced."""

import copy
from dataclasses import replace

import pytest
from PIL import Image

from core.cropping import Box
from core.imaging import Codec
from core.transcript import Attention, EncodedImage, MessageRecord, Stage, Step, Token, Transcript
from core.uncertainty import METRICS, Gate


def encoded(size, colour) -> EncodedImage:
    return EncodedImage("png", Codec("png").encode(Image.new("RGB", size, colour)), size)


def stage(answer, *values) -> Stage:
    tokens = tuple(
        Token(f"t{i}", i, ((f"t{i}", 0.75), ("other", 0.125))) for i in range(len(values))
    )
    return Stage(answer, tokens, {name: tuple(values) for name in METRICS})


FIRST_ONLY = Transcript(
    question="What is written on the red sign?",
    model="pocket",
    revision=None,
    gate=Gate("min_entropy", 0.5),
    original_size=(200, 100),
    original_bytes=12_345,
    session="s1",
    global_image=encoded((20, 10), "red"),
    first=stage("STOP", 0.25, 0.125),
    events=(
        Step("resize", "edge", 0.001),
        MessageRecord("edge", "question", 300, 120, "What is written on the red sign?"),
        Step("first answer", "server", 0.05, 7_596_000_000_000, 8_000_000_000_000),
        MessageRecord("server", "answer", 60, 0, "STOP"),
    ),
)
BOTH = replace(
    FIRST_ONLY,
    first=stage("STOP", 1.5, 2.5),
    attention=Attention(
        question=((0.5, 0.25), (0.125, 0.125)),
        generic=((0.25, 0.25), (0.25, 0.25)),
        relative=((2.0, 1.0), (0.5, 0.5)),
        extent=(0.0, -50.0, 200.0, 150.0),
    ),
    box=Box(10, 0, 110, 100),
    local_image=encoded((20, 20), "blue"),
    second=stage("STEP", 0.0),
)
FORCED = replace(BOTH, first=FIRST_ONLY.first, forced=True, attention=None, original_bytes=None)
SAMPLES = pytest.mark.parametrize("transcript", [FIRST_ONLY, BOTH, FORCED])


def changed(transcript, path, value):
    """Return the plain dict with one thing, deep inside, replaced."""
    plain = copy.deepcopy(transcript.to_dict())
    *way, last = path
    inner = plain
    for key in way:
        inner = inner[key]
    inner[last] = value
    return plain
