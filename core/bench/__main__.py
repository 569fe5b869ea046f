"""`python -m core.bench COMMAND`: make runs, and read them; `COMMAND --help` says more."""

import sys
from collections.abc import Sequence

from core.imaging import our_limit_alone
from core.support.commands import run

COMMANDS = {
    name: f"core.bench.commands.{name}_command"
    for name in ("run", "croppers", "report", "calibrate", "gain")
}


def main(argv: Sequence[str] | None = None) -> int:
    our_limit_alone()
    return run("core.bench", __doc__, COMMANDS, argv)


if __name__ == "__main__":
    sys.exit(main())
