"""The name that a command has in its help, and one command with several of its own."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import TracebackType

__all__ = ["INTERRUPTED", "add_tls_arguments", "called", "run", "stop_in_a_sentence"]

INTERRUPTED = 130  # exit status, as of a shell's command that was ended by SIGINT


def called(module: str) -> str:
    """Return how the command was called: `python -m MODULE`, or the name of the script.

    What argparse does by itself from Python 3.14 on.
    """
    name = Path(sys.argv[0]).name
    return f"python -m {module}" if name == "__main__.py" else name.removesuffix(".exe")


def add_tls_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of a server that speaks https itself."""
    parser.add_argument("--tls-certificate", help="file with the TLS certificate, for https")
    parser.add_argument("--tls-key", "--key", help="file with the private key of --tls-certificate")


def stop_in_a_sentence() -> None:
    """Let a Ctrl-C that ends this process say one sentence, the KeyboardInterrupt's own if it has
    one, in place of a traceback.

    Called by a command before its imports: they take seconds, and nothing else can catch it there.
    """
    sys.excepthook = _say_or_trace


def run(
    module: str, about: str | None, commands: Mapping[str, str], argv: Sequence[str] | None
) -> int:
    """Run the command that `argv` names, and return its exit status.

    commands: by name, where the modules are that have its `add_arguments(parser)` and
    `main(args)`. What they raise of our own, ValueError or OSError with a sentence, is said, and
    the status is 1. So is that it was interrupted (Ctrl-C), in the sentence that a command's
    KeyboardInterrupt has, and 130.
    """
    try:
        return _run(module, about, commands, argv)
    except KeyboardInterrupt as stop:
        print(_stopped(stop), file=sys.stderr)
        return INTERRUPTED


def _run(
    module: str, about: str | None, commands: Mapping[str, str], argv: Sequence[str] | None
) -> int:
    modules = {name: import_module(place) for name, place in commands.items()}
    parser = argparse.ArgumentParser(
        prog=called(module), description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    found = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in modules.items():
        summary = (command.__doc__ or "").strip().split("\n")[0]
        own = found.add_parser(
            name, help=summary, description=command.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )  # fmt: skip
        command.add_arguments(own)
    args = parser.parse_args(argv)
    try:
        return modules[args.command].main(args)
    except (ValueError, OSError) as error:
        print(_sentence(error), file=sys.stderr)
        return 1


def _say_or_trace(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        print(_stopped(error), file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


def _stopped(stop: BaseException) -> str:
    return f"\n{str(stop) or 'Stopped.'}"


def _sentence(error: ValueError | OSError) -> str:
    """Return what an error says; what the system says of a file has no sentence of its own."""
    if isinstance(error, OSError) and type(error).__str__ is OSError.__str__ and error.filename:
        return f"{str(error.filename)!r} can't be used: {error.strerror}."
    return str(error)
