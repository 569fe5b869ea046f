"""The versions of a transcript's JSON: what older ones wrote, brought to the fields of today.

One version at a time: each function makes what one version wrote into what the next one did.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.transcript.errors import TranscriptError, require
from core.transcript.events import Event, MessageRecord, Step
from core.transcript.plain import plain, typed

VERSION = 6
RELATIVE = "relative"  # the cropper of eq. 22, the only one before version 5


def of_today(data: Any) -> dict[str, Any]:
    """Return what any version from 2 on wrote as the fields of today.

    Raises TranscriptError for anything else. Whether the fields are what they should be is left to
    `typed`.
    """
    if not isinstance(data, dict):
        raise TranscriptError("A transcript must be a JSON object.")
    version = data.get("version")
    if type(version) is not int or version not in range(2, VERSION + 1):
        raise TranscriptError(f"version must be {VERSION}: record this transcript anew.")
    if version < 4:
        require("fit" not in data, "fit", f"absent from a transcript of version {version}")
    held = {name: value for name, value in data.items() if name != "version"}
    if version < 3:
        held = _from_version_2(held)
    if version < 4:
        held = _from_version_3(held)
    if version < 5:
        held = _from_version_4(held)
    if version < 6:
        held = _from_version_5(held)
    return held


def _from_version_2(data: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of version 3: version 2 kept steps and messages apart."""
    for name in ("steps", "messages"):
        require(name in data, name, "present")
    require("events" not in data, "events", "absent from a transcript of version 2")
    steps = typed(data["steps"], tuple[Step, ...], "steps")
    messages = typed(data["messages"], tuple[MessageRecord, ...], "messages")
    rest = {name: value for name, value in data.items() if name not in ("steps", "messages")}
    return rest | {"events": plain(_order_of_version_2(steps, messages))}


def _order_of_version_2(
    steps: Sequence[Step], messages: Sequence[MessageRecord]
) -> tuple[Event, ...]:
    """Return the order in which they happened, which version 2 didn't keep.

    Whoever sends a message has done its own steps before, and the other side's next ones wait
    for it. No answer waits for a look at where to look: that is for the crop request after it.
    """
    left, events = list(steps), list[Event]()
    for message in messages:
        while left and left[0].where == message.sender:
            if message.kind == "answer" and left[0].name == "relative attention":
                break
            events.append(left.pop(0))
        events.append(message)
    return (*events, *left)


def _from_version_3(data: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of version 4: version 3 kept neither prompts nor the model's fit."""
    return _in_stages(data, {"prompt": None}) | {"fit": None}


def _from_version_4(data: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of version 5.

    Version 4 kept no date, and had one cropper and one look, of the model that answered; it told
    all of its scores.
    """
    rest = _in_stages(data, {"bounds": {}})
    rest |= {"cropper": RELATIVE, "box_fallback": "", "date": None, "rounds": [], "look": ""}
    for name, added in (("gate", {"rounds": []}), ("attention", {"searched": None})):
        if name in rest:
            rest[name] = _with(rest[name], added)
    return rest


def _from_version_5(data: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of version 6: version 5 counted no prompts, and kept no local image."""
    rest = {"keeps": False} | _in_stages(data, {"prompt_tokens": 0})
    if isinstance(rest.get("rounds"), list):
        rest["rounds"] = [
            {"began": None} | one | {"stage": _with(one.get("stage"), {"prompt_tokens": 0})}
            if isinstance(one, dict) else one
            for one in rest["rounds"]
        ]  # fmt: skip
    return rest


def _in_stages(data: dict[str, Any], added: dict[str, Any]) -> dict[str, Any]:
    """Return the fields with some added to both stages, where these don't have them."""
    return data | {name: _with(data[name], added) for name in ("first", "second") if name in data}


def _with(part: Any, added: dict[str, Any]) -> Any:
    return added | part if isinstance(part, dict) else part
