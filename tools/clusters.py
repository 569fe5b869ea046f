"""`python -m tools.clusters slurm|ray`: a run divided by a cluster here, a worker killed.

A checkpoint of random weights is asked once in one process and once by two workers of the
executor; when the first chunk of those is there, one of the workers gets SIGKILL. Prints how long
both took and whether the run files are equal, times excepted; the exit status is 1 if they aren't.

For Linux and root. `slurm` takes Debian's slurm-wlm and munge, `ray` the package ray and a network
of its own: `unshare --net --pid --fork --mount-proc python -m tools.clusters ray`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
from PIL import Image

from core.bench.record.runner import CHUNK, working_folder
from core.bench.runs.files import load_run
from core.bench.runs.record import Record
from core.bench.runs.run import Run
from tools.doubles.untrained import save_untrained
from tools.support.clusters import ray_here, slurm_here

TIMES = ("first_seconds", "second_seconds", "hd_seconds")
WORKERS = 2
OPTIONS = {  # of datatrove's executor
    "slurm": ("time=00:30:00", "partition=here", "qos="),
    "ray": ("mem_per_cpu_gb=0.5",),
}
# What a worker's command line has in it.
NAMES = {"slurm": "bin/launch_pickled_pipeline", "ray": "RankWorker.run_for_rank"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("executor", choices=("slurm", "ray"), help="what divides the run")
    parser.add_argument("--samples", type=int, default=8 * CHUNK, help="how many are asked")
    parser.add_argument("--spare", action="store_true", help="kill no worker")
    parser.add_argument(
        "--timeout", type=float, default=600.0, help="seconds that the divided run may take"
    )
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o711)  # munge's socket must be reachable for all
        plan = _questions(folder, args.samples)
        single = _timed(folder, dict(os.environ), [*plan, "--out", "single.parquet"])
        cluster = folder / "cluster"
        cluster.mkdir()
        env = stack.enter_context(slurm_here(cluster) if args.executor == "slurm" else ray_here())
        begin = time.monotonic()
        killed = _divided(folder, env, plan, args)
        print(f"one process: {single:.0f} s; {args.executor}: {time.monotonic() - begin:.0f} s")
        print(f"killed: {killed or 'none'}")
        one, other = (load_run(folder / f"{name}.parquet") for name in ("single", "divided"))
        equal = same(one, other)
        print(f"{len(other)} samples, the run files {'are equal' if equal else 'DIFFER'}")
    return int(not equal)


def same(one: Run, other: Run) -> bool:
    """Return whether two runs hold the same rows, times excepted."""

    def rows(run: Run) -> list[str]:
        names = [field.name for field in fields(Record) if field.name not in TIMES]
        records = map(run.record, range(len(run)))
        return [repr([getattr(row, name) for name in names]) for row in records]  # NaN is NaN

    return rows(one) == rows(other)


def workers_of(executor: str, processes: Path = Path("/proc")) -> list[int]:
    """Return the processes of an executor's workers that do the work, by number."""
    found = []
    for path in processes.glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if NAMES[executor] in words and not words.startswith("srun "):
                found.append(int(path.parent.name))
    return sorted(found)


def _questions(folder: Path, samples: int) -> list[str]:
    """Write a checkpoint and questions; return the words of the run command but --out."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((320, 320)).save(folder / "a.png")
    rows = [{"image": "a.png", "question": f"What {i}?", "answers": ["a"]} for i in range(samples)]
    (folder / "questions.jsonl").write_text("\n".join(map(json.dumps, rows)))
    model = save_untrained("llava", folder / "model")
    return [
        sys.executable, "-m", "core.bench", "run", "--model", model.name, "--device", "cpu",
        "--threads", "1", "--data", "folder", "--folder", "questions.jsonl",
    ]  # fmt: skip


def _timed(folder: Path, env: dict[str, str], words: Sequence[str]) -> float:
    begin = time.monotonic()
    subprocess.run(words, cwd=folder, env=env, check=True, stdout=sys.stderr)
    return time.monotonic() - begin


def _divided(
    folder: Path, env: dict[str, str], plan: list[str], args: argparse.Namespace
) -> int | None:
    """Run the plan by the executor, one worker killed meanwhile; return which process that was."""
    out = folder / "divided.parquet"
    given = [word for option in OPTIONS[args.executor] for word in ("--executor-option", option)]
    words = [*plan, "--out", out.name, "--workers", str(WORKERS), "--executor", args.executor]
    run = subprocess.Popen([*words, *given], cwd=folder, env=env, stdout=sys.stderr)
    stop, killed = time.monotonic() + args.timeout, None
    try:
        while not out.exists():
            over = run.poll() or time.monotonic() > stop
            if over:
                raise RuntimeError("The divided run came to no end, or to a bad one.")
            begun = any(working_folder(out).glob("*.parquet"))
            if begun and killed is None and not args.spare:
                for killed in workers_of(args.executor)[-1:]:
                    os.kill(killed, signal.SIGKILL)
            time.sleep(0.2)
        if run.wait(60):
            raise RuntimeError("The command failed.")
    finally:
        run.kill()
        run.wait()
    return killed


if __name__ == "__main__":
    sys.exit(main())
