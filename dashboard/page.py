"""The page: what stands above the tabs, and the tabs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from core.server.phone.rooms import Rooms
from core.support.proxies import without_proxies
from dashboard import theme
from dashboard.across.one_eta import OneEta
from dashboard.across.reading import Reading
from dashboard.across.travel import Travel
from dashboard.benchmarks.library import RUNS, Library
from dashboard.benchmarks.tab import OWN_TAB, Benchmarks
from dashboard.drawing.about import about_model, header
from dashboard.drawing.words.glossary import glossary
from dashboard.hosting.live import LiveModel
from dashboard.phone import invitation
from dashboard.samples import SAMPLES, load_samples
from dashboard.switch import ModelSwitch, Who
from dashboard.visits.visit import Visit
from dashboard.walkthrough.asking import LARGEST_FILE
from dashboard.walkthrough.settings import GateSettings
from dashboard.walkthrough.tab import Walkthrough

TITLE = "Second Look: a vision-language model that asks for a closer look"

LAUNCH: dict[str, Any] = {
    "max_file_size": LARGEST_FILE,
    "strict_cors": True,
    "run_history": False,
    "enable_monitoring": False,
    "ssr_mode": False,  # one server, one page, here and on a Space
    "footer_links": [],
    "show_error": True,  # of a gr.Error, that is: the sentence meant for the caller of the API
}
"""Options of `launch` for strangers' input and no traffic to anyone else."""


def build(
    live: LiveModel,
    samples: Path = SAMPLES,
    switch: Who = "local",
    runs: Path = RUNS,
    rooms: Rooms | None = None,
) -> gr.Blocks:
    """Return the page for a model, which need not be loaded yet.

    samples: a folder with a samples.json; whatever lies in it is public. switch: who may put
    another model in its place. runs: a folder of run files, which needn't exist. rooms: where the
    phones of classes are, if the server for edges has the same.
    """
    gr.set_static_paths([samples])  # served in place, wherever the command was started from
    hour = 3600
    library = Library(runs)

    def listens_on() -> str:
        """Return the host that the server was told, once it runs."""
        return getattr(page, "server_name", "") or ""

    with gr.Blocks(title=TITLE, fill_width=True, delete_cache=(hour, hour)) as page:
        with gr.Row(elem_classes="masthead"):
            with gr.Column(min_width=300):
                gr.HTML(header(), elem_id="header")
                reading = Reading()
            with gr.Column(min_width=300):
                about = gr.HTML(about_model(live.name), elem_id="about")
                phone = gr.HTML(elem_id="phone")
                other = ModelSwitch(live, switch)
        with gr.Tabs(elem_id="tabs") as tabs:
            with gr.Tab("Walkthrough", id="walkthrough") as own:
                walkthrough = Walkthrough(
                    live,
                    load_samples(samples),
                    about,
                    library.of_weights,
                    library.fitting,
                    rooms,
                    listens_on,
                )
            with gr.Tab("Benchmarks", id=OWN_TAB) as others:
                benchmarks = Benchmarks(
                    library,
                    live,
                    tabs,
                    "walkthrough",
                    walkthrough.asking.place,
                    walkthrough.asking.visit,
                    walkthrough.asking.placed,
                )

        gr.HTML(glossary(), padding=False)
        OneEta(walkthrough, own, benchmarks, tabs)
        travel = Travel(walkthrough, own, benchmarks, others, tabs)
        visit, gate = walkthrough.asking.visit, walkthrough.gate
        switched = other.connect(about, visit, gate.metric, gate.eta, gate.own_eta)
        greeted = _greet(page, live, about, other, visit, gate)
        greeted.then(**travel.kept())
        for known in (greeted, *switched):
            known.then(**walkthrough.looking.offering)

        def invite(request: gr.Request) -> str:
            """Return where telephones go."""
            return invitation(request, listens_on())

        def restore(request: gr.Request) -> dict:
            """Return what a shared link says."""
            wanted = benchmarks.restore(dict(request.query_params))
            return wanted or {tabs: gr.skip()}  # an empty dict isn't taken for one of updates

        quietly = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
        page.load(restore, None, benchmarks.restored, **quietly).then(**travel.arrive())
        page.load(invite, None, phone, **quietly)
        in_class = walkthrough.in_class
        page.load(in_class.restore, walkthrough.asking.visit, in_class.turned, **quietly).then(
            **in_class.first_event
        )
        reading.connect(page)
    page.queue(max_size=64, api_open=False)
    return page


def _greet(
    page: gr.Blocks,
    live: LiveModel,
    about: gr.HTML,
    other: ModelSwitch,
    visit: gr.State,
    gate: GateSettings,
) -> gr.events.Dependency:
    """Say at each visit which model it is and, unless the user was faster, take its own η.

    Returns the event, for what has to come after it.
    """

    def greet(visit: Visit, request: gr.Request) -> dict:
        info = live.current().vlm.info  # which may take a while
        shown = {about: about_model(info.name, info), other.panel: other.shown(request)}
        return shown | {gate.eta: gate.slider(visit)} | gate.own_eta.offer(info)

    return page.load(
        greet,
        visit,
        [about, gate.eta, other.panel, *gate.own_eta.offered],
        api_visibility="private",
        show_progress="hidden",
        concurrency_limit=None,
    )


def launch(page: gr.Blocks, app_kwargs: dict[str, Any] | None = None, **options: Any) -> None:
    """Launch the page as it needs to be, and return once it answers requests."""
    look = {"theme": theme.theme(), "css": theme.style(), "head": theme.head()}
    app = {"exception_handlers": {ClientDisconnect: _given_up}} | (app_kwargs or {})
    with without_proxies():  # gradio asks itself whether it answers
        page.launch(prevent_thread_lock=True, app_kwargs=app, **look, **LAUNCH, **options)


def _given_up(request: Request, error: Exception) -> Response:
    """Answer an upload whose sender has gone: nobody hears it, and the log needs no traceback."""
    return Response(status_code=400)
