from dataclasses import dataclass

import pytest

from tools import reference


@dataclass
class Documented:
    """With fields."""

    # What is said above,
    # in two lines.
    above: int
    behind: str = "# é"  # behind it
    both: int = 0
    none: int = 1


def test_comments_of_fields():
    assert reference.comments(Documented) == {
        "above": "What is said above, in two lines.",
        "behind": "behind it",
    }
    assert reference.comments(int) == {}


@pytest.fixture(scope="module")
def modules():
    return reference.documented()


@pytest.mark.parametrize(
    ("module", "name", "words"),
    [
        ("core.bench", "Run.first_score", "0..1"),
        ("core.bench", "Run.offsets", "(N + 1,)"),
        ("core", "Result.uncertainty", "of the first answer"),
        ("core.bench", "Metadata.code", "One, or several"),
    ],
)
def test_fields_are_explained(modules, module, name, words):
    assert words in modules[module].get(name).docstring


def test_every_module_says_what_it_is(modules):
    assert all(module.docstring for module in modules.values())
