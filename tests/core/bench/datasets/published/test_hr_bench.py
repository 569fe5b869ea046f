import base64
import csv

import pytest

from core.bench.datasets import DatasetError, load_dataset
from core.imaging import load_image


def test_every_question_is_asked_in_four_orders_of_its_options(official):
    dataset = load_dataset("hr-bench-4k", folder=official / "hr-bench-4k")
    assert len(dataset) == 4
    assert {sample.choices[sample.choice] for sample in dataset} == {"orange"}
    assert [sample.answers for sample in dataset] == [("A",), ("D",), ("C",), ("B",)]
    assert dataset[0].prompt == (
        'What color is the door?\nA. orange\nB. grey\nC. teal\nD. the "old" one\n'
        "Answer the option letter directly."
    )
    assert dataset[0].group == "single"


def test_a_row_may_name_the_row_that_has_its_picture(official):
    dataset = load_dataset("hr-bench-4k", folder=official / "hr-bench-4k")
    assert dataset[3].image == dataset[1].image != dataset[0].image


def test_pictures_stay_in_the_file_until_they_are_asked_for(copied):
    folder = copied("hr-bench-8k")
    dataset = load_dataset("hr-bench-8k", folder=folder)
    assert dataset[0].question == "Which number is on the\nthird boat?"  # a quoted line break
    before = dataset[0].image
    path = folder / "hr_bench_8k.tsv"
    path.write_bytes(path.read_bytes().replace(base64.b64encode(before)[:8], b"////////"))
    assert dataset[0].image != before


def test_the_mirror_equals_the_files(official, mirror):
    folder = official / "hr-bench-4k"
    with (folder / "hr_bench_4k.tsv").open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    rows[3]["image"] = rows[1]["image"]
    written = mirror({("hrbench_version_split", "hrbench_4k"): rows})
    from_hub = load_dataset("hr-bench-4k", mirror=written)
    from_files = load_dataset("hr-bench-4k", folder=folder)
    assert list(from_hub) == list(from_files)
    assert [sample.image for sample in from_hub] == [sample.image for sample in from_files]
    assert load_image(from_hub[0].image).size == (16, 12)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"answer": "E"}, "row 4: 'answer' should be the letter of an option"),
        ({"C": ""}, "row 4: 'answer' should be the letter of an option"),
        ({"image": ""}, "row 4: 'image' should be a text"),
        ({"image": "17"}, "row 4: 'image' should be a picture in base64, or the index of a row"),
        ({"index": "0"}, "expected every question once, but '0' is twice"),
    ],
)
def test_what_is_wrong_is_named(copied, change, sentence):
    folder = copied("hr-bench-4k")
    path = folder / "hr_bench_4k.tsv"
    with path.open(newline="") as file:
        *rows, last = csv.DictReader(file, delimiter="\t")
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(last), delimiter="\t")
        writer.writeheader()
        writer.writerows([*rows, last | change])
    with pytest.raises(DatasetError, match=sentence):
        load_dataset("hr-bench-4k", folder=folder)


@pytest.mark.parametrize(("old", "new"), [(b'"the ""old"" one"', b'"the'), (b"What", b"\xff\xfe")])
def test_what_is_no_table_is_refused(copied, old, new):
    path = copied("hr-bench-4k") / "hr_bench_4k.tsv"
    path.write_bytes(path.read_bytes().replace(old, new))
    with pytest.raises(DatasetError, match="questions of HR-Bench 4K, tab-separated in UTF-8"):
        load_dataset("hr-bench-4k", folder=path.parent)


def test_no_table_and_no_picture(tmp_path, copied):
    with pytest.raises(DatasetError, match="There is no file .*hr_bench_4k.tsv"):
        load_dataset("hr-bench-4k", folder=tmp_path)
    folder = copied("hr-bench-4k")
    dataset = load_dataset("hr-bench-4k", folder=folder)
    path = folder / "hr_bench_4k.tsv"
    path.write_bytes(path.read_bytes().replace(b"/9j/", b"\t\t\t\t"))
    with pytest.raises(DatasetError, match="row 1: 'image' should be a picture in base64"):
        _ = dataset[0].image
