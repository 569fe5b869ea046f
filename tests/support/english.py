"""What a visitor may read in English: the texts of templates, of code and of scripts.

Found in the sources, so that a text that no test reaches is found, too. In place of whatever is put
into a text stands VALUE. A text ends where a tag begins, as it does in the browser.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from html import unescape
from itertools import product
from pathlib import Path

from jinja2 import nodes

from core.server.language import dictionary
from dashboard.drawing.templating import _ENVIRONMENT

VALUE = "\u2042"
PLACE = r"%\((\w+)\)s"
JOINED = re.compile(r"[^A-Za-z]*(and|or)?[^A-Za-z]*")  # as in translate.js
MOST = 2_000  # ways through a template that are followed
KEPT = re.compile(
    r'<(style|script|code)\b[^>]*>.*?</\1>|<(\w+)[^>]*translate="no"[^>]*>.*?</\2>', re.DOTALL
)
ATTRIBUTE = re.compile(r'(?:aria-label|alt|title|placeholder)="([^"]*)"')
NOT_WORDS = re.compile(r"=>|[{}\\]|;$|^--|</|__|^[.#<]|^[a-z-]+$|^[\w-]+/[\w./-]+$|\.\w+\(")


def of_html(html: str) -> set[str]:
    """Return the texts of HTML, and of the attributes that are read."""
    html = KEPT.sub("<br>", html)
    parts = [*ATTRIBUTE.findall(html), *re.split(r"<[^>]*>", html)]
    return {text for part in parts if says(text := " ".join(unescape(part).split()))}


def of_template(source: str) -> set[str]:
    """Return the texts of a template, along every way through it."""
    ways = _ways(_ENVIRONMENT.parse(source).body)
    return set().union(*map(of_html, ways))


def of_python(path: Path) -> set[str]:
    """Return the texts in a module that look like sentences or labels."""
    tree = ast.parse(path.read_text("utf-8"))
    found = set()
    for text in _literals(tree, _docstrings(tree)):
        if not NOT_WORDS.search(text) and (" " in text.strip() or text[:1].isupper()):
            found |= of_html(text)
    return found


def of_errors(path: Path, names: Iterable[str]) -> set[str]:
    """Return what a module says as it raises one of these exceptions."""
    calls = (node for node in ast.walk(ast.parse(path.read_text("utf-8")))
             if isinstance(node, ast.Call) and getattr(node.func, "id", "") in names)  # fmt: skip
    said = (_text(argument) for call in calls for argument in call.args)
    return {" ".join(text.split()) for text in said if text and " " in text and says(text)}


def of_script(path: Path) -> set[str]:
    """Return the sentences in a script: what is written between quotes, with a space in it."""
    source = re.sub(r"/\*.*?\*/|(?<![:\"'`])//[^\n]*", "", path.read_text("utf-8"), flags=re.DOTALL)
    source = re.sub(r"[`\"]\s*\+\s*[`\"]", "", source)  # one text on two lines
    quoted = re.findall(r"`((?:[^`\\]|\\.)*)`|\"((?:[^\"\\\n]|\\.)*)\"", source)
    texts = (re.sub(r"\$\{[^{}]*(?:\{[^}]*\}[^{}]*)*\}", VALUE, a or b) for a, b in quoted)
    return set().union(
        *(of_html(text) for text in texts if " " in text.strip() and not NOT_WORDS.search(text))
    )


def says(text: str) -> bool:
    """Return whether a text has words of its own."""
    return bool(re.search(r"[^\W\d_]{2}", text.replace(VALUE, "")))


class Covered:
    """Whether a dictionary has an entry for a text, or for each of its sentences.

    of: what counts as said, in place of the dictionary's English.
    """

    def __init__(self, code: str, of: Iterable[str] | None = None) -> None:
        strings = list(dictionary(code) if of is None else of)
        self.exact = set(strings)
        places = [key for key in strings if re.search(PLACE, key)]
        self.forms = [(_form(k), bool(JOINED.fullmatch(re.sub(PLACE, "", k)))) for k in places]

    def __call__(self, text: str) -> bool:
        """Return whether all of it is said."""
        if self._whole(text):
            return True
        ways = (re.split(rf"(?<=[{ends}]) (?=[A-ZÄÖÜ„“η])", text) for ends in (".!?", ".!?:;"))
        return any(len(parts) > 1 and all(map(self._whole, parts)) for parts in ways)

    def _whole(self, text: str) -> bool:
        if text in self.exact or not says(text):
            return True
        for form, joined in self.forms:
            found = form.fullmatch(text)
            if found and not (joined and not all(map(self, found.groups()))):
                return True
        return False


def _form(key: str) -> re.Pattern:
    parts = re.split(PLACE, key)
    number = rf"({VALUE}|[-−+]?[\d.,]+|[-−]?∞|–)"
    form = "".join(
        (number if re.fullmatch(r"n\d*", part) else "(.+?)") if index % 2 else re.escape(part)
        for index, part in enumerate(parts)
    )
    return re.compile(form, re.DOTALL)


def _ways(body: Iterable[nodes.Node]) -> list[str]:
    ways = [""]
    for node in body:
        match node:
            case nodes.Output():
                parts = [
                    [part.data] if isinstance(part, nodes.TemplateData) else _values(part)
                    for part in node.nodes
                ]
                here = ["".join(way) for way in product(*parts)]
            case nodes.If():
                here = _ways(node.body) + _ways(node.else_)
                here += [way for other in node.elif_ for way in _ways(other.body)]
            case nodes.For():
                here = _ways(node.body)
            case nodes.Macro():
                here = [f"<br>{way}<br>" for way in _ways(node.body)]
            case _:
                here = ["<br>"]
        here = list(dict.fromkeys(here))
        if len(ways) * len(here) > MOST:  # each at least once
            ways = [way + here[i % len(here)] for i, way in enumerate(ways)] + [
                ways[0] + one for one in here
            ]
        else:
            ways = [way + one for way in ways for one in here]
    return ways


def _values(expression: nodes.Expr) -> list[str]:
    if isinstance(expression, nodes.Const):
        return [str(expression.value)]
    if isinstance(expression, nodes.CondExpr):
        other = [""] if expression.expr2 is None else _values(expression.expr2)
        return _values(expression.expr1) + other
    return [VALUE]


def _docstrings(tree: ast.AST) -> set[int]:
    return {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


def _literals(node: ast.AST, skipped: set[int]) -> Iterator[str]:
    text = _text(node)
    if text is not None and id(node) not in skipped:
        yield text
    if isinstance(node, ast.Constant):
        return
    for child in ast.iter_child_nodes(node):
        if not (isinstance(node, ast.JoinedStr) and isinstance(child, ast.Constant)):
            yield from _literals(child, skipped)


def _text(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(
            part.value if isinstance(part, ast.Constant) else VALUE for part in node.values
        )
    return None
