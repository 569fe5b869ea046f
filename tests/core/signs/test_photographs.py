import numpy as np
import pytest
from PIL import Image

from core.signs import photographs
from core.signs.render import render
from core.signs.scenes import Scene
from core.signs.world import streets


@pytest.fixture
def one(tmp_path, monkeypatch):
    """A single photograph on the machine: its left half is red, its right half blue."""
    image = Image.new("RGB", (400, 300), (200, 0, 0))
    image.paste((0, 0, 200), (200, 0, 400, 300))
    image.save(tmp_path / "chelsea.png")
    monkeypatch.setattr(photographs, "folders", lambda: (tmp_path / "none", tmp_path))
    for cached in (photographs.available, photographs.picture):
        cached.cache_clear()
    yield "chelsea.png"
    for cached in (photographs.available, photographs.picture):
        cached.cache_clear()


def test_splits_share_no_photograph():
    names = [name for part in photographs.NAMES.values() for name in part]
    assert len(names) == len(set(names)) and all(photographs.NAMES.values())
    for name in names:  # the licence of each is written down
        assert name.split("_by_")[0].split(".")[0] in photographs.__doc__


def test_backgrounds_are_parts_of_what_is_there(one):
    assert photographs.available("train") == (one,) and photographs.available("test") == ()
    rng = np.random.default_rng(0)
    for size in ((192, 48), (90, 160), (800, 600)):
        part = photographs.background(rng, one, size)
        assert part.size == size and np.asarray(part)[..., 1].max() < 40
    drawn = {streets.draw_photograph(rng, "train") for _ in range(30)}
    assert drawn == {"", one} and streets.draw_photograph(rng, "test") == ""
    seen = np.asarray(render(Scene(120, 90, (), (), 3, photograph=one)))
    assert seen.shape == (90, 120, 3) and seen[..., 1].max() < 40


def test_without_photographs_backgrounds_are_drawn(monkeypatch):
    monkeypatch.setattr(photographs, "folders", lambda: ())
    photographs.available.cache_clear()
    assert all(photographs.available(split) == () for split in photographs.NAMES)
    photographs.available.cache_clear()
