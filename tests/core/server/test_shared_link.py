"""A server whose edges share a link: who may send a crop, what edges are told, what is counted."""

import re
import sys
import time
from math import inf
from typing import get_args
from urllib.parse import unquote

import pytest
from fastapi.testclient import TestClient

from core.edge.client import Client
from core.edge.device import Edge
from core.policies.expectation import Expectation
from core.policies.registry import POLICIES, Verdict
from core.policies.shared import DEADLINES, RATES, LinkTerms, SharedLink
from core.server import __main__ as command
from core.server.app import create_app
from core.server.limits import Limits
from core.server.machine import Server
from core.support.bundled import EXPECTATION
from core.support.headers import FIRST_ANSWER, SKIPPED, WAITED
from core.uncertainty import Gate
from tests.core.policies.test_policies import Clock
from tests.support.pixels import SIDE, PixelVLM, picture
from tests.support.serving import COMPACT, serving

ALWAYS = Gate("min_entropy", float("-inf"))
SURE = {"gains": (0.9,), "steps": (0.0,), "crop_bytes": 1_000.0, "work_seconds": 0.0}
GAINS = Expectation.read(EXPECTATION).model_copy(update=SURE)
FAST = LinkTerms(1e9, 60.0, "backlog", GAINS)


def served(link, gate=ALWAYS):
    return TestClient(create_app(PixelVLM(), gate, Limits(rate=0), link=link))


def ask(client, form=COMPACT, **headers):
    edge = Edge(picture())
    message = edge.question("What is bright?", edge.resize((SIDE, SIDE)))
    return client.post("/v1/questions", content=message.to_bytes(), headers=form | headers)


def metrics(client):
    text = client.get("/metrics").text
    return dict(re.findall(r"^second_look_(\S+) (\S+)$", text, re.M))


def test_a_crop_that_would_be_late_is_not_asked_for_and_the_edge_is_told():
    client = served(LinkTerms(1e9, 5.0, "skip_late"))
    first = ask(client)
    assert SKIPPED not in first.headers and unquote(first.headers[FIRST_ANSWER])
    late = ask(client, **{WAITED: "4.999"})
    assert late.headers[SKIPPED] == "late" and FIRST_ANSWER not in late.headers
    assert client.get("/v1/info").json()["deadline"] == 5.0
    found = metrics(client)
    assert float(found['local_images_skipped_total{why="late"}']) == 1
    assert float(found["link_local_images"]) == 1


def test_it_says_so_in_json_as_well():
    import base64

    client = served(LinkTerms(1e9, 5.0, "skip_late"))
    edge = Edge(picture())
    message = edge.question("What is bright?", edge.resize((SIDE, SIDE)))
    body = {
        "question": message.question, "original_size": list(message.original_size),
        "image": base64.b64encode(message.image).decode(), "image_format": message.image_format,
    }  # fmt: skip
    asked = client.post("/v1/questions", json=body).json()
    assert asked["kind"] == "crop request" and asked["first_answer"]
    skipped = client.post("/v1/questions", json=body, headers={WAITED: "9"}).json()
    assert (skipped["kind"], skipped["skipped"]) == ("answer", "late")


def test_a_long_queue_makes_crops_dear_until_it_has_drained():
    clock = Clock()
    link = SharedLink(LinkTerms(1_000.0, 9.0, "backlog", GAINS), ALWAYS, clock=clock)
    assert link.decide(1.0, 1_000, 0.0) == "ask"
    for session in "abcd":
        link.asked(session)
    assert link.uplink.wait() == 4.0 and link.price() > GAINS.most
    age = link.age(0.0, 1_000, 0.0)
    assert age == 5.0 and link.decide(1.0, 1_000, age) == "late"  # and 5 s more for the crop
    assert link.decide(1.0, 1_000, 3.9) == "dear"  # it would be in time
    roomy = SharedLink(LinkTerms(1_000.0, 11.0, "backlog", GAINS), ALWAYS, clock=clock)
    for session in "abcd":
        roomy.asked(session)
    assert roomy.decide(1.0, 1_000, roomy.age(0.0, 1_000, 0.0)) == "dear"
    clock.now = 4.0
    for session in "abcd":
        roomy.arrived(session, 1_000)
    clock.now = 8.0
    assert roomy.uplink.wait() == 0 and roomy.decide(1.0, 1_000, 0.0) == "ask"


