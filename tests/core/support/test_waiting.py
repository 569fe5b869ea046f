"""Threads of a computation that sleep while they wait."""

import os
import subprocess
import sys

import pytest

from core.support.waiting import wait_asleep


def test_what_the_user_says_goes_before(monkeypatch):
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    wait_asleep()
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    wait_asleep()
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"


@pytest.mark.parametrize(
    "begin", ["import dashboard", "import core.server.__main__ as c; c._parser = exit; c.main()"]
)
def test_both_commands_say_so_before_torch_reads_it(begin):
    code = f"""
import atexit, os, sys
def told():
    os._exit("torch" in sys.modules or os.environ.get("OMP_WAIT_POLICY") != "PASSIVE")
atexit.register(told)
{begin}
"""
    assert subprocess.run([sys.executable, "-c", code], env=_without_policy()).returncode == 0


def _without_policy():
    return {name: said for name, said in os.environ.items() if name != "OMP_WAIT_POLICY"}
