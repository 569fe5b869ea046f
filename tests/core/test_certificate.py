import json
import math

import numpy as np
import pytest

from core.bench.analysis.promises.certify import certify, digest
from core.bench.analysis.promises.goal import Goal
from core.bench.analysis.promises.guarantee import promise
from core.certificate import Certificate, CertificateError, Promise, Setting
from core.uncertainty import Gate
from tests.support.pixels import PixelVLM
from tools.doubles.synthetic import synthetic_run

SETTING = Setting(
    model="pocket", revision="sha256:1", prompt="{question}", codec="jpeg", quality=75,
    load={"dtype": "float32", "resolution": None, "fit": "pad", "instruction": ""},
)  # fmt: skip


def made(**changes):
    values = {
        "metric": "min_entropy", "threshold": 0.25, "first_tokens": None,
        "promises": (Promise(what="lost", at_most=0.02, measured=0.01, bound=0.019, largest=1.0),),
        "confidence": 0.9, "metrics": ("min_entropy",), "questions": 500, "images": 500,
        "asked": 200, "dataset": "signs", "split": "validation", "data": "sha256:2",
        "date": "2026-01-01", "setting": SETTING,
    } | changes  # fmt: skip
    return Certificate(**values)


@pytest.mark.parametrize("threshold", [0.25, "Infinity", "-Infinity"])
def test_it_is_read_as_it_was_written(tmp_path, threshold):
    certificate = made(threshold=threshold, first_tokens=3)
    certificate.write(tmp_path / "c.json")
    assert Certificate.read(tmp_path / "c.json") == certificate
    gate = Gate.from_certificate(tmp_path / "c.json")
    assert gate == certificate.gate == Gate("min_entropy", float(threshold), 3)
    assert [path.name for path in tmp_path.iterdir()] == ["c.json"]


def test_it_says_what_it_promises():
    assert str(made()) == "With confidence 0.9, at most 2 % are lost."
    limits = [("lost", 0.05, "a"), ("lost", 0.05, "b"), ("bytes", 6e3, None)]
    promises = tuple(
        Promise(what=what, at_most=limit, group=group, measured=0, bound=0, largest=1)
        for what, limit, group in limits
    )
    assert str(made(promises=promises, confidence=None)) == (
        "On average, at most 5 % are lost in each of the groups 'a', 'b' and a question takes at "
        "most 6000 bytes in the mean."
    )


def test_a_run_gives_its_gate_and_its_setting():
    run = synthetic_run(500)
    promised = promise(run, [Goal("lost", 0.1), Goal("additional_cost", 0.9)])
    certificate = certify(run, promised)
    assert certificate.gate == promised.gate
    assert (certificate.asked, certificate.questions) == (promised.asked, 500)
    assert [p.what for p in certificate.promises] == ["lost", "additional_cost"]
    assert certificate.setting == Setting.of_run(run.metadata)
    assert certificate.data == digest(run, "min_entropy")
    assert certificate.data != digest(run, "shannon_entropy")
    assert certificate.data != digest(run.select(np.arange(499)), "min_entropy")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": "llava", "revision": None}, "holds for the model 'pocket', and this is 'llava'"),
        ({"revision": "sha256:9"}, "the model 'pocket' of revision 'sha256:1', and this is 'sha25"),
        ({"codec": "webp"}, "holds for the codec 'jpeg', and this is 'webp'"),
        ({"cropper": "attention"}, "holds for the cropper 'relative', and this is 'attention'"),
        ({"quality": 5}, "holds for a codec of quality 75, and this is 5"),
        ({"prompt": "Q: {question}"}, "holds for the prompt '{question}', and this is 'Q: {q"),
        ({"load": {"resolution": 224}}, "holds for the resolution 'None', and this is '224'"),
        ({"load": {"fit": "crop"}}, "holds for the fit 'pad', and this is 'crop'"),
        ({"load": {"dtype": "bfloat16"}}, "holds for dtype 'float32', and this is 'bfloat16'"),
        ({"load": {"instruction": "Be brief."}}, "the instruction '', and this is 'Be brief.'"),
    ],
)
def test_what_it_does_not_hold_for_is_refused_in_one_sentence(changes, said):
    made().check(SETTING)
    with pytest.raises(CertificateError) as refused:
        made().check(SETTING.model_copy(update=changes))
    assert said in str(refused.value)
    assert str(refused.value).endswith("recorded like this.")


def test_what_is_not_known_and_another_name_of_the_same_weights_are_not_refused():
    for changes in (
        {"revision": None}, {"load": {}}, {"codec": None, "quality": None},
        {"model": "/models/pocket"}, {"load": SETTING.load | {"device": "cuda"}},
    ):  # fmt: skip
        made().check(SETTING.model_copy(update=changes))


def test_what_cannot_be_checked_is_said():
    """Runs of before hold no options of loading, and any --layer or --fit passes."""
    old = made(setting=SETTING.model_copy(update={"load": {}}))
    assert "doesn't say how the model was loaded" in old.unchecked
    assert made().unchecked is None


def test_a_loaded_model_says_what_it_is():
    setting = Setting.of_model(PixelVLM())
    assert (setting.model, setting.revision, setting.prompt) == ("pixels", "r1", "{question}")
    assert setting.codec is None and setting.load == {}


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "diploma"}, {"version": 2}, {"metric": "mood"}, {"metric": 3},
        {"threshold": "much"}, {"threshold": None}, {"first_tokens": 0}, {"promises": []},
        {"confidence": 2}, {"asked": 501}, {"images": 501}, {"questions": 0}, {"more": 1},
        {"setting": {}}, {"asked": "200"},
    ],
)  # fmt: skip
def test_another_file_is_refused_in_one_sentence(tmp_path, change):
    path = tmp_path / "c.json"
    path.write_text(json.dumps(json.loads(made().to_json()) | change))
    with pytest.raises(CertificateError) as refused:
        Certificate.read(path)
    assert str(refused.value).startswith("'c.json' ")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[1]", b"\xff\xfe", b'{"threshold": NaN}', b"[" * 10_000, b"x" * 2**21]
)
def test_rubbish_is_refused(tmp_path, content):
    path = tmp_path / "c.json"
    path.write_bytes(content)
    with pytest.raises(CertificateError):
        Certificate.read(path)
    for missing in (tmp_path / "nothing.json", tmp_path):
        with pytest.raises(CertificateError, match="no file"):
            Certificate.read(missing)


def test_a_threshold_is_a_number():
    with pytest.raises(ValueError):
        made(threshold=math.nan)
