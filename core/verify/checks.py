"""All checks of one model, in order, each on its own: a fault in one doesn't hide another."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
import transformers

from core.verify import costs, looking, places, prompts, same, sending
from core.verify.case import Case
from core.verify.meter import metered, slowness
from core.verify.report import Finding, Report, Section
from core.vlm.adapter import Adapter
from core.vlm.loading.revision import revision

Check = Callable[[Case], Iterator[Finding]]

CHECKS: dict[str, Check] = {
    "What is sent and seen": sending.check,
    "The prompt": prompts.check,
    "The shared path against a plain pass": same.check,
    "Where the visual tokens lie": places.check,
    "Where it looks (only trained weights can)": looking.check,
    "Time and memory": costs.check,
    "What is a guess": costs.guesses,
}


# What doesn't depend on the number format, where that is hopeless on this machine.
SAME_IN_ANY_FORMAT = (
    "Where the visual tokens lie",
    "Where it looks (only trained weights can)",
    "Time and memory",
)
HOPELESS = 10  # times as slow as float32


def verify(
    vlm: Adapter,
    folder: Path,
    ratio: tuple[int, int] = (16, 9),
    checks: dict[str, Check] = CHECKS,
    said: Callable[[str], object] = lambda title: None,
) -> Report:
    """Verify a loaded model.

    folder: where its files lie. ratio: width and height of the pictures it is tried with. checks:
    title -> check. said: called with the title of every check, and what it does next, before it
    begins. Where the model's number format is very slow on its device, what doesn't depend on it is
    left out, and the report says so.
    """
    case, sections = Case(vlm, folder, ratio, lambda what: said(f"  {what}")), []
    dtype, device = vlm._model.dtype, vlm._model.device
    slow = 1.0 if dtype == torch.float32 else slowness(dtype, device)
    left_out = SAME_IN_ANY_FORMAT if slow > HOPELESS else ()
    if left_out:
        name = str(dtype).removeprefix("torch.")
        why = f"Left out: {name} is {slow:.0f} times as slow as float32 on this {device.type}"
        said(f"{why}, and what float32 shows as well isn't tried.")
    for title, check in checks.items():
        if title in left_out:
            said_so = Finding("left out", f"{why}: verify with --dtype fp32, too.")
            sections.append(Section(title, (said_so,), 0.0, None))
            continue
        said(title)
        done = metered(partial(_all, check, case))
        sections.append(Section(title, done.result, done.seconds, done.peak_bytes))
    return Report(_model(vlm), _machine(), tuple(sections))


def _all(check: Check, case: Case) -> tuple[Finding, ...]:
    return tuple(_found(check, case))


def _found(check: Check, case: Case) -> Iterator[Finding]:
    """What a check finds; that it can't be finished is a fault, too."""
    try:
        yield from check(case)
    except Exception as error:  # whatever breaks here would break for a user
        text = str(error).strip().split("\n")[0] or type(error).__name__
        yield Finding("failed", f"This could not be checked to its end: {text}")


def _model(vlm: Adapter) -> dict[str, Any]:
    info = vlm.info
    return {
        "model": info.name,
        "family": info.family,
        "revision": revision(vlm),
        "parameters": info.parameters,
        **{name: value for name, value in info.load.items() if value is not None},
    }


def _machine() -> dict[str, Any]:
    machine = {
        "processor": platform.processor() or platform.machine(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }
    if torch.cuda.is_available():
        machine["gpu"] = torch.cuda.get_device_name()
    return machine
