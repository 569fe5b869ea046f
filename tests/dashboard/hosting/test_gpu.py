"""ZeroGPU, whose package stands in here: what it runs must pickle, both ways."""

import pickle
import sys
from concurrent.futures import Future
from types import SimpleNamespace

import pytest

from core.imaging import Codec, ImageError
from core.uncertainty import Gate
from core.vlm import VLMError
from dashboard.case import ask_first, ask_second
from dashboard.hosting import gpu
from dashboard.hosting.live import LiveModel

ASKED = ("What does the sign say?", Gate(threshold=0.0), Codec(), Codec())


@pytest.fixture
def calls(monkeypatch):
    """As on ZeroGPU: arguments and results travel to another process and back."""
    calls = []

    def decorate(function):
        def run(*arguments):
            calls.append(arguments)
            return pickle.loads(pickle.dumps(function(*pickle.loads(pickle.dumps(arguments)))))

        return run

    spaces = SimpleNamespace(GPU=lambda duration: decorate)
    monkeypatch.setitem(sys.modules, "spaces", spaces)
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    return calls


def test_elsewhere_a_function_stays_what_it_is():
    assert not gpu.zero_gpu() and gpu.on_gpu(len) is len


def test_both_stages_run_on_the_gpu(vlm, calls, scene_file):
    loading = Future()
    loading.set_result(vlm)
    lent = LiveModel("pocket", loading)
    case = lent.run(ask_second, lent.run(ask_first, scene_file, *ASKED))
    assert [arguments[0] for arguments in calls] == [ask_first, ask_second]
    assert case.transcript.retransmitted
    with pytest.raises(ImageError, match="choose a sample"):  # the sentence comes back whole
        lent.run(ask_first, None, *ASKED)
    with pytest.raises(VLMError, match="when it starts"):
        lent.switch("pocket")