def test_a_question_is_as_old_as_its_way_says_and_what_it_takes_here_is_added():
    """Its edge may know of a longer wait than the server; bytes may come slower than the link."""
    link = SharedLink(LinkTerms(1_000.0, 9.0, "backlog", GAINS), ALWAYS, clock=Clock())
    assert link.age(0.0, 2_000, 0.1) == 2.0 and link.age(0.0, 2_000, 2.5) == 2.5
    for session in "abc":
        link.asked(session)
    assert link.age(0.0, 2_000, 0.1) == 5.0 and link.age(7.0, 2_000, 0.1) == 9.0


def test_the_time_that_a_question_waits_for_the_model_makes_it_late(monkeypatch):
    """It came in time, but the model had others before it."""
    from core.server.admission import Queue

    client = served(LinkTerms(1e9, 5.0, "skip_late"))
    assert SKIPPED not in ask(client).headers

    async def enter(self, client):
        self._working += 1
        return 6.0

    monkeypatch.setattr(Queue, "enter", enter)
    assert ask(client).headers[SKIPPED] == "late"


def test_when_questions_came_is_remembered_and_nothing_else_of_them():
    client = served(None)
    for _ in range(3):
        ask(client, **{WAITED: "4"})
    times = list(client.app.state.service.arrivals)
    assert times == sorted(times) and len(times) == 3
    assert times[-1] < time.monotonic() - 3.9  # when it was asked, not when it came


def test_what_a_crop_takes_is_learnt():
    link = SharedLink(LinkTerms(1_000.0, 9.0, "skip_late"), ALWAYS)
    assert link.crop_seconds(500) == 0.5  # none has come: as much as the question
    link.arrived("a", 9_000)
    assert link.crop_seconds(500) == 0.5  # nobody asked for that one
    link.asked("a")
    link.arrived("a", 3_000)
    link.arrived("a", 9_000)  # sent again
    assert link.crop_seconds(500) == 3.0


def test_an_edge_that_says_an_hour_keeps_the_others_waiting_for_the_deadline_only():
    clock = Clock()
    link = SharedLink(LinkTerms(1_000.0, 9.0, "backlog", GAINS), ALWAYS, clock=clock)
    link.waited(3_600.0, 1_000)
    assert link.uplink.wait() == 9.0 and link.decide(1.0, 1_000, 0.0) == "late"
    clock.now = 9.0
    assert link.decide(1.0, 1_000, 0.0) == "ask"


def test_the_price_and_the_backlog_are_read_from_the_metrics():
    client = served(LinkTerms(1_000.0, 60.0, "backlog", GAINS))
    assert float(metrics(client)["link_price"]) == 0  # no model has been asked for yet
    assert FIRST_ANSWER in ask(client).headers
    found = metrics(client)
    assert float(found["link_backlog_seconds"]) == pytest.approx(1.0, abs=0.5)
    assert float(found["link_price"]) > 0


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("deadline", DEADLINES)
@pytest.mark.parametrize("name", POLICIES)
def test_every_policy_decides_and_has_a_price_on_any_link(name, rate, deadline):
    """The slowest and the fastest, with a queue of an hour and what weighs most."""
    most = {"work_seconds": 86_400.0, "crop_bytes": 2.0**40, "gains": (1.0,), "steps": (0.0,)}
    for known in (GAINS, GAINS.model_copy(update=most)):
        clock = Clock()
        link = SharedLink(LinkTerms(rate, deadline, name, known), ALWAYS, lambda: 3_600.0, clock)
        for session in range(3):
            assert link.decide(1.0, 1_000, link.age(3_600.0, 1_000, 1.0)) in get_args(Verdict)
            link.asked(session)
            link.waited(3_600.0, 1_000)
            assert 0 <= link.price() < inf
            clock.now += 1.0


