"""Three servers behind each proxy, with the configurations that are shipped."""

import contextlib
import json
import shutil
from collections import Counter

import httpx
import pytest

from core.edge.client import Client, Exchange, Result
from core.protocol import Edge, Server, ask
from core.server.limits import Limits
from core.uncertainty import Gate
from tests.support.pixels import PixelVLM, picture
from tests.support.serving import serving
from tools.load.edges import address
from tools.load.fleet import (
    BEHIND,
    CONFIGURATIONS,
    FRONT,
    Course,
    answered,
    ask_all,
    configured,
    proxied_fleet,
    report,
)
from tools.support.own_server import OwnServer

ALWAYS = Gate("min_entropy", 0.0)
WORK = [(picture(spot=(20 * i, 30)), f"Question {i}?") for i in range(5)]


@pytest.fixture(scope="module")
def expected():
    return [ask(Edge(i), Server(PixelVLM(), ALWAYS), q).answer for i, q in WORK]


@pytest.fixture(params=["haproxy", "nginx"])
def fleet(request, tmp_path):
    """A proxy's URL, and its three servers' own with their services."""
    if not shutil.which(request.param):
        pytest.skip(f"{request.param} isn't installed")
    limits = Limits(rate=0, drain_seconds=20.0)
    with contextlib.ExitStack() as stack:
        three = [stack.enter_context(serving(ALWAYS, limits, proxy="127.0.0.1")) for _ in range(3)]
        servers = [OwnServer(url, None) for url, _ in three]
        front = stack.enter_context(proxied_fleet(request.param, servers, tmp_path))
        yield front, [(url, app.state.service) for url, app in three]


def given(service):
    """Return how many last answers a server gave."""
    said = service.metrics.registry.get_sample_value(
        "second_look_replies_total", {"kind": "answer"}
    )
    return said or 0


@contextlib.contextmanager
def between_both_stages(client, three, happens):
    """Call `happens(url, service)` of the server that waits for the first local image."""
    send, once = client._sender.send, [happens]

    def sent(path, *rest, **more):
        if path == "v1/local-images" and once:
            once.pop()(*next(one for one in three if one[1].leaving.owed()))
        return send(path, *rest, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client._sender, "send", sent)
        yield


def test_each_question_is_ended_where_it_was_begun(fleet, expected):
    front, three = fleet
    course = Course()
    ask_all(front, WORK, expected, 30, 6, course)
    assert (len(course.results), course.wrong, course.failed) == (30, 0, {})
    assert not any(result.restarts for result in course.results.values())
    shares = [given(service) for _, service in three]
    assert sum(shares) == 30 and min(shares) > 0
    assert httpx.get(f"{front}/metrics").status_code == 404


def test_a_drained_server_ends_what_it_began_and_gets_nothing_new(fleet, expected):
    front, three = fleet
    drained = []

    def drain(url, service):
        service.leaving.begin()
        drained.append(service)
        others = Course()
        ask_all(front, WORK, expected, 8, 4, others)
        assert (len(others.results), others.wrong, given(service)) == (8, 0, 0)

    with Client(front) as client, between_both_stages(client, three, drain):
        result = client.ask(*WORK[0])
    assert result.answer == expected[0] and not result.restarts
    assert given(drained[0]) == 1


def test_a_question_whose_server_is_gone_is_begun_anew(fleet, expected):
    """Another server doesn't know its session and says so, and the edge asks again."""
    front, three = fleet

    def end(url, service):
        service.sessions = service._new_sessions()  # as if it had died: nothing is owed
        service.leaving.begin()
        with contextlib.suppress(httpx.TransportError):
            while True:
                httpx.get(f"{url}/health", trust_env=False)

    with Client(front) as client, between_both_stages(client, three, end):
        result = client.ask(*WORK[0])
    assert result.answer == expected[0] and result.restarts == 1
    assert sum(given(service) for _, service in three) == 1


LINE = {"event": "request", "status": 200, "reply": "answer", "client": "127.0.0.2"}


def test_last_answers_are_counted_by_address():
    other = LINE | {"client": "127.0.0.3"}
    lines = [
        LINE, LINE | {"reply": "crop request"}, LINE | {"status": 499}, {"event": "drift"}, other,
        other,
    ]  # fmt: skip
    text = [*map(json.dumps, lines), "Loading weights: 100%", '{"event": "requ']
    assert answered(text) == {"127.0.0.2": 1, "127.0.0.3": 2}


def course(count):
    exchange = Exchange("question", "answer", 1, 1, 1, 1, 0.1, 2)
    result = Result("What?", "a", "a", 1.0, None, (exchange,), 0, 0.1)
    return Course(results={number: result for number in range(count)})


def counts(*numbers):
    return Counter(map(address, numbers))


@pytest.mark.parametrize(
    "answers, status, said",
    [
        ([counts(0), counts(1), counts(2)], 0, "twice: 0;"),
        ([counts(), counts(0, 1), counts(2, 1)], 1, "twice: 1;"),
        ([counts(0, 1), counts(1), counts(2)], 0, "asked anew: 1"),
        ([counts(), counts(0, 1), counts()], 1, "twice: 0;"),  # the third: by nobody
    ],
)
def test_twice_is_by_servers_that_live(answers, status, said, capsys):
    assert report(course(3), 3, answers) == status
    out = capsys.readouterr().out
    assert said in out and "sent again: 3" in out


def test_what_was_wrong_or_given_up_is_told(capsys):
    one = course(2)
    one.failed[2] = "No answer."
    assert report(one, 3, [counts(), counts(0, 1, 2), counts()]) == 1
    assert "answered: 2 of 3" in capsys.readouterr().out
    one = course(3)
    one.wrong = 1
    assert report(one, 3, [counts(), counts(0, 1, 2), counts()]) == 1


@pytest.mark.parametrize("name", ["haproxy.cfg", "nginx.conf"])
def test_ports_are_put_in_place_of_others(name):
    text = (CONFIGURATIONS / name).read_text()
    swapped = configured(text, dict(zip((FRONT, *BEHIND), (1000, 7872, 7871, 7870), strict=True)))
    assert swapped.count("1000") == text.count(str(FRONT))
    assert swapped.count("7870") == text.count("7873")
    with pytest.raises(KeyError):
        configured("listen 80;", {7870: 1})
