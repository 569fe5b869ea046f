"""What the command for clusters does where there is none."""

from dataclasses import replace

from core.bench.record.runner import Runner
from core.bench.runs.files import load_run
from tests.core.bench.record.test_runner import plan, questions  # noqa: F401
from tests.support.pixels import PixelVLM
from tools.clusters import same, workers_of
from tools.support.clusters import slurm_config


def test_workers_are_told_by_their_command(tmp_path):
    for number, words in {
        "7": b"python\0/usr/bin/launch_pickled_pipeline\0x.pik\0",
        "8": b"srun\0-l\0/usr/bin/launch_pickled_pipeline\0",
        "9": b"ray::_RankWorker.run_for_rank",
        "11": b"",
    }.items():
        (tmp_path / number).mkdir()
        (tmp_path / number / "cmdline").write_bytes(words)
    assert workers_of("slurm", tmp_path) == [7]
    assert workers_of("ray", tmp_path) == [9]


def test_slurm_keeps_to_loopback(tmp_path):
    config = slurm_config(tmp_path, cores=3)
    assert "NoCtldInAddrAny,NoInAddrAny" in config
    assert "(127.0.0.1)" in config and "NodeAddr=127.0.0.1 CPUs=3" in config


def test_runs_are_compared_but_for_the_times(plan):  # noqa: F811
    runner = Runner(plan, PixelVLM())
    runner.work()
    (path,) = runner.finish()
    run = load_run(path)
    assert same(run, replace(run, first_seconds=run.first_seconds + 1))
    assert not same(run, replace(run, first_answer=run.first_answer[::-1]))
