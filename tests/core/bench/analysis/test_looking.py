"""Croppers side by side: what is grouped, counted and said."""

from dataclasses import replace

import numpy as np
import pytest

from core.bench.analysis.looking import (
    beside,
    common,
    groups,
    looking,
    others,
    seeing,
    together,
)
from core.bench.report import sections
from core.bench.runs.files import load_run
from core.support.bundled import CONTROLS, RUNS
from tools.doubles.synthetic import synthetic_run


def run_by(cropper, shift=0.0, samples=400):
    """The same questions looked at by another cropper, better or worse by `shift`."""
    run = synthetic_run(samples, seed=1)
    score = np.clip(run.second_score + shift, 0, 1)
    return replace(run, second_score=score, metadata=replace(run.metadata, cropper=cropper))


@pytest.fixture(scope="module")
def runs():
    return {
        "b": run_by("blank", -0.4), "r": run_by("relative"), "a": run_by("attention", -0.2),
        "g": run_by("gradient", 0.2), "own": run_by("of my own"),
    }  # fmt: skip


def test_runs_that_differ_in_their_cropper_only_are_one_group(runs):
    other = synthetic_run(400, seed=2)
    (group,) = groups(runs | {"other": other})
    assert list(group) == ["relative", "attention", "gradient", "blank", "of my own"]
    assert groups({"r": runs["r"]}) == []
    low = replace(runs["b"], metadata=replace(runs["b"].metadata, quality=5))
    assert groups({"r": runs["r"], "low": low}) == []


def test_controls_of_some_questions_lie_beside_the_run_of_all(runs):
    few = {name: runs[name].select(np.arange(40)) for name in ("b", "a")}
    (group,) = groups({"few": few["b"], "r": runs["r"]})
    assert list(group) == ["relative", "blank"]
    (said,) = seeing(group)
    assert "over 40 questions" in said.text
    # They cut nobody short: curves and tables are of the questions that the others were asked.
    whole = beside(runs["r"], [few["b"], runs["a"], runs["g"]])
    assert {name: len(run) for name, run in together(whole).items()} == dict.fromkeys(
        ("relative", "attention", "gradient"), 400
    )
    part = together({"relative": runs["r"], "attention": runs["a"].select(np.arange(100, 399))})
    assert [list(run.id) for run in part.values()] == [list(runs["r"].id[100:399])] * 2
    # Of a cropper, the run that shares the most; none that shares nothing.
    assert beside(runs["r"], [few["a"], runs["a"]])["attention"] is runs["a"]
    others = replace(few["b"], id=np.array([f"z{i}" for i in range(40)], object))
    assert list(beside(runs["r"], [others])) == ["relative"]


def test_a_run_from_before_that_says_no_options_has_its_controls(runs):
    said = {"load": {"dtype": "float32"}}
    blank = replace(runs["b"], metadata=replace(runs["b"].metadata, **said))
    old = replace(runs["r"], metadata=replace(runs["r"].metadata, load={}))
    assert list(beside(old, [blank])) == ["relative", "blank"]
    other = replace(runs["r"], metadata=replace(runs["r"].metadata, load={"dtype": "bfloat16"}))
    assert list(beside(other, [blank])) == ["relative"]


def test_the_figures_of_a_cropper_are_those_of_its_run(runs):
    run = runs["r"]
    found = looking(run)
    assert found.accuracy == pytest.approx(run.second_score.mean())
    assert found.gain == pytest.approx(run.gain.mean())
    assert found.side == pytest.approx(336) and found.hits == pytest.approx(run.box_hit.mean())
    assert np.isnan(found.contrast) and found.fallbacks == 0
    assert found.rounds == 1 and found.round_trips == 2  # the question, and one local image
    assert found.bytes == (run.first_message_bytes + run.second_message_bytes).mean()
    asked = replace(
        run, box_fallback=np.where(np.arange(400) < 7, "None named.", "").astype(object)
    )
    assert looking(asked).fallbacks == 7


def test_seeing_is_what_a_blank_crop_lacks(runs):
    (group,) = groups(runs)
    (blank,) = seeing(group)
    own, bare = runs["r"].gain.mean(), runs["b"].gain.mean()
    assert f"Of the {100 * own:+.1f} points" in blank.text
    assert f"gains {100 * bare:+.1f}: seeing there is worth {100 * (own - bare):+.1f}" in (
        blank.text)  # fmt: skip
    assert seeing({"blank": runs["b"], "attention": runs["a"]}) == []


def test_what_is_better_beyond_doubt_is_said_and_controls_are_not(runs):
    (group,) = groups(runs)
    (found,) = others(group)
    better, worse = found.text.split("worse")
    assert "Gradient-weighted attention +" in better and "Attention -" in worse
    assert "Blank" not in found.text and "of my own" not in found.text


def test_only_questions_that_both_answered_are_compared(runs):
    part = runs["a"].select(np.arange(399, 200, -1))
    one, other = common(runs["r"], part)
    assert (one.id == other.id).all() and len(one) == 199


def test_the_report_lays_them_side_by_side_and_keeps_its_other_figures(runs):
    before = {part.title: len(part.figures) for part in sections({"r": runs["r"]})}
    parts = {part.title: part for part in sections(runs)}
    section = parts["Where to look: croppers"]
    text = "".join(section.blocks)
    assert len(section.figures) == 2 and "Blank crop" in text and "seeing there is worth" in text
    for title, part in parts.items():
        if title not in ("Runs", section.title):
            assert len(part.figures) == before[title], title


def test_without_croppers_the_report_says_what_it_would_take(runs):
    parts = {part.title: part for part in sections({"r": runs["r"]})}
    assert "core.bench croppers" in parts["Where to look: croppers"].blocks[0]


def test_of_every_shipped_run_controls_say_how_much_of_its_gain_is_seeing():
    for path in sorted(RUNS.glob("*.parquet")):
        own = load_run(path)
        controls = [load_run(one) for one in (RUNS / CONTROLS).glob(f"{path.stem}-*.parquet")]
        group = beside(own, controls)
        assert {"blank", "random"} < group.keys(), path.stem
        for control in ("blank", "random"):
            gained = common(own, group[control])[0].gain.mean()
            without = group[control].gain.mean()
            # Answers about all of the picture break by a crop that shows nothing of what is asked.
            least = -0.06 if "attributes" in path.stem else -0.03
            assert len(group[control]) == 200 and least < without < min(0.08, gained), path.stem
            assert gained > 0.5 or "text" not in path.stem
