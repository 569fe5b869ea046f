"""Who may put another model in the place of the page's, and what they are told."""

from concurrent.futures import Future
from types import SimpleNamespace

import gradio as gr
import pytest

from core.vlm import VLMError
from dashboard.eta.own import OwnEta
from dashboard.hosting.live import LiveModel
from dashboard.inputs import NOT_CALIBRATED
from dashboard.switch import ModelSwitch
from dashboard.visits.visit import Visit


def _request(host, **headers):
    client = None if host is None else SimpleNamespace(host=host)
    return SimpleNamespace(client=client, headers=headers)


HERE, ELSEWHERE = _request("127.0.0.1"), _request("192.0.2.7")


@pytest.fixture
def live(vlm):
    loading = Future()
    loading.set_result(vlm)
    return LiveModel("pocket", loading, device="cpu")


def _form(live, who):
    with gr.Blocks():
        form = ModelSwitch(live, who)
        form.connect(gr.HTML(), gr.State(), gr.Dropdown(), gr.Slider(), OwnEta(live))
    return form


@pytest.mark.parametrize(
    ("request_", "local"),
    [
        (HERE, True),
        (_request("::1"), True),
        (ELSEWHERE, False),
        (_request(None), False),
        (_request("testclient"), False),
        # Through a proxy on this machine, everybody seems to sit here.
        (_request("127.0.0.1", **{"x-forwarded-for": "192.0.2.7"}), False),
        (_request("127.0.0.1", **{"x-forwarded-for": "127.0.0.1"}), False),
        (_request("127.0.0.1", forwarded="for=192.0.2.7"), False),
    ],
)
def test_who_may(live, request_, local):
    assert _form(live, "local").allowed(request_) is local
    assert _form(live, "local").shown(request_).visible is local
    assert _form(live, "all").allowed(request_) is True
    assert _form(live, "none").allowed(request_) is False


@pytest.mark.parametrize(("who", "request_"), [("local", ELSEWHERE), ("none", HERE)])
def test_the_handler_refuses_whoever_calls_it_past_the_form(live, monkeypatch, who, request_):
    monkeypatch.setattr(live, "switch", lambda name: pytest.fail("it was loaded"))
    form = _form(live, who)
    [update] = form.switch(Visit(), "pocket", "min_entropy", request_)
    assert 'role="alert"' in update[form.status]


def test_another_model_takes_over_with_its_own_threshold(live, checkpoint):
    form = _form(live, "local")
    told = []
    live.followers.append(told.append)
    loading, done = form.switch(Visit(), str(checkpoint), "probability_margin", HERE)
    assert "pocket answers" in loading[form.status]
    assert f"{checkpoint} answers from now on" in done[form.status]
    assert str(checkpoint) in done[form.about]
    assert done[form.eta].value == live.current().vlm.info.thresholds["probability_margin"]
    assert told == [live.current().vlm]
    # Untrained, it says nothing of its η.
    assert NOT_CALIBRATED in done[form.eta].info and done[form.own.button].visible

    *_, kept = form.switch(Visit(own_eta=True), "pocket", "min_entropy", HERE)
    assert not kept[form.own.button].visible  # pocket has one for every measure
    assert form.eta not in kept and "η stays where you put it" in kept[form.status]


def test_a_model_that_cant_be_had_is_one_sentence(live, monkeypatch):
    def refuse(name):
        raise VLMError("<b> can't be read.")

    monkeypatch.setattr(live, "switch", refuse)
    form = _form(live, "all")
    *_, last = form.switch(Visit(), "<b>", "min_entropy", ELSEWHERE)
    assert last[form.status].count('role="alert"') == 1
    assert "&lt;b&gt; can&#39;t be read. pocket goes on answering." in last[form.status]
