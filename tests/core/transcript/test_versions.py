"""What older versions wrote is read, as far as they told."""

from dataclasses import replace

import pytest

from core.transcript import Transcript, TranscriptError
from tests.support.transcripts import BOTH, SAMPLES


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


@pytest.mark.parametrize("version", [1, 7, True, "6", None])
def test_another_version_is_refused(version):
    with pytest.raises(TranscriptError, match="^version must be 6"):
        Transcript.from_dict(BOTH.to_dict() | {"version": version})


@SAMPLES
def test_version_4_is_read(transcript):
    assert Transcript.from_dict(as_version_4(transcript)) == transcript


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
