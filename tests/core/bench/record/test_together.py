import time
from contextlib import contextmanager

import pytest
from PIL import Image

from core.bench.record.together import together
from core.protocol import Edge, Server, ask
from core.uncertainty import Gate
from core.vlm.base import VLM, Tally, VLMError
from core.vlm.orders import Ordering
from tests.support.pixels import PixelVLM, picture


class Counting(PixelVLM):
    """Notes the size of each batch; refuses a question as a batch of a real model would."""

    def __init__(self):
        super().__init__()
        self.batches = []

    def look_batch(self, images):
        self.batches.append(("look", len(images)))
        return super().look_batch(images)

    def answer_batch(self, requests, max_new_tokens=20):
        self.batches.append(("answer", len(requests)))
        if any(request.question == "refused" for request in requests):
            raise VLMError("Ask something else.")
        return super().answer_batch(requests, max_new_tokens)

    def attend_batch(self, looks, prompts, layer=None):
        self.batches.append(("attend", len(looks)))
        return super().attend_batch(looks, prompts, layer)


def ask_one(vlm, question):
    look = vlm.look(picture())
    first = vlm.answer(look, question)
    row = vlm.attend(look, question)
    second = vlm.answer(look, question, Image.new("RGB", (8, 8)))
    return first.text, second.text, row.tolist()


def test_calls_are_batched_and_give_what_they_give_alone():
    vlm = Counting()
    questions = [f"What {i}?" for i in range(5)]
    assert together(vlm, ask_one, questions) == [ask_one(PixelVLM(), q) for q in questions]
    assert vlm.batches == [("look", 5), ("answer", 5), ("attend", 5), ("answer", 5)]


def test_who_fails_does_not_take_the_others_along():
    vlm = Counting()
    found = together(vlm, ask_one, ["a", "refused", "b"])
    assert isinstance(found[1], VLMError)
    assert [found[0], found[2]] == [ask_one(PixelVLM(), q) for q in "ab"]
    assert vlm.batches[-2:] == [("attend", 2), ("answer", 2)]  # the rest goes on together


def test_an_error_outside_the_model_is_returned_too():
    def work(vlm, item):
        return 1 // item

    found = together(PixelVLM(), work, [1, 0])
    assert found[0] == 1 and isinstance(found[1], ZeroDivisionError)


def test_askers_at_different_points_do_not_wait_for_ever():
    def work(vlm, steps):
        look = vlm.look(picture())
        return [vlm.answer(look, str(i)).text for i in range(steps)]

    found = together(PixelVLM(), work, [0, 3, 1])
    assert [len(texts) for texts in found] == [0, 3, 1]
    assert found[1][:1] == found[2]


def test_no_askers():
    assert together(PixelVLM(), ask_one, []) == []


@pytest.mark.timing
def test_waiting_for_others_is_told_from_work():
    class Slow(PixelVLM):
        def look_batch(self, images):
            time.sleep(0.08)
            return super().look_batch(images)

    def work(vlm, pause):
        start = time.perf_counter()
        vlm.look(picture())
        own = time.perf_counter() - start - vlm.waited
        time.sleep(pause)  # while the others wait
        return own

    for own in together(Slow(), work, [0.1, 0.1, 0.1, 0.1]):
        assert own == pytest.approx(0.02, abs=0.02)


def test_an_interrupt_ends_the_threads_that_wait():
    class Interrupted(PixelVLM):
        def look_batch(self, images):
            raise KeyboardInterrupt

    ended = []

    def work(vlm, item):
        try:
            vlm.look(picture())
        finally:
            ended.append(item)

    with pytest.raises(KeyboardInterrupt):
        together(Interrupted(), work, [0, 1])
    deadline = time.monotonic() + 10
    while len(ended) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert sorted(ended) == [0, 1]


def test_of_what_a_batch_computes_each_asker_has_its_share():
    class Counted(PixelVLM):
        @contextmanager
        def tally(self):
            tally = Tally(0)
            yield tally
            tally.flops = 1200

    def work(vlm, _):
        with vlm.tally() as both:
            look = vlm.look(picture())
            with vlm.tally() as one:
                vlm.answer(look, "What?")
        return one.flops, both.flops

    assert together(Counted(), work, [0, 1, 2]) == [(400, 800)] * 3
    assert together(PixelVLM(), work, [0]) == [(None, None)]


def test_every_call_that_can_be_batched_is_an_order():
    alone = {name.removesuffix("_batch") for name in vars(VLM) if name.endswith("_batch")}
    assert alone == {"look", "zoom", "answer", "attend"} <= set(vars(Ordering))


def test_rounds_are_those_of_one_question_alone():
    gate = Gate(threshold=float("-inf"), rounds=(float("-inf"),) * 2)

    def look(vlm, question):
        return ask(Edge(picture(400, 300)), Server(vlm, gate), question)

    questions = [f"What {i}?" for i in range(3)]
    for batched, question in zip(together(PixelVLM(), look, questions), questions, strict=True):
        alone = look(PixelVLM(), question)
        assert (batched.boxes, batched.stages) == (alone.boxes, alone.stages)
        assert len(batched.boxes) == 3
