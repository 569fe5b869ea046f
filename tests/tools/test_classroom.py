"""The class on the page of the tests: it must find what is wrong, or its zero means nothing."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from core.protocol import Edge, Server, ask
from core.uncertainty import Gate
from dashboard.samples import load_samples
from tools.classroom import Student


@pytest.fixture(scope="module")
def expected(vlm, samples):
    server = Server(vlm, Gate())
    return {s: ask(Edge(s.path), server, s.question, force=True) for s in load_samples(samples)}


def test_students_get_the_answers_of_a_single_user(url, expected):
    students = [Student(url.rstrip("/"), i, expected) for i in range(4)]
    with ThreadPoolExecutor(4) as room:
        results = [r for _ in range(2) for r in room.map(Student.once, students)]
    assert [complaint for _, complaint in results] == [""] * 8


def test_a_wrong_answer_is_noticed(url, expected):
    wrong = {
        sample: replace(t, first=replace(t.first, answer=t.first.answer + "!"))
        for sample, t in expected.items()
    }
    _, complaint = Student(url.rstrip("/"), 0, wrong).once()
    assert "in place of" in complaint
