"""What a verification found, as one page of text and as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["passed", "failed", "note", "guess", "left out"]

_MARKS: dict[Kind, str] = {
    "passed": "  ok    ", "failed": "  FAULT ", "note": "        ", "guess": "  guess ",
    "left out": "  --    ",
}  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at, in one sentence."""

    kind: Kind
    sentence: str
    facts: dict[str, Any] = field(default_factory=dict)  # the figures behind it, as JSON has them


@dataclass(frozen=True)
class Section:
    """What one check found, and what it took."""

    title: str
    findings: tuple[Finding, ...]
    seconds: float
    peak_bytes: int | None  # of memory, beyond what was taken before; None: can't be told


@dataclass(frozen=True)
class Report:
    """What was found of one model on one machine."""

    model: dict[str, Any]
    machine: dict[str, Any]
    sections: tuple[Section, ...]
    title: str = "Second Look, verification of a model"

    @property
    def faults(self) -> list[str]:
        """The sentences that stand against this model on this machine."""
        return [one.sentence for part in self.sections for one in part.findings if _is_fault(one)]

    @property
    def guesses(self) -> list[str]:
        """Return what nobody has published or measured for this model."""
        found = (one for part in self.sections for one in part.findings)
        return [one.sentence for one in found if one.kind == "guess"]

    @property
    def passed(self) -> bool:
        return not self.faults

    @property
    def verdict(self) -> str:
        """``"passed"``, or one sentence a fault; and that something was left out, if it was."""
        if not self.passed:
            return "\n".join(f"FAULT: {text}" for text in self.faults)
        found = (one for part in self.sections for one in part.findings)
        return "passed, as far as it was checked" if any(map(_is_left_out, found)) else "passed"

    def to_json(self) -> dict[str, Any]:
        """Return all of it as JSON has it."""
        return {
            "passed": self.passed,
            "faults": self.faults,
            "guesses": self.guesses,
            "model": self.model,
            "machine": self.machine,
            "sections": [
                {
                    "title": part.title,
                    "seconds": round(part.seconds, 3),
                    "peak_bytes": part.peak_bytes,
                    "findings": [vars(one) for one in part.findings],
                }
                for part in self.sections
            ],
        }

    def __str__(self) -> str:
        facts = [f"{name}: {value}" for name, value in {**self.model, **self.machine}.items()]
        lines = [self.title, *facts]
        for part in self.sections:
            peak = "" if part.peak_bytes is None else f", {part.peak_bytes / 1e6:.0f} MB more"
            lines += ["", f"{part.title} ({part.seconds:.1f} s{peak})"]
            lines += [_line(one) for one in part.findings]
        return "\n".join([*lines, "", f"Result: {self.verdict}"])


def _is_fault(finding: Finding) -> bool:
    return finding.kind == "failed"


def _is_left_out(finding: Finding) -> bool:
    return finding.kind == "left out"


def _line(finding: Finding) -> str:
    return _MARKS[finding.kind] + finding.sentence.replace("\n", "\n" + " " * 8)
