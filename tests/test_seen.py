"""A long run of the tests in parts: what passed is listed, and left out the next time."""

import os
import subprocess
import sys

from tests.support.paths import ROOT

TESTS = "tests/core/support/test_commands.py"


def run(seen):
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--seen",
        seen,
        TESTS,
    ]
    plain = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
    return subprocess.run(command, cwd=ROOT, env=plain, capture_output=True, text=True).stdout


def test_what_passed_is_left_out_the_next_time(tmp_path):
    seen = tmp_path / "seen.txt"
    said = run(seen)
    first, *rest = seen.read_text().splitlines()
    assert rest and f"{1 + len(rest)} passed" in said
    assert first.startswith(f"{TESTS}::test_a_command_is_named")
    seen.write_text("\n".join(rest) + "\n")
    assert f"1 passed, {len(rest)} deselected" in run(seen)
    assert sorted(seen.read_text().splitlines()) == sorted([first, *rest])