@pytest.mark.parametrize("name", POLICIES)
def test_two_edges_of_a_server_with_any_policy(name):
    gate = {"gate": ALWAYS, "link": LinkTerms(46_875.0, 60.0, name, GAINS)}
    with serving(**gate) as (url, app), Client(url) as one, Client(url) as other:
        found = [edge.ask(picture(), f"Where {n}?") for n in range(2) for edge in (one, other)]
        told = metrics(TestClient(app))
    for result in found:
        assert result.answer and not result.late and not (result.retransmitted and result.skipped)
    asked = [result.retransmitted for result in found]
    assert name == "random" or asked == [name != "never"] * 4
    assert float(told["link_price"]) >= 0 and float(told["link_local_images"]) == 0


@pytest.mark.parametrize("said", ["soon", "nan", "-7", "inf"])
def test_an_edge_may_say_what_it_likes(said):
    assert ask(served(FAST), **{WAITED: said}).status_code == 200


def test_without_a_shared_link_nothing_is_said_of_one():
    client = served(None)
    reply = ask(client)
    assert FIRST_ANSWER not in reply.headers and SKIPPED not in reply.headers
    assert client.get("/v1/info").json()["deadline"] is None
    assert not any(name.startswith("link_") for name in metrics(client))


def test_an_edge_gives_the_first_answer_if_the_second_is_late():
    """The same answer as without a second look, no error, and not much after the deadline."""

    class Slow(PixelVLM):
        def answer(self, look, question, local=None, draft=None):
            if local is not None:
                time.sleep(2.0)
            return super().answer(look, question, local, draft)

    expected = Server(PixelVLM(), Gate("min_entropy", float("inf")))
    edge = Edge(picture())
    first = expected.handle(edge.question("Where?", edge.resize((SIDE, SIDE)))).message.text
    app_options = {"vlm": Slow(), "gate": ALWAYS, "link": LinkTerms(1e9, 1.0, "always")}
    with serving(**app_options) as (url, _), Client(url) as client:
        result = client.ask(picture(), "Where?")
    assert result.late and result.answer == result.first_answer == first
    with serving(gate=ALWAYS, link=LinkTerms(1e9, 60.0, "always")) as (url, _), Client(url) as near:
        result = near.ask(picture(), "Where?")
        assert not result.late and result.retransmitted and result.first_answer == first
        assert near.ask(picture(), "Where?", since=time.monotonic() - 5).retransmitted
    strict = {"gate": ALWAYS, "link": LinkTerms(1e9, 3.0, "skip_late")}
    with serving(**strict) as (url, _), Client(url) as near:
        waited = near.ask(picture(), "Where?", since=time.monotonic() - 5)
    assert waited.skipped == "late" and not waited.retransmitted and waited.answer == first


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--deadline", "2"], "takes both"),
        (["--policy", "backlog"], "takes both"),
        (["--uplink-bytes-per-second", "0", "--deadline", "2"], "between 1 and 1e+12 bytes"),
        (["--uplink-bytes-per-second", "1e300", "--deadline", "2"], "between 1 and 1e+12 bytes"),
        (["--uplink-bytes-per-second", "9", "--deadline", "nan"], "between 0.001 and 86400"),
        (["--uplink-bytes-per-second", "9", "--deadline", "1e-300"], "between 0.001 and 86400"),
        (["--uplink-bytes-per-second", "9", "--deadline", "2", "--model", "other"],
         "--expectation"),
        (["--uplink-bytes-per-second", "9", "--deadline", "2", "--expectation", "no.json"],
         "no file 'no.json'"),
        (["--uplink-bytes-per-second", "9", "--deadline", "2", "--metric", "shannon_entropy",
          "--eta", "1", "--expectation", str(EXPECTATION)], "another number"),
    ],
)  # fmt: skip
def test_half_a_link_is_refused_in_a_sentence(words, why, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["server", *words])
    with pytest.raises(SystemExit):
        command.main()
    assert why in capsys.readouterr().err


def test_the_shipped_expectation_is_the_one_of_pockets_own_gate():
    known = Expectation.read(EXPECTATION)
    LinkTerms(1e3, 2.0, "backlog", known).check(*command.EXPECTED_OF)
    assert known.questions == 6_000 and 0 < known.most <= 1
