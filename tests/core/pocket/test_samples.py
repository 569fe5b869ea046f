"""What the lesson says of the eight samples, by the bundled model."""

import json

import pytest

from core.imaging import Codec
from core.protocol import Edge, Server, ask, attention_at
from core.support.bundled import SAMPLES
from core.uncertainty import METRICS, Gate
from core.vlm import load_vlm

LISTED = json.loads((SAMPLES / "samples.json").read_text())
MENDED = [sample for sample in LISTED if sample["outcome"] == "with the crop"]


@pytest.fixture(scope="module")
def server():
    return Server(load_vlm("pocket", device="cpu"), Gate())


@pytest.fixture(scope="module")
def transcripts(server):
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


def _asked(server, sample, quality, local_quality):
    codecs = Codec("jpeg", quality), Codec("jpeg", local_quality)
    return ask(Edge(SAMPLES / sample["file"], *codecs), server, sample["question"])


def test_the_global_image_may_be_worse_than_the_local_one(server):
    for sample in MENDED:
        assert _asked(server, sample, 5, 75).answer == sample["answer"]
        right = _asked(server, sample, 1, 75).answer == sample["answer"]
        assert right == (sample["title"] != "A tall scene")
        if sample["title"] == "A plate to spell":
            assert _asked(server, sample, 75, 5).answer == "6C02"


def test_both_qualities_at_5_cost_20_to_35_percent_of_the_bytes(server, transcripts):
    def cost(transcript):
        return sum(message.byte_count for message in transcript.messages)

    for sample, before in zip(LISTED, transcripts, strict=True):
        if sample in MENDED:
            share = cost(_asked(server, sample, 5, 5)) / cost(before)
            assert 0.2 <= share <= 0.35, sample["file"]


def test_only_the_first_layer_looks_elsewhere(server, transcripts):
    for sample, transcript in zip(LISTED, transcripts, strict=True):
        if sample in MENDED:
            for layer in range(server.vlm.info.layers):
                box = attention_at(server.vlm, transcript, layer)[1]
                shared = box.shared(transcript.box) / box.area
                assert (shared > 0.5) if layer else (shared == 0), (sample["file"], layer)
