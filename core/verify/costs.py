"""What each step of the protocol takes on this machine, and what of the model is a guess."""

from __future__ import annotations

from collections.abc import Iterator

from core.edge.device import Edge
from core.verify.case import Case
from core.verify.meter import metered
from core.verify.report import Finding
from core.vlm.loading.settings import THRESHOLDS

_PUBLISHED_SIDE = ("llava", "instructblip", "qwen2_5_vl")  # ViCrop's own base sides


def check(case: Case) -> Iterator[Finding]:
    """Yield time and memory of every step of a retransmitted question."""
    vlm, question, edge = case.vlm, case.photo.question, Edge(case.photo.image)
    view = edge.resize(vlm.info.fit)
    look, answer = vlm.look(view), vlm.answer(vlm.look(view), question)
    local = view  # an image as large as any local image
    steps = {
        "look": lambda: vlm.look(view),
        "first answer": lambda: vlm.answer(look, question),
        "generic attention": lambda: vlm.attend(look, vlm.info.generic_prompt),
        "second answer": lambda: vlm.answer(look, question, local, draft=answer.token_ids),
    }
    taken = {}
    for name, run in steps.items():
        case.step(name)
        taken[name] = metered(run)
    said = [
        f"{name} {one.seconds:.2f} s"
        + ("" if one.peak_bytes is None else f" and {one.peak_bytes / 1e6:.0f} MB")
        for name, one in taken.items()
    ]
    yield Finding(
        "note",
        f"{'; '.join(said)}. What is kept of an image takes {look.nbytes / 1e6:.0f} MB.",
        {
            "seconds": {name: one.seconds for name, one in taken.items()},
            "peak_bytes": {name: one.peak_bytes for name, one in taken.items()},
            "look_bytes": look.nbytes,
        },
    )


def guesses(case: Case) -> Iterator[Finding]:
    """Yield what of the model's facts nobody has published or measured."""
    info = case.vlm.info
    if "guess" in info.layer_source:
        yield Finding(
            "guess",
            f"Nobody has published a layer for this model: {info.attention_layer} of "
            f"{info.layers} is a guess.",
        )
    else:
        yield Finding(
            "note", f"Layer {info.attention_layer} of {info.layers}: {info.layer_source}."
        )
    if info.family not in _PUBLISHED_SIDE:
        yield Finding("guess", f"Nobody has published a box side: {info.base_side} is a guess.")
    if dict(info.thresholds) == THRESHOLDS:
        yield Finding("guess", "No η was calibrated for this model: all are where they start.")
    if info.unshared is not None:
        yield Finding("note", f"Every prompt is read from its beginning: {info.unshared}")
