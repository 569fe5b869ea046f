"""Which tokens end an answer, from everything that a checkpoint says about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from jinja2 import TemplateError
from transformers import ProcessorMixin

from core.vlm.loading.checkpoint import Checkpoint

_ANSWER = "Xylophone"  # a word that no template writes


def end_ids(
    checkpoint: Checkpoint, processor: ProcessorMixin, special: Mapping[int, str]
) -> frozenset[int]:
    """Return every token that ends an answer, as the checkpoint's files say.

    special: the tokens that stand for no text, id -> name.

    The union, because published checkpoints contradict themselves: the text config of Idefics3
    leaves out the token that ends its turns, that of InstructBLIP is of an older vocabulary. What
    is read are the files: a config class of transformers fills in what none of them says, and the
    2 of Llama is another token elsewhere.
    """
    texts = checkpoint.config, checkpoint.config.get("text_config") or {}
    said = [config.get("eos_token_id") for config in (checkpoint.generation_config(), *texts)]
    said.append(processor.tokenizer.eos_token_id)
    said.append(_end_of_turn(processor, special))
    return frozenset(one for ids in said for one in _each(ids))


def _end_of_turn(processor: ProcessorMixin, special: Mapping[int, str]) -> int | None:
    """Return the special token that the chat template writes right behind an answer, if any."""
    turns: list[Any] = [
        {"role": role, "content": [{"type": "text", "text": text}]}
        for role, text in (("user", "?"), ("assistant", _ANSWER))
    ]
    if processor.chat_template is None:
        return None
    try:
        written = processor.apply_chat_template(turns)
    except (TemplateError, TypeError):  # one that knows no answers says nothing about their end
        return None
    _, found, behind = written.rpartition(_ANSWER)
    return _first_special(behind.lstrip(), special) if found else None


def _first_special(text: str, special: Mapping[int, str]) -> int | None:
    at_start = {
        len(name): token_id for token_id, name in special.items() if name and text.startswith(name)
    }
    return at_start[max(at_start)] if at_start else None


def _each(ids: Any) -> Iterable[int]:
    if ids is None:
        return ()
    return ids if isinstance(ids, list | tuple) else (ids,)
