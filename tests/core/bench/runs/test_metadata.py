from dataclasses import replace

import pytest

from core.bench.runs.errors import RunError
from core.bench.runs.metadata import Metadata
from tests.support.strategies import METADATA


@pytest.mark.parametrize(
    ("name", "value"),
    [("model", None), ("seed", "7"), ("quality", True), ("parameters", 1.5), ("revision", 3),
     ("versions", {"numpy": 2}), ("versions", ["numpy"])],
)  # fmt: skip
def test_metadata_of_the_wrong_kind_are_refused(name, value):
    with pytest.raises(RunError, match=name):
        replace(METADATA, **{name: value})


def test_metadata_may_leave_open_what_is_not_known():
    unknown = dict.fromkeys(("revision", "parameters", "seed", "quality"))
    assert isinstance(replace(METADATA, **unknown), Metadata)
