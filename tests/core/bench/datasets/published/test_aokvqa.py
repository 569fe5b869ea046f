import json
from dataclasses import replace

import pytest

from core.bench.datasets import DatasetError, load_dataset

FILE = "aokvqa_v1p0_val.json"


def test_direct_answers_leave_out_the_questions_too_difficult_for_them(official):
    dataset = load_dataset("aokvqa", folder=official / "aokvqa")
    assert [sample.id[:4] for sample in dataset] == ["22aa", "22cc"]
    sample = dataset[0]
    assert sample.answers == ("fetch",) * 5 + ("sit",) * 3 + ("guard", "hunt")
    assert sample.prompt == "What is the animal trained to do?"
    assert (sample.choices, sample.choice, dataset.scoring) == ((), None, "direct")


def test_multiple_choice_asks_every_question_with_lettered_options(official):
    dataset = load_dataset("aokvqa+choices", folder=official / "aokvqa")
    assert [sample.id[:4] for sample in dataset] == ["22aa", "22bb", "22cc"]
    sample = dataset[1]
    assert sample.question == "Why would one wear this on the head?"
    assert sample.prompt == (
        "Why would one wear this on the head?\nA. style\nB. safety\nC. warmth\nD. work\n"
        "Answer with the option's letter from the given choices directly."
    )
    assert (sample.choices[1], sample.choice, sample.answers) == ("safety", 1, ("safety",))
    assert sample.image.name == "000000000073.jpg"


def test_an_index_beyond_the_choices_is_named(edited):
    folder = edited("aokvqa", FILE, lambda content: content[2].update(correct_choice_idx=4))
    with pytest.raises(
        DatasetError, match=f"{FILE}, entry 3: 'correct_choice_idx' should be below 4, .*not 4"
    ):
        load_dataset("aokvqa+choices", folder=folder)


def mirror_rows(folder, stored, as_text):
    for entry in json.loads((folder / FILE).read_text()):
        row = dict(entry, image=stored(folder / "val2017" / f"{entry['image_id']:012}.jpg"))
        del row["image_id"], row["split"]
        if as_text:
            row["direct_answers"] = repr(row["direct_answers"])
        yield row


@pytest.mark.parametrize("as_text", [True, False])
@pytest.mark.parametrize("name", ["aokvqa", "aokvqa+choices"])
def test_the_mirror_equals_the_files(official, mirror, stored, name, as_text):
    folder = official / "aokvqa"
    rows = list(mirror_rows(folder, stored, as_text))
    from_hub = load_dataset(name, mirror=mirror({("default", "validation"): rows}))
    from_files = load_dataset(name, folder=folder)
    assert list(from_hub) == [replace(sample, image_id=sample.id) for sample in from_files]
    assert [s.image for s in from_hub] == [s.image.read_bytes() for s in from_files]


def test_answers_that_are_no_list_are_named(official, mirror, stored):
    rows = list(mirror_rows(official / "aokvqa", stored, as_text=True))
    rows[2]["direct_answers"] = "__import__('os')"
    name = mirror({("default", "validation"): rows})
    with pytest.raises(DatasetError, match=r"row 2: 'direct_answers' should be a list of texts"):
        load_dataset("aokvqa", mirror=name)
