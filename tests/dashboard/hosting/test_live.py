"""One model for all, and another one in its place while they ask."""

import gc
import threading
import weakref
from concurrent.futures import Future

import pytest

from core.imaging import Codec
from core.protocol import ProtocolError
from core.uncertainty import Gate
from core.vlm import VLMError, load_vlm
from dashboard.case import ask_first, ask_second
from dashboard.hosting.live import LiveModel

ASKED = ("What does the sign say?", Gate(threshold=0.0), Codec(), Codec())


@pytest.fixture
def live(checkpoint):
    loading = Future()
    loading.set_result(load_vlm(checkpoint, device="cpu"))
    return LiveModel(str(checkpoint), loading, device="cpu")


@pytest.fixture(scope="module")
def other(checkpoint, tmp_path_factory):
    """The same model under another name."""
    folder = tmp_path_factory.mktemp("other") / "model"
    folder.symlink_to(checkpoint)
    return str(folder)


def test_the_old_model_is_freed_and_the_new_one_answers(live, other, scene_file):
    before = live.run(ask_first, scene_file, *ASKED)
    old = weakref.ref(live.current().vlm)
    live.switch(f" {other} ")
    gc.collect()
    assert old() is None
    assert live.name == live.current().vlm.info.name == other
    after = live.run(ask_first, scene_file, *ASKED)
    assert after.transcript.model == other
    assert after.transcript.first == before.transcript.first


def test_the_new_model_is_loaded_as_the_page_was_told_to(checkpoint, other):
    loading = Future()
    loading.set_result(load_vlm(checkpoint, device="cpu"))
    live = LiveModel("pocket", loading, device="cpu", dtype="bfloat16")
    assert live.switch(other).vlm.info.load["dtype"] == "bfloat16"


def test_what_one_model_began_no_other_one_finishes(live, other, scene_file):
    case = live.run(ask_first, scene_file, *ASKED)
    live.switch(other)
    with pytest.raises(ProtocolError, match=r"has taken its place: ask again\.$"):
        live.run(ask_second, case)


@pytest.mark.parametrize("name", ["", "/nowhere", "no/such-model", "not a name"])
def test_a_model_that_cant_be_had_is_one_sentence_and_the_old_one_stays(live, name, scene_file):
    before = live.current()
    with pytest.raises(VLMError) as error:
        live.switch(name)
    assert "\n" not in str(error.value) and str(error.value).endswith(".")
    assert live.current() is before
    assert live.run(ask_first, scene_file, *ASKED).transcript.first_answer is not None


def test_out_of_memory_is_one_sentence(live, monkeypatch):
    def too_large(*_, **options):
        raise RuntimeError("not enough memory: you tried to allocate 13 GB\nand a stack")

    monkeypatch.setattr("dashboard.hosting.live.load_vlm", too_large)
    with pytest.raises(VLMError, match=r"^'large' can't be loaded: not enough memory: .* 13 GB\.$"):
        live.switch("large")


def alike(stage, other):
    """Whether two stages say the same; a batch's sums may differ in the last digits."""
    same = stage.answer, stage.token_ids, stage.prompt
    scores = stage.scores["min_entropy"], other.scores["min_entropy"]
    return same == (other.answer, other.token_ids, other.prompt) and scores[0] == pytest.approx(
        scores[1], abs=1e-4
    )


def test_switching_is_safe_while_others_ask(live, other, scene_file):
    """Every answer is that of a quiet machine, whoever gives it; none is lost."""
    expected = live.run(ask_second, live.run(ask_first, scene_file, *ASKED)).transcript
    first_name, wrong, refused, done = live.name, [], [], threading.Event()

    def student():
        while not done.is_set():
            case = live.run(ask_first, scene_file, *ASKED)
            if not alike(case.transcript.first, expected.first):
                wrong.append(case)
            try:
                if not alike(live.run(ask_second, case).transcript.second, expected.second):
                    wrong.append(case)
            except ProtocolError:
                refused.append(case)  # the model changed between the two stages

    students = [threading.Thread(target=student) for _ in range(2)]
    for thread in students:
        thread.start()
    for name in (first_name, other):
        live.switch(name)
    done.set()
    for thread in students:
        thread.join(60)
    assert wrong == [] and len(refused) <= 4  # at most one of each student at each switch
    assert live.name == other
