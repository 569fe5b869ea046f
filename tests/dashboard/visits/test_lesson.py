"""A lesson: what is shown, and what the class votes on."""

from hypothesis import given
from hypothesis import strategies as st

from core.server.phone.rooms import Rooms
from dashboard.visits.lesson import NEXT, QUESTIONS, Lesson, Step


def test_one_thing_after_the_other():
    lesson, shown = Lesson(Rooms().new()), []
    while lesson.following is not None:
        assert lesson.following in NEXT
        lesson.reach(lesson.following)
        shown.append((lesson.shown.split()[-1], tuple(lesson.room.open)))
    assert shown == [
        ("picture", ("read",)),
        ("answer", ("right", "again")),
        ("gauge", ()),
        ("box", ()),
        ("second", ()),
    ]


@given(st.lists(st.sampled_from(["next", "anew", "picture"]), max_size=30))
def test_in_any_order_a_vote_closes_before_what_it_is_about_is_shown(clicks):
    lesson = Lesson(Rooms().new())
    for click in clicks:
        if click == "next" and lesson.following:
            lesson.reach(lesson.following)
        elif click == "picture":
            lesson.reach(Step.PICTURE)
        elif click == "anew":
            lesson.anew()
            assert lesson.shown == "" and not lesson.room.open
        if lesson.step >= Step.GAUGE:
            assert not lesson.room.open  # the gauge tells whether it asks again
        for name in lesson.room.open:
            assert QUESTIONS[name][1] == lesson.step
