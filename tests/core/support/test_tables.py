"""Tables as spreadsheets write them, and names as other systems spell them."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.support.tables import TableError, decode, find_file, rows

ROWS = [{"image": "a.png", "question": "Red, or blue?"}, {"image": "b.png", "question": "é"}]


@pytest.mark.parametrize(
    "text",
    [
        'image,question\na.png,"Red, or blue?"\nb.png,é\n',
        'image, question\r\na.png, "Red, or blue?"\r\n\r\nb.png,é',
        "image;question\na.png;Red, or blue?\nb.png;é\n",
        "Image\tQUESTION\na.png\tRed, or blue?\nb.png\té\n",
        'sep=;\n"image";"question"\na.png;Red, or blue?\nb.png;é\n',
        "sep=|\r\nimage|question\r\na.png|Red, or blue?\r\nb.png|é\r\n",
        ";;\nimage;question;\na.png;Red, or blue?;\n;;\nb.png;é;\n",
        '\n\n"image";"question"\na.png;"Red, or blue?"\nb.png;é\n',
    ],
)
def test_every_spelling_of_a_table_gives_the_same_rows(text):
    assert [row for _, row in rows(text)] == ROWS


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_is_utf_8_or_says_what_it_is(encoding):
    assert decode("image,é\n".encode(encoding)) == "image,é\n"


@pytest.mark.parametrize(
    ("data", "place"),
    [("image,é".encode("cp1252"), 6), ("image".encode("utf-16-le"), 1), (b"PK\x03\x04\0\0", 4),
     ("image".encode("utf-32"), 0), (b"\xff\xfei", 2)],
)  # fmt: skip
def test_other_encodings_are_not_guessed(data, place):
    with pytest.raises(TableError, match=f'other bytes at {place} .*"CSV UTF-8"'):
        decode(data)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("image,question,Image\na,b,c\n", "line 1: the column 'image' stands twice"),
        ("sep=;\nid;id\n", "line 2: the column 'id' stands twice"),
        ("image,question\na.png,Red, or blue?\n",
         "line 2: expected 2 columns (image, question), found 3; a cell that holds ',' needs"),
        ("image,question\na.png\n", "line 2: expected 2 columns (image, question), found 1"),
        ('image,question\na.png,"What?\n', "line 2: not valid CSV (unexpected end of data)"),
    ],
)  # fmt: skip
def test_a_table_that_is_not_one_names_the_line(text, sentence):
    with pytest.raises(TableError) as caught:
        list(rows(text))
    assert sentence in str(caught.value)


def test_lines_are_where_rows_end():
    assert [line for line, _ in rows('sep=,\na,b\n1,"two\nlines"\n\n3,4\n')] == [4, 6]


@given(st.lists(st.lists(st.text(), min_size=2, max_size=2), max_size=4), st.sampled_from(",;\t"))
def test_any_cell_comes_back(cells, delimiter):
    quoted = (delimiter.join('"' + cell.replace('"', '""') + '"' for cell in row) for row in cells)
    text = f"one{delimiter}two\n" + "".join(row + "\n" for row in quoted)
    wanted = [row for row in cells if any(cell.strip() for cell in row)]
    assert [list(row.values()) for _, row in rows(text)] == wanted


# --- files ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["café/Straße.jpg", "café\\Straße.jpg", " café/Straße.jpg ", "CAFÉ/strasse.JPG",
             "./café/../café/Straße.jpg"]
)  # fmt: skip
@pytest.mark.parametrize("stored", ["NFC", "NFD"])
@pytest.mark.parametrize("listed", ["NFC", "NFD"])
def test_a_file_is_found_however_its_name_is_spelt(tmp_path, name, stored, listed):
    path = tmp_path / unicodedata.normalize(stored, "café") / "Straße.jpg"
    path.parent.mkdir()
    path.write_bytes(b"x")
    found = find_file(tmp_path, unicodedata.normalize(listed, name))
    assert found is not None and found.samefile(path)


def test_the_exact_name_comes_first_and_a_doubtful_one_is_none(tmp_path):
    for name in ("a\\b.png", "X.png", "x.png", "Caf\u00e9", "Cafe\u0301"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.png").write_bytes(b"x")
    assert find_file(tmp_path, "a\\b.png") == tmp_path / "a\\b.png"
    assert find_file(tmp_path, "X.png") == tmp_path / "X.png"
    assert find_file(tmp_path, "X.PNG") is None
    assert find_file(tmp_path, "CAFÉ") is None


@pytest.mark.parametrize("name", ["", ".", "a", "b.png", "no/b.png", "x" * 5000, "a\0b"])
def test_what_is_not_there_is_none(tmp_path, name):
    (tmp_path / "a").mkdir()
    assert find_file(tmp_path, name) is None
    assert find_file(tmp_path / "none", name) is None


def test_a_file_that_comes_later_is_found(tmp_path):
    assert find_file(tmp_path, "A.png") is None
    (tmp_path / "a.png").write_bytes(b"x")
    assert find_file(tmp_path, "A.png") == tmp_path / "a.png"
