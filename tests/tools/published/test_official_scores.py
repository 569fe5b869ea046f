import numpy as np
import pytest

from tools.published.official_scores import MAKERS, Rule, compare, taken


def test_functions_are_taken_out_of_a_file_and_nothing_else_is_run(tmp_path):
    path = tmp_path / "utils.py"
    path.write_text(
        "import re\nimport not_installed\nfrom vlmeval.smp import *\nraise SystemExit\n"
        "LIMIT = 2\n@not_installed.register\ndef read(s):\n    return re.findall('x', s)[:LIMIT]\n"
    )
    assert taken(path, "read", "LIMIT")["read"]("xxx") == ["x", "x"]
    with pytest.raises(SystemExit, match="utils.py has no write"):
        taken(path, "write")


@pytest.mark.parametrize("kind", MAKERS)
def test_made_up_answers_are_the_same_for_a_seed(kind):
    first, again = ([MAKERS[kind](np.random.default_rng(3)) for _ in range(2)] for _ in range(2))
    assert first == again


def test_differences_are_counted_unless_they_are_explained():
    def theirs(answer, truth):
        return 1.0

    worth, odd, explained = compare(Rule("x", "relaxed", "numbers", theirs), 50, 0)
    assert (worth, explained) == (50, {})
    assert 0 < len(odd) < 50 and "0 here, 1 there" in odd[0]
    rule = Rule("x", "relaxed", "numbers", theirs, lambda answer, truth: "theirs is generous")
    assert compare(rule, 50, 0) == (50, [], {"theirs is generous": len(odd)})
