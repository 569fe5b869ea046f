from __future__ import annotations

import inspect
from argparse import ArgumentParser

import pytest

from core.vlm import load_vlm
from core.vlm.arguments import add_load_arguments, load_options


def parse(*words):
    parser = ArgumentParser()
    add_load_arguments(parser)
    return load_options(parser.parse_args(words))


def test_what_is_not_said_is_the_default_of_load_vlm():
    parameters = inspect.signature(load_vlm).parameters
    assert parse() == {name: parameters[name].default for name in parse()}


def test_what_is_said_arrives():
    words = "--device cuda:1 --dtype bf16 --bits 4 --attention eager --layer 3 --resolution 224"
    assert parse(*words.split()) == {
        "device": "cuda:1",
        "dtype": "bfloat16",
        "bits": 4,
        "attention": "eager",
        "attention_layer": 3,
        "resolution": 224,
    }


@pytest.mark.parametrize("words", ["--dtype int8", "--bits 3", "--attention flash", "--layer x"])
def test_nonsense_is_refused(words):
    with pytest.raises(SystemExit):
        parse(*words.split())
