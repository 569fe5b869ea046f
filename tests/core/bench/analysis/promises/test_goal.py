import pytest

from core.bench.analysis.promises.goal import LOST, Goal


def test_what_makes_no_sense_as_a_goal_is_refused():
    for limit in (0, 1, -0.1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="must be between 0 and 1"):
            Goal(LOST, limit)
    with pytest.raises(ValueError, match="must be positive"):
        Goal("bytes", 0)
    with pytest.raises(ValueError, match="must be one of lost"):
        Goal("relative_cost", 0.3)
