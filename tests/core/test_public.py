"""The public face: what `import core` gives, and what it costs an edge."""

import subprocess
import sys

import pytest

import core

PUBLIC = """
    METRICS PRESETS VLM Box Client Codec Curve Edge EdgeError Gate ImageError Link Metadata
    ProtocolError Reply Result Run RunError Server Sessions Traffic Transcript TranscriptError
    VLMError ask first_stage load_run load_vlm save_run second_stage threshold_for_accuracy
    threshold_for_budget tradeoff
""".split()


def test_the_list_is_pinned():
    """A name is taken away, or added, on purpose only: programs are written against these."""
    assert core.__all__ == PUBLIC
    assert set(core.__all__) == set(core._HOME) and set(PUBLIC) <= set(dir(core))


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
