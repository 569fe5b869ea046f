import json
import pickle
import subprocess
import sys

import pytest

from core.bench.datasets import DATASETS, DatasetError, load_dataset
from core.bench.datasets.scoring import SCORERS
from core.imaging import load_image
from core.protocol import Edge

PUBLISHED = [
    "textvqa", "textvqa+ocr", "pope", "aokvqa", "aokvqa+choices", "gqa", "vqav2", "vqav2+official",
    "vstar", "vstar+inferred", "hr-bench-4k", "hr-bench-8k", "mme-realworld-lite", "docvqa",
    "infovqa", "chartqa", "realworldqa", "realworldqa+inferred",
]  # fmt: skip


@pytest.fixture(params=PUBLISHED)
def dataset(request, official):
    return load_dataset(request.param, folder=official / request.param.split("+")[0])


def test_the_registry_holds_every_data_set():
    signs = ["signs-text", "signs-text+hints", "signs-presence", "signs-attributes", "open-signs"]
    signs += ["signs-search"]
    boxed = ["textvqa+boxes"]  # from a mirror, with tests of its own
    own = ["folder", "folder+vqa", "folder+yes-no", "words"]
    assert sorted(DATASETS) == sorted(PUBLISHED + boxed + signs + own)
    for name, entry in DATASETS.items():
        assert entry.name == name
        assert entry.scoring in SCORERS


def test_samples_by_index_iteration_and_slice(dataset):
    samples = list(dataset)
    assert len(samples) == len(dataset) >= 2
    assert dataset[0] == samples[0]
    assert dataset[-1] == samples[-1]
    assert list(dataset[1:]) == samples[1:]
    assert (dataset[:1].name, dataset[:1].source) == (dataset.name, dataset.source)
    with pytest.raises(IndexError):
        dataset[len(dataset)]


def test_ids_are_unique_and_every_image_can_be_sent(dataset):
    assert len({sample.id for sample in dataset}) == len(dataset)
    for sample in dataset:
        assert load_image(sample.image).size == (16, 12)
        file = sample.image if isinstance(sample.image, bytes) else sample.image.read_bytes()
        assert Edge(sample.image).original_bytes == len(file)


def test_the_right_answer_scores_and_another_does_not(dataset):
    scorer = SCORERS[dataset.scoring]
    for sample in dataset:
        assert scorer.score(max(sample.answers, key=sample.answers.count), sample) >= 0.9
        wrong = "no" if sample.answers[0] == "yes" else "zebra crossing"
        assert scorer.score(wrong, sample) == 0


def test_the_source_names_the_files_and_their_content(dataset):
    source = json.loads(json.dumps(dataset.source))
    assert source["kind"] == "files"
    assert all(len(file["sha256"]) == 64 and file["bytes"] > 0 for file in source["files"])


def test_loading_opens_no_image(copied):
    folder = copied("gqa")
    for image in (folder / "images").iterdir():
        image.write_bytes(b"no image")
    dataset = load_dataset("gqa", folder=folder)
    assert len(list(dataset)) == 3
    with pytest.raises(ValueError, match="text file"):
        load_image(dataset[0].image)


def test_a_missing_image_names_the_folder_looked_in_when_it_is_asked_for(copied):
    folder = copied("gqa")
    for image in (folder / "images").iterdir():
        image.unlink()
    sample = load_dataset("gqa", folder=folder)[0]
    with pytest.raises(DatasetError) as caught:
        _ = sample.image
    assert f"no image {sample.image_id}.jpg in {folder / 'images'};" in str(caught.value)


def test_images_may_lie_elsewhere(copied, official):
    folder = copied("pope")
    (folder / "val2014").rename(folder.parent / "coco")
    dataset = load_dataset("pope", folder=folder, images=folder.parent / "coco")
    assert list(dataset) == list(load_dataset("pope", folder=official / "pope"))
    assert dataset[0].image.parent.name == "coco"
    with pytest.raises(DatasetError, match=r"no folder .*val2014; expected the images of COCO"):
        load_dataset("pope", folder=folder)


def test_a_data_set_goes_to_worker_processes(dataset):
    again = pickle.loads(pickle.dumps(dataset))
    assert again == dataset
    assert load_image(again[0].image).size == (16, 12)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"name": "coco"}, "Unknown data set 'coco'; choose one of "),
        ({"name": "pope"}, r'pope needs either .*mirror="lmms-lab-encoder/POPE"'),
        ({"name": "pope", "folder": "a", "mirror": "b"}, "pope needs either its files"),
        ({"name": "pope", "split": "test"}, "no split 'test'; choose adversarial or popular or"),
        ({"name": "pope", "folder": "a", "revision": "b"}, "revision goes with a mirror only"),
        ({"name": "pope", "mirror": "a", "images": "b"}, "images goes with a folder only"),
        ({"name": "signs-text", "folder": "a"}, "signs-text takes no folder"),
        ({"name": "folder"}, r"folder needs either its files \(folder=…\)\.$"),
        ({"name": "folder", "mirror": "a"}, "folder takes no mirror"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, sentence):
    with pytest.raises(DatasetError, match=sentence):
        load_dataset(**options)


def test_importing_loads_no_framework_and_reaches_for_no_hub():
    code = (
        "import sys, core.bench.datasets\n"
        "heavy = {'torch', 'transformers', 'datasets', 'huggingface_hub', 'gradio'}\n"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
