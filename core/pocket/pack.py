"""Packs what training needs beside the code: `python -m core.pocket.pack --out FOLDER`.

For a machine that reaches no registry, such as a borrowed GPU: the typefaces' packages, without
italics and cut down to the characters that signs can hold (a twentieth of their size), and the
photographs that are on this machine. There, put the folder on PYTHONPATH:

    PYTHONPATH=.:FOLDER python -m core.pocket.train --device cuda --workers 14 …
"""

import argparse
import shutil
from importlib.util import find_spec
from pathlib import Path

from core.signs import fonts, photographs
from core.signs.world.strings import CHARACTERS
from core.support.whole import folder_to_write

OPENED = CHARACTERS + " \N{REPLACEMENT CHARACTER}"


def pack(out: Path) -> int:
    """Fill a folder that is not there yet; returns its size in bytes."""
    out.mkdir(parents=True)
    packages = ["fontpkg", *(f"fontpkg_{name.replace('-', '_')}" for name in fonts.available())]
    for package in packages:
        spec = find_spec(package)
        if spec is not None and spec.origin is not None:
            _copy(Path(spec.origin).parent, out / package)
            _copy_metadata(Path(spec.origin).parent, out)
    for name in [name for names in photographs.NAMES.values() for name in names]:
        photographs.copy(name, out)
    return sum(path.stat().st_size for path in out.rglob("*") if path.is_file())


def _copy(package: Path, target: Path) -> None:
    skipped = shutil.ignore_patterns("__pycache__", "*Italic*")
    shutil.copytree(package, target, ignore=skipped)
    for path in target.rglob("*.[to]tf"):
        _cut(path)


def _copy_metadata(package: Path, out: Path) -> None:
    """Copy what lies beside a package: by its entry points fontpkg finds its families."""
    for path in package.parent.glob(f"{package.name}-*.dist-info"):
        shutil.copytree(path, out / path.name, dirs_exist_ok=True)


def _cut(path: Path) -> None:
    """Leave in a font file what `CHARACTERS` need."""
    from fontTools import subset

    options = subset.Options(layout_features=["kern"], notdef_outline=True)
    font = subset.load_font(str(path), options)
    cutter = subset.Subsetter(options)
    cutter.populate(text=OPENED)
    cutter.subset(font)
    subset.save_font(font, str(path), options)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=folder_to_write, required=True,
                        help="folder to pack into, which isn't there yet")  # fmt: skip
    args = parser.parse_args()
    if args.out.exists():
        raise SystemExit(f"{args.out} is there already; name a folder that isn't.")
    print(f"{args.out}: {pack(args.out) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
