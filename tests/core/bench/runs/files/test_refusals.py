import errno

import pytest

from core.bench.runs.errors import DamagedError, RunError
from core.bench.runs.files import load_run, reading


@pytest.mark.parametrize(
    ("error", "match"),
    [
        (MemoryError(), "takes more memory than there is"),
        (OSError(errno.EIO, "Input/output error"), "can't be read: Input/output error"),
        (OSError(errno.EMFILE, "Too many open files"), "can't be read: Too many open files"),
    ],
)
def test_what_the_machine_lacks_is_no_damage_to_the_file(saved, monkeypatch, error, match):
    def fail(*_, **__):
        raise error

    _, path = saved
    monkeypatch.setattr(reading, "_read_columns", fail)
    with pytest.raises(RunError, match=match) as caught:
        load_run(path)
    assert not isinstance(caught.value, DamagedError)
