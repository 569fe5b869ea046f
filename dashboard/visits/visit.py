"""What one user has before them, and what they have set: it says which answers are still theirs.

A model takes seconds, and a visitor doesn't wait for it. Gradio hands every handler of a session
the same `Visit`, so one that runs for long sees in it that another picture was chosen meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from core.transcript import Transcript
from core.uncertainty import Gate
from dashboard.visits.asked import AskedInVisit
from dashboard.visits.lesson import Lesson

MOST_ANSWERS = 200  # kept


@dataclass
class Visit:
    """The picture and its question; changed in place by whatever handler changes what is shown."""

    original: str | None = None  # path of the file that questions are asked about
    shown: str | None = None  # path of what the browser shows of it: itself, or a copy
    question: str = ""  # the one that came with the picture
    asked: str | None = None  # the picture that was asked about last
    metric: str = ""
    own_eta: bool = False  # η was set by the user, or for a question that needs it
    wished: Gate | None = None  # of an address that led here, until the user sets another
    answers: list[dict[str, tuple[float, ...]]] = field(default_factory=list)  # token scores, of
    answered_by: tuple[str, str | None] | None = None  # this model's, by metric
    lesson: Lesson | None = None  # in class mode
    asked_in_visit: AskedInVisit = field(default_factory=AskedInVisit)
    _own: set[str] = field(default_factory=set)  # originals that the user brought
    _originals: dict[str, str] = field(default_factory=dict)  # of all that was shown: its original

    def take(
        self,
        original: str | None,
        shown: str | None = None,
        question: str = "",
        own: bool = False,
    ) -> None:
        """Let this picture be asked about from now on.

        shown: a copy that browsers can draw. own: the user brought it.
        """
        self.original, self.shown, self.question = original, shown or original, question
        if original is not None:
            self._originals[self.shown] = original
            if own:
                self._own.add(original)
        if self.lesson is not None:
            self.lesson.anew()

    def is_own(self, original: str) -> bool:
        """Return whether the user brought a picture, or is just about to."""
        return original in self._own or original not in self._originals.values()

    def answered(self, transcript: Transcript) -> None:
        """Keep the scores of a first answer; those of another model say nothing of this one's."""
        by = transcript.model, transcript.revision
        if by != self.answered_by:
            self.answered_by, self.answers = by, []
        self.answers = [*self.answers[1 - MOST_ANSWERS :], transcript.scores]

    def answers_of(self, model: str, revision: str | None) -> list[dict[str, tuple[float, ...]]]:
        """The token scores of this model's first answers, by metric."""
        return self.answers if self.answered_by == (model, revision) else []

    def original_of(self, shown: str | None) -> str | None:
        """Return the file that the browser shows; one not heard of yet is an upload under way."""
        return shown and self._originals.get(shown, shown)

    def ask(self, shown: str | None) -> str | None:
        """Return the file that the browser shows as a question is asked about it.

        Where there was none, it is before the user now, though its upload may not be told of yet.
        """
        self.asked = original = self.original_of(shown)
        if self.original is None and original is not None and self.has_left(original):
            self.take(original, shown, own=self.is_own(original))
        return original

    def known(self, shown: str) -> str | None:
        """Return the file that a picture of this visit was shown of; None for any other."""
        return self._originals.get(shown)

    def has_left(self, original: str | None) -> bool:
        """Return whether this picture was before the user, and another one, or none, is now."""
        return original != self.original and original in self._originals.values()
