from tests.support.transcripts import BOTH


def test_an_image_opens_as_it_was_sent():
    image = BOTH.local_image.open()
    assert image.size == (20, 20)
    assert image.getpixel((3, 3)) == (0, 0, 255)
