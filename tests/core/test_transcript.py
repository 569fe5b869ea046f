"""Transcripts: JSON and back, and nothing but a clear sentence for anything else."""

import copy
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from core.cropping import Box
from core.imaging import Codec
from core.transcript import (
    Attention,
    EncodedImage,
    MessageRecord,
    Stage,
    Step,
    Token,
    Transcript,
    TranscriptError,
)
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


@SAMPLES
def test_the_way_to_json_and_back_loses_nothing(transcript):
    plain = transcript.to_dict()
    assert Transcript.from_dict(plain) == transcript
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain  # plain JSON types, finite
    assert Transcript.from_json(transcript.to_json()) == transcript
    assert Transcript.from_json(transcript.to_json().encode()) == transcript


@pytest.mark.parametrize("threshold", [float("inf"), float("-inf"), np.float64(0.25), 1])
def test_any_threshold_a_gate_can_have_survives(threshold):
    transcript = replace(FIRST_ONLY, gate=Gate("min_entropy", threshold))
    assert Transcript.from_json(transcript.to_json()) == transcript
    assert type(transcript.to_dict()["gate"]["threshold"]) in (int, float, str)


def test_a_transcript_answers_for_both_stages():
    assert (FIRST_ONLY.first_answer, FIRST_ONLY.answer) == ("STOP", "STOP")
    assert (BOTH.first_answer, BOTH.answer) == ("STOP", "STEP")
    assert (FIRST_ONLY.retransmitted, BOTH.retransmitted, FORCED.retransmitted) == (
        False,
        True,
        True,
    )
    assert (FIRST_ONLY.uncertainty, BOTH.uncertainty) == (0.1875, 2.0)  # eq. 9, by hand
    assert (FIRST_ONLY.uncertain, BOTH.uncertain, FORCED.uncertain) == (False, True, False)
    assert BOTH.tokens == BOTH.first.tokens
    assert BOTH.scores["min_entropy"] == (1.5, 2.5)


@SAMPLES
@pytest.mark.parametrize("metric", METRICS)
def test_another_gate_judges_the_same_answers(transcript, metric):
    value = Gate(metric).uncertainty(transcript.scores[metric])
    for threshold in (value - 0.1, value, value + 0.1):
        gate = Gate(metric, threshold)
        judged = transcript.with_gate(gate)
        assert (judged.gate, judged.first, judged.second) == (
            gate,
            transcript.first,
            transcript.second,
        )
        assert judged.uncertain is gate.retransmit(transcript.scores[metric])
        assert judged.forced is (transcript.retransmitted and not judged.uncertain)
        assert Transcript.from_dict(judged.to_dict()) == judged
        assert judged.with_gate(transcript.gate) == transcript


def test_an_image_opens_as_it_was_sent():
    image = BOTH.local_image.open()
    assert image.size == (20, 20)
    assert image.getpixel((3, 3)) == (0, 0, 255)


@pytest.mark.parametrize(
    ("transcript", "words"),
    [
        (
            BOTH,
            "Uncertain: mean min-entropy is 2.00 bits, above η = 0.50, "
            "so the server asks for a local image.",
        ),
        (
            FIRST_ONLY,
            "Confident: mean min-entropy is 0.19 bits, below η = 0.50, so the first answer stands.",
        ),
        (
            FORCED,
            "Confident: mean min-entropy is 0.19 bits, below η = 0.50, "
            "so the server would stop here; the second look was forced.",
        ),
        (
            replace(BOTH, gate=Gate("min_entropy", 2.0)),
            "Uncertain: mean min-entropy is 2.00 bits, exactly η = 2.00, "
            "so the server asks for a local image.",
        ),
        (
            replace(FIRST_ONLY, gate=Gate("min_entropy", 0.1876)),
            "Confident: mean min-entropy is 0.1875 bits, below η = 0.1876, "
            "so the first answer stands.",
        ),
        (
            replace(FIRST_ONLY, gate=Gate("min_entropy", float("inf"))),
            "Confident: mean min-entropy is 0.19 bits, below η = ∞, so the first answer stands.",
        ),
        (
            replace(BOTH, gate=Gate("min_entropy", 1.0, first_tokens=2)),
            "Uncertain: mean min-entropy of the first 2 tokens is 2.00 bits, above η = 1.00, "
            "so the server asks for a local image.",
        ),
        (
            replace(BOTH, gate=Gate("min_entropy", 1.0, first_tokens=1)),
            "Uncertain: mean min-entropy of the first token is 1.50 bits, above η = 1.00, "
            "so the server asks for a local image.",
        ),
        (
            replace(FIRST_ONLY, gate=Gate("probability_margin", 0.5)),
            "Uncertain: mean probability margin is 0.19, below η = 0.50, "
            "so the server asks for a local image.",
        ),
    ],
)
def test_the_verdict_in_words(transcript, words):
    assert transcript.summary() == words


