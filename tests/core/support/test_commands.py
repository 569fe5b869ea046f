import errno
import os
import sys
from types import SimpleNamespace

import pytest

from core.support.commands import called, run
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
def test_what_ends_a_command_is_one_sentence(error, sentence, capsys):
    def fail(args):
        raise error

    command = SimpleNamespace(__doc__="Fail.", add_arguments=lambda parser: None, main=fail)
    assert run("core.x", None, {"fail": command}, ["fail"]) == 1
    assert capsys.readouterr().err == f"{sentence}\n"
