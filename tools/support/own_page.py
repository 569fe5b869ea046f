"""The page in this process, for the commands that try it out."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

from core.support.bundled import RUNS
from core.vlm import load_vlm
from dashboard.hosting.live import LiveModel
from dashboard.page import build, launch


@contextmanager
def own_page(runs: Path = RUNS) -> Iterator[str]:
    """Its address, with the bundled model, on a free port of this machine.

    runs: folder of run files, as for `dashboard.page.build`.
    """
    with tempfile.TemporaryDirectory() as cache:
        os.environ["GRADIO_TEMP_DIR"] = cache
        model: Future = Future()
        model.set_result(load_vlm("pocket"))
        page = build(LiveModel("pocket", model), runs=runs)
        launch(page, server_name="127.0.0.1", quiet=True)
        yield page.local_url
        page.close()
