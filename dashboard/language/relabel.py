"""The labels of Gradio's own components, which are the same for all, in a visitor's language."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import unescape
from typing import Any

import gradio as gr
from markupsafe import escape

from dashboard.language import ENGLISH, current, dictionary

SAID = ("label", "info", "placeholder")  # properties that are read
_TEXT = re.compile(r"(?<=>)[^<>]+(?=<)")  # of static HTML, what stands between tags


def labelled(blocks: Iterable[gr.blocks.Block]) -> list[gr.blocks.Block]:
    """Return the components that say something which some dictionary may hold."""
    return [block for block in blocks if strings(block)]


def strings(block: gr.blocks.Block) -> dict[str, Any]:
    """Return what a component says by its property: texts, and static HTML."""
    found = {name: getattr(block, name, None) for name in SAID}
    if getattr(block, "show_label", True) is False:
        found["label"] = None
    if isinstance(block, gr.Button | gr.HTML | gr.UploadButton):
        found["value"] = getattr(block, "value", None)
    return {
        name: str(value)
        for name, value in found.items()
        if isinstance(value, str) and value.strip()
    }


def relabel(blocks: Iterable[gr.blocks.Block]) -> dict:
    """Return updates of those components that are said otherwise in the visitor's language."""
    words = dictionary(current()) if current() != ENGLISH else {}
    updates = {}
    for block in blocks if words else ():
        said = {
            name: _html(value, words) if isinstance(block, gr.HTML) else words.get(value, value)
            for name, value in strings(block).items()
        }
        changed = {name: value for name, value in said.items() if value != strings(block)[name]}
        if changed:
            updates[block] = gr.update(**changed)
    return updates


def segments(html: str) -> list[str]:
    """Return the texts of static HTML, as dictionaries hold them: with single spaces."""
    return [_plain(part) for part in _TEXT.findall(html) if re.search(r"[^\W\d_]", part)]


def _html(html: str, words: dict[str, str]) -> str:
    def said(part: re.Match) -> str:
        plain = _plain(part[0])
        if plain not in words:
            return part[0]
        kept = part[0]  # spaces around it are between it and its neighbours
        before, after = kept[: len(kept) - len(kept.lstrip())], kept[len(kept.rstrip()) :]
        return f"{before}{escape(words[plain])}{after}"

    return _TEXT.sub(said, html)


def _plain(part: str) -> str:
    return " ".join(unescape(part).split())
