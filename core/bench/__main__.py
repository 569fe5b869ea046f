"""`python -m core.bench COMMAND`: make runs, and read them; `COMMAND --help` says more."""

import sys
from collections.abc import Sequence

from core.bench.commands import (
    calibrate_command,
    croppers_command,
    gain_command,
    report_command,
    run_command,
)
from core.support.commands import run

COMMANDS = {
    "run": run_command,
    "croppers": croppers_command,
    "report": report_command,
    "calibrate": calibrate_command,
    "gain": gain_command,
}


def main(argv: Sequence[str] | None = None) -> int:
    return run("core.bench", __doc__, COMMANDS, argv)


if __name__ == "__main__":
    sys.exit(main())
