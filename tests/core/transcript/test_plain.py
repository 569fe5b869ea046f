"""Values are of the types that the fields declare, or the error names the field."""

import numpy as np
import pytest

from core.transcript import Transcript, TranscriptError
from tests.support.transcripts import BOTH, changed


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
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
        (["original_size", 1], True, r"original_size\[1\]"),
        pytest.param(["original_bytes"], 10**5000, "original_bytes", id="more digits than str()"),
        (["global_image"], None, "global_image"),
        (["global_image", "data"], "not base64!", "global_image.data"),
        (["global_image", "data"], "ü", "global_image.data"),
        (["first", "answer"], [], "first.answer"),
        (["first", "tokens", 0, "id"], "0", r"first.tokens\[0\].id"),
        (["first", "tokens", 1, "alternatives", 0], ["t"], r"first.tokens\[1\].alternatives\[0\]"),
        (["first", "scores"], {1: [0.0, 0.0]}, "first.scores"),
        (["first", "scores", "min_entropy", 1], np.inf, r"first.scores\['min_entropy'\]\[1\]"),
        (["second", "scores", "min_entropy"], None, r"second.scores\['min_entropy'\]"),
        (["attention", "extent"], {"left": 0}, "attention.extent"),
        (["box", "left"], 10.5, "box.left"),
        (["forced"], 0, "forced"),
        (["events", 1, "sender"], "eve", r"events\[1\].sender"),
        (["events", 1, "sender"], ["edge"], r"events\[1\].sender"),
        (["events", 3], {}, r"events\[3\] must be a Step or a MessageRecord"),
        (["events", 3], None, r"events\[3\]"),
        (["events", 2, "where"], None, r"events\[2\].where"),
        (["extra"], 1, "The transcript has fields"),
        (["box", "extra"], 1, "box has fields"),
    ],
)
def test_what_is_of_another_type_is_named(path, value, field):
    with pytest.raises(TranscriptError, match=f"^{field}") as caught:
        Transcript.from_dict(changed(BOTH, path, value))
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300


@pytest.mark.parametrize("name", [name for name in BOTH.to_dict()])
def test_a_missing_field_is_named(name):
    plain = BOTH.to_dict()
    del plain[name]
    with pytest.raises(TranscriptError, match=f"^{name} must be"):
        Transcript.from_dict(plain)
