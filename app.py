"""Second Look in the browser: `python app.py`, here or on a Hugging Face Space."""

import argparse
import os
import sys
from concurrent.futures import Future

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # read when gradio is imported

from PIL import Image
from starlette.routing import Mount

from core.imaging import MAX_PIXELS
from core.server.app import create_app, tokens_of_environment
from core.vlm import VLM, VLMError, load_vlm
from dashboard.page import build, launch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--model", default="pocket", help="pocket, a directory, or a hub id (default: %(default)s)"
    )
    parser.add_argument("--host", help="address to listen on; 0.0.0.0 lets other machines in")
    parser.add_argument("--port", type=int, help="default: the first free one from 7860")
    parser.add_argument("--device", help="where the model runs, e.g. cpu or cuda (default: best)")
    args = parser.parse_args()

    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    model: Future[VLM] = Future()
    page = build(args.model, model)
    edges = Mount("/edge", create_app(model, tokens=tokens_of_environment()))
    try:
        launch(page, server_name=args.host, server_port=args.port, app_kwargs={"routes": [edges]})
    except OSError as error:  # the port is taken
        sys.exit(str(error))
    try:  # after the launch, because importing torch takes longer than building the page
        model.set_result(load_vlm(args.model, args.device))
    except VLMError as error:
        page.close()
        sys.exit(str(error))
    page.block_thread()


if __name__ == "__main__":
    main()
