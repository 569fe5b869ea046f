"""The comparison of real edges with the simulation: what it gives the simulation, what it says."""

from dataclasses import replace

import numpy as np
import pytest

from core.bench.runs.run import Run
from core.edge.client import Result
from core.edge.device import Edge
from core.protocol import ask
from core.server.machine import Server
from core.sharing.demand import Arrivals, Questions
from core.sharing.simulation import Outcome
from core.uncertainty import Gate
from tests.support.pixels import PixelVLM, picture
from tools.doubles.replayed import Replayed, number_of, numbered
from tools.doubles.synthetic import synthetic_run
from tools.shared_link import HEAD, SEGMENT, SYN, Seen, as_crossed, openings, report


@pytest.fixture(scope="module")
def run() -> Run:
    return synthetic_run(20, seed=2)


def test_the_double_answers_as_recorded_and_is_as_sure(run):
    for index in (0, 7, 19):
        server = Server(Replayed(run, PixelVLM(), slower=0.0), Gate("min_entropy", float("-inf")))
        transcript = ask(Edge(picture()), server, numbered("Where?", index))
        assert transcript.first_answer == run.first_answer[index]
        assert transcript.answer == run.second_answer[index]
        doubt = run.ranked("min_entropy", None)[index]
        assert transcript.uncertainty == pytest.approx(doubt, abs=1e-5)


def test_it_takes_as_long_as_recorded_so_many_times(run, monkeypatch):
    slept = []
    monkeypatch.setattr("tools.doubles.replayed.time.sleep", slept.append)
    monkeypatch.setattr("tools.doubles.replayed.time.monotonic", lambda: 5.0)
    model = Replayed(run, PixelVLM(), slower=3.0)
    look = model.look(picture(32, 16))
    model.answer(look, numbered("Where?", 4))
    model.answer(look, numbered("Where?", 4), picture(32, 16))
    assert slept == pytest.approx([3 * run.first_seconds[4], 3 * run.second_seconds[4]])


def test_a_number_comes_back():
    assert number_of(numbered("How many (7) are there? (3)", 12)) == 12


def test_a_connection_is_opened_anew_after_five_seconds():
    times = np.array([0.0, 1.0, 4.0, 8.0, 14.0])
    arrivals = Arrivals(times, np.array([0, 1, 0, 0, 1]))
    assert openings(arrivals).tolist() == [SYN, SYN, 0, 0, SYN]


def test_the_heads_of_all_packets_are_counted(run):
    questions, arrivals = Questions.of_runs([run]), Arrivals(np.zeros(20), np.arange(20) % 2)
    plain = as_crossed(questions, arrivals, Seen(), heads=False)
    assert (plain.question_bytes == questions.question_bytes).all()
    arrivals = replace(arrivals, opening=openings(arrivals))
    full = as_crossed(questions, arrivals, Seen(), heads=True)
    packets = np.ceil(questions.question_bytes / SEGMENT) + 1 + 3 * (openings(arrivals) > 0)
    assert (full.question_bytes - questions.question_bytes == HEAD * packets).all()
    assert (full.crop_bytes > questions.crop_bytes).all()


def seen(asked, seconds):
    found = Seen()
    for index in range(100):
        box = object() if index < 100 * asked else None
        found.results[index] = Result("", "", None, None, box, (), 0, 0.0)
        found.seconds[index] = seconds
    return found


def test_it_judges_by_a_tenth(capsys):
    times, never = np.full(100, 1.0), np.full(100, np.inf)
    verdict = np.where(np.arange(100) < 40, 0, 1)
    outcome = Outcome(
        times, np.zeros(100, int), verdict, times, np.where(verdict == 0, 2.0, never),
        times, times, times,
    )  # fmt: skip
    assert report(seen(0.42, 2.1), outcome, 5.0) == 0
    assert report(seen(0.46, 2.1), outcome, 5.0) == 1
    assert report(seen(0.42, 2.3), outcome, 5.0) == 1
    failed = seen(0.42, 2.1)
    failed.failed.append("No answer.")
    assert report(failed, outcome, 5.0) == 1
    assert "asked share" in capsys.readouterr().out
