import io

import numpy as np
import pytest

from core.imaging import Codec, ImageError
from core.imaging.partial import encode_in_rows, put_together, upto
from tests.support.pixels import picture

JPEG = Codec("jpeg", 75)


def pixels(data):
    return np.asarray(JPEG.decode(data)).astype(int)


@pytest.fixture(scope="module")
def image():
    return picture().resize((96, 80))


def test_all_rows_are_the_image_as_the_codec_has_it(image):
    parts = encode_in_rows(image)
    assert len(parts.rows) == 5
    data = put_together(parts.head, parts.rows)
    assert (pixels(data) == pixels(JPEG.encode(image))).all()
    assert len(data) < len(JPEG.encode(image)) * 1.1 + 50


@pytest.mark.parametrize("lost", [{0}, {2}, {4}, {1, 3}, {0, 1, 2, 3, 4}])
def test_a_lost_row_is_grey_but_for_its_first_block_and_harms_no_other(image, lost):
    parts = encode_in_rows(image)
    rows = [None if i in lost else row for i, row in enumerate(parts.rows)]
    whole, damaged = (pixels(put_together(parts.head, r)) for r in (parts.rows, rows))
    for index in range(5):
        # Colours are stored at half the size, so that a neighbour shines through at the border.
        inside = slice(16 * index + 2, 16 * index + 14)
        if index in lost:
            assert np.abs(damaged[inside, 18:] - 128).max() <= 2
        else:
            assert (damaged[inside] == whole[inside]).all()


def test_more_rows_than_there_are_markers(image):
    tall = image.resize((32, 16 * 21))
    parts = encode_in_rows(tall)
    rows = [None if 4 <= i < 16 else row for i, row in enumerate(parts.rows)]
    whole, damaged = (pixels(put_together(parts.head, r)) for r in (parts.rows, rows))
    assert (damaged[16 * 17 :] == whole[16 * 17 :]).all() and (damaged[:48] == whole[:48]).all()


def test_a_progressive_file_is_coarser_the_less_of_it_arrived(image):
    file = io.BytesIO()
    image.save(file, "JPEG", quality=75, progressive=True)
    data = file.getvalue()
    whole = pixels(data)
    begin = data.index(b"\xff\xda") + 30
    errors = [
        np.abs(pixels(upto(data[: begin + share * (len(data) - begin) // 4])) - whole).mean()
        for share in (1, 2, 3, 4)
    ]
    assert errors == sorted(errors, reverse=True) and errors[-1] == 0 and errors[0] < 40


def test_every_beginning_is_an_image_or_a_sentence(image):
    file = io.BytesIO()
    image.save(file, "JPEG", quality=75, progressive=True)
    data = file.getvalue()
    for end in range(0, len(data), 7):
        try:
            assert pixels(upto(data[:end])).shape == (80, 96, 3)
        except ImageError as error:
            assert "too little has arrived" in str(error) and end < 300
    for junk in (b"", b"\xff\xd8", b"no image at all"):
        with pytest.raises(ImageError, match="too little"):
            upto(junk)
