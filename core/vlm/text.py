"""Text to tokens, and back: questions that can't inject tokens, tokens that people can read."""

from __future__ import annotations

import re
from collections.abc import Collection

from transformers import PreTrainedTokenizerBase


def special_tokens(tokenizer: PreTrainedTokenizerBase) -> dict[int, str]:
    """Every token that stands for no text: id -> name.

    ``tokenizer.all_special_tokens`` lists only those that have a role, such as the end of the
    text; checkpoints flag others too, LLaVA-1.5's "<image>" among them.
    """
    added = tokenizer.added_tokens_decoder.items()
    return {token_id: token.content for token_id, token in added if token.special}


def defuse(text: str, names: Collection[str]) -> str:
    """``text`` in which nothing spells one of ``names``: "<image>" becomes "< image>".

    A tokenizer reads a special token wherever its name is written, so a user could end the prompt
    or claim an image that isn't there. Encoding the question apart from its prompt and without
    special tokens would prevent that too, but would give ordinary questions other tokens than the
    model was trained on: SentencePiece puts a space in front of every piece.
    """
    longest_first = sorted(names, key=len, reverse=True)
    spelled = re.compile("|".join(re.escape(name) for name in longest_first if name))
    while longest_first and spelled.search(text):  # breaking one name may spell another
        text = spelled.sub(_broken, text)
    return text


def readable(token_id: int, tokenizer: PreTrainedTokenizerBase, special: dict[int, str]) -> str:
    """The text of one token with its leading space, or the name of a special token.

    Part of a character, as byte-level tokenizers have them, reads as U+FFFD; an id beyond the
    vocabulary (models pad their output layer) as "<id>".
    """
    if token_id in special:
        return special[token_id]
    if tokenizer.convert_ids_to_tokens(token_id) is None:
        return f"<{token_id}>"
    # Decoders strip the space in front of a text: the second of two tokens keeps its own.
    once, twice = (
        tokenizer.decode([token_id] * times, clean_up_tokenization_spaces=False) for times in (1, 2)
    )
    assert isinstance(once, str) and isinstance(twice, str)  # a list is of a list of lists
    return twice[len(once) :]


def _broken(name: re.Match[str]) -> str:
    first, rest = name[0][:1], name[0][1:]
    return f"{first} {rest}" if rest else " "
