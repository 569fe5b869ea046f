import numpy as np
import pytest

from core.bench.datasets import DatasetError, load_dataset
from core.bench.datasets.rendered.signs import draw_question
from core.bench.datasets.scoring import SCORERS
from core.imaging import Codec
from core.protocol import Edge
from core.signs.render import render
from core.signs.scenes import make_scene

FAMILIES = ("text", "presence", "attributes")


@pytest.fixture(scope="module", params=FAMILIES)
def family(request):
    return request.param


def test_a_split_is_large_and_costs_nothing_until_asked(family):
    dataset = load_dataset(f"signs-{family}")
    assert (len(dataset), dataset.split) == (10_000, "test")
    assert len(dataset[100:300]) == 200
    assert dataset[100:300][-1] == dataset[299]
    with pytest.raises(IndexError):
        dataset[10_000]


def test_samples_depend_on_split_and_index_only(family):
    dataset = load_dataset(f"signs-{family}")
    later_first = [load_dataset(f"signs-{family}")[i] for i in (7, 3)]
    assert later_first == [dataset[7], dataset[3]]
    assert load_dataset(f"signs-{family}", "validation")[3].boxes != dataset[3].boxes


def test_a_sample_is_a_question_about_its_own_scene(family):
    """Where scene i has a question, it is sample i; elsewhere a scene no other sample can have."""
    dataset = load_dataset(f"signs-{family}")
    skipped = 0
    for index in range(20):
        scene = make_scene("test", index)
        asked = draw_question(scene, index, family, "test", held_out=False, hints=False)
        sample = dataset[index]
        assert sample.id == f"test-{index}"
        if asked is None:
            skipped += 1
            assert sample.image_id == f"test-{10_000 + index}"
        else:
            assert (sample.prompt, sample.boxes) == (asked.text, asked.boxes)
            assert SCORERS[dataset.scoring].score(asked.answer, sample) == 1
    assert skipped or family != "presence"  # many a scene has no small objects


def test_the_image_is_the_scene_the_question_is_about():
    sample = load_dataset("signs-text")[5]
    scene = make_scene("test", 5)
    assert np.array_equal(np.asarray(sample.image), np.asarray(render(scene)))
    assert sample.boxes[0] in [sign.box for sign in scene.signs]
    edge = Edge(sample.image, Codec("jpeg", 75))
    assert edge.original_bytes is None  # a rendered scene has no file


def test_hints_change_the_prompt_and_nothing_else():
    plain, hinted = load_dataset("signs-text")[:12], load_dataset("signs-text+hints")[:12]
    for without, with_hints in zip(plain, hinted, strict=True):
        assert with_hints.prompt.startswith(without.prompt + "\nReference OCR token: ")
        assert with_hints.question == without.question == without.prompt
        assert (with_hints.answers, with_hints.boxes) == (without.answers, without.boxes)


def test_multiple_choice_is_read_by_letter_or_option():
    sample = next(s for s in load_dataset("signs-attributes") if s.group == "choice")
    assert len(sample.choices) == 4
    assert sample.answers == (sample.choices[sample.choice],)
    assert sample.prompt.splitlines()[1] == f"A. {sample.choices[0]}"
    assert "\n" not in sample.question
    letter = "ABCD"[sample.choice]
    for said, worth in ((letter, 1), (sample.answers[0], 1), ("ABCD"[sample.choice - 1], 0)):
        assert SCORERS["exact"].score(said, sample) == worth


def test_presence_gives_the_figures_of_pope():
    dataset = load_dataset("signs-presence")[:20]
    answers = [sample.answers[0] for sample in dataset]
    assert set(answers) == {"yes", "no"}
    figures = SCORERS[dataset.scoring].figures(answers, list(dataset))
    assert figures["f1"] == figures["accuracy"] == 1
    assert figures["yes_ratio"] == answers.count("yes") / 20
    assert figures["accuracy, adversarial"] == 1


def test_the_source_names_the_fonts():
    source = load_dataset("signs-text+hints", "validation").source
    assert source["kind"] == "rendered"
    assert (source["family"], source["hints"]) == ("text", True)
    assert source["fonts"]


def test_fonts_and_phrasings_can_be_those_of_training_or_held_out():
    from core.signs import fonts
    from core.signs.questions import HELD_OUT, TEXT

    def ending(sample):
        return any(
            sample.question.endswith(t.split("{sign}")[1]) and sample.question.startswith(
                t.split("{sign}")[0])
            for t in TEXT[-HELD_OUT:]
        )  # fmt: skip

    sets = {
        (faces, phrasings): load_dataset(
            "signs-text", options={"fonts": faces, "phrasings": phrasings}
        )
        for faces in ("training", "held-out")
        for phrasings in ("training", "held-out")
    }
    assert list(sets["held-out", "training"][:3]) == list(load_dataset("signs-text")[:3])
    for (faces, phrasings), dataset in sets.items():
        assert dataset.source["fonts"] == list(fonts.families(faces == "held-out")) or [
            "Pillow's own"
        ]
        assert dataset.source["phrasings"] == phrasings
        assert all(ending(sample) == (phrasings == "held-out") for sample in dataset[:10])
    pictures = [np.asarray(sets[faces, "training"][0].image) for faces in ("training", "held-out")]
    if fonts.available():
        assert not np.array_equal(*pictures)


def test_an_option_that_the_data_set_does_not_have():
    with pytest.raises(DatasetError, match="signs-text has no option 'hints'; .*fonts, phrasings"):
        load_dataset("signs-text", options={"hints": "yes"})
    with pytest.raises(DatasetError, match="phrasings can be training or held-out, not 'new'"):
        load_dataset("signs-text", options={"phrasings": "new"})
