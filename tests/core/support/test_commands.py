import errno
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from core.support.commands import INTERRUPTED, called, run
from core.support.whole import NotWritten


@pytest.mark.parametrize(
    ("script", "name"),
    [
        ("/usr/lib/core/edge/__main__.py", "python -m core.edge"),
        ("/home/x/.venv/bin/second-look-edge", "second-look-edge"),
        ("second-look-edge.exe", "second-look-edge"),
        ("app.py", "app.py"),
    ],
)
def test_a_command_is_named_as_it_was_called(monkeypatch, script, name):
    monkeypatch.setattr(sys, "argv", [script])
    assert called("core.edge") == name


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "there"),
         "'there' can't be used: No such file or directory."),
        (NotWritten(errno.EROFS, "Read-only file system", "there"),
         "'there' can't be written: Read-only file system."),
        (OSError("The port is taken."), "The port is taken."),
        (ValueError("It is not one of them."), "It is not one of them."),
    ],
)  # fmt: skip
def test_what_ends_a_command_is_one_sentence(monkeypatch, error, sentence, capsys):
    assert _run_failing(monkeypatch, error) == 1
    assert capsys.readouterr().err == f"{sentence}\n"


@pytest.mark.parametrize(
    ("stop", "sentence"),
    [
        (KeyboardInterrupt(), "Stopped."),
        (KeyboardInterrupt("Stopped. All is kept."), "Stopped. All is kept."),
    ],
)
def test_a_command_that_is_interrupted_says_so(monkeypatch, stop, sentence, capsys):
    assert _run_failing(monkeypatch, stop) == INTERRUPTED
    assert capsys.readouterr().err == f"\n{sentence}\n"


def _run_failing(monkeypatch, error):
    def fail(args):
        raise error

    command = SimpleNamespace(__doc__="Fail.", add_arguments=lambda parser: None, main=fail)
    monkeypatch.setitem(sys.modules, "failing", command)
    return run("core.x", None, {"fail": "failing"}, ["fail"])


def test_a_command_that_is_interrupted_while_it_is_imported_says_so(monkeypatch, tmp_path, capsys):
    (tmp_path / "slow_to_import.py").write_text("raise KeyboardInterrupt")
    monkeypatch.syspath_prepend(tmp_path)
    assert run("core.x", None, {"slow": "slow_to_import"}, ["slow"]) == INTERRUPTED
    assert capsys.readouterr().err == "\nStopped.\n"


def test_a_program_that_is_interrupted_before_it_catches_anything_says_so():
    begun = "from core.support.commands import stop_in_a_sentence as s; s(); raise "
    for error, said in (("KeyboardInterrupt", "\nStopped.\n"), ("ValueError", "Traceback")):
        done = subprocess.run([sys.executable, "-c", begun + error], capture_output=True, text=True)
        assert done.returncode != 0
        assert done.stderr.startswith(said)


@pytest.mark.parametrize("program", ["core.vlm", "core.bench"])
def test_commands_are_described_without_torch(program):
    """Or --help takes as long as the first answer, and so does what an option gets wrong."""
    told = (
        "import sys; from importlib import import_module as i; "
        f"[i(place) for place in i('{program}.__main__').COMMANDS.values()]; "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", told]).returncode == 0
