"""Threads of a computation that spin only briefly while they wait."""

import os
import subprocess
import sys

import pytest

from core.support.waiting import spin_briefly

SAID = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")


def test_what_the_user_says_goes_before(monkeypatch):
    for name in SAID:
        monkeypatch.delenv(name, raising=False)
    spin_briefly()
    assert os.environ["GOMP_SPINCOUNT"] == "2000" and "OMP_WAIT_POLICY" not in os.environ
    monkeypatch.setenv("GOMP_SPINCOUNT", "7")
    spin_briefly()
    assert os.environ["GOMP_SPINCOUNT"] == "7"
    monkeypatch.delenv("GOMP_SPINCOUNT")
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    spin_briefly()
    assert "GOMP_SPINCOUNT" not in os.environ


@pytest.mark.parametrize(
    "begin", ["import dashboard", "import core.server.__main__ as c; c._parser = exit; c.main()"]
)
def test_both_commands_say_so_before_torch_reads_it(begin):
    code = f"""
import atexit, os, sys
def told():
    os._exit("torch" in sys.modules or os.environ.get("GOMP_SPINCOUNT") != "2000")
atexit.register(told)
{begin}
"""
    unsaid = {name: value for name, value in os.environ.items() if name not in SAID}
    assert subprocess.run([sys.executable, "-c", code], env=unsaid).returncode == 0
