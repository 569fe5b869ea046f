"""`python -m core.vlm COMMAND`: try a model before it is used; `COMMAND --help` says more."""

import sys
from collections.abc import Sequence

from core.support.commands import run

# These stand above the models: they ask them through the whole protocol.
COMMANDS = {
    "heads": "core.bench.commands.heads_command",
    "probe": "core.verify.probe_command",
    "tune": "core.bench.commands.tune_command",
    "verify": "core.verify.command",
}


def main(argv: Sequence[str] | None = None) -> int:
    return run("core.vlm", __doc__, COMMANDS, argv)


if __name__ == "__main__":
    sys.exit(main())