def changed(transcript, path, value):
    """The plain dict with one thing, deep inside, replaced."""
    plain = copy.deepcopy(transcript.to_dict())
    *way, last = path
    inner = plain
    for key in way:
        inner = inner[key]
    inner[last] = value
    return plain


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        (["version"], 1, "version"),
        (["version"], True, "version"),
        (["question"], None, "question"),
        (["question"], "\ud800", "question"),
        (["revision"], 3, "revision"),
        (["gate"], [], "gate"),
        (["gate", "metric"], "mood", "gate"),
        (["gate", "threshold"], float("nan"), "gate.threshold"),
        (["gate", "threshold"], 10**400, "gate.threshold"),
        (["gate", "threshold"], ["Infinity"], "gate.threshold"),
        (["events", 0, "seconds"], "Infinity", r"events\[0\].seconds"),
        (["gate", "first_tokens"], 0, "gate"),
        (["gate", "first_tokens"], 1.5, "gate.first_tokens"),
        (["original_size"], [200], "original_size"),
        (["original_size", 0], 0, "original_size"),
        (["original_size", 1], True, r"original_size\[1\]"),
        (["original_bytes"], -1, "original_bytes"),
        pytest.param(["original_bytes"], 10**5000, "original_bytes", id="more digits than str()"),
        (["global_image"], None, "global_image"),
        (["global_image", "format"], "bmp", "global_image.format"),
        (["global_image", "data"], "not base64!", "global_image.data"),
        (["global_image", "data"], "ü", "global_image.data"),
        (["global_image", "data"], "aGVsbG8=", "global_image"),
        (["global_image", "size"], [20, 11], "global_image.size"),
        (["local_image", "format"], "jpeg", "local_image"),
        (["first", "answer"], [], "first.answer"),
        (["first", "tokens"], [], "first.tokens"),
        (["first", "tokens", 0, "id"], "0", r"first.tokens\[0\].id"),
        (["first", "tokens", 1, "alternatives", 0, 1], 1.5, r"first.tokens\[1\].alternatives"),
        (["first", "tokens", 1, "alternatives", 0], ["t"], r"first.tokens\[1\].alternatives\[0\]"),
        (["first", "scores"], {}, "first.scores"),
        (["first", "scores"], {1: [0.0, 0.0]}, "first.scores"),
        (["first", "scores", "min_entropy"], [0.5], r"first.scores\['min_entropy'\]"),
        (["first", "scores", "min_entropy", 1], np.inf, r"first.scores\['min_entropy'\]\[1\]"),
        (["second"], None, "local_image"),
        (["second", "scores", "min_entropy"], None, r"second.scores\['min_entropy'\]"),
        (["local_image"], None, "local_image"),
        (["attention", "relative"], [], "attention.relative"),
        (["attention", "relative"], [[], []], "attention.relative"),
        (["attention", "question", 0], [1.0], "attention.question"),
        (["attention", "generic"], [[1.0, 1.0]], "attention.generic"),
        (["attention", "extent"], [0, 0, 0, 1], "attention.extent"),
        (["attention", "extent"], {"left": 0}, "attention.extent"),
        (["box"], None, "box"),
        (["box", "right"], 201, "box"),
        (["box", "right"], 10, "box"),
        (["box", "left"], 10.5, "box.left"),
        (["forced"], 0, "forced"),
        (["forced"], True, "forced"),
        (["events", 1, "sender"], "eve", r"events\[1\].sender"),
        (["events", 1, "sender"], ["edge"], r"events\[1\].sender"),
        (["events", 1, "image_bytes"], 301, r"events\[1\].image_bytes"),
        (["events", 3], {}, r"events\[3\] must be a Step or a MessageRecord"),
        (["events", 3], None, r"events\[3\]"),
        (["events", 0, "seconds"], -0.1, r"events\[0\].seconds"),
        (["events", 2, "flops"], -1, r"events\[2\].flops"),
        (["events", 2, "exact_flops"], -1, r"events\[2\].exact_flops"),
        (["events", 2, "where"], None, r"events\[2\].where"),
        (["extra"], 1, "The transcript has fields"),
        (["box", "extra"], 1, "box has fields"),
    ],
)
def test_the_error_names_the_field(path, value, field):
    with pytest.raises(TranscriptError, match=f"^{field}") as caught:
        Transcript.from_dict(changed(BOTH, path, value))
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300


@pytest.mark.parametrize("name", [name for name in BOTH.to_dict()])
def test_a_missing_field_is_named(name):
    plain = BOTH.to_dict()
    del plain[name]
    with pytest.raises(TranscriptError, match=f"^{name} must be"):
        Transcript.from_dict(plain)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, b"\xff\xfe\x00", "NaN"])
def test_what_is_no_json_object_is_no_transcript(text):
    with pytest.raises(TranscriptError, match="^A transcript must be"):
        Transcript.from_json(text)


def places(value, path=()):
    """Every path into a plain JSON value."""
    yield path
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*path, key))


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=5,
)


