"""A run divided among processes by datatrove, with a real (tiny) model."""

import json

import pytest
import torch

from core.bench.commands.run_command import run_here
from core.bench.record.runner import CHUNK, Plan
from core.bench.runs.files import load_run
from core.bench.runs.run import RunError
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
    assert "dependency=afterok:41" in joining
