"""Whether what is shared and saved changes anything: against a plain pass over everything.

The plain pass reads the prompt and the answer behind it at once, without a cache, on the eager
path, and keeps the row of every layer. So an answer, its scores and its row are held against
numbers that no decoding, sharing or capturing of ours has touched.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

from core.box import Box
from core.edge.device import Edge
from core.server.stages.maps import attention_maps, chosen_box, geometry_on
from core.verify.case import Case
from core.verify.plain import Pass
from core.verify.report import Finding
from core.vlm.base import MAX_NEW_TOKENS, Generation

_EXACT = {torch.float32: 1e-4}  # of a logit
_HALF = 2e-2
_ROW_EXACT, _ROW_HALF = 1e-5, 0.1  # of a weight; of all weights together, where it is rounded
# Of all weights together, in float32: 5e-7 in the bundled model; room for larger activations.
_ROUNDING = 1e-4
_OTHER = "How many people can you see there?"


@dataclass(frozen=True)
class Precision:
    """What counts as the same on this device in this dtype."""

    exact: bool
    noise: float  # of a logit, between two plain passes in different order
    logits: float

    def says(self, dtype: str, device: str) -> str:
        return (
            f"In {dtype} on {device}, logits of two plain passes (eager, sdpa) differ by "
            f"{self.noise:.1e}; up to {self.logits:.1e} counts as the same."
        )


def check(case: Case) -> Iterator[Finding]:
    """Yield whether answers, scores, rows and boxes are those of the plain path."""
    vlm, question = case.vlm, case.photo.question
    edge, generic_prompt = Edge(case.photo.image), vlm.info.generic_prompt
    view = edge.resize(vlm.info.fit)
    case.step("the first answer")
    first = vlm.answer(vlm.look(view), question)
    case.step("the same in a plain pass, all layers")
    plain = case.plain.run([view], question, first.token_ids[:-1])
    case.step("and in another order of operations")
    precision = _precision(case, view, first, plain)
    model = vlm._model
    yield Finding(
        "note",
        precision.says(str(model.dtype).removeprefix("torch."), str(model.device)),
        vars(precision),
    )
    yield _scores("first answer", case, [view], first, plain, precision)
    yield _ended(first, vlm._end_ids)
    asked = _row("the question", case, first.attention, plain.rows, precision)
    yield asked
    case.step("the generic prompt, and the same in a plain pass")
    generic = vlm.attend(vlm.look(view), generic_prompt)
    generic_rows = case.plain.run([view], generic_prompt).rows
    described = _row("the generic prompt", case, generic, generic_rows, precision)
    yield described
    ours = _box(case, view.size, first.attention, generic)
    layer = vlm.info.attention_layer
    theirs = _box(case, view.size, plain.rows[layer], generic_rows[layer])
    off = max(one.facts["relative"] for one in (asked, described))
    yield _boxes(ours, theirs, off, precision.exact)
    local = edge.crop(ours, vlm.info.fit)
    case.step("the second answer, and the same in a plain pass")
    second = vlm.answer(vlm.look(view), question, local, draft=first.token_ids)
    plain = case.plain.run([view, local], question, second.token_ids[:-1])
    yield _scores("second answer", case, [view, local], second, plain, precision)
    case.step("other questions, and the first one again")
    yield _leak(case, view, local, first, precision)


def _precision(case: Case, view: Image.Image, first: Generation, plain: Pass) -> Precision:
    again = case.plain.again([view], case.photo.question, first.token_ids[:-1])
    noise = float(np.abs(plain.logits - again).max())
    dtype = case.vlm._model.dtype
    return Precision(dtype in _EXACT, noise, max(_EXACT.get(dtype, _HALF), 3 * noise))


def _scores(
    name: str,
    case: Case,
    images: list[Image.Image],
    answer: Generation,
    plain: Pass,
    precision: Precision,
) -> Finding:
    """Whether an answer's tokens and logits are those of one plain pass over prompt and answer."""
    logits = answer.logits[: len(plain.logits)]
    with np.errstate(invalid="ignore"):
        off = np.abs(logits - plain.logits)
    facts = {
        "answer": answer.text,
        "tokens": list(answer.token_ids),
        "logits_off": float(off.max()),
    }
    if not (off <= precision.logits).all():  # not a number is not the same, either
        written = {*case.plain.ids(images, case.photo.question), *answer.token_ids}
        most = float(np.nan_to_num(off, nan=np.inf).max())
        why = _altered(logits, plain.logits, written, precision.logits)
        return Finding(
            "failed",
            f"The scores of the {name} ({answer.text!r}) are not the model's own: its logits are "
            f"off by up to {most:.2g} from one plain pass over prompt and answer: {why}.",
            facts,
        )
    chosen = plain.logits.argmax(axis=-1)
    for t, token in enumerate(answer.token_ids[: len(chosen)]):
        lead = plain.logits[t, chosen[t]] - plain.logits[t, token]
        if lead > 2 * precision.logits:
            return Finding(
                "failed",
                f"Token {t} of the {name} is {answer.tokens[t]!r}, and the plain pass has "
                f"{case.vlm.decode_token(int(chosen[t]))!r}, {lead:.2g} ahead.",
                facts,
            )
    return Finding(
        "passed",
        f"The {name}, {answer.text!r}, and its logits are those of the plain pass "
        f"(off by {off.max():.1e}).",
        facts,
    )


