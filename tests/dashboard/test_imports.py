"""What the page takes from the library is public: `__all__` of its module lists it."""

import ast
from importlib import import_module
from importlib.util import find_spec

import pytest

from tests.support.paths import ROOT


def taken(source):
    """Yield (module of core, name) for all that this source imports, attributes of modules too."""
    tree = ast.parse(source)
    modules = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "core":
            for alias in node.names:
                module = f"{node.module}.{alias.name}"
                if find_spec(node.module).submodule_search_locations and find_spec(module):
                    modules[alias.asname or alias.name] = module
                else:
                    yield node.module, alias.name
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "core":
                    yield alias.name, "(import it with from)"
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=name)) if name in modules:
                yield modules[name], node.attr


def private(source):
    """Return what of it no `__all__` lists."""
    return [
        f"{module}: {name}"
        for module, name in taken(source)
        if name not in getattr(import_module(module), "__all__", ())
    ]


@pytest.mark.parametrize(
    "path", sorted((ROOT / "dashboard").rglob("*.py")), ids=lambda path: path.stem
)
def test_the_page_takes_public_names_only(path):
    assert private(path.read_text("utf-8")) == []


def test_what_is_private_is_found():
    assert private("from core.uncertainty import _find, Gate") == ["core.uncertainty: _find"]
    assert private("from core.bench.plots import tradeoff as t\nt._x\nt.histogram") == [
        "core.bench.plots.tradeoff: _x"
    ]
    assert private("import core.bench") == ["core.bench: (import it with from)"]
