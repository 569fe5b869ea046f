"""`python -m tools.reference`: the API reference, as pages of HTML.

From docstrings, by pdoc, which shows no comments; here a field is explained by its comment. Needs
the extra `test`.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import textwrap
import warnings
from collections.abc import Mapping
from importlib import import_module

import pdoc
from pdoc.doc import Class, Doc, Module, Variable
from pydantic_core import PydanticUndefined

from core.bench.runs.record import Record
from core.bench.runs.run import Run
from core.support.whole import folder_to_write, write_whole

# pdoc shows of a package what its `__all__` lists, so each module is named by itself.
MODULES = (
    "core", "core.attention", "core.bench", "core.box", "core.certificate", "core.channel",
    "core.cost", "core.cropping", "core.edge", "core.edge.client", "core.edge.device",
    "core.gain", "core.imaging", "core.messages",
    "core.protocol", "core.server", "core.server.app", "core.server.limits",
    "core.server.machine", "core.sessions", "core.transcript", "core.uncertainty",
    "core.vlm",
)  # fmt: skip
COLUMNS = {Run: Record}  # class -> the one whose fields its own columns are named after


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "--out",
        type=folder_to_write,
        default="build/api",
        help="folder of the pages (default: %(default)s)",
    )
    args = parser.parse_args()
    modules = documented()
    pages = {"index.html": pdoc.render.html_index(modules)}
    pages["search.js"] = pdoc.render.search_index(modules)
    for name, module in modules.items():
        pages[f"{name.replace('.', '/')}.html"] = pdoc.render.html_module(module, modules)
    for name, page in pages.items():
        write_whole(args.out / name, page)
    print(args.out / "index.html")


def documented() -> dict[str, Module]:
    """Return the public modules, with every field explained that has a comment."""
    found = {name: import_module(name) for name in MODULES}
    for name in found["core"].__all__:
        getattr(found["core"], name)  # loaded when it is asked for, and pdoc doesn't ask
    modules = {name: Module(module) for name, module in found.items()}
    with warnings.catch_warnings():  # pdoc doesn't find where a `Run` declares its columns
        warnings.filterwarnings("ignore", "Cannot determine where", UserWarning)
        for module in modules.values():
            _explain(module.members)
    return modules


def _explain(members: Mapping[str, Doc]) -> None:
    for member in members.values():
        if not isinstance(member, Class):
            continue
        said = comments(COLUMNS[member.obj]) if member.obj in COLUMNS else {}
        said |= comments(member.obj)
        for name, field in member.members.items():
            if not isinstance(field, Variable):
                continue
            if not field.docstring and name in said:
                field.docstring = said[name]
            if field.default_value is PydanticUndefined:
                field.default_value = inspect.Signature.empty


def comments(cls: type) -> dict[str, str]:
    """Return the comments of the fields of a class, by name: those above it, and the one behind.

    What a comment above says of several fields stands with the first.
    """
    try:
        source = textwrap.dedent(inspect.getsource(cls))
    except (OSError, TypeError):  # not written in Python
        return {}
    lines, found = source.splitlines(), {}
    for node in ast.parse(source).body[0].body:  # type: ignore[attr-defined]
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
            continue
        first = node.lineno - 1
        while lines[first - 1].lstrip().startswith("#"):
            first -= 1
        said = [line.lstrip(" #") for line in lines[first : node.lineno - 1]]
        last = lines[node.end_lineno - 1].encode()[node.end_col_offset :].decode()
        said += [last.lstrip(" #").split("  # ")[0]] if last.lstrip().startswith("#") else []
        if said:
            found[node.target.id] = " ".join(said)
    return found


if __name__ == "__main__":
    main()
