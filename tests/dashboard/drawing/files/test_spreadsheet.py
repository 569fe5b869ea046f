"""Tables for spreadsheets: what a stranger wrote stays a text."""

import csv
import io

import pytest

from dashboard.drawing.files.spreadsheet import to_csv


def _read(text):
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1+2",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "  =HYPERLINK(1)",
        "＝1+1",
        "\n=2",
        "\xa0=1",
    ],
)
def test_no_text_is_a_formula(text):
    [[cell]] = _read(to_csv(["a"], [[text]]))[1:]
    assert cell == "'" + text


def test_numbers_and_other_texts_stay_as_they_are():
    row = [-1.5, 1e-12, "", "a=b", "'quoted'", 'a "word", and more', None]
    assert _read(to_csv([*"abcdefg"], [row]))[1] == ["-1.5", "1e-12", "", "a=b", "'quoted'",
                                                     'a "word", and more', ""]  # fmt: skip
