"""What the tests of the dashboard share: a small untrained model, an image, and bad files."""

import json
import os
import struct
import tempfile
import zlib
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when gradio is imported
for _name in [name for name in os.environ if name.lower().endswith("_proxy")]:
    del os.environ[_name]  # whatever a test asks is on this machine
# Nobody's settings of models are a test's, and no measurement that somebody began.
os.environ["XDG_CONFIG_HOME"] = os.path.join(tempfile.gettempdir(), "second-look-tests")
_state = tempfile.TemporaryDirectory(prefix="second-look-tests-")
os.environ["XDG_STATE_HOME"] = _state.name


def pytest_addoption(parser):
    parser.addoption(
        "--seen",
        type=Path,
        metavar="FILE",
        help="list there what passes, and leave out what it lists: a long run in parts",
    )


def pytest_collection_modifyitems(config, items):
    """The browser comes last: while Playwright runs, no other event loop may, in its thread."""
    items.sort(key=lambda item: "browser" in item.path.parts)
    seen = config.getoption("--seen")
    if seen is not None and seen.exists():
        passed = set(seen.read_text("utf-8").splitlines())
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid in passed])
        items[:] = [item for item in items if item.nodeid not in passed]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    seen = item.config.getoption("--seen")
    if seen is not None and report.when == "call" and report.passed:
        with seen.open("a", encoding="utf-8") as lines:  # now: the run may be killed
            lines.write(f"{item.nodeid}\n")
    return report


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """Pocket before any training: unsure of everything, which is all that the page needs."""
    import torch

    from core.pocket.model import build_model, build_processor
    from core.pocket.tokenizer import build_tokenizer

    folder = tmp_path_factory.mktemp("untrained")
    tokenizer = build_tokenizer()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = build_model(tokenizer, attention_layer=3)
    model.save_pretrained(folder)
    build_processor(tokenizer).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def vlm(checkpoint):
    from core.vlm import load_vlm

    return load_vlm(checkpoint, device="cpu")


@pytest.fixture(scope="session")
def samples(tmp_path_factory):
    """A folder like assets/samples, of three scenes."""
    from core.signs.render import render
    from core.signs.scenes import make_scene

    folder = tmp_path_factory.mktemp("samples")
    entries = []
    for index in range(3):
        scene = make_scene("validation", index)
        render(scene).save(folder / f"{index}.jpg", quality=90)
        question = f"What does the {scene.signs[0].name} say?"
        entries.append(
            {"file": f"{index}.jpg", "question": question, "title": f"T{index}", "note": "A note."}
        )
    (folder / "samples.json").write_text(json.dumps(entries))
    return folder


@pytest.fixture(scope="session")
def runs_folder(tmp_path_factory):
    """A folder like assets/runs: invented runs, two of them of one model at two qualities, one of
    scenes that can be drawn again; and a file that is none."""
    from dataclasses import replace

    from core.bench import save_run
    from core.bench.datasets import load_dataset
    from tools.doubles.synthetic import synthetic_run

    folder = tmp_path_factory.mktemp("runs")
    run = synthetic_run(5_000)
    save_run(run, folder / "invented-q75.parquet")
    low = synthetic_run(5_000, seed=1)
    low = replace(low, metadata=replace(low.metadata, quality=20, seed=0))
    save_run(low, folder / "invented-q20.parquet")

    scenes = load_dataset("signs-text", "validation")[:12]
    run = synthetic_run(len(scenes), seed=2)
    of = replace(run.metadata, dataset="signs-text", split="validation", source=scenes.source)
    image_id = np.array([sample.image_id for sample in scenes], dtype=object)
    box = np.tile([10, 20, 150, 160], (len(scenes), 1))
    run = replace(run, metadata=of, image_id=image_id, box=box)
    save_run(run, folder / "scenes.parquet")
    (folder / "torn.parquet").write_bytes(b"PAR1 and nothing more")
    return folder


@pytest.fixture
def scene_file(samples):
    return str(samples / "0.jpg")


@pytest.fixture(scope="session")
def bad_files(samples, tmp_path_factory):
    """Files that are no image one can use, by what is wrong with them."""
    folder = tmp_path_factory.mktemp("bad")
    header = struct.pack(">IIBBBBB", 10_000, 10_000, 8, 2, 0, 0, 0)  # 100 megapixels of RGB
    chunk = b"IHDR" + header
    contents = {
        "text": b"This is not an image.",
        "empty": b"",
        "truncated": (samples / "0.jpg").read_bytes()[:5_000],
        "huge": b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", len(header))
        + chunk
        + struct.pack(">I", zlib.crc32(chunk))
        + b"\0\0\0\0IEND\xaeB`\x82",
        "noise": np.random.default_rng(0).bytes(1_000),
    }
    for name, data in contents.items():
        (folder / f"{name}.jpg").write_bytes(data)
    return {name: str(folder / f"{name}.jpg") for name in contents}


@pytest.fixture(scope="session")
def uploads(tmp_path_factory):
    """One folder for what is uploaded to any page of these tests.

    Gradio reads where it is when a page is built, and again when a file is used: of two pages in
    one process with a folder each, one would refuse what was uploaded to it.
    """
    patch = pytest.MonkeyPatch()
    patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
    yield
    patch.undo()


@pytest.fixture(scope="session")
def page(vlm, samples, uploads):
    from dashboard.hosting.live import LiveModel
    from dashboard.page import build

    model = Future()
    model.set_result(vlm)
    return build(LiveModel("pocket", model), samples)


@pytest.fixture(scope="session")
def url(page):
    from dashboard.page import launch

    launch(page, server_name="127.0.0.1", quiet=True)
    yield page.local_url
    page.close()
