"""Originals of those who ask together: as many as there is room for, none lost, in turn."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from dashboard.hosting.room import Room


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Paths of images of 10, 20, ... 100 pixels."""
    folder = tmp_path_factory.mktemp("photos")
    paths = [folder / f"{i}.png" for i in range(1, 11)]
    for i, path in enumerate(paths, 1):
        Image.new("RGB", (10, i)).save(path)
    return [str(path) for path in paths]


def test_never_more_pixels_than_there_is_room_for_and_everybody_comes_in(photos):
    room, held, most, lock = Room(120), [0], [0], threading.Lock()

    def hold(i):
        with room.holding(photos[i]):
            with lock:
                held[0] += 10 * (i + 1)
                most[0] = max(most[0], held[0])
            time.sleep(0.001)
            with lock:
                held[0] -= 10 * (i + 1)

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(hold, [n * 7 % 10 for n in range(100)]))
    assert most[0] <= 120 and held[0] == 0 and room._taken == 0 and not room._line


def test_one_larger_than_the_room_comes_in_alone_and_isnt_passed_by(photos):
    room, order = Room(50), []
    inside, leave = threading.Event(), threading.Event()

    def first():
        with room.holding(photos[0]):
            inside.set()
            assert leave.wait(30)

    def later(i):
        with room.holding(photos[i]):
            order.append(i)

    threads = [threading.Thread(target=first)]
    threads[0].start()
    assert inside.wait(30)
    for i in (9, 0, 1):  # the small ones would fit beside the first
        threads.append(threading.Thread(target=later, args=(i,)))
        threads[-1].start()
        while len(room._line) < len(threads) - 1:
            time.sleep(0.001)
    assert order == []
    leave.set()
    for thread in threads:
        thread.join(30)
    assert order[0] == 9 and sorted(order) == [0, 1, 9]


def test_a_place_is_free_again_after_an_error_and_no_image_takes_none(photos, tmp_path):
    room = Room(100)
    for path in (photos[9], str(tmp_path / "none.png"), __file__):
        with pytest.raises(ZeroDivisionError), room.holding(path):
            assert room._taken == (100 if path == photos[9] else 0)
            raise ZeroDivisionError
    assert room._taken == 0
