"""One sentence, where the user is looking."""

from __future__ import annotations

from markupsafe import Markup


def alert(sentence: str) -> Markup:
    """Return what went wrong; screen readers speak it at once."""
    return Markup('<p class="alert" role="alert">{}</p>').format(sentence)


def notice(sentence: str) -> Markup:
    """Return what there is to know; screen readers speak it when they are free."""
    return Markup('<p class="notice" role="status">{}</p>').format(sentence)


def outcome(sentence: str) -> Markup:
    """Return what came of it; screen readers speak it when they are free."""
    return Markup('<p class="outcome" role="status">{}</p>').format(sentence)


def explain(sentence: str) -> Markup:
    """Return what helps to understand what is shown."""
    return Markup('<p class="explain">{}</p>').format(sentence)