def _altered(logits: np.ndarray, own: np.ndarray, written: set[int], tolerance: float) -> str:
    """In what way the logits were altered, as far as it shows."""
    if not np.isfinite(logits).all():
        if np.isnan(logits).any():
            return "some are not numbers"
        return "tokens have been ruled out"
    columns = set(np.unique(np.nonzero(np.abs(logits - own) > tolerance)[1]).tolist())
    if columns <= written:
        return (
            "only tokens that were written before differ, as after a repetition penalty "
            "(see generation_config.json)"
        )
    factor = float((logits * own).sum() / np.square(own).sum())
    if abs(factor - 1) > 1e-3 and np.abs(logits - factor * own).max() <= tolerance:
        return f"all are {factor:.3g} times their own value, as after a temperature"
    return "what is shared or decoded step by step isn't what is read at once"


def _ended(answer: Generation, end_ids: frozenset[int]) -> Finding:
    *inner, last = answer.token_ids
    if any(one in end_ids for one in inner):
        return Finding("failed", "The answer goes on behind a token that ends it.")
    if last in end_ids or len(answer.token_ids) == MAX_NEW_TOKENS:
        how = f"by {answer.tokens[-1]!r}" if last in end_ids else "by the limit of tokens"
        return Finding("passed", f"It is ended {how}, after {len(answer.token_ids)} tokens.")
    return Finding("failed", f"The answer stops at {answer.tokens[-1]!r}, which ends nothing.")


def _row(name: str, case: Case, row: np.ndarray, rows: np.ndarray, precision: Precision) -> Finding:
    """Whether a row is that of the layer which is said."""
    layer = case.vlm.info.attention_layer
    # Of all weights of a layer together: layers differ in how much they give to the image.
    off = np.abs(rows - row).sum(axis=1) / np.maximum(rows.sum(axis=1), 1e-30)
    nearest, largest = int(off.argmin()), float(np.abs(rows[layer] - row).max())
    facts = {"layer": layer, "nearest": nearest, "row_off": largest, "relative": float(off[layer])}
    close = largest <= _ROW_EXACT if precision.exact else off[layer] <= _ROW_HALF
    if close and off[layer] <= max(3 * off[nearest], 1e-6):
        return Finding(
            "passed",
            f"The attention of {name} is that of layer {layer} of the plain pass "
            f"(off by {largest:.1e}).",
            facts,
        )
    if nearest != layer and off[nearest] < off[layer] / 3:
        why = f"it is that of layer {nearest}, and the layer is said to be {layer}"
    else:
        why = f"all its weights together are off by {off[layer]:.1%}"
    return Finding("failed", f"The attention of {name} isn't that of the plain pass: {why}.", facts)


def _box(case: Case, view: tuple[int, int], question: np.ndarray, generic: np.ndarray) -> Box:
    geometry = geometry_on(case.vlm, view, case.size)
    return chosen_box(case.vlm, attention_maps(question, generic, geometry), case.size)


def _boxes(ours: Box, theirs: Box, off: float, exact: bool) -> Finding:
    """The boxes of both rows, which one function finds in them.

    So they differ only as the rows do. If that is by rounding, either box is as good, and which of
    two near equals it is no fault of the model's: a note. If rows in float32 differ by more than
    rounding comes to, though too little for a fault of theirs, another box is one.

    off: of the rows, all weights together.
    """
    one, other = (" ".join(map(str, box.as_tuple())) for box in (ours, theirs))
    facts = {"box": list(ours.as_tuple()), "plain": list(theirs.as_tuple())}
    if ours == theirs:
        return Finding("passed", f"Both rows give the same box, {one}.", facts)
    said = f"The rows give the box {one}, and those of the plain pass {other}"
    if exact and off > _ROUNDING:
        return Finding(
            "failed",
            f"{said}: the rows are off by {off:.1e} of their weights, more than rounding is in "
            "float32, and it moves the box.",
            facts,
        )
    return Finding(
        "note",
        f"{said}: the rows are the same but for rounding ({off:.1e} of their weights), so two "
        "places stand out alike, and it decides between them.",
        facts,
    )


def _leak(
    case: Case, view: Image.Image, local: Image.Image, first: Generation, precision: Precision
) -> Finding:
    """Whether a question is answered the same on a look that was asked other things before."""
    vlm, question, look = case.vlm, case.photo.question, case.vlm.look(view)
    vlm.answer(look, question)
    vlm.attend(look, vlm.info.generic_prompt)
    vlm.answer(look, _OTHER, local)
    again = vlm.answer(look, question)
    same = again.token_ids == first.token_ids
    length = min(len(again.token_ids), len(first.token_ids))
    with np.errstate(invalid="ignore"):
        off = float(np.abs(again.logits[:length] - first.logits[:length]).max())
    row = float(np.abs(again.attention - first.attention).max())
    facts = {"logits_off": off, "row_off": row}
    if same and off <= precision.logits and row <= max(_ROW_EXACT, 1e-2 * first.attention.max()):
        return Finding("passed", "Asked again after another question, it answers the same.", facts)
    return Finding(
        "failed",
        "Asked again after another question about the same image, the first question gets other "
        f"scores (off by {off:.2g}): what is kept of an image is changed by a question.",
        facts,
    )
