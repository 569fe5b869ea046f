"""What the comparison of a phone with the Python edge counts."""

from core.box import Box
from core.edge.client import Result
from tools.phone import Tally


def result(answer, box=None):
    return Result("What?", answer, None, None, box, (), 0, 0.0)


def test_answers_and_boxes_are_counted_apart():
    tally = Tally()
    size = (1400, 700)  # a cell: 100 × 50
    tally.add(
        result("A", Box(0, 0, 300, 300)), {"answer": "A", "box": [99, 0, 300, 349], "sent": 9}, size
    )
    tally.add(result("B"), {"answer": "B", "box": None, "sent": 5}, size)
    assert tally.good and (tally.same, tally.boxes, tally.near) == (2, 1, 1)
    tally.add(
        result("C", Box(0, 0, 300, 300)), {"answer": "D", "box": [0, 51, 300, 300], "sent": 9}, size
    )
    tally.add(result("E", Box(0, 0, 300, 300)), {"answer": "E", "box": None, "sent": 9}, size)
    assert not tally.good and (tally.same, tally.boxes, tally.near) == (3, 3, 1)
    assert "4 questions, the same final answer: 3" in str(tally) and "8 on the phone" in str(tally)
