"""The page with the small untrained model, served once for all tests of the dashboard."""

from concurrent.futures import Future

import pytest


@pytest.fixture(scope="session")
def page(vlm, samples, tmp_path_factory):
    from dashboard.live import LiveModel
    from dashboard.page import build

    patch = pytest.MonkeyPatch()
    patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
    model = Future()
    model.set_result(vlm)
    yield build(LiveModel("pocket", model), samples)
    patch.undo()


@pytest.fixture(scope="session")
def url(page):
    from dashboard.page import launch

    launch(page, server_name="127.0.0.1", quiet=True)
    yield page.local_url
    page.close()
