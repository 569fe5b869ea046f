"""Second Look in the browser: `second-look`, or `python app.py`, as a Hugging Face Space does."""

import argparse
import ctypes
import math
import os
import sys
from concurrent.futures import Future
from dataclasses import replace

from core.support.commands import add_tls_arguments, called, stop_in_a_sentence

if __name__ == "__main__":
    stop_in_a_sentence()

from dashboard.hosting.gpu import zero_gpu

if zero_gpu():
    import spaces  # noqa: F401, before anything that imports torch

from gradio import Blocks
from PIL import Image

from core.certificate import Certificate, CertificateError, Setting
from core.imaging import MAX_PIXELS, our_limit_alone
from core.server.app import create_app
from core.server.clients import tokens_of_environment
from core.server.phone.invitation import announce
from core.server.phone.rooms import Rooms
from core.vlm import VLM, VLMError, load_vlm
from core.vlm.loading.arguments import add_load_arguments, load_options
from dashboard.hosting.edges import mounted, phone
from dashboard.hosting.live import LiveModel, shared
from dashboard.page import build, launch

M_ARENA_MAX = -8  # of glibc's malloc.h


def main() -> None:
    parser = _parser()
    args = parser.parse_args()
    try:
        certificate = args.certificate and Certificate.read(args.certificate)
    except CertificateError as error:
        parser.error(str(error))

    share_arenas()
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    our_limit_alone()
    model: Future[VLM] = Future()
    if zero_gpu():  # what is loaded after the launch never reaches the GPU
        load(model, args, certificate)
    options = load_options(args)
    for of_this_model in ("attention_layer", "resolution", "instruction"):
        del options[of_this_model]
    live = LiveModel(args.model, model, **options)
    rooms = Rooms()
    page = build(live, switch=args.switch, rooms=rooms)
    service = create_app(
        model, tokens=tokens_of_environment(), certificate=certificate, rooms=rooms
    )
    live.followers.append(service.state.service.serve)
    live.arrivals = service.state.service.arrivals
    options = {"server_name": args.host, "server_port": args.port, "root_path": args.root_path}
    if args.tls_certificate:  # signed by oneself, perhaps: gradio asks itself whether it answers
        options |= {"ssl_certfile": args.tls_certificate, "ssl_keyfile": args.tls_key}
        options["ssl_verify"] = False
    edges = mounted(service, args.root_path)
    try:
        launch(page, app_kwargs={"routes": [edges, phone()]}, **options)
    except OSError as error:  # the port is taken
        sys.exit(str(error))
    announce(page.server_name, page.server_port, bool(args.tls_certificate), args.root_path)
    if not model.done():  # after the launch: importing torch takes longer than building the page
        load(model, args, certificate, page)
    page.block_thread()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=called("dashboard"), description="Second Look in the browser."
    )
    parser.add_argument(
        "--model", default="pocket", help="pocket, a directory, or a hub id (default: %(default)s)"
    )
    parser.add_argument("--host", help="address to listen on; 0.0.0.0 lets other machines in")
    parser.add_argument(
        "--port", type=int, help="port to listen on (default: the first free one from 7860)"
    )
    parser.add_argument(
        "--root-path",
        default=os.environ.get("GRADIO_ROOT_PATH", ""),
        metavar="PATH",
        help="path, or URL, under which a reverse proxy shows the page, if it takes that path away"
        " (docs/deployment.md)",
    )
    parser.add_argument(
        "--switch",
        choices=("local", "all", "none"),
        default="local",
        help="who may load another model into the page: whoever sits at this machine, everybody,"
        " or nobody (default: %(default)s)",
    )
    parser.add_argument(
        "--certificate",
        help="file of `core.bench calibrate`: the edges under /edge get its gate, and its promise",
    )
    add_tls_arguments(parser)
    add_load_arguments(parser)
    return parser


def share_arenas() -> None:
    """Let glibc give memory from two arenas: a class then takes a third less of it.

    By default each of the page's threads soon has an arena of its own, and a tensor that is freed
    in one is no use to the others. `MALLOC_ARENA_MAX` in the environment goes before.
    """
    if sys.platform == "linux" and "MALLOC_ARENA_MAX" not in os.environ:
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries have none
        if mallopt is not None:
            mallopt(M_ARENA_MAX, 2)


def load(
    model: Future[VLM],
    args: argparse.Namespace,
    certificate: Certificate | None,
    page: Blocks | None = None,
) -> None:
    """Load the model; without one, or with another's certificate, close the page and say why."""
    try:
        vlm = load_vlm(args.model, **load_options(args))
        if certificate:
            certificate.check(Setting.of_model(vlm))
            gate = certificate.gate  # where the page's η begins, too
            if math.isfinite(gate.threshold):
                begin = vlm.info.thresholds | {gate.metric: gate.threshold}
                vlm.info = replace(vlm.info, thresholds=begin)
        model.set_result(shared(vlm))
    except (VLMError, CertificateError) as error:
        if page is not None:
            page.close()
        sys.exit(str(error))


if __name__ == "__main__":
    main()
