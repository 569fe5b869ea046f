"""Open fonts for signs: families seen in training, and families kept for the test.

The fonts come from the `fontpkg-*` packages (extra `train`); without them Pillow's own font is
used, which is enough to try things out and says so in `available`.
"""

from dataclasses import dataclass
from functools import lru_cache

from PIL import ImageFont

TRAIN_FAMILIES = (
    "Anton", "Archivo", "Arvo", "Barlow", "Bebas Neue", "Bitter", "Cabin", "Comfortaa",
    "Crimson Text", "Dosis", "Exo 2", "Fira Sans", "Heebo", "IBM Plex Mono", "IBM Plex Sans",
    "IBM Plex Serif", "Inconsolata", "Inter", "Josefin Sans", "Karla", "Lato", "Manrope",
    "Merriweather", "Montserrat", "Mulish", "Noto Sans", "Noto Serif", "Nunito", "Open Sans",
    "Oswald", "PT Sans", "PT Serif", "Playfair Display", "Quicksand", "Raleway", "Roboto",
    "Roboto Mono", "Roboto Slab", "Rubik", "Saira", "Space Grotesk", "Teko", "Titillium Web",
    "Work Sans",
)  # fmt: skip
TEST_FAMILIES = (
    "Alfa Slab One", "Cairo", "DM Sans", "Jost", "Kanit", "Lexend", "Libre Baskerville",
    "Overpass", "Signika", "Source Code Pro", "Zilla Slab",
)  # fmt: skip
WEIGHTS = (400, 600, 700, 900)


@lru_cache(maxsize=1)
def available() -> frozenset[str]:
    """Names of the installed families; empty without the `train` extra."""
    try:
        import fontpkg
    except ImportError:
        return frozenset()
    return frozenset(fontpkg.families())


def families(held_out: bool) -> tuple[str, ...]:
    """The installed families of the training set, or of the test set."""
    wanted = TEST_FAMILIES if held_out else TRAIN_FAMILIES
    return tuple(name for name in wanted if name.lower().replace(" ", "-") in available())


@lru_cache(maxsize=4096)
def font(family: str, weight: int, cap_height: int) -> ImageFont.FreeTypeFont:
    """The face whose capital H is `cap_height` pixels high, at the weight nearest to `weight`."""
    size = cap_height / _cap_ratio(family, weight)
    return _face(family, weight, size)


@lru_cache(maxsize=2048)
def _cap_ratio(family: str, weight: int) -> float:
    _, top, _, bottom = _face(family, weight, 200).getbbox("H")
    return (bottom - top) / 200


def _face(family: str, weight: int, size: float) -> ImageFont.FreeTypeFont:
    if not family:
        own = ImageFont.load_default(size)
        assert isinstance(own, ImageFont.FreeTypeFont), "Pillow comes without FreeType"
        return own
    from fontpkg.pil import truetype

    return truetype(family, size, weight=weight, nearest=True)


@dataclass(frozen=True)
class Layout:
    """A text of several lines, as it is set."""

    text: str  # with line breaks
    leading: float = 1.1  # from one line to the next, in sizes of its face
    align: float = 0.5  # 0: lines begin below one another; 0.5: they are centred
    scales: tuple[float, ...] = ()  # of each line's letters against the face; (): all 1


def lines(
    face: ImageFont.FreeTypeFont, written: str | Layout
) -> list[tuple[str, ImageFont.FreeTypeFont, float, float]]:
    """Return each line of a text, its face, and how far from the text's origin it is drawn."""
    if isinstance(written, str):
        return [(written, face, 0.0, 0.0)]
    found = written.text.split("\n")
    scales = written.scales or (1.0,) * len(found)
    faces = [face if scale == 1 else _scaled(face, scale) for scale in scales]
    widths = [own.getlength(line) for own, line in zip(faces, found, strict=True)]
    placed, down = [], 0.0
    for line, own, width in zip(found, faces, widths, strict=True):
        placed.append((line, own, written.align * (max(widths) - width), down))
        down += written.leading * own.size
    return placed


@lru_cache(maxsize=1024)
def _scaled(face: ImageFont.FreeTypeFont, scale: float) -> ImageFont.FreeTypeFont:
    return face.font_variant(size=face.size * scale)


@lru_cache(maxsize=4096)
def extent(
    face: ImageFont.FreeTypeFont, written: str | Layout
) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of a drawn text; a sign is measured several times."""
    if isinstance(written, str):
        return face.getbbox(written)
    boxes = [(own.getbbox(line), x, y) for line, own, x, y in lines(face, written)]
    return (
        min(box[0] + x for box, x, _ in boxes),
        min(box[1] + y for box, _, y in boxes),
        max(box[2] + x for box, x, _ in boxes),
        max(box[3] + y for box, _, y in boxes),
    )
