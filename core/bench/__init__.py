"""Benchmarks: data sets, scoring, recorded runs, and the curves and tables drawn from them."""

from core.bench.analysis.calibration import (
    Calibration,
    halves,
    threshold_for_accuracy,
    threshold_for_budget,
    threshold_for_wrong_and_sure,
)
from core.bench.analysis.curves import (
    COSTS,
    Curve,
    Frontier,
    Point,
    frontier,
    full,
    high_resolution,
    initial,
    operating_point,
    oracle_curve,
    random_curve,
    tradeoff,
)
from core.bench.analysis.outcomes import Confusion, confusion, samples_near, samples_of_kind
from core.bench.analysis.promises.certify import certify
from core.bench.analysis.promises.goal import Goal
from core.bench.analysis.promises.guarantee import Promised, promise
from core.bench.analysis.promises.refusals import PromiseError
from core.bench.analysis.separability import (
    Changes,
    Reliability,
    Separability,
    Steps,
    changes,
    reliability,
    separability,
    step_means,
)
from core.bench.runs.errors import RunError
from core.bench.runs.files import RunFile, list_runs, load_run, save_run
from core.bench.runs.metadata import Metadata
from core.bench.runs.record import Record
from core.bench.runs.run import Run
from core.bench.runs.uploads import load_upload

__all__ = [
    "COSTS",
    "Calibration",
    "Changes",
    "Confusion",
    "Curve",
    "Frontier",
    "Goal",
    "Metadata",
    "Point",
    "PromiseError",
    "Promised",
    "Record",
    "Reliability",
    "Run",
    "RunError",
    "RunFile",
    "Separability",
    "Steps",
    "certify",
    "changes",
    "confusion",
    "frontier",
    "full",
    "halves",
    "high_resolution",
    "initial",
    "list_runs",
    "load_run",
    "load_upload",
    "operating_point",
    "oracle_curve",
    "promise",
    "random_curve",
    "reliability",
    "samples_near",
    "samples_of_kind",
    "save_run",
    "separability",
    "step_means",
    "threshold_for_accuracy",
    "threshold_for_budget",
    "threshold_for_wrong_and_sure",
    "tradeoff",
]
