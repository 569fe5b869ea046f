"""The certificate of a gate with a promise: what it was set on, and what else it holds for."""

import hashlib

import numpy as np

from core.bench.analysis.promises.guarantee import Promised
from core.bench.runs.provenance import today
from core.bench.runs.run import Run
from core.certificate import Certificate, Promise, Setting, written


def certify(run: Run, promised: Promised) -> Certificate:
    """Return the certificate of what `promise` gave for this run."""
    gate, metadata = promised.gate, run.metadata
    return Certificate(
        metric=gate.metric,
        threshold=written(gate.threshold),
        first_tokens=gate.first_tokens,
        promises=tuple(
            Promise(
                what=kept.goal.what, at_most=kept.goal.at_most, group=kept.group,
                measured=kept.measured, bound=kept.bound, largest=kept.largest,
            )
            for kept in promised.kept
        ),
        confidence=promised.confidence,
        metrics=promised.metrics,
        questions=promised.questions,
        images=promised.images,
        asked=promised.asked,
        dataset=metadata.dataset,
        split=metadata.split,
        data=digest(run, gate.metric, gate.first_tokens),
        date=today(),
        setting=Setting.of_run(metadata),
    )  # fmt: skip


def digest(run: Run, metric: str, first_tokens: int | None = None) -> str:
    """Return a SHA-256 of all that an η depends on: ids, images, both scores, uncertainty."""
    run = run.answered
    found = hashlib.sha256()
    for name in (*run.id, *run.image_id):
        found.update(f"{len(name)} {name}\n".encode("utf-8", "replace"))
    for values in (run.first_score, run.second_score, run.uncertainty(metric, first_tokens)):
        found.update(np.ascontiguousarray(values, dtype="<f8").tobytes())
    return f"sha256:{found.hexdigest()}"
