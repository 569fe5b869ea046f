"""Docstrings say first what is returned or done, or what a thing is; helps say it alone."""

import ast
import re
from collections.abc import Callable, Iterator

import pytest

from tests.support.paths import ROOT

FOLDERS = ("core", "dashboard", "tools")
# A beginning that needs the name above it to make sense: "Of the first stage", "As `seconds`".
LEANS = re.compile(
    r"(After|Along|Among|As|At|Before|Beside|Besides|Between|By|For|From|If|In|Of|On|Per|Since|That"
    r"|Through|To|Under|Until|When|Whatever|Whichever|Whoever|While|With|Within|Without)\b"
)
# Of a function, also one that asks or wonders: "Which samples …", "Is it …?"
ASKS = re.compile(r"(Are|Did|Do|Does|Has|How|Is|May|What|Where|Whether|Which|Who|Whom|Why)\b")


def leaning(source: str) -> list[str]:
    """The public things whose docstring begins so, as `line name: first words`."""
    found = []

    def look(node: ast.AST, name: str) -> None:
        text = ast.get_docstring(node) or ""
        function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if LEANS.match(text) or (function and ASKS.match(text)):
            found.append(f"{getattr(node, 'lineno', 1)} {name}: {text[:60]}")
        for inner in () if function else node.body:
            named = isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            if named and not inner.name.startswith("_"):
                look(inner, inner.name)

    look(ast.parse(source), "module")
    return found


def test_it_finds_them():
    source = (
        '"""{}"""\nclass A:\n  "Of one."\n  def b(self):\n    "{}"\n  def _c(self): "As it is."'
    )
    assert leaning(source.format("What there is.", "Is it?")) == ["2 A: Of one.", "4 b: Is it?"]
    assert leaning(source.format("In short", "Return it."))[0] == "1 module: In short"
    assert leaning('def f():\n  "Ask which."') == leaning("def f(): pass") == []


def lines_of(folder: str, look: Callable[[str], list[str]]) -> dict[str, list[str]]:
    """Return what a look at each source of a folder finds, by file; none where it finds nothing."""
    found = {
        str(path.relative_to(ROOT)): look(path.read_text(encoding="utf-8"))
        for path in sorted((ROOT / folder).rglob("*.py"))
    }
    return {path: lines for path, lines in found.items() if lines}


@pytest.mark.parametrize("folder", FOLDERS)
def test_docstrings_begin_with_what_is_returned_or_done(folder):
    assert not lines_of(folder, leaning)


def unclear(source: str) -> list[str]:
    """The options whose help is missing, or leans on their name: `--edges: None`."""
    return [
        f"{name}: {text[:60]}"
        for name, said in options(source)
        for text in [said.get("help", "").lstrip("f").strip("'\"")]
        if not text or re.match("Default", text, re.I) or LEANS.match(text.capitalize())
    ]


def options(source: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The options that a source adds to a parser: their names, and what argparse is told."""
    for call in ast.walk(ast.parse(source)):
        if not (isinstance(call, ast.Call) and call.args) or any(
            keyword.arg is None for keyword in call.keywords
        ):
            continue
        name = getattr(call.args[0], "value", None)
        if getattr(call.func, "attr", getattr(call.func, "id", "")) not in ("add", "add_argument"):
            continue
        if isinstance(name, str) and name.startswith("--"):
            yield name, {str(word.arg): ast.unparse(word.value) for word in call.keywords}


def tried_late(source: str) -> list[str]:
    """The options that name what is written, and don't try it before hours of work."""
    return [
        f"{name}: {said.get('type')}"
        for name, said in options(source)
        if re.search(r"\b(write|written|kept|pack into)\b", said.get("help", ""))
        and said.get("action") != "'store_true'"
        and said.get("type", "Path") == "Path"
    ]


def untried(source: str) -> list[str]:
    """The options whose default is written to untried: argparse tries defaults that are texts."""
    return [
        f"{name}: {default}"
        for name, said in options(source)
        if said.get("type", "").endswith("_to_write")
        and (default := said.get("default"))
        and not default.startswith(("'", "str("))
    ]


def test_it_finds_unclear_helps():
    source = (
        "add('--a', help='of the gate')\nadd('--b')\nadd('--c', help='default: 1')\n"
        "p.add_argument('--d', help='port to listen on')\nadd(name, **rest)"
    )
    assert unclear(source) == ["--a: of the gate", "--b: ", "--c: default: 1"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_option_says_what_it_is(folder):
    assert not lines_of(folder, unclear)


def test_it_finds_defaults_that_are_not_tried():
    source = (
        "add('--a', type=file_to_write, default=Path('x'))\n"
        "add('--b', type=file_to_write, default='x')\nadd('--c', type=folder_to_write)"
    )
    assert untried(source) == ["--a: Path('x')"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_defaults_that_are_written_to_are_tried_like_what_is_named(folder):
    assert not lines_of(folder, untried)


def test_it_finds_what_is_tried_late():
    source = (
        "add('--out', type=Path, help='page to write')\n"
        "add('--csv', type=file_to_write, help='file to write')\n"
        "add('--write', action='store_true', help='write it')\nadd('--in', help='file to read')"
    )
    assert tried_late(source) == ["--out: Path"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_what_is_written_is_tried_before_the_work(folder):
    assert not lines_of(folder, tried_late)
