"""A run divided among workers, on this machine or on several, by datatrove's executors.

datatrove (Hugging Face's own engine for such work) gives one interface to processes, Slurm and Ray,
and asks for nothing but a function of a rank: exactly what `Runner.work` is. Ray Data would also
move the samples between machines, which here are read where they are asked, and takes a cluster
even for two processes. What it costs: the machines must see one file system, where the chunks meet.

Needs the extra `distributed`.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from datatrove.executor import LocalPipelineExecutor
from datatrove.executor.base import PipelineExecutor
from loguru import logger
from tqdm import tqdm

from core.bench.record.runner import Plan, Runner, join, recorded
from core.bench.runs.errors import RunError

EVERY = 0.5  # seconds between two looks at what is there


class _LocalExecutor(LocalPipelineExecutor):
    """Logs to files only, and notices a worker that is killed: datatrove's own pool waits forever.

    Raises RunError then.
    """

    def run(self) -> None:
        context = multiprocessing.get_context("forkserver")
        with ProcessPoolExecutor(self.workers, context, _end_with_parent) as pool:
            # A rank other than 0 among the local ones: on the terminal is the progress bar.
            working = [pool.submit(self._run_for_rank, rank, 1) for rank in range(self.tasks)]
            try:
                for one in working:
                    one.result()
            except BrokenProcessPool:
                raise RunError(
                    "A worker was killed, for lack of memory perhaps: fewer --workers need less. "
                    "What is finished is kept: the same command goes on."
                ) from None
            except KeyboardInterrupt:  # or they are waited for, to the end of the run
                for worker in multiprocessing.active_children():
                    worker.kill()
                raise


class _RankWorker:
    """An actor on Ray that does the work itself.

    datatrove's own leaves it to a pool, and waits forever for a process of that which is killed.
    An actor that is killed is noticed, and the executor starts another, three times at most.
    """

    def get_node_ip(self) -> str:
        import ray

        return ray.util.get_node_ip_address()

    def run_for_rank(
        self, executor: PipelineExecutor, ranks: list[int], _node_ips: list[str], _node: int
    ) -> None:
        for rank in ranks:
            executor._run_for_rank(rank, 1)


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
    logs = Path(plan.out).with_name(f"{Path(plan.out).name}.logs").absolute()
    here = os.getcwd()  # what the plan names from here; Ray's workers start elsewhere
    work = partial(_work, plan=plan, threads=threads, here=here)
    options = {name: _value(text) for name, text in (settings or {}).items()}
    # Which chunks are missing is known from the chunks, better than from datatrove's own marks.
    options |= {"tasks": workers, "workers": workers, "skip_completed": False}
    try:
        if executor == "slurm":
            from datatrove.executor import SlurmPipelineExecutor

            # Jobs that wait for what failed would stay in the queue forever.
            given = options.get("sbatch_args") or {}
            options["sbatch_args"] = {"kill-on-invalid-dep": "yes"} | given
            asking = SlurmPipelineExecutor([work], logging_dir=str(logs), **options)
            # The last job asks what killed workers left, so it runs after them, too.
            options |= {"tasks": 1, "workers": 1, "depends": asking, "run_on_dependency_fail": True}
            finishing = partial(_finish, plan=plan, threads=threads, here=here)
            SlurmPipelineExecutor([finishing], logging_dir=str(logs / "join"), **options).run()
            return None
        if executor == "ray":
            from datatrove.executor import RayPipelineExecutor
            from datatrove.executor import ray as on_ray

            on_ray.RankWorker = _RankWorker
            made = RayPipelineExecutor([work], logging_dir=str(logs), **options)
        else:
            made = _LocalExecutor([work], logging_dir=str(logs), **options)
    except TypeError as error:
        raise RunError(f"The {executor} executor can't be set up so: {error}.") from None
    except FileNotFoundError:
        raise RunError("There is no `sbatch` here: run this where jobs are submitted.") from None
    if executor == "ray" and not find_spec("ray"):
        raise RunError("The ray executor needs a package more: `pip install ray`.")
    logger.disable("datatrove")
    with _progress(plan, samples):
        made.run()
    paths = [join(path) for path in plan.paths]
    shutil.rmtree(logs, ignore_errors=True)
    return paths


def _end_with_parent() -> None:
    """Let this worker die with the command: whoever kills that has no other hold of its workers."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _work(
    _data: Any, rank: int, world_size: int, plan: Plan, threads: int | None, here: str
) -> None:
    os.chdir(here)
    if threads:
        import torch

        torch.set_num_threads(threads)
    Runner(plan).work(rank, world_size)


def _finish(
    _data: Any, _rank: int, _world_size: int, plan: Plan, threads: int | None, here: str
) -> None:
    os.chdir(here)
    samples = len(plan.dataset())
    if any(recorded(path, samples) < samples for path in plan.paths):
        _work(None, 0, 1, plan, threads, here)
    for path in plan.paths:
        join(path)


def _value(text: str) -> Any:
    """Return a setting as JSON has it (2, 0.5, true, {"account": "a"}), or else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


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
