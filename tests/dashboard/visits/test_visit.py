"""What a visit knows of the picture before the user, whatever event is late."""

from dashboard.visits.visit import Visit


def test_a_picture_that_is_asked_about_is_before_the_user():
    visit = Visit(metric="min_entropy")
    visit.take("mine.heic", "mine.png", own=True)
    visit.take(None)  # removed, and brought again: that event is still under way
    assert visit.ask("mine.png") == "mine.heic"
    assert not visit.has_left("mine.heic")  # so its answer stays
    assert (visit.original, visit.shown, visit.asked) == ("mine.heic", "mine.png", "mine.heic")
    assert visit.is_own("mine.heic")


def test_an_answer_about_a_picture_that_was_removed_goes():
    visit = Visit(metric="min_entropy")
    visit.take("mine.jpg", own=True)
    visit.ask("mine.jpg")
    visit.take(None)
    assert visit.has_left("mine.jpg")


def test_an_upload_under_way_or_no_picture_changes_nothing():
    visit = Visit(metric="min_entropy")
    visit.take("sample.jpg", question="What does it say?")
    assert visit.ask("upload.jpg") == "upload.jpg" and visit.original == "sample.jpg"
    assert visit.ask(None) is None and visit.original == "sample.jpg"
    assert not visit.has_left("upload.jpg")
