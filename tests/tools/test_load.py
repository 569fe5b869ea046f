"""The load command's own work, on a server that is far too small for it."""

import time

from core.protocol import Edge, Server, ask
from core.server.limits import Limits
from core.uncertainty import Gate
from tests.support.pixels import PixelVLM, picture
from tests.support.serving import serving
from tools.load import load, report

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
    assert report(tally, 20) == 0
    assert "429: " in capsys.readouterr().out

    tally.wrong = 1
    assert report(tally, 20) == 1
