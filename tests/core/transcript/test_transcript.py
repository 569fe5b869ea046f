"""Transcripts: JSON and back, and nothing but a clear sentence for anything else."""

import copy
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.transcript import Transcript, TranscriptError
from core.uncertainty import METRICS, Gate
from tests.support.transcripts import BOTH, FIRST_ONLY, FORCED, SAMPLES


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
