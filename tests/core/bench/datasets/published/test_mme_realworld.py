import ast
import csv

import pytest

from core.bench.datasets import DatasetError, load_dataset
from core.vlm.loading.instructions import SHORT, instructed

FILE = "mme_realworld_lite.tsv"
OPTIONS = "multi-choice options"


def test_a_question_brings_its_options_and_instruction(official):
    sample = load_dataset("mme-realworld-lite", folder=official / "mme-realworld-lite")[0]
    assert sample.prompt == (
        "How many trucks stand beside the hall? The choices are listed below:\n(A) 1\n(B) 4\n"
        "(C) 9\n(D) None of them\n(E) The image does not feature the trucks\nSelect the best "
        "answer to the above multiple-choice question based on the image. Respond with only "
        "the letter (A, B, C, D, or E) of the correct option.\nThe best answer is:"
    )
    assert (sample.choices[sample.choice], sample.answers) == ("4", ("B",))
    assert sample.group == "Perception/Remote Sensing"
    assert instructed(sample.prompt, SHORT) == sample.prompt


def test_the_mirror_equals_the_files(official, mirror):
    folder = official / "mme-realworld-lite"
    with (folder / FILE).open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    rows = [
        {"bytes": row.pop("image"), **row, OPTIONS: ast.literal_eval(row[OPTIONS])} for row in rows
    ]
    from_hub = load_dataset("mme-realworld-lite", mirror=mirror({("default", "train"): rows}))
    from_files = load_dataset("mme-realworld-lite", folder=folder)
    assert list(from_hub) == list(from_files)
    assert [sample.image for sample in from_hub] == [sample.image for sample in from_files]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("['(A) 1'", "__import__('os')", "'multi-choice options' should be a list of texts"),
        ("['(A) 1'", "['1'", r"'multi-choice options' should be options that begin with \(A\)"),
        ("\tB\tPerception", "\tF\tPerception", "'answer' should be the letter of an option"),
    ],
)
def test_what_is_wrong_is_named(copied, old, new, sentence):
    path = copied("mme-realworld-lite") / FILE
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(DatasetError, match=sentence):
        load_dataset("mme-realworld-lite", folder=path.parent)
