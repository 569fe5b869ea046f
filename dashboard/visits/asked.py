"""The questions of one visit, as a table keeps them: what was asked, answered, and spent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from core.cropping import Box
from core.transcript import Transcript

MOST = 60  # questions kept; a transcript takes some tens of kB
JUDGEMENTS = ("", "right", "wrong")  # of a visitor on a final answer


@dataclass(frozen=True)
class Asked:
    """One question; with a box of the visitor's own, it is another one."""

    number: int  # in this visit, from 1
    source: str  # of the picture, for people
    codecs: str  # of global and local image
    transcript: Transcript  # without attention: nobody draws it from here
    own_box: bool = False
    right: str = ""  # one of JUDGEMENTS

    def same(self, other: Asked) -> bool:
        """Return whether two are one question: of one first stage, and looked at by the same, or by
        nobody so far.
        """
        mine, its = self.transcript, other.transcript
        if (self.source, mine.session, self.own_box) != (other.source, its.session, other.own_box):
            return False
        return self.looked_at == other.looked_at or None in (mine.second, its.second)

    @property
    def looked_at(self) -> Box | tuple[str, int]:
        """Return the visitor's box, or who looked and how often at most."""
        if self.own_box and self.transcript.box is not None:
            return self.transcript.box
        return self.transcript.cropper, 1 + len(self.transcript.gate.rounds)


@dataclass
class AskedInVisit:
    """Rows in the order of their first answers; the last `MOST` are kept."""

    rows: tuple[Asked, ...] = ()
    count: int = field(default=0)  # of all there were

    def note(
        self, source: str, codecs: str, transcript: Transcript, own_box: bool = False
    ) -> Asked:
        """Return the row of a question, in place of itself if it is there with fewer stages."""
        new = Asked(self.count + 1, source, codecs, replace(transcript, attention=None), own_box)
        for place, row in enumerate(self.rows):
            if row.same(new):
                new = replace(new, number=row.number, right=row.right)
                self.rows = (*self.rows[:place], new, *self.rows[place + 1 :])
                return new
        self.count += 1
        self.rows = (*self.rows[1 - MOST :], new)
        return new

    def judge(self, number: int, right: str) -> None:
        """Keep what a visitor says of an answer; of a row that isn't there, nothing."""
        if right in JUDGEMENTS:
            self.rows = tuple(
                replace(row, right=right) if row.number == number else row for row in self.rows
            )

    def chosen(self, numbers: list) -> Iterator[Asked]:
        """Yield the rows of these numbers, in that order."""
        for number in numbers:
            yield from (row for row in self.rows if row.number == number)
