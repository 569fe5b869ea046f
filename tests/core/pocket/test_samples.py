"""What the lesson says of the samples, by the bundled model."""

import json

import pytest

from core.imaging import Codec
from core.protocol import Edge, Server, ask, attention_at
from core.support.bundled import SAMPLES
from core.uncertainty import Gate
from core.vlm import load_vlm

LISTED = json.loads((SAMPLES / "samples.json").read_text())
MENDED = [sample for sample in LISTED if sample["outcome"] == "with the crop"]


@pytest.fixture(scope="module")
def server():
    vlm = load_vlm("pocket", device="cpu")
    return Server(vlm, Gate("min_entropy", vlm.info.thresholds["min_entropy"]))


@pytest.fixture(scope="module")
def transcripts(server):
    return [
        ask(Edge(SAMPLES / sample["file"]), server, sample["question"], force=True)
        for sample in LISTED
    ]


OUTCOMES = {  # right at first, right with both images, asked again
    "at once": (True, True, False),
    "with the crop": (False, True, True),
    "stays wrong": (False, False, True),
    "needless": (True, True, True),
    "missed": (False, True, False),
    "resigned": (False, False, False),
}


def test_outcomes_are_as_listed(transcripts):
    for sample, transcript in zip(LISTED, transcripts, strict=True):
        first = transcript.first_answer == sample["answer"]
        last = transcript.answer == sample["answer"]
        played = first, last, transcript.uncertain
        assert played == OUTCOMES[sample["outcome"]], sample["file"]
    played = {sample["file"]: sample["outcome"] for sample in LISTED}
    assert played["needless.jpg"] == "needless" and played["missed.jpg"] in ("missed", "resigned")
    assert {"absent.jpg", "photograph.jpg"} < played.keys()


def test_no_eta_parts_the_right_from_the_wrong(transcripts):
    doubts = {True: [], False: []}
    for sample, transcript in zip(LISTED, transcripts, strict=True):
        doubt = Gate().uncertainty(transcript.scores["min_entropy"])
        doubts[transcript.first_answer == sample["answer"]].append(doubt)
    assert max(doubts[True]) > min(doubts[False])


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
