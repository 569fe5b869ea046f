"""The instrument that holds an engine to the checkpoint it serves: here our own server is it."""

from core.server.limits import Limits
from core.uncertainty import Gate
from core.vlm import load_vlm
from tests.support.serving import serving
from tools.engine import SIDE, compare, write


def test_an_engine_is_held_to_its_checkpoint(tmp_path):
    folder = write(tmp_path / "llava")
    options = {"fit": "stretch", "resolution": SIDE, "instruction": ""}
    here = load_vlm(folder, "cpu", **options)
    with serving(Gate(threshold=float("inf")), Limits(rate=0), vlm=here) as (url, _):
        there = load_vlm(f"openai:{url}/v1#{here.info.name}", look="ask", **options)
        for apart, same in compare(here, there, 2):
            assert same and apart < 1e-4
