"""How the walkthrough's events run: options of Gradio's, and what the browser does."""

from __future__ import annotations

from typing import Any

from dashboard.inputs import RAW

PRIVATE: dict[str, Any] = {"api_visibility": "private"}
# The model serves one stage at a time; the queue in front of it is that of the page.
ON_MODEL: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "vlm", **RAW}
FAST: dict[str, Any] = {"queue": False, "show_progress": "hidden", **PRIVATE, **RAW}


def scroll_to(element: str, block: str = "start") -> dict[str, Any]:
    """Return an event that brings what was just computed into view, unless it went wrong."""
    script = f"""() => {{
        if (document.querySelector('[id^=status] [role=alert]')) return;
        document.getElementById('{element}')?.scrollIntoView({{block: '{block}'}});
    }}"""
    return {"fn": None, "js": script, **PRIVATE}


TO_THE_BOARD: dict[str, Any] = {"fn": None, "js": "window.secondLook.toBoard", **PRIVATE}
