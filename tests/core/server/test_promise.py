"""A server with a certificate: its gate, what it refuses, and that it notices another world."""

import logging
import re
from concurrent.futures import Future

import pytest
from fastapi.testclient import TestClient

from core.certificate import Setting
from core.edge.device import Edge
from core.imaging import Codec
from core.server import __main__ as command
from core.server.app import create_app
from core.server.limits import Limits
from tests.core.test_certificate import made
from tests.support.pixels import SIDE, PixelVLM, picture
from tests.support.serving import COMPACT

SETTING = Setting.of_model(PixelVLM()).model_copy(update={"codec": "jpeg", "quality": 75})
# Its words are a hash of what it sees, so nobody would ask for as few as the certificate expects.
CERTIFICATE = made(threshold="-Infinity", asked=50, setting=SETTING)


def served(certificate=CERTIFICATE, vlm=None):
    return TestClient(create_app(vlm or PixelVLM(), None, Limits(rate=0), (), certificate))


def ask(client, codec="jpeg"):
    edge = Edge(picture(), Codec(codec))
    message = edge.question("What is bright?", edge.resize((SIDE, SIDE)))
    return client.post("/v1/questions", content=message.to_bytes(), headers=COMPACT)


def metric(client, name):
    found = re.search(rf"^second_look_{re.escape(name)} (\S+)$", client.get("/metrics").text, re.M)
    return float(found[1])


def test_the_gate_is_that_of_the_certificate_and_edges_are_told():
    info = served().get("/v1/info").json()
    assert info["gate"]["threshold"] == "-Infinity"
    assert info["image_formats"] == ["jpeg"]
    assert info["promise"] == "With confidence 0.9, at most 2 % are lost."
    plain = TestClient(create_app(PixelVLM())).get("/v1/info").json()
    assert plain["promise"] is None and len(plain["image_formats"]) > 1


def test_another_model_is_refused_even_if_it_comes_later():
    other = CERTIFICATE.model_copy(
        update={"setting": SETTING.model_copy(update={"revision": "r2"})}
    )  # fmt: skip
    problem = served(other).get("/v1/info")
    assert (problem.status_code, problem.json()["code"]) == (503, "uncertified")
    assert "revision 'r2', and this is 'r1'" in problem.json()["detail"]
    client = served()
    assert ask(client).status_code == 200
    vlm = PixelVLM()
    vlm.prompt_text = lambda question, n_images: f"Please: {question}"
    client.app.state.service.serve(vlm)
    refused = ask(client)
    assert refused.status_code == 503 and "the prompt" in refused.json()["detail"]


def test_images_in_another_codec_are_refused():
    refused = ask(served(), "webp")
    assert (refused.status_code, refused.json()["code"]) == (422, "uncertified")
    assert "holds for images in jpeg, not webp" in refused.json()["detail"]
    unknown = CERTIFICATE.model_copy(
        update={"setting": SETTING.model_copy(update={"codec": None})}
    )  # fmt: skip
    assert ask(served(unknown), "webp").status_code == 200


def test_what_is_asked_is_counted_and_another_world_noticed(caplog):
    client = served()
    with caplog.at_level(logging.INFO, logger="core.server"):
        for _ in range(49):
            ask(client)
        assert metric(client, "promise_shifted") == 0
        ask(client)
    assert metric(client, 'questions_total{asked="yes"}') == 50
    assert metric(client, "asked_share") == 1
    assert metric(client, "asked_share_expected") == 0.1
    assert metric(client, "promise_shifted") == 1
    warnings = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert sum("50 of the last 50 questions were asked again" in said for said in warnings) == 1


def test_questions_are_counted_without_a_certificate_too():
    client = TestClient(create_app(PixelVLM(), CERTIFICATE.gate, Limits(rate=0)))
    ask(client)
    assert metric(client, 'questions_total{asked="yes"}') == 1
    assert "promise_shifted" not in client.get("/metrics").text


@pytest.fixture
def options(monkeypatch, tmp_path):
    """What the command makes of words: the certificate, and uvicorn's options."""
    found = {}

    class Never(Exception):
        pass

    def app(model, gate, limits, tokens, certificate, *more, **named):
        assert isinstance(model, Future)
        found.update(gate=gate, certificate=certificate)
        return create_app(model, gate, limits, tokens, certificate, *more, **named)

    def server(app, limits, leaving, **given):
        found.update(given)
        raise Never

    monkeypatch.setattr(command, "create_app", app)
    monkeypatch.setattr(command, "make_server", server)

    def read(*words):
        monkeypatch.setattr("sys.argv", ["server", *words])
        with pytest.raises(Never):
            command.main()
        return found

    return read


def test_the_command_takes_a_certificate(options, tmp_path):
    CERTIFICATE.write(tmp_path / "c.json")
    found = options("--certificate", str(tmp_path / "c.json"))
    assert found["certificate"] == CERTIFICATE
    assert found["ssl_certfile"] is None


@pytest.mark.parametrize("flags", [("--certificate", "--key"), ("--tls-certificate", "--tls-key")])
def test_the_certificate_of_tls_has_two_spellings(options, tmp_path, flags):
    path = tmp_path / "tls.pem"
    path.write_text("-----BEGIN CERTIFICATE-----\n")
    found = options(flags[0], str(path), flags[1], "key.pem")
    assert (found["ssl_certfile"], found["ssl_keyfile"]) == (str(path), "key.pem")
    assert found["certificate"] is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--certificate", "nothing.json"), "There is no file 'nothing.json'"),
        (("--certificate", "{c}", "--eta", "1"), "leave out --eta"),
    ],
)
def test_what_can_be_no_certificate_is_one_sentence(monkeypatch, tmp_path, capsys, words, said):
    CERTIFICATE.write(tmp_path / "c.json")
    words = [word.format(c=tmp_path / "c.json") for word in words]
    monkeypatch.setattr("sys.argv", ["server", *words])
    with pytest.raises(SystemExit):
        command.main()
    assert said in capsys.readouterr().err


def test_the_command_ends_with_a_sentence_if_the_model_is_another(monkeypatch, tmp_path):
    CERTIFICATE.model_copy(
        update={"setting": SETTING.model_copy(update={"revision": "r2"})}
    ).write(tmp_path / "c.json")  # fmt: skip
    monkeypatch.setattr("core.vlm.load_vlm", lambda name, **_: PixelVLM())
    words = ["server", "--port", "0", "--certificate", str(tmp_path / "c.json")]
    monkeypatch.setattr("sys.argv", words)
    with pytest.raises(SystemExit, match="revision 'r2', and this is 'r1': set η anew"):
        command.main()
