import importlib.util

import pytest

from core.pocket import evaluate
from core.signs.world.trials import CONDITIONS
from core.support.bundled import CONTROLS, RUNS
from tools.release.__main__ import SHOWING, TUNE, choosing, measuring
from tools.release.steps import Step, StepFailed, carry_out, done


def says(text: str, path) -> tuple[str, ...]:
    """The arguments of `python` that add a text to a file."""
    return ("-c", f"open({str(path)!r}, 'a').write({text!r}); print({text!r})")


def test_a_step_follows_what_it_needs_and_is_taken_once(tmp_path):
    out = tmp_path / "out"
    steps = [Step("last", says("3", out), ("first", "second"))]
    steps += [Step("first", says("1", out)), Step("second", says("2", out), ("first",))]
    for _ in range(2):
        carry_out(steps, tmp_path)
        assert out.read_text() == "123"
    assert (tmp_path / "last.log").read_text() == "3\n"


def test_two_steps_run_at_once_and_no_more(tmp_path):
    waits = "import pathlib, sys, time; here = pathlib.Path(sys.argv[1]); name = sys.argv[2]\n"
    waits += "(here / f'{name}.on').touch(); seen = len(list(here.glob('*.on'))); time.sleep(0.4)\n"
    waits += "seen = max(seen, len(list(here.glob('*.on')))); (here / f'{name}.on').unlink()\n"
    waits += "print(seen)"
    carry_out([Step(n, ("-c", waits, str(tmp_path), n)) for n in "abcd"], tmp_path)
    seen = [int((tmp_path / f"{n}.log").read_text()) for n in "abcd"]
    assert max(seen) == 2


def test_a_step_that_fails_ends_it_and_what_was_done_stays_done(tmp_path):
    out = tmp_path / "out"
    steps = [Step("good", says("1", out)), Step("bad", ("-c", "raise SystemExit('no')"))]
    steps.append(Step("never", says("2", out), ("good",)))
    with pytest.raises(StepFailed, match=r"bad \(see bad.log\)"):
        carry_out(steps, tmp_path, at_once=1)
    assert done("good", tmp_path).exists() and not done("bad", tmp_path).exists()
    assert (tmp_path / "bad.log").read_text() == "no\n" and out.read_text() == "1"


def test_steps_that_wait_for_each_other_are_said(tmp_path):
    with pytest.raises(ValueError, match=r"\['a', 'b'\]"):
        carry_out([Step("a", (), ("b",)), Step("b", (), ("a",))], tmp_path)


def test_the_release_makes_what_is_shipped(tmp_path):
    steps = measuring(tmp_path)
    names = [step.name for step in steps]
    assert len(set(names)) == len(names) and {n for s in steps for n in s.after} <= set(names)
    assert {f"condition-{name}" for name in CONDITIONS} <= set(names)
    shipped = {path.stem for path in RUNS.glob("*.parquet")}
    assert {n.removeprefix("controls-") for n in names if n.startswith("controls-")} == shipped
    pairs = {f"{run}-{cropper}" for run in shipped for cropper in ("blank", "random")}
    assert {path.stem for path in (RUNS / CONTROLS).glob("*.parquet")} == pairs


def test_every_step_is_a_command_that_there_is(tmp_path):
    for step in (TUNE, *choosing(tmp_path), *measuring(tmp_path), *SHOWING):
        flag, module, *arguments = step.arguments
        assert flag == "-m" and importlib.util.find_spec(module)
        if module == "core.pocket.evaluate":
            evaluate._parser().parse_args(arguments)
