"""How the walkthrough's events run: options of Gradio's, and what the browser does."""

from __future__ import annotations

from typing import Any

from core.server.limits import Limits
from dashboard.hosting.gpu import zero_gpu
from dashboard.inputs import RAW

AT_ONCE = 1 if zero_gpu() else Limits().workers

PRIVATE: dict[str, Any] = {"api_visibility": "private"}
# As many as are a batch at most ask together; those behind them wait in the queue of the page.
ON_MODEL: dict[str, Any] = {"concurrency_limit": AT_ONCE, "concurrency_id": "vlm", **RAW}
FAST: dict[str, Any] = {"queue": False, "show_progress": "hidden", **PRIVATE, **RAW}


def scroll_to(element: str, block: str = "start") -> dict[str, Any]:
    """Return an event that brings what was just computed into view, unless it went wrong."""
    script = f"""() => {{
        if (document.querySelector('[id^=status] [role=alert]')) return;
        document.getElementById('{element}')?.scrollIntoView({{block: '{block}'}});
    }}"""
    return {"fn": None, "js": script, **PRIVATE}


TO_THE_BOARD: dict[str, Any] = {"fn": None, "js": "window.secondLook.toBoard", **PRIVATE}
