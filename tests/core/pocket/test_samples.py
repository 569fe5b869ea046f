"""What the lesson says of the eight samples, by the bundled model."""

import json

import pytest

from core.protocol import Edge, Server, ask
from core.support.bundled import SAMPLES
from core.uncertainty import METRICS, Gate
from core.vlm import load_vlm

LISTED = json.loads((SAMPLES / "samples.json").read_text())


@pytest.fixture(scope="module")
def transcripts():
    server = Server(load_vlm("pocket", device="cpu"), Gate())
    return [
        ask(Edge(SAMPLES / sample["file"]), server, sample["question"], force=True)
        for sample in LISTED
    ]


def test_outcomes_are_as_listed(transcripts):
    for sample, transcript in zip(LISTED, transcripts, strict=True):
        first = transcript.first_answer == sample["answer"]
        last = transcript.answer == sample["answer"]
        wanted = {"at once": (True, True), "with the crop": (False, True)}
        assert (first, last) == wanted.get(sample["outcome"], (False, False)), sample["file"]
    assert [sample["outcome"] for sample in LISTED].count("with the crop") == 4


def test_every_measure_parts_the_right_from_the_wrong(transcripts):
    for name in transcripts[0].scores.keys() & METRICS.keys():
        sign = 1 if METRICS[name].higher_is_uncertain else -1
        doubts = {True: [], False: []}
        for sample, transcript in zip(LISTED, transcripts, strict=True):
            doubt = sign * Gate(name).uncertainty(transcript.scores[name])
            doubts[transcript.first_answer == sample["answer"]].append(doubt)
        assert max(doubts[True]) < min(doubts[False]), name
        if name == "min_entropy":
            assert max(doubts[True]) < 0.025 and min(doubts[False]) > 0.95
