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

    @property
    def key(self) -> tuple[str, str, Box | None]:
        """Return what tells it from others: the first stage, and the box if it is the visitor's."""
        own = self.transcript.box if self.own_box else None
        return self.source, self.transcript.session, own


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
            if row.key == new.key:
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