@settings(max_examples=300)
@given(st.sampled_from([FIRST_ONLY, BOTH, FORCED]), st.data())
def test_hostile_input_raises_nothing_but_transcript_errors(transcript, data):
    plain = copy.deepcopy(transcript.to_dict())
    for _ in range(data.draw(st.integers(1, 3))):
        *way, last = data.draw(st.sampled_from([path for path in places(plain) if path]))
        inner = plain
        for key in way:
            inner = inner[key]
        if data.draw(st.booleans()):
            del inner[last]
        else:
            inner[last] = data.draw(anything)
    try:
        read = Transcript.from_dict(plain)
    except TranscriptError as error:
        assert str(error)
    else:  # what loads can be drawn, and saved again
        assert read.summary() and read.answer is not None
        assert read.global_image.open().size == read.global_image.size
        assert Transcript.from_json(read.to_json()) == read


def as_version_4(transcript):
    """What version 4 wrote, when every model told all of its scores and looked itself."""
    plain = transcript.to_dict() | {"version": 4}
    del plain["look"]
    for stage in ("first", "second"):
        if plain[stage] is not None:
            del plain[stage]["bounds"]
    return plain


def as_version_3(transcript):
    """What version 3 wrote: neither prompts nor how images are brought to the model."""
    plain = as_version_4(transcript) | {"version": 3}
    del plain["fit"]
    for stage in ("first", "second"):
        if plain[stage] is not None:
            del plain[stage]["prompt"]
    return plain


def as_version_2(transcript):
    """What version 2 wrote: steps and messages apart, without their common order."""
    plain = as_version_3(transcript) | {"version": 2}
    events = plain.pop("events")
    plain["messages"] = [event for event in events if "sender" in event]
    plain["steps"] = [event for event in events if "where" in event]
    return plain


def test_the_date_is_kept_and_must_be_one():
    dated = replace(BOTH, date="2026-11-26T07:00:00+00:00")
    assert Transcript.from_json(dated.to_json()).date == dated.date and dated == BOTH
    for wrong in ("yesterday", "2026-11-26T07:00:00+00:00" + " " * 90, 5):
        with pytest.raises(TranscriptError, match="date must be"):
            Transcript.from_dict(BOTH.to_dict() | {"date": wrong})


@SAMPLES
def test_version_4_is_read(transcript):
    assert Transcript.from_dict(as_version_4(transcript)) == transcript


def test_scores_that_are_only_bounded_are_kept_with_their_bounds():
    pairs = tuple((score - 0.5, score) for score in BOTH.first.scores["shannon_entropy"])
    first = replace(BOTH.first, bounds={"shannon_entropy": pairs})
    said = replace(BOTH, first=first, look="scout:pocket")
    assert Transcript.from_json(said.to_json()) == said
    for bad, what in (
        ({"shannon_entropy": pairs[:-1]}, "two numbers a token"),
        ({"shannon_entropy": tuple((high, low) for low, high in pairs)}, "in order"),
        ({"other": pairs}, "of a metric that has scores"),
    ):
        with pytest.raises(TranscriptError, match=what):
            Transcript.from_dict(replace(BOTH, first=replace(first, bounds=bad)).to_dict())


def test_scores_of_fewer_metrics_are_enough_if_the_gates_is_among_them():
    few = {name: BOTH.first.scores[name] for name in ("min_entropy", "max_nll")}
    said = replace(BOTH, first=replace(BOTH.first, scores=few))
    assert Transcript.from_json(said.to_json()) == said
    with pytest.raises(ValueError, match="tell nothing of energy"):
        said.with_gate(Gate("energy", 0.0))
    few.pop("min_entropy")
    with pytest.raises(TranscriptError, match="first.scores must be of min_entropy"):
        Transcript.from_dict(replace(BOTH, first=replace(BOTH.first, scores=few)).to_dict())


def test_version_3_which_kept_no_prompts_is_read():
    said = replace(BOTH, first=replace(BOTH.first, prompt="USER: <image> What?"))
    assert Transcript.from_dict(as_version_3(said)) == replace(BOTH, fit=None)
    assert Transcript.from_json(said.to_json()).first.prompt == "USER: <image> What?"


@SAMPLES
def test_version_2_is_read_with_its_order_restored(transcript):
    known = replace(transcript, fit=None)
    assert Transcript.from_dict(as_version_2(transcript)) == known
    with pytest.raises(TranscriptError, match="^fit must be absent"):
        Transcript.from_dict(transcript.to_dict() | {"version": 3})


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [
        ("steps", [{"name": "resize"}], r"steps\[0\]"),
        ("steps", None, "steps"),
        ("messages", [[]], r"messages\[0\]"),
        ("events", [], "events"),
    ],
)
def test_a_damaged_version_2_is_refused(name, value, field):
    with pytest.raises(TranscriptError, match=f"^{field}"):
        Transcript.from_dict(as_version_2(BOTH) | {name: value})
    missing = as_version_2(BOTH)
    del missing["steps"]
    with pytest.raises(TranscriptError, match="^steps must be present"):
        Transcript.from_dict(missing)
