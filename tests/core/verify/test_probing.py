"""The probe of an engine finds each fault that it looks for, and none in a good one."""

import json

import pytest

from core.verify.probing import IMAGES, probe
from core.vlm.__main__ import main
from core.vlm.engine import endpoint
from core.vlm.engine.address import Address
from tests.support.engine import engine


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(endpoint, "PAUSE", 0.0)


def probed(query="", **faults):
    with engine(**faults) as (url, fake):
        return probe(Address.read(f"openai:{url}{query}#fake"), side=32), fake


def test_a_good_engine_passes_and_one_page_says_what_it_is_like():
    report, fake = probed()
    assert report.passed and report.verdict == "passed"
    page = str(report)
    for told in (
        "It takes two images in one prompt.",
        "Log-probabilities are raw: the same at any temperature.",
        "It tells the 12 likeliest tokens of each position",
        "The chat template writes the token that begins a text.",
        "The end token is among an answer's tokens.",
        f"One text over {IMAGES} images in three orders: each keeps its own answer; 0 changed",
        "With asked again, a log-probability moves by 0 nats",
        "it found 8 of",
    ):
        assert told in page, told
    assert len(page.split("\n")) < 40
    assert json.loads(json.dumps(report.to_json(), allow_nan=False))["passed"]
    assert len(fake.log) < 130


@pytest.mark.parametrize(
    ("faults", "told"),
    [
        ({"after_temperature": True}, "are after temperature"),
        ({"mixes": 7}, "came what another image had been answered"),
        ({"mixes": 1}, "All 20 images get the same answer"),
        ({"drift": 0.02}, "An η can't be trusted to that"),
        ({"images": 1}, "doesn't take two images in one prompt"),
        ({"bos": False}, "add ?add_special_tokens=true to the address"),
        ({"logprobs": False}, "tells no log-probabilities"),
        ({"model": "other"}, "has no model 'fake'; it has other"),
    ],
)
def test_each_fault_is_found(faults, told):
    report, _ = probed(**faults)
    assert not report.passed
    assert any(told in sentence for sentence in report.faults), report.faults


def test_a_token_that_was_drawn_from_far_down_is_no_fault():
    report, _ = probed(most=5)
    assert report.passed and "are raw" in str(report)
    report, _ = probed(most=5, after_temperature=True)
    assert len(report.faults) == 1


def test_a_token_that_is_part_of_a_character_is_no_fault():
    """llama.cpp tells of a character once it is whole: nothing of an answer that ends before."""
    report, _ = probed(halves=True, tokenize=False)
    assert report.passed and "are raw" in str(report) and "it found 8 of" in str(report)


def test_a_fault_is_found_alone():
    report, _ = probed(after_temperature=True)
    assert len(report.faults) == 1
    report, _ = probed(bos=False)
    assert len(report.faults) == 1


def test_what_is_no_fault_is_said():
    report, _ = probed(end_token=False, cached_tokens=False, most=0)
    page = str(report)
    assert "The end token is not among" in page and "doesn't say how many tokens" in page
    assert "the chosen token only: min-entropy is exact" in page
    assert "can't be told: there is one a token." in page


def test_a_text_that_begins_as_it_was_asked_to_passes():
    report, _ = probed(query="?add_special_tokens=true", bos=False)
    assert report.passed and "so it is asked for" in str(report)


def test_of_an_engine_that_tells_no_tokens_the_beginning_is_a_guess():
    report, _ = probed(tokenize=False, bos=False)
    assert report.guesses and "one token longer" in report.guesses[0]


def test_the_command_prints_the_page_and_writes_the_figures(tmp_path, capsys):
    file = tmp_path / "probe.json"
    with engine(bos=False) as (url, _):
        assert main(["probe", f"{url}#fake", "--side", "32", "--json", str(file)]) == 1
        said = capsys.readouterr()
        assert "FAULT: The chat template doesn't write" in said.out and "Images" in said.err
        assert json.loads(file.read_text())["faults"]
        assert main(["probe", f"{url}#fake", "--side", "5"]) == 1
        assert main(["probe", f"{url}#fake", "--json", str(tmp_path / "no" / "x.json")]) == 1
    assert main(["probe", "http://127.0.0.1:9/v1#m"]) == 1
    assert "can't be reached" in capsys.readouterr().out
    assert main(["probe", "nonsense"]) == 1
    assert "isn't the address of an engine" in capsys.readouterr().err
