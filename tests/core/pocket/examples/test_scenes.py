import numpy as np

from core.pocket.examples.scenes import box_near, crowd_example, scene_example, shown_example
from core.signs.world.asking import NO_OBJECT, NO_SIGN, OWN_ANSWERS, UNREADABLE
from core.signs.world.streets import make_street_crowd


def test_a_scene_asks_behind_one_and_behind_two_images():
    example = scene_example(0, 0, 0.7)
    assert len(example.images) == 3
    assert {branch.local for branch in example.branches} == {None, 1, 2}
    assert {branch.question.family for branch in example.branches} >= {"generic", "text"}


def test_a_crowd_asks_for_each_sign_behind_one_image():
    example = crowd_example(0, 0)
    asked = [branch.question for branch in example.branches]
    signs = len(make_street_crowd(0, 0).signs)
    assert len(example.images) == 1 and {branch.local for branch in example.branches} == {None}
    assert sum(q.family == "text" and q.kind != "absent" for q in asked) == signs
    assert {question.family for question in asked} == {"text", "presence", "attributes"}


def test_crops_stay_inside_and_reach_their_target():
    rng = np.random.default_rng(0)
    for _ in range(50):
        box = box_near(rng, (1600, 900), (1500, 800, 1590, 890))
        assert 0 <= box.left < 1590 < 1500 + box.width and box.right <= 1600
        assert 0 <= box.top < 890 and 800 < box.bottom <= 900


def test_names_are_told_the_places_that_the_attention_peaks_at():
    for index in range(20):
        for branch in scene_example(index, 0, 0.7).branches:
            if len(branch.places) == 1 and branch.focus is not None:
                row, column = divmod(int(branch.focus.argmax()), 12)
                assert abs(row - branch.places[0][0]) <= 1 >= abs(column - branch.places[0][1])
            if branch.question.kind == "relation":
                assert branch.local is not None or len(branch.places) == 2


def test_what_is_not_there_and_what_cannot_be_read_is_said_behind_two_images():
    told = [b for i in range(40) for b in scene_example(i, 0, 0.7).branches if b.local is not None]
    answers = [branch.question.answer for branch in told]
    assert min(answers.count(answer) for answer in (NO_SIGN, NO_OBJECT, UNREADABLE)) > 5
    assert all(b.weight == 1 for b in told if b.question.answer in OWN_ANSWERS)


def test_a_picture_that_shows_one_thing_is_asked_about_what_people_ask_there():
    examples = [shown_example(index, 0, 0.7) for index in range(30)]
    asked = [branch for example in examples for branch in example.branches]
    kinds = {branch.question.kind for branch in asked}
    assert kinds >= {"says", "quoted", "has-color", "ink", "absent", "existence", "purpose"}
    behind_two = [branch.question for branch in asked if branch.local is not None]
    assert sum(question.answer == NO_SIGN for question in behind_two) > 10
    assert all(len(example.images) == 3 for example in examples)
