"""Another model for the page: who may choose it, and the form to do so."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Literal

import gradio as gr

from core.vlm import VLMError
from dashboard import suited
from dashboard.drawing import wording
from dashboard.drawing.about import LARGE_MODEL, about_model
from dashboard.drawing.templating import render
from dashboard.drawing.words.sentences import alert, notice
from dashboard.eta.own import OwnEta
from dashboard.hosting.live import LiveModel
from dashboard.inputs import RAW, eta_slider
from dashboard.visits.visit import Visit

Who = Literal["local", "all", "none"]
LONGEST_NAME = 500  # characters
FORBIDDEN = "Only somebody at the machine that runs this page may change its model."

# Whoever comes through a proxy may be anybody, though the proxy itself is on this machine.
_PROXIES = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


class ModelSwitch:
    """The form. Call it inside a `gr.Blocks`; it is hidden until `shown` says otherwise.

    A model is one for all users of the page, it takes memory, and naming one tells what lies on
    this machine's disk. So who may switch is decided here again at every click.
    """

    def __init__(self, live: LiveModel, who: Who):
        self.live, self.who = live, who
        with gr.Accordion(
            "Use another model", open=False, visible=False, elem_id="model-switch"
        ) as self.panel:
            self.name = gr.Textbox(
                label="Model",
                info="pocket, a directory on this machine, or a model of the Hugging Face hub.",
                placeholder=LARGE_MODEL,
                max_length=LONGEST_NAME,
                elem_id="model-name",
            )
            self.load = gr.Button("Load it for everybody", elem_id="model-load")
            self.ask = gr.Button("Which suit this machine?", size="sm", elem_id="which-suit")
            self.suited = gr.HTML(elem_id="suited")
            self.status = gr.HTML(elem_id="model-status")

    def connect(
        self, about: gr.HTML, visit: gr.State, metric: gr.Dropdown, eta: gr.Slider, own: OwnEta
    ) -> list[gr.events.Dependency]:
        """Tell the page which model it is now, and put η where that model wants it.

        An η that the user has set stays. own: offers to set one. Returns the events after which it
        may be another model.
        """
        self.about, self.eta, self.own = about, eta, own
        self.ask.click(
            self.what_suits, None, self.suited, api_visibility="private",
            concurrency_limit=1, concurrency_id="switch", show_progress_on=self.suited,
        )  # fmt: skip
        return [
            event(
                self.switch,
                [visit, self.name, metric],
                [self.status, about, eta, *own.offered],
                api_visibility="private",
                **RAW,
                concurrency_limit=1,
                concurrency_id="switch",
                show_progress_on=self.status,
            )
            for event in (self.load.click, self.name.submit)
        ]

    def what_suits(self, request: gr.Request) -> str:
        """Return the models for photographs that this machine can carry; the hub is asked now."""
        if not self.allowed(request):
            return alert(FORBIDDEN)
        free, flops = suited.free_memory(), suited.machine_flops()
        models = [
            (
                model.name,
                wording.many_bytes(model.download),
                wording.many_bytes(model.memory),
                wording.seconds(model.seconds(flops)),
            )
            for model in suited.suited(free)
        ]
        return render(
            "page/suited.html",
            models=models,
            free="" if free is None else wording.many_bytes(free),
            online=suited.reachable(),
        )

    def shown(self, request: gr.Request) -> gr.Accordion:
        """Return the form, for whoever may use it."""
        return gr.Accordion(visible=self.allowed(request))

    def allowed(self, request: gr.Request) -> bool:
        """Return whether whoever asks may switch."""
        if self.who == "local":
            return _from_this_machine(request)
        return self.who == "all"

    def switch(self, visit: Visit, name: str, metric: str, request: gr.Request) -> Iterator[dict]:
        """Load it; if that fails, say so in one sentence, and the model before goes on."""
        if not self.allowed(request):
            yield {self.status: alert(FORBIDDEN)}
            return
        before = self.live.name
        yield {self.status: notice(f"Loading {name}. Until it is there, {before} answers.")}
        try:
            info = self.live.switch(name).vlm.info
        except VLMError as error:
            yield {self.status: alert(f"{error} {before} goes on answering.")}
            return
        own = info.thresholds[metric]
        shown = {self.about: about_model(info.name, info)}
        sentence = f"{info.name} answers from now on, on every page."
        if visit.own_eta:
            sentence += f" η stays where you put it; this model's own is {own:.2f}."
        else:
            shown[self.eta] = gr.Slider(**eta_slider(metric, own, metric in info.calibrated))
        shown |= self.own.offer(info)
        yield shown | {self.status: notice(sentence)}


def _from_this_machine(request: gr.Request) -> bool:
    if any(header in request.headers for header in _PROXIES):
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except (AttributeError, ValueError):  # no address: a socket file, or a name
        return False
