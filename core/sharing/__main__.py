"""Many edges on one link, simulated on recorded runs: which policy answers most, in time.

    python -m core.sharing study                              the shipped runs, a link of 375 kbit/s
    python -m core.sharing study RUN RUN --link wifi --speed 50 --deadline 1 --out page.html
    python -m core.sharing fit RUN --out expectation.json     what a server with a policy wants
    python -m core.sharing loss                               equal and unequal protection

`study` mixes all runs into one stream of questions, and tries each of them alone, too. Policies are
set on half of each run's images and tried on the other; docs/sharing.md says what was found.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from core.support.commands import run

COMMANDS = {name: f"core.sharing.{name}_command" for name in ("study", "loss", "fit")}


def main(argv: Sequence[str] | None = None) -> int:
    return run("core.sharing", __doc__, COMMANDS, argv)


if __name__ == "__main__":
    sys.exit(main())
