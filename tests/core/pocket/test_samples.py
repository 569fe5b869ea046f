"""Every bundled sample plays the part that its note claims, with the bundled model."""

import json

import pytest

from core.imaging import Codec
from core.pocket.samples import AT_ONCE, STAYS_WRONG, WITH_CROP, outcome
from core.protocol import Edge, Server, first_stage, second_stage
from core.support.bundled import SAMPLES
from core.uncertainty import Gate
from core.vlm import load_vlm

ENTRIES = json.loads((SAMPLES / "samples.json").read_text())


def test_there_are_samples_of_every_kind():
    assert len(ENTRIES) >= 6
    outcomes = [sample["outcome"] for sample in ENTRIES]
    assert outcomes.count(AT_ONCE) >= 2 and outcomes.count(WITH_CROP) >= 2
    assert STAYS_WRONG in outcomes


@pytest.mark.parametrize("sample", ENTRIES, ids=lambda sample: sample["file"])
def test_a_sample_does_what_its_note_says(sample):
    vlm = load_vlm("pocket")
    server = Server(vlm, Gate("min_entropy", vlm.info.thresholds["min_entropy"]))
    edge = Edge((SAMPLES / sample["file"]).read_bytes(), Codec("jpeg", 75))
    transcript = second_stage(edge, server, first_stage(edge, server, sample["question"]))
    assert outcome(transcript, sample["answer"]) == sample["outcome"]
