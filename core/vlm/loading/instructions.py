"""How a short answer is asked for: what a prompt says beside the question.

Benchmarks are scored on answers of a word or two, and models that were trained on LLaVA-1.5's
mixture (arXiv 2310.03744, table 7) give them when they are told to. ViCrop (arXiv 2502.17422) ends
the generic prompt of eq. 22 as it ends the question, so that the two differ in what is asked alone.
"""

from __future__ import annotations

SHORT = "Answer the question using a single word or phrase."
LETTER = "Answer with the option's letter from the given choices directly."
# How other benchmarks ask for one, or for a short answer, as published.
HR_BENCH = "Answer the option letter directly."
MME_REALWORLD = (
    "Select the best answer to the above multiple-choice question based on the image. Respond with "
    "only the letter (A, B, C, D, or E) of the correct option.\nThe best answer is:"
)
REALWORLDQA = (
    "Please answer directly with only the letter of the correct option and nothing else.",
    "Please answer directly with a single word or number.",
)
OWN = (SHORT, LETTER, HR_BENCH, MME_REALWORLD, *REALWORLDQA)
PLACE = "{question}"  # where an instruction has it, the question takes its place

_OF_FAMILY = {"instructblip": f"Question: {PLACE} Short answer:"}  # its authors' and ViCrop's
_FEWEST_LAYERS = 12  # no published model has fewer; what is smaller was not trained on instructions


def instruction(family: str, layers: int) -> str:
    """Return what a model is told beside a question; "" for one that is too small to be told.

    family: config.model_type. layers: of the language model.
    """
    if family in _OF_FAMILY:
        return _OF_FAMILY[family]
    return SHORT if layers >= _FEWEST_LAYERS else ""


def instructed(question: str, instruction: str) -> str:
    """Return the question with an instruction, which follows on a line of its own or holds it.

    A question that brings one already (that of a data set about its options, one that somebody
    typed) keeps it: none is added.
    """
    if question.rstrip().endswith((*OWN, instruction or SHORT)):
        return question
    if PLACE in instruction:
        return instruction.replace(PLACE, question)
    return f"{question}\n{instruction}" if instruction else question
