"""`python app.py --certificate`: the page begins at its η, and another model ends it."""

from argparse import ArgumentParser, Namespace
from concurrent.futures import Future

import pytest

from core.certificate import Certificate, Promise, Setting
from core.vlm.loading.arguments import add_load_arguments
from dashboard import __main__ as command


@pytest.fixture
def certificate(vlm):
    return Certificate(
        metric="min_entropy", threshold=0.123, first_tokens=None,
        promises=(Promise(what="lost", at_most=0.02, measured=0, bound=0.01, largest=1),),
        confidence=0.9, metrics=("min_entropy",), questions=200, images=200, asked=90,
        dataset="signs", split="validation", data="sha256:1", date="2026-01-01",
        setting=Setting.of_model(vlm),
    )  # fmt: skip


@pytest.fixture
def args(monkeypatch, vlm):
    info = vlm.info
    monkeypatch.setattr(command, "load_vlm", lambda name, **_: vlm)
    parser = ArgumentParser()
    add_load_arguments(parser)
    yield Namespace(model="tiny", **vars(parser.parse_args([])))
    vlm.info = info


def test_the_page_begins_at_the_eta_of_the_certificate(args, certificate):
    model = Future()
    command.load(model, args, certificate)
    assert model.result().info.thresholds["min_entropy"] == 0.123


def test_another_model_ends_with_a_sentence(args, certificate):
    other = certificate.setting.model_copy(update={"prompt": "Say: {question}"})
    model = Future()
    with pytest.raises(SystemExit, match=r"holds for the prompt 'Say: .* set η anew"):
        command.load(model, args, certificate.model_copy(update={"setting": other}))
    assert not model.done()


def test_a_file_that_is_no_certificate_is_one_sentence(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("sys.argv", ["app.py", "--certificate", str(tmp_path / "none.json")])
    with pytest.raises(SystemExit):
        command.main()
    assert "There is no file 'none.json'" in capsys.readouterr().err
