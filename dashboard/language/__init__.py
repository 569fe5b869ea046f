"""The page in other languages: a dictionary file each, from the English words of the page.

A file here, such as de.json, is {"language": "Deutsch", "strings": {english: translated}}. What it
doesn't hold is shown in English. Which language a visitor reads, a cookie says or, without one, the
browser's own list.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from gradio.context import LocalContext

COOKIE = "second_look_language"
ENGLISH = "en"


@cache
def languages() -> dict[str, str]:
    """Return the languages there are by their code, each by its own name; English is first."""
    files = sorted(Path(__file__).parent.glob("*.json"))
    return {ENGLISH: "English"} | {file.stem: _read(file)["language"] for file in files}


@cache
def dictionary(code: str) -> dict[str, str]:
    """Return what the strings of the page are in a language; empty for English."""
    return {} if code == ENGLISH else _read(Path(__file__).with_name(f"{code}.json"))["strings"]


def current() -> str:
    """Return the code of the language of whoever asks now; English where nobody does."""
    request = LocalContext.request.get(None)
    if request is None:
        return ENGLISH
    chosen = request.cookies.get(COOKIE)
    return chosen if chosen in languages() else preferred(request.headers.get("accept-language"))


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


def text(english: str, **values: Any) -> str:
    """Return a string of the page in the visitor's language. values: for its %(name)s."""
    translated = dictionary(current()).get(english, english)
    return translated % values if values else translated


def placeholders(string: str) -> set[str]:
    """Return the names of what is put into a string."""
    return set(re.findall(r"%\((\w+)\)s", string))


def _read(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text("utf-8"))
