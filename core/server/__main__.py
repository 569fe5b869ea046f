"""`python -m core.server`: the server alone, for edges on other machines."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import logging
import os
import sys
import threading
from concurrent.futures import Future

from core.support.commands import INTERRUPTED, add_tls_arguments, called, stop_in_a_sentence

if __name__ == "__main__":
    stop_in_a_sentence()

from core.certificate import Certificate, CertificateError, Setting
from core.croppers import DEFAULT, cropper, served
from core.gain import use
from core.imaging import our_limit_alone
from core.policies.expectation import Expectation
from core.policies.registry import POLICIES
from core.policies.shared import LinkTerms
from core.server.app import create_app
from core.server.clients import tokens_of_environment
from core.server.limits import Limits
from core.server.listening import make_server
from core.server.machine import check_gate, check_keeps
from core.server.phone.invitation import announce
from core.server.stages.searching import check_looks
from core.server.watch.telemetry import JsonLines
from core.support.bundled import EXPECTATION
from core.support.headers import TOKEN
from core.support.waiting import spin_briefly
from core.uncertainty import METRICS, Gate
from core.vlm.base import VLM, VLMError
from core.vlm.loading.arguments import add_load_arguments, load_options

EXPECTED_OF = (Gate().metric, None)  # what the shipped expectation is fitted for
PEM_HEAD = 100  # bytes in which a TLS certificate says what it is


def main() -> None:
    spin_briefly()
    our_limit_alone()
    parser = _parser()
    args = parser.parse_args()
    try:
        limits = Limits(**{f.name: getattr(args, f.name) for f in dataclasses.fields(Limits)})
        metric = use(args.gain) if args.gain else args.metric
        eta = METRICS[metric].threshold if args.gain and args.eta is None else args.eta
        gate = None if eta is None else Gate(metric, eta, args.first_tokens, args.rounds)
        if args.rounds and (gate is None or args.certificate):
            raise ValueError("--rounds goes with --eta: each look has an η of its own.")
        if args.keep_local_images and not args.rounds:
            raise ValueError("--keep-local-images goes with --rounds: one look has one to keep.")
        certificate = _certificate(args)
        link = _link(args, metric)
        check_looks(cropper(args.cropper), gate or Gate(), link is not None)
    except ValueError as error:
        parser.error(str(error))
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=args.log_level.upper(), handlers=[handler])
    tokens = tokens_of_environment()

    model: Future[VLM] = Future()
    app = create_app(model, gate, limits, tokens, certificate, link, args.cropper,
                     keeps=args.keep_local_images)  # fmt: skip
    options = {"host": args.host, "port": args.port, "log_config": None}
    options |= {"ssl_certfile": args.tls_certificate, "ssl_keyfile": args.tls_key}
    options |= {"root_path": args.root_path.rstrip("/")}
    leaving = app.state.service.leaving
    server = make_server(app, limits, leaving, forwarded_allow_ips=args.proxy, **options)

    def load() -> None:
        from core.vlm import load_vlm  # here: importing torch takes longer than to be reachable

        try:
            vlm = load_vlm(args.model, **load_options(args))
            if (why := cropper(args.cropper).obstacle(vlm)) is not None:
                raise VLMError(why)
            if certificate:
                certificate.check(Setting.of_model(vlm, args.cropper))
            if gate:
                check_gate(gate, vlm.info)
            if args.keep_local_images:
                check_keeps(vlm.info)
            model.set_result(vlm)
        except (VLMError, CertificateError) as error:
            model.set_exception(error)
            server.should_exit = True

    loading = threading.Thread(target=load, name="load", daemon=True)
    loading.start()
    announce(args.host, args.port, bool(args.tls_certificate), args.root_path)
    try:
        server.run()
    except KeyboardInterrupt:  # Ctrl-C ended it, in order
        if loading.is_alive():  # Python's own end would tear down torch half loaded, and abort
            os._exit(INTERRUPTED)
        sys.exit(INTERRUPTED)
    if model.done() and (failure := model.exception()):
        sys.exit(str(failure))


def _certificate(args: argparse.Namespace) -> Certificate | None:
    """Return the promise that was given. `--certificate` was the TLS certificate before.

    Raises ValueError for a file that is neither, and for two gates.
    """
    if args.certificate is None:
        return None
    with contextlib.suppress(OSError), open(args.certificate, "rb") as file:
        if file.read(PEM_HEAD).lstrip().startswith(b"-----BEGIN"):
            args.tls_certificate = args.tls_certificate or args.certificate
            return None
    if args.eta is not None:
        raise ValueError("--certificate brings an η of its own: leave out --eta.")
    return Certificate.read(args.certificate)


def _link(args: argparse.Namespace, metric: str) -> LinkTerms | None:
    """Return the link that the edges share. Raises ValueError for half of one."""
    rate, deadline = args.uplink_bytes_per_second, args.deadline
    if rate is None and deadline is None and args.policy is None:
        return None
    if rate is None or deadline is None:
        raise ValueError("A shared link takes both: --uplink-bytes-per-second and --deadline.")
    if args.certificate:
        raise ValueError("A certificate promises what its own η asks: leave out --policy.")
    path = args.expectation
    if path is None and args.model == "pocket" and (metric, args.first_tokens) == EXPECTED_OF:
        path = EXPECTATION
    expectation = None if path is None else Expectation.read(path)
    terms = LinkTerms(rate, deadline, args.policy or "backlog", expectation)
    terms.check(metric, args.first_tokens)
    return terms


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=called("core.server"),
        description="Answer edges over HTTP; see /docs of the server, and SECURITY.md.",
        epilog=f"Tokens of clients are read from the environment: {TOKEN}, one or several, "
        "separated by spaces. Without any, everyone who can reach the server may ask.",
    )
    add = parser.add_argument
    add("--model", default="pocket", help="pocket, a directory, or a hub id (default: %(default)s)")
    add_load_arguments(parser)
    add(
        "--host",
        default="127.0.0.1",
        help="address to listen on; 0.0.0.0 lets others in (default: %(default)s)",
    )
    add("--port", type=int, default=7870, help="port to listen on (default: %(default)s)")
    add(
        "--metric",
        choices=tuple(METRICS),
        default=Gate().metric,
        help="measure of uncertainty of the gate; needs --eta (default: %(default)s)",
    )
    add(
        "--gain", help="file of `core.bench gain`, to gate on what a second look is expected to add"
    )
    add("--eta", type=float, help="threshold η of the gate (default: the model's, on min-entropy)")
    add(
        "--first-tokens",
        type=int,
        help="judge an answer by that many of its tokens (default: by all)",
    )
    add(
        "--rounds",
        type=float,
        nargs="+",
        default=(),
        metavar="ETA",
        help="look again while uncertain: η of each look after the first, by which the answer "
        "before it is judged",
    )
    add(
        "--keep-local-images",
        action="store_true",
        help="answer from all local images of a question so far, not the newest alone; goes with "
        "--rounds, and with models that were trained on several images",
    )
    add(
        "--certificate",
        help="file of `core.bench calibrate`, to take its gate and give its promise",
    )
    add(
        "--cropper",
        choices=served(),
        default=DEFAULT,
        help="rule for where to look again; docs/croppers.md explains each (default: %(default)s)",
    )
    _add_link(parser)
    add_tls_arguments(parser)
    add("--proxy", help="address of a reverse proxy whose X-Forwarded-For is to be believed")
    add(
        "--root-path",
        default="",
        metavar="PATH",
        help="path that a reverse proxy takes away from URLs, if any",
    )
    add("--log-level", default="info", choices=("debug", "info", "warning", "error"),
        help="least weight of what is logged (default: %(default)s)")  # fmt: skip
    _add_limits(parser)
    return parser


def _add_link(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--uplink-bytes-per-second",
        type=float,
        metavar="RATE",
        help="bytes a second of an uplink that all edges share; needs --deadline",
    )
    add(
        "--deadline",
        type=float,
        help="seconds from a question to its last answer, on a shared uplink",
    )
    add("--policy", choices=tuple(POLICIES),
        help="who may send a local image over a shared uplink (default: backlog, by the price of "
        "what waits)")  # fmt: skip
    add(
        "--expectation",
        help="file of `core.sharing fit`: what a second look is expected to add, for a --policy "
        "that weighs it; pocket brings its own",
    )


def _add_limits(parser: argparse.ArgumentParser) -> None:
    bounds = parser.add_argument_group("limits")
    for field in dataclasses.fields(Limits):
        kind = int if isinstance(field.default, int) else float
        name = "--" + field.name.replace("_", "-")
        bounds.add_argument(
            name,
            type=kind,
            default=field.default,
            help=f"{field.metadata['what']} (default: %(default)s)",
        )


if __name__ == "__main__":
    main()
