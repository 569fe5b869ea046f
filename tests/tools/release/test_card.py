"""The card's figures are those of the shipped run files."""

import re

import pytest

from core.pocket.evaluate import CONDITION_HEAD
from core.signs.world.trials import CONDITIONS
from core.support.bundled import POCKET, RUNS
from tests.support.paths import ROOT
from tools.release.card import block, closed_world, with_figures

CARD = (POCKET / "README.md").read_text()


def test_the_shipped_runs_say_what_the_card_says():
    (times,) = re.findall(r"both stages +(\d+ / \d+) ", block(CARD, "text"))
    for name, figures in closed_world(RUNS, times).items():
        assert block(CARD, name) == figures


def test_the_readme_says_what_the_card_says():
    readme = " ".join((ROOT / "README.md").read_text().split())
    text = " ".join(block(CARD, "text").split())
    share = r"[\d.]+ % \[[\d., ]+\]"
    for there, here in (
        (rf"from the global image only ({share})", rf"({share}) of the signs from the global"),
        (rf"from both images \(own box\) ({share})", rf"({share}) from both images"),
        (r"both stages (\d+) / (\d+)", r"Stage 1 takes (\d+) ms and both stages (\d+) ms"),
    ):
        assert re.findall(here, readme) == re.findall(there, text) != []


def test_the_table_by_condition_has_lines_of_known_conditions():
    head, rule, *lines = block(CARD, "conditions").splitlines()
    assert f"{head}\n{rule}" == CONDITION_HEAD
    labels = [line.split(" | ")[0].removeprefix("| ") for line in lines]
    known = [condition.label for condition in CONDITIONS.values()]
    assert labels == [label for label in known if label in labels] and len(labels) > 30


def test_only_what_stands_in_a_block_is_changed():
    card = "a\n<!-- figures: one -->\n1\n<!-- end -->\nb\n<!-- figures: two -->\n1\n<!-- end -->\n"
    after = with_figures(card, {"two": "2\n3"})
    assert after == card.replace("two -->\n1", "two -->\n2\n3")
    with pytest.raises(ValueError, match="'three'"):
        with_figures(card, {"three": ""})
