"""The name that a command has in its help, and one command with several of its own."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType

__all__ = ["INTERRUPTED", "add_tls_arguments", "called", "run"]

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


def run(
    module: str, about: str | None, commands: Mapping[str, ModuleType], argv: Sequence[str] | None
) -> int:
    """Run the command that `argv` names, and return its exit status.

    commands: by name, modules with `add_arguments(parser)` and `main(args)`. What they raise of
    our own, ValueError or OSError with a sentence, is said, and the status is 1. So is that it was
    interrupted (Ctrl-C), in the sentence that a command's KeyboardInterrupt has, and 130.
    """
    parser = argparse.ArgumentParser(
        prog=called(module), description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    found = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in commands.items():
        summary = (command.__doc__ or "").strip().split("\n")[0]
        own = found.add_parser(
            name, help=summary, description=command.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )  # fmt: skip
        command.add_arguments(own)
    args = parser.parse_args(argv)
    try:
        return commands[args.command].main(args)
    except (ValueError, OSError) as error:
        print(_sentence(error), file=sys.stderr)
        return 1
    except KeyboardInterrupt as stop:
        print(f"\n{stop or 'Stopped.'}", file=sys.stderr)
        return INTERRUPTED


def _sentence(error: ValueError | OSError) -> str:
    """Return what an error says; what the system says of a file has no sentence of its own."""
    if isinstance(error, OSError) and type(error).__str__ is OSError.__str__ and error.filename:
        return f"{str(error.filename)!r} can't be used: {error.strerror}."
    return str(error)
