"""Photographs as backgrounds: those on this machine, of a list whose licences allow it.

None comes with the project, and none is downloaded. `apt-get install lomiri-wallpapers-16.04` and
`pip install scikit-image` bring them; without them backgrounds are drawn. Only pictures in the
public domain, or under CC0 or CC BY 4.0, as the packages' own files say:

| photograph | by | licence |
|---|---|---|
| aitzgorri, friends, life, picosdeeuropa, sunset | Aitzol Berasategi, 2018 | CC BY 4.0 |
| Picture_0B, Picture_1A | Trevor "Freespace", 2018 | CC BY 4.0 |
| seeding | Clemens Engelhardt, 2018 | CC0 1.0 |
| umang | Abhishek Mudgal, 2018 | CC BY 4.0 |
| Wine | Jakub Mede, 2018 | CC BY 4.0 |
| astronaut | NASA | public domain |
| brick, gravel | CC0Textures | CC0 1.0 |
| chelsea | Stefan van der Walt | CC0 1.0 |
| coffee | Rachel Michetti | CC0 1.0 |
| rocket | SpaceX | public domain |
"""

import shutil
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

NAMES = {
    "train": (
        "aitzgorri_by_Aitzol_Berasategi.jpg", "friends_by_Aitzol_Berasategi.jpg",
        "life_by_Aitzol_Berasategi.jpg", "picosdeeuropa_by_Aitzol_Berasategi.jpg",
        "sunset_by_Aitzol_Berasategi.jpg", "Picture_0B_by_freespace.jpg",
        "Picture_1A_by_freespace.jpg", "seeding_by_Clements_Engelhardt.jpg",
        "astronaut.png", "brick.png", "chelsea.png",
    ),
    "validation": ("Wine_by_Jakkub_Mede.jpg", "coffee.png"),
    "test": ("umang_by_Abhishek_Mudgal.jpg", "gravel.png", "rocket.jpg"),
}  # fmt: skip
PACKED = "second_look_photographs"  # a folder on the path, made by `core.pocket.pack`
LARGEST = 1600  # longer side that is kept of a photograph, in pixels


def folders() -> tuple[Path, ...]:
    """Return where the packages put them."""
    package = find_spec("skimage")  # not imported: it takes a second
    found = [Path("/usr/share/backgrounds")]
    if package is not None and package.origin is not None:
        found.append(Path(package.origin).parent / "data")
    packed = find_spec(PACKED)
    if packed is not None:
        found += map(Path, packed.submodule_search_locations or ())
    return tuple(found)


@cache
def available(split: str) -> tuple[str, ...]:
    """Return the names of a split's photographs that are on this machine."""
    return tuple(name for name in NAMES[split] if _path(name) is not None)


def _path(name: str) -> Path | None:
    paths = (folder / name for folder in folders())
    return next((path for path in paths if path.is_file()), None)


@cache
def picture(name: str) -> Image.Image:
    """Return a photograph that is `available`, no longer than `LARGEST`."""
    path = _path(name)
    assert path is not None, f"{name} is not installed"
    with Image.open(path) as file:
        file.draft("RGB", (LARGEST, LARGEST))  # of a JPEG, decode no more than is kept
        image = file.convert("RGB")
    image.thumbnail((LARGEST, LARGEST))
    return image


def copy(name: str, folder: Path) -> None:
    """Put a photograph, if it is on this machine, where `folder` on the path has it found."""
    path = _path(name)
    if path is not None:
        (folder / PACKED).mkdir(exist_ok=True)
        shutil.copy(path, folder / PACKED / name)


def background(rng: np.random.Generator, name: str, size: tuple[int, int]) -> Image.Image:
    """Return a random part of a photograph, of that size, sometimes mirrored."""
    image = picture(name)
    most = min(image.width / size[0], image.height / size[1])
    scale = most * rng.uniform(0.4, 1)
    width, height = size[0] * scale, size[1] * scale
    left, top = rng.uniform(0, image.width - width), rng.uniform(0, image.height - height)
    part = image.resize(size, Image.Resampling.BICUBIC, (left, top, left + width, top + height))
    return part.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else part
