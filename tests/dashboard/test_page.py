"""The page as a whole: what it offers to programs, and what it refuses."""

import logging
import re
import socket
import time
from concurrent.futures import Future

import gradio as gr
import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from core.transcript import Transcript
from core.uncertainty import METRICS, Gate
from dashboard import theme
from dashboard.hosting.live import LiveModel
from dashboard.page import LAUNCH, build
from dashboard.samples import load_samples
from dashboard.walkthrough.events import AT_ONCE
from tests.support.paths import ROOT


def test_endpoints_are_named_and_the_model_serves_a_batch_at_a_time(page):
    config = page.get_config_file()
    public = [d for d in config["dependencies"] if d["api_visibility"] == "public"]
    assert {d["api_name"] for d in public} >= {"ask", "look_here", "model"}
    model_events = [fn for fn in page.fns.values() if fn.concurrency_id == "vlm"]
    assert len(model_events) == 12 and {fn.concurrency_limit for fn in model_events} == {AT_ONCE}


def test_controls_are_read_as_they_were_sent(page):
    """A range that moved while a click was under way would be Gradio's own error, in red."""
    ranged = (gr.Slider, gr.Dropdown, gr.Radio, gr.CheckboxGroup, gr.Number)
    fussy = [
        fn.name
        for fn in page.fns.values()
        if fn.fn is not None and fn.preprocess and any(isinstance(i, ranged) for i in fn.inputs)
    ]
    assert fussy == []


def test_the_first_sample_is_ready_to_be_asked_about(page, samples):
    first = load_samples(samples)[0]
    props = {c["props"].get("elem_id"): c["props"] for c in page.get_config_file()["components"]}
    assert props["question"]["value"] == first.question
    assert props["original"]["value"]["orig_name"] == first.path.name
    assert props["samples"]["value"] == 0
    assert props["eta"]["value"] == Gate().threshold


def test_launch_options_for_strangers():
    assert LAUNCH["max_file_size"] == 64_000_000 and LAUNCH["strict_cors"] is True
    assert LAUNCH["run_history"] is False and LAUNCH["enable_monitoring"] is False
    assert "allowed_paths" not in LAUNCH and "share" not in LAUNCH


def test_style_and_theme_need_no_other_host():
    css = theme.style()
    assert not re.search(r"@import|url\(|https?:", css)
    assert not theme.theme()._stylesheets
    for name, color in theme.MEANING.items():
        assert f"--{name}: {color};" in css


def test_the_page_is_served(url):
    response = httpx.get(url)
    assert response.status_code == 200 and "Second Look" in response.text


def test_a_program_asks(url, scene_file):
    client = Client(url, verbose=False)
    asked = {"image": handle_file(scene_file), "question": "What does the sign say?"}
    result = client.predict(
        **asked, metric="min_entropy", eta=0.0, quality=60, local_format="webp", api_name="/ask"
    )
    transcript = Transcript.from_dict(result)
    assert transcript.retransmitted and transcript.gate == Gate("min_entropy", 0.0)
    assert (transcript.global_image.format, transcript.local_image.format) == ("jpeg", "webp")
    told = client.predict(**asked, eta=0.0, cropper="saliency", looks=2, api_name="/ask")
    looked = Transcript.from_dict(told)
    assert looked.cropper == "saliency" and looked.gate.rounds == (0.0,)
    box = [10, 20, 110, 140]
    elsewhere = Transcript.from_dict(client.predict(**asked, box=box, api_name="/look_here"))
    assert elsewhere.box.as_tuple() == tuple(box)
    assert client.predict(api_name="/model")["thresholds"].keys() == METRICS.keys()


def test_without_eta_the_models_own_decides(url, scene_file):
    client = Client(url, verbose=False)
    asked = {"image": handle_file(scene_file), "question": "What does the sign say?"}
    own = client.predict(api_name="/model")["thresholds"]
    for metric in ("min_entropy", "probability_margin"):
        for more in ({"api_name": "/ask"}, {"api_name": "/look_here", "box": [10, 20, 110, 140]}):
            for eta in ({}, {"eta": None}):
                told = Transcript.from_dict(client.predict(**asked, metric=metric, **eta, **more))
                assert told.gate == Gate(metric, own[metric])
    with pytest.raises(AppError, match="one of min_entropy"):
        client.predict(**asked, metric="doubt", api_name="/ask")
    with pytest.raises(AppError, match="needs a number for η"):
        client.predict(**asked, eta="high", api_name="/ask")


