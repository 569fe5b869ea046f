"""A run divided among workers, on this machine or on several, by datatrove's executors.

datatrove (Hugging Face's own engine for such work) gives one interface to processes, Slurm and Ray,
and asks for nothing but a function of a rank: exactly what `Runner.work` is. Ray Data would also
move the samples between machines, which here are read where they are asked, and takes a cluster
even for two processes. What it costs: the machines must see one file system, where the chunks meet.

Needs the extra `distributed`.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from datatrove.executor import LocalPipelineExecutor
from loguru import logger
from tqdm import tqdm

from core.bench.record.runner import Plan, Runner, join, recorded
from core.bench.runs.run import RunError

EVERY = 0.5  # seconds between two looks at what is there


class _QuietExecutor(LocalPipelineExecutor):
    """Logs to files only: on the terminal is the progress bar."""

    def _run_for_rank(self, rank, local_rank=0, node_rank=-1):
        return super()._run_for_rank(rank, local_rank + 1, node_rank)


def run_divided(
    plan: Plan,
    workers: int,
    executor: str = "local",
    settings: Mapping[str, str] | None = None,
    threads: int | None = None,
) -> list[Path] | None:
    """Run a plan to its end; returns the run files, or None where the work was only submitted.

    executor: "local" for processes on this machine, "slurm" or "ray" for a cluster. settings: of
    datatrove's executor, as texts. threads: of torch in each worker; None: its share of the cores.
    Raises RunError for settings that the executor doesn't take, and whatever a worker raises.
    """
    if workers < 1:
        raise RunError(f"workers must be at least 1, not {workers}.")
    if executor == "local" and threads is None:
        threads = max(1, (os.cpu_count() or 1) // workers)
    samples = len(plan.dataset())  # wrong options show here, and not in a worker's log
    logs = Path(plan.out).with_name(f"{Path(plan.out).name}.logs")
    work = partial(_work, plan=plan, threads=threads)
    options = {name: _value(text) for name, text in (settings or {}).items()}
    # Which chunks are missing is known from the chunks, better than from datatrove's own marks.
    options |= {"tasks": workers, "workers": workers, "skip_completed": False}
    try:
        if executor == "slurm":
            from datatrove.executor import SlurmPipelineExecutor

            asking = SlurmPipelineExecutor([work], logging_dir=str(logs), **options)
            options |= {"tasks": 1, "workers": 1, "depends": asking}
            SlurmPipelineExecutor(
                [partial(_join, plan=plan)], logging_dir=str(logs / "join"), **options
            ).run()
            return None
        if executor == "ray":
            from datatrove.executor import RayPipelineExecutor

            made = RayPipelineExecutor([work], logging_dir=str(logs), **options)
        else:
            made = _QuietExecutor([work], logging_dir=str(logs), **options)
    except TypeError as error:
        raise RunError(f"The {executor} executor can't be set up so: {error}.") from None
    logger.disable("datatrove")
    with _progress(plan, samples):
        made.run()
    paths = [join(path) for path in plan.paths]
    shutil.rmtree(logs, ignore_errors=True)
    return paths


def _work(_data: Any, rank: int, world_size: int, plan: Plan, threads: int | None) -> None:
    if threads:
        import torch

        torch.set_num_threads(threads)
    Runner(plan).work(rank, world_size)


def _join(_data: Any, _rank: int, _world_size: int, plan: Plan) -> None:
    for path in plan.paths:
        join(path)


def _value(text: str) -> str | int:
    return int(text) if text.lstrip("-").isdigit() else text


@contextmanager
def _progress(plan: Plan, samples: int) -> Iterator[None]:
    """A bar that follows the finished chunks, whoever finishes them."""

    def there() -> int:
        return sum(recorded(path, samples) for path in plan.paths)

    def follow() -> None:
        while not over.wait(EVERY):
            bar.update(there() - bar.n)

    over = threading.Event()
    total = samples * len(plan.paths)
    name = f"{plan.model}, {plan.data}"
    with tqdm(total=total, initial=there(), unit="sample", desc=name, smoothing=0) as bar:
        follower = threading.Thread(target=follow, daemon=True)
        follower.start()
        try:
            yield
        finally:
            over.set()
            follower.join()
            bar.update(there() - bar.n)
