"""Croppers that look where the model attends."""

from core.croppers.base import Clues, Cropper, Found, Need


def _relative(clues: Clues) -> Found:
    return clues.on(clues.relative_map)  # eq. 22


def _attention(clues: Clues) -> Found:
    return clues.on(clues.question_map)


ENTRIES = (
    Cropper(
        name="relative",
        label="Relative attention",
        rule="The question's attention, divided by that of a generic prompt.",
        source="arXiv 2512.16349, eq. 22; ViCrop, arXiv 2502.17422",
        find=_relative,
        needs=frozenset({Need.QUESTION, Need.GENERIC}),
    ),
    Cropper(
        name="attention",
        label="Attention",
        rule="The question's attention alone.",
        source="arXiv 2512.16349, numerator of eq. 22",
        find=_attention,
        needs=frozenset({Need.QUESTION}),
    ),
)
