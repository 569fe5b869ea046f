import importlib
from pathlib import Path

import pytest

import tools

FOLDER = Path(tools.__file__).parent


@pytest.mark.parametrize(
    "module",
    [
        ".".join(("tools", *path.relative_to(FOLDER).with_suffix("").parts))
        for path in sorted(FOLDER.rglob("*.py"))
    ],
)
def test_every_instrument_finds_what_it_takes(module):
    """Nobody but its own tests imports an instrument, and some have none."""
    importlib.import_module(module)
