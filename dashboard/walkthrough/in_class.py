"""Class mode: one thing after the other, each on a click, so that a class can vote in between.

What isn't shown yet is on the page, and the style sheet hides it: everything but what the element
`#class-shown` names, as long as `#class-mode` is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import gradio as gr
from markupsafe import Markup

from core.server.admission import Busy
from core.server.phone.rooms import Rooms
from dashboard import inputs
from dashboard.case import Case, ask_second
from dashboard.drawing.words.sentences import alert
from dashboard.hosting.live import EXPECTED, LiveModel
from dashboard.phone import room_invitation
from dashboard.visits.lesson import NEXT, Lesson, Step
from dashboard.visits.visit import Visit
from dashboard.walkthrough import votes
from dashboard.walkthrough.asking import Asking
from dashboard.walkthrough.events import FAST, ON_MODEL, PRIVATE, TO_THE_BOARD
from dashboard.walkthrough.explained import explained, present
from dashboard.walkthrough.settings import GateSettings

TICK = 1.5  # seconds between two looks at the votes
ON = Markup('<span id="class-on"></span>')


class Tab(Protocol):
    """What a lesson needs of the walkthrough."""

    live: LiveModel
    asking: Asking
    gate: GateSettings
    case: gr.State
    inputs: list
    shown: list
    tidy_event: dict[str, Any]

    def cleared(self) -> dict: ...

    def begun(self, visit: Visit, image: str | None, *asked: Any) -> Case: ...

    def alone(self, image: str | None, question: str, codec: tuple[Any, Any]) -> dict: ...

    def first_shown(self, case: Case) -> dict: ...

    def second_shown(self, case: Case) -> dict: ...


class InClass:
    """Components and handlers; call it inside a `gr.Blocks`.

    rooms: for the classes. listens_on: the host that the server was told, once it runs.
    """

    def __init__(self, rooms: Rooms, listens_on: Callable[[], str]) -> None:
        self.rooms, self.listens_on = rooms, listens_on
        self.switch = gr.Checkbox(
            False,
            label="Class mode",
            info="One thing after the other, each on a click; the class votes.",
            elem_id="class-switch",
        )
        with gr.Row(visible=False) as self.around:
            with gr.Accordion("Let the class in", open=False, elem_id="class-room"):
                self.invitation = gr.HTML()
            with gr.Accordion("What the phones asked", open=False, elem_id="class-phones"):
                self.phones = gr.HTML(elem_id="phones-view")
        self.status = gr.HTML(elem_id="status-class")
        self.mode = gr.HTML(elem_classes="bridge")

    def lay_out_panel(self) -> None:
        """Lay out what stands above the board."""
        with gr.Column(visible=False, elem_id="class-panel") as self.panel:
            with gr.Row():
                self.next = gr.Button(
                    "",  # by the step
                    variant="primary",
                    size="md",
                    scale=0,
                    min_width=280,
                    elem_id="class-next",
                )
                self.tally = gr.HTML(elem_id="class-tally")
            self.reveal = gr.HTML(elem_classes="bridge")
        self.timer = gr.Timer(TICK, active=False)
        self.views = [self.next, self.tally, self.reveal]
        self.judgements: list = []
        self.said = [self.status]

    def connect(self, walkthrough: Tab) -> None:
        """Let the part work."""
        self.tab, asking = walkthrough, walkthrough.asking
        visit, case = asking.visit, walkthrough.case
        self.turned = [
            self.switch, self.mode, self.panel, self.around, self.invitation, self.phones,
            self.timer, *walkthrough.shown,
        ]  # fmt: skip
        first = {
            "fn": self.picture_first,
            "inputs": [visit, *walkthrough.inputs],
            "outputs": walkthrough.shown,
            **FAST,
        }
        self.first_event = first
        for event in asking.placing:
            event.then(**first)
        self.switch.input(self.turn, [visit, self.switch], self.turned, **FAST).then(**first)
        self.next.click(
            self.advance,
            [visit, case, *walkthrough.inputs],
            walkthrough.shown,
            **ON_MODEL,
            **PRIVATE,
            show_progress_on=asking.status,
        ).then(**walkthrough.tidy_event).then(**TO_THE_BOARD)
        self.timer.tick(
            self.tick, [visit, case, *walkthrough.gate.inputs], [self.tally, self.phones], **FAST
        )

    def turn(self, visit: Visit, on: bool, request: gr.Request) -> dict:
        """Begin a lesson, in a room of its own, or end it; either way, begin anew."""
        if visit.lesson is not None:
            self.rooms.close(visit.lesson.room)
            visit.lesson = None
        said = ""
        if on:
            try:
                visit.lesson = Lesson(self.rooms.new())
            except Busy as error:
                said = alert(str(error))
        lesson = visit.lesson
        invited = room_invitation(request, self.listens_on(), lesson.room.code) if lesson else ""
        return self.tab.cleared() | {
            self.switch: lesson is not None,
            self.mode: ON if lesson else "",
            self.panel: gr.Column(visible=lesson is not None),
            self.around: gr.Row(visible=lesson is not None),
            self.invitation: invited,
            self.phones: votes.phones(()),
            self.timer: gr.Timer(active=lesson is not None),
            self.status: said,
        }

    def restore(self, visit: Visit, request: gr.Request) -> dict:
        """Begin a lesson where the address says `mode=class`."""
        if request.query_params.get("mode") != "class":
            return {self.status: gr.skip()}
        return self.turn(visit, True, request)

    def picture_first(self, visit: Visit, image, *asked) -> dict:
        """Return the global image alone, in a lesson, as soon as there is a picture."""
        nothing = {self.tally: gr.skip()}
        if visit.lesson is None or image is None:
            return nothing
        return next(self.anew(visit, image, *asked), nothing)

    def anew(self, visit: Visit, image, *asked) -> Iterator[dict]:
        """Yield the global image alone; what came of a question before is gone."""
        original = visit.original_of(inputs.path_of(image))
        visit.lesson.anew()
        run = self._picture(visit.lesson, original, *asked)
        yield from explained(run, self.tab.asking.status, visit, original)

    def advance(self, visit: Visit, case: Case | None, image, *asked) -> Iterator[dict]:
        """Yield the next thing to see."""
        lesson = visit.lesson
        if lesson is None or lesson.following is None:
            yield {self.tally: gr.skip()}
            return
        original = visit.original_of(inputs.path_of(image))
        run = self._next(visit, lesson, case, original, *asked)
        yield from explained(run, self.tab.asking.status, visit, original)

    def tick(self, visit: Visit, case: Case | None, metric, eta) -> dict:
        """Return the votes, and what the phones told, as they stand."""
        lesson = visit.lesson
        if lesson is None:
            return {self.tally: gr.skip()}
        try:
            case = case and case.judged(inputs.gate(metric, eta))
        except EXPECTED:  # a number field left empty
            return {self.tally: gr.skip()}
        return {
            self.tally: votes.tally(lesson, case),
            self.phones: votes.phones(lesson.room.asked()),
        }

    def hidden(self) -> dict:
        """Return everything hidden that a lesson hides; outside of one, it hides nothing."""
        label = gr.Button(NEXT[Step.PICTURE], interactive=True)
        return {self.reveal: "", self.tally: "", self.next: label}

    def _picture(self, lesson: Lesson, image: str | None, question, *settings) -> Iterator[dict]:
        alone = self.tab.alone(image, str(question or ""), settings[2:4])
        yield alone | self._reached(lesson, Step.PICTURE, None)

    def _next(
        self, visit: Visit, lesson: Lesson, case: Case | None, image: str | None, *asked
    ) -> Iterator[dict]:
        step = lesson.following
        if step == Step.PICTURE:
            yield from self._picture(lesson, image, *asked)
            return
        if step == Step.ANSWER:
            case = self.tab.begun(visit, image, *asked)
            yield self.tab.first_shown(case)
        elif step == Step.BOX:
            case = present(case).judged(inputs.gate(asked[1], asked[2]))
            if not case.transcript.retransmitted:
                case = self.tab.live.run(ask_second, case, *inputs.looking(*asked[-2:]))
            yield self.tab.second_shown(case)
        yield self._reached(lesson, step, present(case))

    def _reached(self, lesson: Lesson, step: Step, case: Case | None) -> dict:
        lesson.reach(step)
        following = lesson.following
        label = "All is shown" if following is None else NEXT[following]
        return {
            self.reveal: Markup('<span data-shown="{}"></span>').format(lesson.shown),
            self.tally: votes.tally(lesson, case),
            self.next: gr.Button(label, interactive=following is not None),
        }
