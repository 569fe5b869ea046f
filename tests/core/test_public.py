"""The public face: what `import core` gives, and what it costs an edge."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import core

PUBLIC = """
    CROPPERS METRICS PRESETS VLM Box Client Codec Cropper Curve Edge EdgeError Gate ImageError Link
    Metadata ProtocolError Reply Result Run RunError Server Sessions Traffic Transcript
    TranscriptError VLMError ask first_stage load_run load_vlm save_run second_stage
    threshold_for_accuracy threshold_for_budget tradeoff
""".split()


def test_the_list_is_pinned():
    """A name is taken away, or added, on purpose only: programs are written against these."""
    assert sorted(core.__all__) == sorted(PUBLIC)
    assert set(PUBLIC) <= set(dir(core))


def test_the_list_is_the_one_that_type_checkers_read():
    """Of a stub they take as public only what is imported `as` itself."""
    stub = Path(core.__file__).with_suffix(".pyi").read_text()
    assert re.findall(r"^from [\w.]+ import (\w+) as \1$", stub, re.MULTILINE) == core.__all__


def test_a_star_takes_the_list():
    taken: dict[str, object] = {}
    exec("from core import *", taken)
    assert set(PUBLIC) == set(taken) - {"__builtins__"}


@pytest.mark.parametrize("name", PUBLIC)
def test_every_name_is_there_and_says_what_it_is(name):
    value = getattr(core, name)
    assert not callable(value) or value.__doc__


def test_what_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Nobody'"):
        core.Nobody  # noqa: B018


def test_an_edge_loads_neither_torch_nor_numpy():
    program = """
import sys
for name in ("torch", "transformers", "gradio", "numpy", "pandas", "plotly", "pyarrow"):
    sys.modules[name] = None  # importing it raises ImportError
from core import Box, Client, Codec, Edge, EdgeError, ImageError, ProtocolError
with Client("http://127.0.0.1:9") as client:
    assert client.codec is None
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
