"""The pages in other languages: a dictionary file each, from the English words of the pages.

A file here, such as de.json, is {"language": "Deutsch", "strings": {english: translated}}, where
%(name)s stands for a value. `translate.js` says a page by it, in the browser; what a dictionary
doesn't hold is shown in English.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["ENGLISH", "TRANSLATE", "dictionary", "languages", "preferred"]

ENGLISH = "en"
TRANSLATE = Path(__file__).with_name("translate.js")


@cache
def languages() -> dict[str, str]:
    """Return the languages there are by their code, each by its own name; English is first."""
    files = sorted(Path(__file__).parent.glob("*.json"))
    return {ENGLISH: "English"} | {file.stem: _read(file)["language"] for file in files}


@cache
def dictionary(code: str) -> dict[str, str]:
    """Return what the strings of the pages are in a language; empty for English."""
    return {} if code == ENGLISH else _read(Path(__file__).with_name(f"{code}.json"))["strings"]


def preferred(accepted: str | None) -> str:
    """Return the first language of an Accept-Language header that there is; English if none is."""
    weighed = []
    for place, part in enumerate((accepted or "")[:1000].split(",")):
        name, _, weight = part.partition(";q=")
        try:
            weighed.append((-float(weight or 1), place, name.strip().lower().split("-")[0]))
        except ValueError:  # not as a browser writes it
            continue
    return next((code for _, _, code in sorted(weighed) if code in languages()), ENGLISH)


def _read(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text("utf-8"))
