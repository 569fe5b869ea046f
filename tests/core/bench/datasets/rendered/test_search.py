import numpy as np

from core.bench.datasets import load_dataset
from core.bench.datasets.scoring import SCORERS
from core.signs.search import make_search


def test_a_sample_is_a_search():
    dataset = load_dataset("signs-search")
    assert (len(dataset), dataset.split, dataset.source["family"]) == (10_000, "test", "search")
    assert dataset[7:9][1] == dataset[8]
    for index in (0, 1, 2):
        sample, search = dataset[index], make_search("test", index)
        assert (sample.prompt, sample.boxes) == (search.question.text, search.question.boxes)
        assert SCORERS[dataset.scoring].score(search.question.answer, sample) == 1
        assert sample.group in ("one sign", "two signs")


def test_options_are_those_of_the_other_rendered_sets():
    held_out = load_dataset("signs-search", options={"phrasings": "held-out"})
    assert held_out.source["phrasings"] == "held-out"
    assert held_out[0].boxes == load_dataset("signs-search")[0].boxes
    training = load_dataset("signs-search", options={"fonts": "training"})
    assert training[0].id == "test-0" and training.source["fonts"]


def test_an_original_is_drawn_again():
    sample = load_dataset("signs-search", "validation")[1]
    again = load_dataset("signs-search", "validation")[1]
    assert np.array_equal(np.asarray(sample.image), np.asarray(again.image))
