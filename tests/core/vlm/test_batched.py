"""Threads that ask one model at the same time get what each would get alone, in fewer batches."""

import gc
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from PIL import Image

from core.protocol import Edge, Server, ask
from core.uncertainty import Gate
from core.vlm import batched as module
from core.vlm.base import VLM, ModelAway, Request, Tally, VLMError
from core.vlm.batched import Batched, batched
from core.vlm.orders import Order, Ordering, carry_out
from tests.support.pixels import PixelVLM, picture


class Counting(PixelVLM):
    """Notes the size of each batch, and works on none before `open` is set."""

    batches = True

    def __init__(self):
        super().__init__()
        self.sizes, self.open = [], threading.Event()
        self.open.set()

    def look_batch(self, images):
        assert self.open.wait(30)
        self.sizes.append(len(images))
        return super().look_batch(images)

    def answer_batch(self, requests, max_new_tokens=20):
        self.sizes.append(len(requests))
        if any(request.question == "refused" for request in requests):
            raise VLMError("Ask something else.")
        return super().answer_batch(requests, max_new_tokens)


@pytest.fixture
def patient(monkeypatch):
    """Batches wait for whoever is asking, however slow the machine is."""
    monkeypatch.setattr(module, "PAUSE", 30.0)


def ask_one(vlm, question):
    look = vlm.look(picture())
    first = vlm.answer(look, question)
    row = vlm.attend(look, question)
    second = vlm.answer(look, question, Image.new("RGB", (8, 8)))
    return first.text, second.text, row.tolist()


def at_once(count, work, *items):
    with ThreadPoolExecutor(count) as threads:
        return [future.result() for future in [threads.submit(work, *item) for item in items]]


def test_each_thread_gets_what_it_would_get_alone(patient):
    vlm = batched(Counting(), 8)
    questions = [f"What {i}?" for i in range(8)]
    barrier = threading.Barrier(8)

    def together(question):
        with vlm.asking():  # nobody is done before all have begun
            barrier.wait(30)
            return ask_one(vlm, question)

    found = at_once(8, together, *((question,) for question in questions))
    assert found == [ask_one(PixelVLM(), question) for question in questions]
    assert max(vlm._vlm.sizes) == 8


def test_what_is_ordered_while_the_model_works_is_the_next_batch_of_at_most_so_many():
    vlm = Counting()
    ours = batched(vlm, 3)
    vlm.open.clear()
    threads = ThreadPoolExecutor(7)
    first = threads.submit(ours.look, picture())
    while ours._orders:  # it is at work
        time.sleep(0.001)
    others = [threads.submit(ours.look, picture()) for _ in range(6)]
    while len(ours._orders) < 6:
        time.sleep(0.001)
    vlm.open.set()
    assert all(future.result(30) for future in [first, *others])
    threads.shutdown()
    assert vlm.sizes == [1, 3, 3]


def test_who_asks_alone_waits_for_nobody(patient):
    vlm = batched(Counting(), 8)
    with vlm.asking():
        assert ask_one(vlm, "What?") == ask_one(PixelVLM(), "What?")
    vlm.look(picture())  # neither does who never said that he is asking


def test_only_the_question_at_fault_fails(patient):
    vlm = batched(Counting(), 3)
    barrier = threading.Barrier(3)

    def work(question):
        with vlm.asking():
            barrier.wait(30)
            look = vlm.look(picture())
            try:
                return vlm.answer(look, question).text
            except VLMError as error:
                return error

    right, refused, too = at_once(3, work, ("a",), ("refused",), ("b",))
    assert isinstance(refused, VLMError)
    plain = PixelVLM()
    look = plain.look(picture())
    assert [right, too] == [plain.answer(look, q).text for q in "ab"]


def test_where_nobody_is_to_answer_nobody_is_asked_twice():
    class Gone(PixelVLM):
        asked = 0

        def answer_batch(self, requests, max_new_tokens=20):
            self.asked += 1
            raise ModelAway("gone.")

    vlm = Gone()
    orders = [Order(vlm, "answer_batch", (Request(vlm.look(picture()), q),), ()) for q in "abc"]
    (outcomes,) = carry_out(orders)
    assert [str(one.error) for one in outcomes.values()] == ["gone."] * 3 and vlm.asked == 1


def test_a_batch_that_breaks_off_is_an_error_and_the_next_one_works():
    class Broken(Counting):
        def look_batch(self, images):
            raise SystemExit

    vlm = batched(Broken(), 2)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="broken off"):
            vlm.look(picture())


def test_each_thread_is_told_its_share_of_what_is_computed(patient):
    class Counted(Counting):
        @contextmanager
        def tally(self):
            tally = Tally(0)
            yield tally
            tally.flops = 1200

    vlm = batched(Counted(), 3)
    barrier = threading.Barrier(3)

    def work():
        with vlm.asking(), vlm.tally() as tally:
            barrier.wait(30)
            for _ in range(2):
                vlm.look(picture())
        return tally.flops

    assert at_once(3, work, (), (), ()) == [800] * 3


def test_it_is_freed_with_its_thread_when_nobody_holds_it():
    vlm = batched(Counting(), 2)
    vlm.look(picture())
    gone, thread = weakref.ref(vlm._vlm), next(iter(vlm._thread._threads))
    del vlm
    gc.collect()
    thread.join(30)
    assert not thread.is_alive() and gone() is None


def test_only_a_model_that_gains_by_it_is_batched_and_only_once():
    plain, ours = PixelVLM(), Counting()
    assert batched(plain, 16) is plain
    assert batched(ours, 1) is ours
    assert isinstance(batched(ours, 2), Batched)
    again = batched(ours, 2)
    assert batched(again, 2) is again


def test_nothing_of_a_model_is_lost_on_the_way_through():
    """A method with a default in VLM would silently be that default."""
    built_on_others = {"batches", "yes"}
    public = {name for name in vars(VLM) if not name.startswith("_")} - built_on_others
    given = {name for name in public if name.endswith("_batch")}  # one by one, as orders
    assert public - given <= {name for kind in (Ordering, Batched) for name in vars(kind)}


def test_many_threads_through_the_protocol_lose_and_mix_up_nothing():
    vlm = Counting()
    images = [picture(spot=(10 + 40 * i, 40)) for i in range(4)]
    plain = Server(PixelVLM(), Gate(threshold=0.0))
    server = Server(batched(vlm, 5), Gate(threshold=0.0))
    work = [(images[i % len(images)], f"What {i % 7}?") for i in range(60)]
    expected = [ask(Edge(image), plain, question).answer for image, question in work]
    found = at_once(9, lambda image, q: ask(Edge(image), server, q).answer, *work)
    assert found == expected
    assert max(vlm.sizes) <= 5 and sum(vlm.sizes) >= 60
