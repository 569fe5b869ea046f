import sys

import pytest

from core.support.commands import called


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
