"""Steps that are commands, two at a time, each done once."""

import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Step:
    name: str  # of its log, too
    arguments: tuple[str, ...]  # of Python
    after: tuple[str, ...] = ()  # the steps whose output it reads


class StepFailed(RuntimeError):
    """A step ended with another code than 0; its log says why."""


def done(name: str, work: Path) -> Path:
    """Return the mark of a step that is done."""
    return work / f"{name}.done"


def carry_out(steps: Iterable[Step], work: Path, at_once: int = 2) -> None:
    """Run the steps whose marks aren't there, in their order, as soon as what they need is done.

    A step's output goes to NAME.log in `work`. Raises StepFailed for the first that fails, when
    those beside it have ended.
    """
    left = [step for step in steps if not done(step.name, work).exists()]
    running: dict[Step, subprocess.Popen] = {}
    failed: list[Step] = []
    while running or (left and not failed):
        ready = [s for s in left if all(done(name, work).exists() for name in s.after)]
        for step in ready[: 0 if failed else at_once - len(running)]:
            left.remove(step)
            running[step] = _start(step, work)
        if not running:
            waited = sorted({name for step in left for name in step.after})
            raise ValueError(f"No step is called so, or they wait for each other: {waited}")
        for step in [step for step, process in running.items() if process.poll() is not None]:
            if running.pop(step).returncode == 0:
                done(step.name, work).touch()
                print(f"{time.strftime('%H:%M')} {step.name}: done", flush=True)
            else:
                failed.append(step)
        time.sleep(0.05)
    if failed:
        raise StepFailed(", ".join(f"{step.name} (see {step.name}.log)" for step in failed))


def _start(step: Step, work: Path) -> subprocess.Popen:
    with (work / f"{step.name}.log").open("w") as log:
        return subprocess.Popen([sys.executable, *step.arguments], stdout=log, stderr=log)
