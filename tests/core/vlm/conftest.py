from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from core.vlm import FAMILIES, load_vlm
from tests.support.threads import one_thread
from tests.support.tiny import save_clip_llava, save_focalnet_llava
from tools.doubles.untrained import save_untrained

SAVE = {"clip": save_clip_llava, "focalnet": save_focalnet_llava}


@pytest.fixture(scope="package", autouse=True)
def one_thread_a_model():
    with one_thread():
        yield


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory):
    return save_clip_llava(tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="session", params=sorted(SAVE))
def folder(request, tmp_path_factory):
    """A checkpoint of each kind."""
    return SAVE[request.param](tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="session")
def vlm(folder):
    """As the checkpoint itself prepares images."""
    return load_vlm(folder, device="cpu", fit="own")


@pytest.fixture(scope="session", params=sorted(FAMILIES))
def family(request, tmp_path_factory):
    """A model of each family."""
    folder = tmp_path_factory.mktemp(request.param)
    return load_vlm(save_untrained(request.param, folder), device="cpu")


@pytest.fixture(scope="session")
def images():
    """Two images of noise, neither square nor of the model's size."""
    rng = np.random.default_rng(7)
    return tuple(
        Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))
        for width, height in ((90, 64), (50, 71))
    )
