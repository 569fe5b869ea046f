"""`python -m core.bench COMMAND`: make runs, and read them; `COMMAND --help` says more."""

import argparse
import sys

from core.bench.commands import calibrate_command, gain_command, report_command, run_command
from core.support.commands import called

COMMANDS = {
    "run": run_command,
    "report": report_command,
    "calibrate": calibrate_command,
    "gain": gain_command,
}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog=called("core.bench"), description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module in COMMANDS.items():
        summary = (module.__doc__ or "").split("\n")[0]
        command = commands.add_parser(
            name, help=summary, description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )  # fmt: skip
        module.add_arguments(command)
    args = parser.parse_args(argv)
    try:
        return COMMANDS[args.command].main(args)
    except (ValueError, OSError) as error:  # our own errors are sentences
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