def test_the_example_of_the_readme_runs(url, scene_file, capsys):
    readme = (ROOT / "README.md").read_text()
    (example,) = (b for b in re.findall(r"```python\n(.*?)```", readme, re.S) if "/ask" in b)
    code, changed = re.subn(r"http://127\.0\.0\.1:7860", url, example)
    code, samples = re.subn(r"assets/samples/\w+\.jpg", scene_file, code)
    assert (changed, samples) == (1, 1)
    scope = {}
    exec(code, scope)
    own = scope["client"].predict(api_name="/model")["thresholds"]["min_entropy"]
    assert scope["transcript"].gate == Gate("min_entropy", own)
    assert scope["transcript"].summary() in capsys.readouterr().out
    assert Transcript.from_dict(scope["elsewhere"]).box.as_tuple() == (20, 40, 220, 240)


def test_a_program_gets_one_sentence(url, scene_file, bad_files):
    client = Client(url, verbose=False)
    with pytest.raises(AppError, match="text file"):
        client.predict(image=handle_file(bad_files["text"]), question="What?", api_name="/ask")
    with pytest.raises(AppError, match="four whole numbers"):
        client.predict(
            image=handle_file(scene_file), question="What?", box=[1, 2], api_name="/look_here"
        )


def test_an_upload_that_is_given_up_leaves_no_traceback(url, caplog):
    address = httpx.URL(url)
    head = (
        f"POST {address.path}gradio_api/upload HTTP/1.1\r\nHost: {address.host}:{address.port}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 100000\r\n\r\n"
        '--x\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\n'
    )
    caplog.set_level("ERROR")
    errors = logging.getLogger("uvicorn.error")  # which hands nothing on
    errors.addHandler(caplog.handler)
    try:
        with socket.create_connection((address.host, address.port)) as line:
            line.sendall(head.encode() + bytes(1000))
            time.sleep(0.5)  # it has begun to read
        time.sleep(0.5)
        assert httpx.get(url).status_code == 200
    finally:
        errors.removeHandler(caplog.handler)
    assert not caplog.records, caplog.text


def test_files_of_the_machine_are_out_of_reach(url, page):
    ask = next(fn for fn in page.fns.values() if fn.api_name == "ask")
    upload = {"path": "/etc/hostname", "meta": {"_type": "gradio.FileData"}}
    data = [upload, "What?", "min_entropy", 0.5, "jpeg", 75, "jpeg", 75, False, "relative", 1]
    body = {"data": data, "fn_index": ask._id, "session_hash": "x"}
    # Past the queue, past the limit on concurrency: refused.
    assert httpx.post(f"{url}gradio_api/run/ask", json={"data": data}).status_code >= 400
    assert httpx.post(f"{url}gradio_api/queue/join", json=body).status_code == 200
    with httpx.stream("GET", f"{url}gradio_api/queue/data?session_hash=x", timeout=30) as events:
        text = "".join(events.iter_text())
    assert '"success":false' in text and "Traceback" not in text
    for path in ("/etc/hostname", str(ROOT / "pyproject.toml")):
        assert httpx.get(f"{url}gradio_api/file={path}").status_code in (403, 404)


def test_metrics_of_the_page_are_those_of_core(page):
    props = {c["props"].get("elem_id"): c["props"] for c in page.get_config_file()["components"]}
    assert [value for _, value in props["metric"]["choices"]] == list(METRICS)


def test_without_samples_there_is_still_a_page(vlm, tmp_path):
    model = Future()
    model.set_result(vlm)
    props = {
        c["props"].get("elem_id"): c["props"]
        for c in build(LiveModel("pocket", model), tmp_path).get_config_file()["components"]
    }
    assert props["original"].get("value") is None and props["question"]["value"] == ""
