"""What the lesson says of the samples, by the bundled model."""

import json
import re

import pytest

from core.imaging import Codec
from core.protocol import Edge, Server, ask, attention_at
from core.support.bundled import SAMPLES
from core.uncertainty import Gate
from core.vlm import load_vlm
from tests.support.paths import ROOT

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


def test_what_the_crop_mended_is_no_guess(server, transcripts):
    for sample, transcript in zip(LISTED, transcripts, strict=True):
        if sample in MENDED:
            scores = transcript.stages[-1].scores["min_entropy"]
            assert not server.gate.retransmit(scores), sample["file"]


def test_no_eta_parts_the_right_from_the_wrong(transcripts):
    doubts = {True: [], False: []}
    for sample, transcript in zip(LISTED, transcripts, strict=True):
        doubt = Gate().uncertainty(transcript.scores["min_entropy"])
        doubts[transcript.first_answer == sample["answer"]].append(doubt)
    assert max(doubts[True]) > min(doubts[False])


def _asked(server, sample, quality, local_quality):
    codecs = Codec("jpeg", quality), Codec("jpeg", local_quality)
    return ask(Edge(SAMPLES / sample["file"], *codecs), server, sample["question"])


LEGIBLE = [sample for sample in MENDED if sample["answer"] != "no such sign"]


def test_the_global_image_may_be_worse_than_the_local_one(server):
    """By title, what another quality of the global or the local image changes; no other does."""
    assert [len(MENDED), len(LEGIBLE)] == [6, 4]
    changed = {
        (5, 75): {},
        (1, 75): {},
        (75, 5): {"A tall scene": "NGB1"},
    }
    for qualities, answers in changed.items():
        for sample in MENDED:
            right = answers.get(sample["title"], sample["answer"])
            assert _asked(server, sample, *qualities).answer == right, (sample["file"], qualities)


def test_a_bad_global_image_still_shows_where_to_look(server, transcripts):
    for sample, transcript in zip(LISTED, transcripts, strict=True):
        if sample in LEGIBLE:
            for quality in (1, 5):
                box = _asked(server, sample, quality, 75).box
                found = box.shared(transcript.box) / box.area > 0.5
                assert found, (sample["file"], quality)


def test_both_qualities_at_5_cost_a_fifth_to_a_quarter_of_the_bytes(server, transcripts):
    def cost(transcript):
        return sum(message.byte_count for message in transcript.messages)

    for sample, before in zip(LISTED, transcripts, strict=True):
        if sample in MENDED:
            share = cost(_asked(server, sample, 5, 5)) / cost(before)
            assert 0.17 <= share <= 0.28, sample["file"]


def test_the_layers_in_the_middle_look_at_the_sign(server, transcripts):
    missed = set()
    for sample, transcript in zip(LISTED, transcripts, strict=True):
        if sample in LEGIBLE:
            for layer in range(server.vlm.info.layers):
                box = attention_at(server.vlm, transcript, layer)[1]
                if box.shared(transcript.box) / box.area <= 0.5:
                    missed.add((sample["title"], layer))
    titles = {sample["title"] for sample in LEGIBLE}
    assert missed == {(title, 0) for title in titles} | {(t, 5) for t in titles - {"A wide scene"}}


def test_the_readme_looks_twice_where_it_is_worth_it(monkeypatch):
    """The example asks about the first sample, whose first answer isn't enough."""
    examples = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    (example,) = (one for one in examples if "load_vlm" in one)
    monkeypatch.chdir(ROOT)
    scope = {}
    exec(example, scope)
    transcript = scope["transcript"]
    assert transcript.uncertain and transcript.first_answer != LISTED[0]["answer"]
    assert transcript.answer == LISTED[0]["answer"]
