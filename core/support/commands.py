"""The name that a command has in its help."""

import sys
from pathlib import Path

__all__ = ["called"]


def called(module: str) -> str:
    """Return how the command was called: `python -m MODULE`, or the name of the script.

    What argparse does by itself from Python 3.14 on.
    """
    name = Path(sys.argv[0]).name
    return f"python -m {module}" if name == "__main__.py" else name.removesuffix(".exe")
