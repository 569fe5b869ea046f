"""Programs that some tests need and pip doesn't bring."""

import os
import shutil

import pytest


def needed(program, package):
    """Return the program's path. Without it the test is skipped, or fails where that is CI."""
    found = shutil.which(program)
    if found is None:
        reason = f"There is no {program}: apt-get install {package}."
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found
