"""A run divided among processes by datatrove, with a real (tiny) model."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
import torch

from core.bench.commands.run_command import run_here
from core.bench.record.runner import CHUNK, Plan
from core.bench.runs.errors import RunError
from core.bench.runs.files import load_run
from tests.core.bench.record.test_runner import same
from tests.support.pixels import picture
from tests.support.tiny import save_focalnet_llava

distribute = pytest.importorskip("core.bench.record.distribute", reason="the optional extra")


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    folder = tmp_path_factory.mktemp("divided")
    picture().save(folder / "a.png")
    row = {"image": "a.png", "answers": ["a"]}
    rows = [json.dumps(row | {"question": f"What {i}?"}) for i in range(CHUNK + 4)]
    (folder / "questions.jsonl").write_text("\n".join(rows))
    return Plan(
        out=str(folder / "q{quality}.parquet"),
        model=str(save_focalnet_llava(folder / "tiny")),
        data="folder",
        folder=str(folder / "questions.jsonl"),
        qualities=(20, 80),
        load={"device": "cpu"},
    )


def test_two_workers_make_the_run_of_one(plan):
    divided = [load_run(path) for path in distribute.run_divided(plan, 2, threads=1)]
    for path in plan.paths:
        path.unlink()
    assert not list(plan.paths[0].parent.glob("*.parts")) + list(
        plan.paths[0].parent.glob("*.logs")
    )
    threads = torch.get_num_threads()
    try:  # other numbers of threads add in another order
        single = [load_run(path) for path in run_here(plan, threads=1)]
    finally:
        torch.set_num_threads(threads)
    for one, other in zip(single, divided, strict=True):
        assert len(one) == CHUNK + 4 and same(one, other)


@pytest.mark.parametrize(
    ("ended", "ends", "said"),
    [
        ("a worker", RunError, "worker was killed.*the same command goes on"),
        ("the command", KeyboardInterrupt, None),
    ],
)
def test_what_ends_early_leaves_no_worker_and_the_same_command_goes_on(
    plan, tmp_path, ended, ends, said
):
    from dataclasses import replace

    from core.bench.record.runner import working_folder

    plan = replace(plan, out=str(tmp_path / "killed.parquet"), qualities=(20,))
    parts, mine, others = working_folder(plan.paths[0]), os.getpid(), []
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # xdist has it ignored

    def end() -> None:
        stop = time.monotonic() + 60
        while not others and time.monotonic() < stop:
            if parts.exists():  # a worker has begun
                others.extend(_workers_of(mine))
            time.sleep(0.01)
        if ended == "the command":
            os.kill(mine, signal.SIGINT)
        for worker in others[:1] if ended == "a worker" else ():
            os.kill(worker, signal.SIGKILL)

    ending = threading.Thread(target=end)
    ending.start()
    try:
        with pytest.raises(ends, match=said):
            distribute.run_divided(plan, 2, threads=1)
    finally:
        ending.join()
        signal.signal(signal.SIGINT, before)
    assert not _workers_of(mine)
    assert len(list(parts.glob("*.parquet"))) < 2  # nobody waited for the rest
    (run,) = [load_run(path) for path in run_here(plan)]
    assert len(run) == CHUNK + 4


def test_workers_die_with_a_command_that_is_killed():
    """The pipe of their output, which they hold too, is at its end only then."""
    begun = (
        "import multiprocessing, os, signal\n"
        "from concurrent.futures import ProcessPoolExecutor\n"
        "from core.bench.record.distribute import _end_with_parent\n"
        "context = multiprocessing.get_context('forkserver')\n"
        "pool = ProcessPoolExecutor(1, context, _end_with_parent)\n"
        "print(pool.submit(os.getpid).result(), flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", begun], stdout=subprocess.PIPE, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert done.stdout


def _workers_of(process):
    """Return the processes that are asking: grandchildren, of the server that forks them."""
    parents = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat") as stat:
                parents[int(name)] = int(stat.read().rpartition(")")[2].split()[1])
        except OSError:
            continue
    children = [one for one, parent in parents.items() if parent == process]
    return [one for one, parent in parents.items() if parent in children]


@pytest.mark.parametrize(
    ("text", "value"),
    [("2", 2), ("0.5", 0.5), ("false", False), ("04:00:00", "04:00:00"), ("", ""),
     ('{"account": "a"}', {"account": "a"})],
)  # fmt: skip
def test_settings_are_read_as_json_or_as_they_stand(text, value):
    assert distribute._value(text) == value


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ((0, "local", {}), "workers must be at least 1"),
        ((2, "local", {"colour": "red"}), "local executor can't be set up so"),
        ((2, "slurm", {}), "slurm executor can't be set up so.*time"),
    ],
)
def test_settings_that_make_no_sense(plan, settings, match):
    with pytest.raises(RunError, match=match):
        distribute.run_divided(plan, *settings)


def test_slurm_gets_a_job_for_each_shard_and_one_that_joins_them(plan, monkeypatch, tmp_path):
    """What is handed to sbatch, which isn't here."""
    from dataclasses import replace

    from datatrove.executor import slurm

    scripts = []

    def sbatch(content, _job_id_retriever=None, *args):
        scripts.append(" ".join([content, *args]))
        return str(40 + len(scripts))

    monkeypatch.setattr(slurm, "launch_slurm_job", sbatch)
    plan = replace(plan, out=str(tmp_path / "q{quality}.parquet"))
    options = {"time": "01:00:00", "partition": "gpu", "gpus_per_task": "1"}
    assert distribute.run_divided(plan, 3, "slurm", options) is None
    work = next(script for script in scripts if "array=0-2" in script)
    assert "--partition=gpu" in work and "--time=01:00:00" in work
    (joining,) = [s for s in scripts if "join/executor.pik" in s]
    assert "dependency=afterany:41" in joining  # it asks what killed workers left
    assert all("--kill-on-invalid-dep=yes" in script for script in scripts)


def test_the_last_job_asks_what_killed_workers_left(plan, tmp_path):
    from dataclasses import replace

    plan = replace(plan, out=str(tmp_path / "left.parquet"), qualities=(20,))
    here = os.getcwd()
    distribute._work(None, 1, 2, plan, 1, here)  # the other one was killed before its first chunk
    distribute._finish(None, 0, 1, plan, 1, here)
    assert len(load_run(plan.paths[0])) == CHUNK + 4
