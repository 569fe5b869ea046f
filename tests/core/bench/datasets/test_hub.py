import sys
from types import SimpleNamespace

import pyarrow
import pytest
from pyarrow import parquet

from core.bench.datasets import DatasetError, load_dataset


def test_without_the_library_the_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DatasetError, match=r'pip install -e "\.\[hub\]"'):
        load_dataset("gqa", mirror="lmms-lab-encoder/GQA")


def test_an_old_library_that_could_run_a_mirrors_code_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(__version__="3.6.0"))
    with pytest.raises(DatasetError, match="3.6.0 is too old"):
        load_dataset("gqa", mirror="lmms-lab-encoder/GQA")


def row(stored, official, **fields):
    image = stored(official / "pope" / "val2014" / "COCO_val2014_000000000042.jpg")
    fixed = {"question_id": "1", "question": "Is it?", "answer": "yes", "image_source": "a"}
    return fixed | {"image": image} | fields


def test_the_source_says_what_was_read(official, mirror, stored):
    name = mirror({("Full", "random"): [row(stored, official)]})
    source = load_dataset("pope", "random", mirror=name, revision="main").source
    assert source == {
        "kind": "hub",
        "mirror": name,
        "config": "Full",
        "split": "random",
        "revision": "main",
    }


@pytest.mark.parametrize("kind", ["large_string", "string_view", "dictionary"])
def test_texts_may_be_stored_in_another_layout(official, mirror, stored, kind, tmp_path):
    name = mirror({("Full", "random"): [row(stored, official)]})
    wanted = list(load_dataset("pope", "random", mirror=name))
    path = tmp_path / "mirror/Full/random-00000-of-00001.parquet"
    table = parquet.read_table(path).drop_columns("image")
    texts = [c.dictionary_encode() if kind == "dictionary" else c.cast(kind) for c in table.columns]
    image = parquet.read_table(path)["image"]
    parquet.write_table(pyarrow.table([*texts, image], names=[*table.column_names, "image"]), path)
    assert list(load_dataset("pope", "random", mirror=name)) == wanted


@pytest.mark.parametrize(
    ("split", "sentence"),
    [("popular", "Full, popular: expected a split of Parquet files, found none")],
)
def test_a_split_that_is_not_there_is_named(official, mirror, stored, split, sentence):
    name = mirror({("Full", "random"): [row(stored, official)]})
    with pytest.raises(DatasetError, match=sentence):
        load_dataset("pope", split, mirror=name)


def test_a_configuration_that_is_not_there_is_named(official, mirror, stored):
    name = mirror({("default", "random"): [row(stored, official)]})
    with pytest.raises(DatasetError, match="Full, random: can't be read from the hub; .*Full"):
        load_dataset("pope", "random", mirror=name)


def test_damaged_parquet_is_one_sentence(official, mirror, stored, tmp_path):
    name = mirror({("Full", "random"): [row(stored, official)]})
    (tmp_path / "mirror/Full/random-00000-of-00001.parquet").write_bytes(b"PAR1")
    with pytest.raises(DatasetError, match="can't be read from the hub") as caught:
        load_dataset("pope", "random", mirror=name)
    assert "\n" not in str(caught.value)


def test_a_mirror_that_is_out_of_reach_is_one_sentence(mirror):
    with pytest.raises(DatasetError, match="^lmms-lab-encoder/POPE, Full, random: can't be read"):
        load_dataset("pope", "random", mirror="lmms-lab-encoder/POPE")


def test_a_variable_that_keeps_the_hub_away_is_named(mirror, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", "/no/such/file")
    with pytest.raises(DatasetError, match="SSL_CERT_FILE names '/no/such/file'"):
        load_dataset("pope", "random", mirror="lmms-lab-encoder/POPE")


def test_a_row_of_another_shape_is_named(official, mirror, stored):
    name = mirror({("Full", "random"): [row(stored, official), row(stored, official, answer="?")]})
    with pytest.raises(DatasetError, match="row 1: 'answer' should be 'yes' or 'no', not '\\?'"):
        load_dataset("pope", "random", mirror=name)


def test_an_image_without_its_bytes_is_named(official, mirror, stored):
    name = mirror({("Full", "random"): [row(stored, official, image=None)]})
    dataset = load_dataset("pope", "random", mirror=name)
    with pytest.raises(DatasetError, match="row 0: 'image' should be an image with its bytes"):
        _ = dataset[0].image
