from __future__ import annotations

import inspect
import runpy
import sys
from argparse import ArgumentParser

import pytest

from core.vlm import load_vlm
from core.vlm.loading.arguments import add_load_arguments, load_options, load_words
from tests.support.paths import ROOT


def parse(*words):
    parser = ArgumentParser()
    add_load_arguments(parser)
    return load_options(parser.parse_args(words))


WORDS = (
    "--device cuda:1 --dtype bf16 --bits 4 --attention eager --layer 3 --fit pad --resolution 224"
)


def test_what_is_not_said_is_the_default_of_load_vlm():
    parameters = inspect.signature(load_vlm).parameters
    assert parse() == {name: parameters[name].default for name in parse()}


def test_what_is_said_arrives():
    own = "--instruction", "Answer in French.", "--settings", "mine.json", "--look", "ask"
    assert parse(*WORDS.split(), *own) == {
        "device": "cuda:1",
        "dtype": "bfloat16",
        "bits": 4,
        "attention": "eager",
        "attention_layer": 3,
        "fit": "pad",
        "resolution": 224,
        "instruction": "Answer in French.",
        "settings": "mine.json",
        "look": "ask",
    }


@pytest.mark.parametrize(
    "words", ["--dtype int8", "--bits 3", "--attention flash", "--layer x", "--fit x"]
)
def test_nonsense_is_refused(words):
    with pytest.raises(SystemExit):
        parse(*words.split())


def test_the_words_of_options_say_them_again():
    assert load_words(parse(*WORDS.split())) == WORDS.split()
    assert load_words(parse()) == load_words({}) == []
    assert load_words(parse("--layer", "0")) == ["--layer", "0"]
    for instruction in ("off", "Answer in French."):
        said = ["--instruction", instruction]
        assert load_words(parse(*said)) == said
    assert parse("--instruction", "off")["instruction"] == ""


def test_a_number_format_may_be_called_as_torch_calls_it():
    assert parse("--dtype", "bfloat16") == parse("--dtype", "bf16")


COMMANDS = (
    "app.py", "core.bench run --out x", "core.pocket.evaluate", "core.pocket.samples --out x",
    "core.pocket.tune", "core.server", "tools.two_processes", "tools.load", "tools.timing.vlm",
)  # fmt: skip


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")  # of runpy
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_that_loads_a_model_takes_them_all(command, monkeypatch, capsys):
    """Each is refused the last word only: of no flag before it that command knows nothing."""
    name, *words = command.split()
    monkeypatch.setattr(sys, "argv", [name, *words, *WORDS.split(), "--no-such-flag"])
    with pytest.raises(SystemExit) as ended:
        if name == "app.py":
            runpy.run_path(str(ROOT / name), run_name="__main__")
        else:
            runpy.run_module(name, run_name="__main__", alter_sys=True)
    assert ended.value.code == 2
    assert "unrecognized arguments: --no-such-flag" in capsys.readouterr().err
