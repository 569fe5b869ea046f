"""A server that is told to end: what was begun is answered, what comes is sent elsewhere."""

import asyncio
import signal
import threading
import time

import httpx
import pytest

from core.box import Box
from core.messages import Answer, CropRequest, LocalImage, Message, Question
from core.protocol import Edge
from core.server.admission import Queue
from core.server.leaving import REMEMBERED, Leaving
from core.server.limits import Limits
from core.server.listening import make_server
from core.server.problems import Problem
from core.uncertainty import Gate
from tests.support.pixels import SIDE, picture
from tests.support.serving import COMPACT, GatedVLM, serving

ALWAYS = Gate("min_entropy", 0.0)
BOX = Box(0, 0, 10, 10)
PATIENCE = 20.0  # seconds for what takes milliseconds


@pytest.fixture
def edge():
    return Edge(picture())


def post(url, path, message):
    content = message.to_bytes()
    return httpx.post(f"{url}/v1/{path}", content=content, headers=COMPACT, timeout=PATIENCE)


def asked(url, edge):
    return post(url, "questions", edge.question("What?", edge.resize((SIDE, SIDE))))


def local(url, edge, request):
    crop = edge.crop(request.box, (SIDE, SIDE))
    return post(url, "local-images", edge.local_image(request.session, crop))


def gone(url):
    """Return whether nobody listens any more, soon."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            httpx.get(f"{url}/health")
        except httpx.TransportError:
            return True
        time.sleep(0.02)
    return False


def test_the_second_stage_of_what_was_begun_is_answered(edge):
    with serving(ALWAYS, Limits(rate=0, drain_seconds=PATIENCE)) as (url, app):
        request = Message.from_bytes(asked(url, edge).content)
        assert isinstance(request, CropRequest)
        assert httpx.get(f"{url}/ready").status_code == 200
        app.state.service.leaving.begin()
        for refused in (asked(url, edge), httpx.get(f"{url}/ready")):
            assert (refused.status_code, refused.json()["code"]) == (503, "leaving")
            assert refused.headers["Retry-After"] == "1"
        metrics = httpx.get(f"{url}/metrics").text
        assert "second_look_local_images_owed 1.0" in metrics
        assert "second_look_ready 0.0" in metrics
        final = local(url, edge, request)
        assert isinstance(Message.from_bytes(final.content), Answer)
        assert gone(url)


def test_a_question_at_work_is_answered_and_its_local_image_waited_for(edge):
    vlm = GatedVLM()
    with serving(ALWAYS, Limits(rate=0, drain_seconds=PATIENCE), vlm=vlm) as (url, app):
        vlm.open.clear()
        replies = []
        asking = threading.Thread(target=lambda: replies.append(asked(url, edge)))
        asking.start()
        assert vlm.begun.acquire(timeout=PATIENCE)
        app.state.service.leaving.begin()
        vlm.open.set()
        asking.join()
        request = Message.from_bytes(replies[0].content)
        assert local(url, edge, request).status_code == 200
        assert gone(url)


def test_who_never_comes_back_is_not_waited_for_longer_than_agreed(edge):
    with serving(ALWAYS, Limits(rate=0, drain_seconds=0.2)) as (url, app):
        assert asked(url, edge).status_code == 200
        app.state.service.leaving.begin()
        assert gone(url)


def test_with_nothing_owed_it_ends_at_once():
    with serving(ALWAYS, Limits(rate=0, drain_seconds=1000.0)) as (url, app):
        app.state.service.leaving.begin()
        assert gone(url)


def leaving(seconds=1000.0, held=lambda session: True):
    return Leaving(seconds, Queue(1, 1, 1, 1.0), held)


def test_the_first_sigterm_begins_it_and_the_second_ends_it():
    owing = leaving()
    owing.note(CropRequest("s", BOX))
    server = make_server(None, Limits(), owing)

    def ends():
        return asyncio.run(server.on_tick(1))

    assert not ends()
    server.handle_exit(signal.SIGTERM, None)
    assert owing.begun and not ends()
    server.handle_exit(signal.SIGTERM, None)
    assert ends() and not server.should_exit


def test_an_interrupt_ends_it_at_once():
    server = make_server(None, Limits(), leaving())
    server.handle_exit(signal.SIGINT, None)
    assert server.should_exit


def test_only_questions_are_refused():
    owing = leaving()
    owing.check(Question.kind)
    owing.begin()
    owing.check(LocalImage.kind)
    with pytest.raises(Problem, match="shut down"):
        owing.check(Question.kind)


def test_of_many_sessions_only_those_that_are_held_are_remembered():
    held = set()
    owing = leaving(held=held.__contains__)
    for i in range(3 * REMEMBERED):
        owing.note(CropRequest(str(i), BOX))
    assert len(owing._asked) <= REMEMBERED
    held.add("last")
    owing.note(CropRequest("last", BOX))
    assert owing.owed() == 1
