"""Units of systemd start commands that there are, with options that these know."""

import configparser
import shutil
import subprocess
import tomllib

import pytest

from core.server.__main__ import _parser
from core.server.limits import Limits
from tests.ops.test_watching import OPS

UNITS = ("second-look-server", "second-look-page")
VENV = "/opt/second-look/venv/bin/"


def read(name):
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str
    parser.read(OPS / f"{name}.service")
    return parser["Service"]


@pytest.mark.parametrize("name", UNITS)
def test_they_start_what_is_installed(name):
    scripts = tomllib.loads((OPS.parent / "pyproject.toml").read_text())["project"]["scripts"]
    command, *_ = read(name)["ExecStart"].split()
    assert command.removeprefix(VENV) in scripts


def test_the_server_has_time_to_end_what_it_began():
    service = read("second-look-server")
    options = _parser().parse_args(service["ExecStart"].split()[1:])
    limits = Limits()
    assert options.port == 7870 and options.drain_seconds == limits.drain_seconds
    most = limits.drain_seconds + limits.max_wait + limits.body_seconds
    assert int(service["TimeoutStopSec"]) >= most


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd isn't installed")
@pytest.mark.parametrize("name", UNITS)
def test_systemd_understands_them(name, tmp_path):
    unit = tmp_path / f"{name}.service"
    text = (OPS / unit.name).read_text()
    start = read(name)["ExecStart"].split()[0]
    unit.write_text(text.replace(start, "/bin/true"))  # nothing lies in /opt here
    done = subprocess.run(
        ["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
