import sys
from pathlib import Path

import pytest
from PIL import Image

from core.pocket import pack as packing
from core.signs import fonts, photographs
from core.signs.world.strings import CHARACTERS

subset = pytest.importorskip("fontTools.subset")


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A typeface's package on the path, with a font that has more than signs need."""
    source = tmp_path / "site"
    made = source / "fontpkg_plain"
    made.mkdir(parents=True)
    (made / "__init__.py").write_text("")
    face = fonts.font("", 400, 20).path  # Pillow's own
    data = face.getvalue() if hasattr(face, "getvalue") else Path(face).read_bytes()
    for name in ("Plain.ttf", "Plain-Italic.ttf"):
        (made / name).write_bytes(data)
    (source / "fontpkg_plain-1.dist-info").mkdir()
    (source / "fontpkg_plain-1.dist-info" / "entry_points.txt").write_text("[fontpkg.family]\n")
    monkeypatch.syspath_prepend(str(source))
    monkeypatch.setattr(fonts, "available", lambda: frozenset({"plain"}))
    Image.new("RGB", (9, 9)).save(tmp_path / "chelsea.png")
    monkeypatch.setattr(photographs, "folders", lambda: (tmp_path,))
    return made


def test_what_is_packed_draws_the_same_and_is_found_again(package, tmp_path, monkeypatch):
    out = tmp_path / "packed"
    size = packing.pack(out)
    cut = out / "fontpkg_plain" / "Plain.ttf"
    assert size > cut.stat().st_size and cut.stat().st_size < (package / "Plain.ttf").stat().st_size
    assert not (out / "fontpkg_plain" / "Plain-Italic.ttf").exists()
    assert (out / "fontpkg_plain-1.dist-info" / "entry_points.txt").is_file()
    from PIL import ImageFont

    before, after = (ImageFont.truetype(str(p), 30) for p in (package / "Plain.ttf", cut))
    for text in (CHARACTERS, "AVATAR To"):
        assert bytes(before.getmask(text)) == bytes(after.getmask(text))
    monkeypatch.undo()
    monkeypatch.syspath_prepend(str(out))
    assert out / photographs.PACKED in photographs.folders()
    assert (out / photographs.PACKED / "chelsea.png").is_file()


def test_nothing_is_overwritten(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["pack", "--out", str(tmp_path)])
    with pytest.raises(SystemExit, match="already"):
        packing.main()
