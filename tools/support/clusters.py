"""Small clusters on this machine alone, to run what is written for large ones. For Linux and root.

Ray's daemons listen at every address, so `ray_here` is for a network namespace (`unshare --net`),
where there is only loopback. Slurm's and munge's are told to keep to loopback.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

PATIENCE = 120.0  # seconds that a cluster may take to be there
HEAD, SECOND, PORT = "127.0.0.2", "127.0.0.3", 6399  # Ray takes 127.0.0.1 for an outer address
OBJECTS = 80_000_000  # bytes of each Ray node's store, the least that Ray takes is 75 MiB
CONTROLLER, DAEMON = 16817, 16818  # ports of slurmctld and slurmd

SLURM = """\
ClusterName=here
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={daemon}
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
ReturnToService=2
MailProg=/bin/true
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory=8000 State=UNKNOWN
PartitionName=here Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def slurm_config(folder: Path, cores: int = 2) -> str:
    """Return a slurm.conf of this machine as the only one; memory isn't counted."""
    return SLURM.format(
        host=socket.gethostname().split(".")[0],
        folder=folder, controller=CONTROLLER, daemon=DAEMON, cores=cores,
    )  # fmt: skip


@contextlib.contextmanager
def slurm_here(folder: Path, cores: int = 2) -> Iterator[dict[str, str]]:
    """Slurm on this machine; yields the environment for sbatch, squeue and the jobs.

    It takes Debian's slurm-wlm and munge. The files are put into `folder`, which munge wants to be
    reachable for all.
    Raises RuntimeError if it doesn't come up.
    """
    folder.chmod(0o711)
    for name in ("state", "spool"):
        (folder / name).mkdir()
    key = folder / "munge.key"
    key.touch(mode=0o600)
    key.write_bytes(secrets.token_bytes(1024))
    config = folder / "slurm.conf"
    config.write_text(slurm_config(folder, cores))
    env = os.environ | {"SLURM_CONF": str(config)}
    munge = [f"--{name}-file={folder}/munge.{name}" for name in ("key", "pid", "log", "seed")]
    daemons = (
        ["munged", "--foreground", f"--socket={folder}/munge.socket", *munge],
        ["slurmctld", "-D"],
        ["slurmd", "-D"],
    )
    with contextlib.ExitStack() as stack:
        log = stack.enter_context((folder / "daemons.log").open("wb"))
        for words in daemons:
            stack.enter_context(_running(words, env, log))
            time.sleep(1.0)  # munged makes its socket, slurmctld its ports
        _until(lambda: "idle" in _said(["sinfo", "--noheader"], env), "Slurm")
        try:
            yield env
        finally:
            subprocess.run(["scancel", "--partition=here"], env=env, check=False, timeout=60)


@contextlib.contextmanager
def ray_here() -> Iterator[dict[str, str]]:
    """Two Ray nodes of one core each; yields the environment for who asks them.

    It takes the package `ray`, whose command must be on the path.
    Raises RuntimeError if they don't come up.
    """
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    common = [
        "--block", "--num-cpus=1", f"--object-store-memory={OBJECTS}", "--disable-usage-stats",
        "--min-worker-port=10002", "--max-worker-port=10200",
    ]  # fmt: skip
    head = f"{HEAD}:{PORT}"
    env = os.environ | {"RAY_ADDRESS": head}
    nodes = (
        ["--head", f"--node-ip-address={HEAD}", f"--port={PORT}", "--include-dashboard=false"],
        [f"--address={head}", f"--node-ip-address={SECOND}"],
    )
    with contextlib.ExitStack() as stack:
        for count, words in enumerate(nodes, 1):
            stack.enter_context(_running(["ray", "start", *words, *common], dict(os.environ)))
            _until(partial(_nodes, count, head, env), f"Ray's node {count}")
        yield env


@contextlib.contextmanager
def _running(words: list[str], env: dict[str, str], log: object = subprocess.DEVNULL):
    # In no folder of ours: what a run names must be found by workers that start anywhere.
    process = subprocess.Popen(words, env=env, stdout=log, stderr=log, cwd="/")  # type: ignore[call-overload]
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _nodes(count: int, head: str, env: dict[str, str]) -> bool:
    return _said(["ray", "status", f"--address={head}"], env).count(" node_") >= count


def _said(words: list[str], env: dict[str, str]) -> str:
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
    return done.stdout


def _until(there, what: str) -> None:
    stop = time.monotonic() + PATIENCE
    while not there():
        if time.monotonic() > stop:
            raise RuntimeError(f"{what} didn't come up in {PATIENCE:.0f} s.")
        time.sleep(1.0)
