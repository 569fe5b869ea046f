"""What is of the right types and still can't be drawn is refused, and the error names the field."""

from dataclasses import replace

import pytest

from core.transcript import Transcript, TranscriptError
from core.uncertainty import Gate
from tests.support.transcripts import BOTH, changed


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        (["original_size", 0], 0, "original_size"),
        (["original_bytes"], -1, "original_bytes"),
        (["global_image", "format"], "bmp", "global_image.format"),
        (["global_image", "data"], "aGVsbG8=", "global_image"),
        (["global_image", "size"], [20, 11], "global_image.size"),
        (["local_image", "format"], "jpeg", "local_image"),
        (["first", "tokens"], [], "first.tokens"),
        (["first", "tokens", 1, "alternatives", 0, 1], 1.5, r"first.tokens\[1\].alternatives"),
        (["first", "scores"], {}, "first.scores"),
        (["first", "scores", "min_entropy"], [0.5], r"first.scores\['min_entropy'\]"),
        (["second"], None, "local_image"),
        (["local_image"], None, "local_image"),
        (["attention", "relative"], [], "attention.relative"),
        (["attention", "relative"], [[], []], "attention.relative"),
        (["attention", "question", 0], [1.0], "attention.question"),
        (["attention", "generic"], [[1.0, 1.0]], "attention.generic"),
        (["attention", "extent"], [0, 0, 0, 1], "attention.extent"),
        (["box"], None, "box"),
        (["box", "right"], 201, "box"),
        (["box", "right"], 10, "box"),
        (["forced"], True, "forced"),
        (["events", 1, "image_bytes"], 301, r"events\[1\].image_bytes"),
        (["events", 0, "seconds"], -0.1, r"events\[0\].seconds"),
        (["events", 2, "flops"], -1, r"events\[2\].flops"),
        (["events", 2, "exact_flops"], -1, r"events\[2\].exact_flops"),
    ],
)
def test_what_does_not_hold_is_named(path, value, field):
    with pytest.raises(TranscriptError, match=f"^{field}") as caught:
        Transcript.from_dict(changed(BOTH, path, value))
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300


def test_the_date_is_kept_and_must_be_one():
    dated = replace(BOTH, date="2026-11-26T07:00:00+00:00")
    assert Transcript.from_json(dated.to_json()).date == dated.date and dated == BOTH
    for wrong in ("yesterday", "2026-11-26T07:00:00+00:00" + " " * 90, 5):
        with pytest.raises(TranscriptError, match="date must be"):
            Transcript.from_dict(BOTH.to_dict() | {"date": wrong})


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
