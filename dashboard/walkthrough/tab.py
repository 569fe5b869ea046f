"""The walkthrough: one question, from the click to the second answer, each step explained."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import gradio as gr

from core.server.phone.rooms import Rooms
from core.uncertainty import METRICS
from dashboard import inputs
from dashboard.api import Api
from dashboard.case import Case, ask_second, sent_alone
from dashboard.drawing.about import about_model, reads
from dashboard.drawing.words.sentences import alert, notice
from dashboard.eta.own import Runs
from dashboard.eta.recorded import Fitting
from dashboard.hosting.live import EXPECTED, LiveModel
from dashboard.samples import BundledSample
from dashboard.visits.visit import Visit
from dashboard.walkthrough.asking import Asking
from dashboard.walkthrough.board import Board
from dashboard.walkthrough.events import FAST, ON_MODEL, PRIVATE, TO_THE_BOARD
from dashboard.walkthrough.explained import explained, present
from dashboard.walkthrough.in_class import InClass
from dashboard.walkthrough.look import SecondLook
from dashboard.walkthrough.records import DEFAULT_LINK, Records
from dashboard.walkthrough.settings import CodecSettings, LookSettings
from dashboard.walkthrough.visit_table import VisitTable


class Walkthrough:
    """The parts of the tab, and what runs through all of them; call it inside a `gr.Blocks`.

    live: the model, which may still be being loaded. about: where the page says which model that
    is; kept true as it is asked. runs: of which η may be taken.
    fitting: finds the run that stands beside the gauge. rooms: of classes. listens_on: the host
    that the server was told, once it runs. What belongs to a user is in that
    user's `gr.State`; here is only what all users share.
    """

    def __init__(
        self,
        live: LiveModel,
        samples: tuple[BundledSample, ...],
        about: gr.HTML | None = None,
        runs: Runs | None = None,
        fitting: Fitting | None = None,
        rooms: Rooms | None = None,
        listens_on: Callable[[], str] = str,
    ):
        self.live, self.about = live, about
        self.case = gr.State(None, time_to_live=3600)
        self.in_class = InClass(Rooms() if rooms is None else rooms, listens_on)
        self.asking = Asking(samples, self.cleared, self._reads)
        self.in_class.lay_out_panel()
        self.board = Board(live, runs, fitting)
        self.gate = self.board.settings
        self.looking = LookSettings(live)
        self.codecs = CodecSettings()
        self.look = SecondLook(live, self.case)
        self.records = Records(self.case, live)
        self.table = VisitTable(samples)
        board = self.board
        self.results = [board, board.curve, self.in_class, self.look, self.records, self.table]
        self._connect()

    # Events

    def _connect(self) -> None:
        asking, board = self.asking, self.board
        plain = [asking.image, asking.question, *self.gate.inputs, *self.codecs.inputs]
        self.inputs = [*plain, *self.looking.inputs]
        self.judging = [asking.visit, self.case, *self.gate.inputs, self.records.link]
        self.judged = [component for part in self.results for component in part.judgements]
        parts = asking, self.looking, *self.results
        self.said = [component for part in parts for component in part.said]
        views = [component for part in self.results for component in part.views]
        self.shown = [self.case, *self.said, *views, *self.judged]
        if self.about is not None:
            self.shown.append(self.about)
        self.tidy_event = tidy = {
            "fn": self.tidy, "inputs": self.judging, "outputs": self.shown, **FAST
        }  # fmt: skip
        for event, run in (
            (asking.both.click, self.ask_both),
            (asking.question.submit, self.ask_both),
            (asking.step.click, self.ask_step),
        ):
            event(
                run,
                [asking.visit, *self.inputs],
                self.shown,
                **ON_MODEL,
                **PRIVATE,
                show_progress_on=asking.status,
            ).then(**tidy).then(**TO_THE_BOARD)
        for button in (board.second, board.anyway):
            button.click(
                self.look_again,
                [*self.judging, *self.looking.inputs],
                self.shown,
                **ON_MODEL,
                **PRIVATE,
                show_progress_on=board.status_below,
            ).then(**tidy).then(**TO_THE_BOARD)
        self._connect_gate()
        self._connect_looking()
        self.look.connect(asking.visit, self.gate.inputs, tidy)
        self.records.connect(asking.visit, self.gate.inputs)
        self.table.connect(asking.visit)
        asking.connect(self.shown, self.gate, self.codecs, self.looking)
        self.in_class.connect(self)
        Api(self.live, plain, self.looking.inputs, ON_MODEL)

    def _connect_gate(self) -> None:
        """Let move what moves without the model."""
        gate, visit = self.gate, self.asking.visit
        latest = {"trigger_mode": "always_last", **FAST}
        judge = {"fn": self.judge, "inputs": self.judging, "outputs": self.judged}
        self.judge_event = judge | FAST
        gate.eta.input(self.set_eta, self.judging, self.judged, **latest)
        self.records.link.input(**judge, **latest)
        gate.own_eta.connect(visit, gate.metric, gate.eta, self.judge_event)
        gate.metric.input(gate.adapt, [visit, gate.metric], gate.eta, **latest).then(
            **self.judge_event
        )

    def _connect_looking(self) -> None:
        """Let another cropper, or more looks, move the box and the answers after the first one."""
        looking = self.looking
        looking.cropper.change(looking.explain, looking.cropper, looking.note, **FAST)
        for control in looking.inputs:  # one option of a dropdown is two inputs to it
            control.select(
                self.look_otherwise,
                [*self.judging, *looking.inputs],
                self.shown,
                **ON_MODEL,
                **PRIVATE,
                trigger_mode="always_last",
                show_progress_on=looking.status,
            ).then(**self.tidy_event)

    # Handlers: each returns {component: update}, and says what went wrong where the user is

    def ask_both(self, visit: Visit, *asked) -> Iterator[dict]:
        """Yield both stages, the first while the second runs. asked: as `inputs.begin`."""
        yield from self._ask(visit, asked, both=True)

    def ask_step(self, visit: Visit, *asked) -> Iterator[dict]:
        """Yield the first stage alone."""
        yield from self._ask(visit, asked, both=False)

    def look_again(
        self, visit: Visit, case: Case | None, metric, eta, link=DEFAULT_LINK, *looking
    ) -> Iterator[dict]:
        """Yield the second stage of a case, whatever the gate says of it. looking: as
        `inputs.looking`.
        """
        run = self._look_again(case, metric, eta, link, looking)
        yield from explained(run, self.board.status_below, visit, case and case.image)

    def look_otherwise(
        self, visit: Visit, case: Case | None, metric, eta, link, *looking
    ) -> Iterator[dict]:
        """Yield the second stage, where there was one, by another cropper or with other looks."""
        run = self._look_otherwise(case, metric, eta, link, looking)
        yield from explained(run, self.looking.status, visit, case and case.image)

    def set_eta(self, visit: Visit, *judging) -> dict:
        """Judge at an η of the user's own, which nothing replaces from now on."""
        visit.own_eta, visit.wished = True, None
        return self.judge(visit, *judging)

    def judge(self, visit: Visit, case: Case | None, metric: str, eta, link=DEFAULT_LINK) -> dict:
        """Return what the gate says at this η. The model doesn't run; the case stays as it is."""
        if case is None or visit.has_left(case.image):
            return {self.board.verdict_html: gr.skip()}
        try:
            return self._judged(case.judged(inputs.gate(metric, eta)), link)
        except EXPECTED as error:
            if metric in METRICS and metric not in case.transcript.scores:
                return {self.board.verdict_html: alert(str(error))}
            # A number field left empty: nothing to judge by until it is filled.
            return {self.board.verdict_html: gr.skip()}

    def tidy(self, visit: Visit, case: Case | None, *judging) -> dict:
        """Judge by where the sliders are after a run, or clear if the picture has changed."""
        if case is not None and visit.has_left(case.image):
            return self.cleared() | self.table.noted(visit, case)
        return self.judge(visit, case, *judging) | self.table.noted(visit, case)

    # What they are made of

    def _ask(self, visit: Visit, asked: tuple, both: bool) -> Iterator[dict]:
        if visit.lesson is not None:  # where nothing is told at once
            yield from self.in_class.anew(visit, *asked)
            return
        image = visit.ask(inputs.path_of(asked[0]))
        run = self._stages(visit, (image, *asked[1:]), both)
        yield from explained(run, self.asking.status, visit, image)

    def _stages(self, visit: Visit, asked: tuple, both: bool) -> Iterator[dict]:
        status = self.asking.status
        if not self.live.ready:
            yield {status: notice("The model is still being loaded; please wait.")}
        case = self.begun(visit, *asked)
        more = both and case.transcript.uncertain
        doing = "The first answer is there; the second look is under way." if more else ""
        yield self.first_shown(case) | {status: notice(doing) if doing else ""}
        if more:
            yield self.second_shown(self.live.run(ask_second, case))

    def _look_again(self, case: Case | None, metric, eta, link, looking: tuple) -> Iterator[dict]:
        if not present(case).transcript.retransmitted:
            yield self._looked(case, metric, eta, link, looking)

    def _look_otherwise(
        self, case: Case | None, metric, eta, link, looking: tuple
    ) -> Iterator[dict]:
        cropper, looks = inputs.looking(*looking)
        before = case and case.transcript
        if not (before and before.retransmitted) or not self.looking.can(cropper):
            yield {self.looking.status: ""}  # why it can't, stands beside it
        elif (before.cropper, 1 + len(before.gate.rounds)) != (cropper, looks):
            yield self._looked(case, metric, eta, link, looking)

    def _looked(self, case: Case, metric, eta, link, looking: tuple) -> dict:
        case = case.judged(inputs.gate(metric, eta))
        looking = inputs.looking(*looking) if looking else ()
        return self.second_shown(self.live.run(ask_second, case, *looking), link)

    def begun(self, visit: Visit, image: str | None, *asked) -> Case:
        """Return a first stage, noted in the visit. Raises as `inputs.begin`."""
        case = replace(inputs.begin(self.live, image, *asked), own=visit.is_own(image))
        visit.answered(case.transcript)
        return case

    def first_shown(self, case: Case) -> dict:
        """Return everything there is to see of a case after its first stage."""
        shown = self._judged(case, DEFAULT_LINK) | {self.case: case} | self._silent()
        shown |= self.board.shown(case) | self.look.hidden() | self.records.shown()
        if self.about is not None:
            info = self.live.current().vlm.info
            shown[self.about] = about_model(info.name, info)
        return shown

    def second_shown(self, case: Case, link=DEFAULT_LINK) -> dict:
        """Return what the second stage adds to that."""
        shown = self._judged(case, link) | {self.case: case} | self._silent()
        return shown | self.board.shown(case) | self.look.shown(case)

    def _judged(self, case: Case, link) -> dict:
        """Return the part of what there is to see that depends on the gate."""
        parts = self.board.judged(case) | self.look.judged(case)
        return parts | self.board.curve.judged(case, link) | self.records.judged(case, link)

    def alone(self, image: str | None, question: str, codec: tuple[Any, Any]) -> dict:
        """Return the global image as it would be sent, and nothing else: no model has run.

        codec: format and quality of the global image. Raises ImageError.
        """
        fit = self.live.current().vlm.info.fit  # which may take a while
        edge, sent = sent_alone(image, inputs.codec(*codec), fit)
        return self.cleared() | self.board.alone(question, edge, sent, fit)

    def cleared(self) -> dict:
        """Return no results: those of one image must not stand beside another."""
        hidden: dict = {}
        for part in self.results:
            hidden |= part.hidden()
        return hidden | self._silent() | {self.case: None}

    def _reads(self) -> str:
        """Return what the model reads in a picture of a user's own."""
        return reads(self.live.current().vlm.info.name if self.live.ready else self.live.name)

    def _silent(self) -> dict:
        return dict.fromkeys(self.said, "")
