"""η from a run of the model's own weights, or from the answers of a visit."""

from concurrent.futures import Future
from dataclasses import replace

import gradio as gr
import pytest

from core.bench.analysis.curves import operating_point
from core.uncertainty import Gate
from dashboard.benchmarks.library import Library
from dashboard.eta.own import OwnEta, from_answers, from_run
from dashboard.hosting.live import LiveModel
from dashboard.visits.visit import MOST_ANSWERS, Visit
from tests.support.pixels import PixelVLM
from tools.doubles.synthetic import synthetic_run


def answers(*values, metric="min_entropy"):
    return [{metric: (value,)} for value in values]


def test_the_least_sure_of_the_answers_are_asked_again():
    given = answers(0.1, 2.0, 0.2, 3.0, 0.3)
    eta, sentence = from_answers(given, "min_entropy")
    assert eta == pytest.approx(1.15)
    assert sum(Gate("min_entropy", eta).retransmit(one["min_entropy"]) for one in given) == 2
    assert "of your 5 answers so far, the 2 least sure are asked again" in sentence
    margins = answers(0.9, 0.1, 0.8, 0.2, 0.7, metric="probability_margin")
    eta, _ = from_answers(margins, "probability_margin")
    assert eta == pytest.approx(0.45)  # where small is unsure
    assert from_answers(given[:4], "min_entropy") is None


def test_a_run_of_these_weights_goes_before_and_one_of_others_is_not_taken():
    run = synthetic_run(400)
    info = replace(PixelVLM().info, revision="r1")
    asked = []

    def runs(revision):
        asked.append(revision)
        if revision == "r1":
            yield "mine", run

    eta, sentence = from_run(runs, info, "min_entropy")
    assert operating_point(run, Gate("min_entropy", eta)).retransmitted == pytest.approx(0.4, 0.02)
    assert "recorded questions (mine): of those, 40 % are asked again" in sentence
    assert from_run(runs, replace(info, revision="r2"), "min_entropy") is None
    assert asked == ["r1", "r2"]


def test_the_runs_of_the_folder_are_found_by_their_weights():
    library = Library()
    found = list(library.of_weights(library.choices()[0].metadata.revision))
    assert len(found) == len(library.choices()) and len(found[0][1]) >= len(found[-1][1])
    assert list(library.of_weights("sha256:0")) == []


@pytest.fixture
def own():
    loading = Future()
    loading.set_result(PixelVLM())
    with gr.Blocks():
        offer = OwnEta(LiveModel("pixels", loading))
        offer.eta = gr.Slider()
    return offer


def test_it_is_offered_where_nobody_has_set_one(own):
    info = PixelVLM().info
    assert own.offer(info)[own.button].visible
    assert not own.offer(replace(info, calibrated=frozenset({"sum_nll"})))[own.button].visible


def test_the_answers_of_a_visit_are_those_of_the_model_that_is_there(own):
    visit = Visit(metric="min_entropy", answered_by=("pixels", "r0"))
    visit.answers = answers(*range(9))
    said = own.set(visit, "min_entropy")
    assert own.eta not in said and "ask some more questions first" in said[own.status]
    assert not visit.own_eta
    visit.answered_by = ("pixels", "r1")
    said = own.set(visit, "min_entropy")
    assert said[own.eta].value == pytest.approx(4.5) and visit.own_eta


def test_a_visit_keeps_the_scores_of_one_model(transcripts):
    visit = Visit()
    for transcript in transcripts:
        visit.answered(transcript)
    assert len(visit.answers) == MOST_ANSWERS
    visit.answered(replace(transcripts[0], revision="r9"))
    assert visit.answers == [transcripts[0].scores]


@pytest.fixture
def transcripts():
    from core.protocol import Edge, Server, ask
    from tests.support.pixels import picture

    one = ask(Edge(picture()), Server(PixelVLM(), Gate(threshold=float("inf"))), "What?")
    return [one] * (MOST_ANSWERS + 3)
