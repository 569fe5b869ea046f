"""A run file that a stranger sent.

`load_run` trusts no number in a file. But Parquet is unpacked by a large library, and a file can be
crafted that makes it take all memory, or end the process it runs in. So such a file is read first
by a process of its own, which may take only so much, and which nobody misses.
"""

import io
import os
import subprocess
import sys

from core.bench.runs.errors import RunError
from core.bench.runs.files import load_run
from core.bench.runs.run import Run

__all__ = ["MAX_ROWS", "MAX_UNPACKED", "load_upload"]

MAX_ROWS = 250_000  # VQAv2 val fits
MAX_UNPACKED = 512 << 20  # bytes
MEMORY = 4 << 30  # bytes of address space for Python, its libraries and the run
SECONDS = 60

REFUSED = 3  # exit status: there is a sentence on stdout
CHILD = "import sys; from core.bench.runs.uploads import _try; _try(*sys.argv[1:])"


def load_upload(path: str | os.PathLike[str]) -> Run:
    """Read a run file from somebody unknown, at the cost of a second or two more than `load_run`.

    Raises RunError as `load_run` does, and for a file whose reading takes too much or fails in a
    way that only a crafted file can.
    """
    limits = MAX_ROWS, MAX_UNPACKED
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(entry or os.getcwd() for entry in sys.path),
        "ARROW_DEFAULT_MEMORY_POOL": "system",  # the others reserve address space in advance
        "OPENBLAS_NUM_THREADS": "1",  # and so does each thread's stack
    }
    try:
        child = subprocess.run(
            [sys.executable, "-c", CHILD, os.fspath(path), *map(str, limits), str(MEMORY)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise RunError(f"The file takes longer than {SECONDS} seconds to read.") from None
    if child.returncode == REFUSED:
        raise RunError(child.stdout.decode("utf-8", "replace"))
    if child.returncode != 0:
        raise RunError("The file is damaged, or takes too much memory to read.")
    return load_run(path, *limits)  # it does here what it did there


def _try(path: str, max_rows: str, max_bytes: str, memory: str) -> None:
    """Read a run file within limits, as the other process does."""
    try:
        import resource
    except ModuleNotFoundError:  # Windows has no such limits; the time limit holds there too
        pass
    else:
        resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        load_run(path, int(max_rows), int(max_bytes))
    except RunError as error:
        assert isinstance(sys.stdout, io.TextIOWrapper)
        sys.stdout.reconfigure(encoding="utf-8", errors="replace")
        print(error, end="")
        sys.exit(REFUSED)
