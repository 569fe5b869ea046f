"""The language that a visitor reads the page in.

The page is said in it by the browser, from the dictionaries of `core.server.language`; here are the
few words that the browser can't reach, since Gradio keeps them as the value of a field: the choices
of its lists. A cookie says which language or, without one, the browser's own list.
"""

from __future__ import annotations

from gradio.context import LocalContext

from core.server.language import ENGLISH, dictionary, languages, preferred

COOKIE = "second_look_language"


def current() -> str:
    """Return the code of the language of whoever asks now; English where nobody does."""
    request = LocalContext.request.get(None)
    if request is None:
        return ENGLISH
    chosen = request.cookies.get(COOKIE)
    return chosen if chosen in languages() else preferred(request.headers.get("accept-language"))


def text(english: str) -> str:
    """Return a choice of a list in the visitor's language."""
    return dictionary(current()).get(english, english)
