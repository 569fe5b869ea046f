"""The load command's own work, on a server that is far too small for it."""

import ssl
import time

import httpx
import pytest

from core.protocol import Edge, Server, ask
from core.server.limits import Limits
from core.uncertainty import Gate
from tests.support.pixels import PixelVLM, picture
from tests.support.serving import serving
from tools.load.edges import Counted, Tally, _ask, load, open_load
from tools.load.floor import ROUNDS, floor
from tools.load.report import COLUMNS, broken, report, row

SOMETIMES = Gate("min_entropy", 1.3)


class SlowVLM(PixelVLM):
    def look(self, image):
        time.sleep(0.02)
        return super().look(image)


def test_above_capacity_all_are_answered_in_the_end(capsys):
    """20 edges where 4 may wait: 429s, no 5xx, no time-out, every answer right."""
    work = [(picture(spot=(20 * i, 30)), f"Question {i}?") for i in range(5)]
    expected = [ask(Edge(i), Server(PixelVLM(), SOMETIMES), q).answer for i, q in work]
    with serving(SOMETIMES, Limits(workers=1, waiting=4), vlm=SlowVLM()) as (url, _):
        tally = load(url, work, expected, edges=20, seconds=0.5)
    assert set(tally.statuses) == {200, 429}
    assert (tally.wrong, tally.failed) == (0, [])
    assert len(tally.seconds) >= 20 and tally.memory
    assert report(tally, "20 edges") == 0
    assert "429: " in capsys.readouterr().out

    tally.wrong = 1
    assert report(tally, "20 edges") == 1


def test_in_an_open_loop_seconds_count_from_when_a_question_was_due():
    """Three at once, of 0.1 s each, where one is asked at a time: the third took 0.3 s."""

    class OneByOne(PixelVLM):
        def look(self, image):
            time.sleep(0.1)
            return super().look(image)

    work = [(picture(), "What?")]
    expected = [ask(Edge(work[0][0]), Server(PixelVLM(), SOMETIMES), "What?").answer]
    with serving(SOMETIMES, Limits(workers=1), vlm=OneByOne()) as (url, _):
        tally = open_load(url, work, expected, [0.0, 0.0, 0.0])
    assert len(tally.seconds) == 3 and (tally.wrong, tally.failed) == (0, [])
    assert max(tally.seconds) >= 0.3
    assert tally.elapsed >= max(tally.seconds)


def test_a_late_start_of_a_question_counts_as_waiting():
    class Stub:
        def ask(self, image, question):
            return type("Reply", (), {"answer": "a"})

    tally = Tally()
    assert _ask(Stub(), tally, None, "What?", "b", time.monotonic() - 5.0)
    assert tally.seconds[0] >= 5.0 and tally.wrong == 1


def test_what_had_no_response_in_time_is_counted():
    tally = Tally()

    class Slow(httpx.BaseTransport):
        def handle_request(self, request):
            raise httpx.ReadTimeout("late")

    counted = Counted(tally, "127.0.0.2", ssl.create_default_context())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpx.HTTPTransport, "handle_request", Slow.handle_request)
        with pytest.raises(httpx.ReadTimeout):
            counted.handle_request(httpx.Request("POST", "http://127.0.0.1/"))
    assert tally.timeouts == 1 and not tally.statuses


def test_the_report_says_goodput_and_the_share_of_429s(capsys):
    tally = Tally(seconds=[1.0] * 30, wrong=0, elapsed=10.0, timeouts=2)
    tally.statuses.update({200: 60, 429: 20})
    assert report(tally, "30 questions due") == 1  # what timed out is an error
    said = capsys.readouterr().out
    assert "right answers a second: 3.0" in said
    assert "429s: 25.0% of responses" in said and "timed out: 2" in said


def test_a_row_counts_what_was_right_while_questions_came():
    """30 of 40 right answers came within the 10 s: 3 of the 4 a second that there is room for."""
    tally = Tally(seconds=[1.0] * 41, elapsed=20.0, memory=[2**20, 3 * 2**20])
    tally.right = [5.0] * 30 + [15.0] * 10
    tally.wrong = 1
    tally.statuses.update({200: 80, 429: 18, 503: 2})
    cells = [cell.strip() for cell in row(tally, 1.2, 4.0, 10.0).strip("|").split("|")]
    said = dict(zip(COLUMNS, cells, strict=True))
    assert said == {
        "of capacity": "1.2", "due / s": "4.80", "right / s": "3.00", "share": "0.75",
        "p50 s": "1.0", "p95 s": "1.0", "p99 s": "1.0", "429s": "18.0%", "time-outs": "0",
        "5xx": "2", "wrong": "1", "given up": "0", "memory MiB": "3",
    }  # fmt: skip
    assert broken(tally)
    assert not broken(Tally(seconds=[1.0]))


def test_the_model_alone_is_asked_the_same_in_full_batches():
    class Counting(PixelVLM):
        asked = 0

        def answer_batch(self, requests, *args):
            self.asked += len(requests)
            return super().answer_batch(requests, *args)

    work = [(picture(spot=(20 * i, 30)), f"Question {i}?") for i in range(3)]
    traces = [ask(Edge(image), Server(PixelVLM(), SOMETIMES), q) for image, q in work]
    expected, vlm = [trace.answer for trace in traces], Counting()
    assert floor(vlm, SOMETIMES, work, expected) > 0
    twice = sum(traces[i % 3].uncertain for i in range(Limits().workers))
    assert vlm.asked == ROUNDS * (Limits().workers + twice)
    with pytest.raises(ValueError, match="in batches"):
        floor(vlm, SOMETIMES, work, ["another", *expected[1:]])
