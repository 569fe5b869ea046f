"""Byte-level BPE: the words of the questions are single tokens, letters on signs stay single.

Merges are learned from the lower-case language of the questions only. What is written on a sign is
an answer, and answers are spelled out (`spell`) character by character in training, so that every
character has its own uncertainty; but for those that the model gives in its own words.
"""

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from core.signs import questions
from core.signs.world import phrasing
from core.signs.world.asking import OWN_ANSWERS

IMAGE_TOKEN = "<image>"


def build_tokenizer(vocab_size: int = 1280) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=["<pad>", "<s>", "</s>", IMAGE_TOKEN],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    corpus = questions.corpus() + phrasing.corpus()
    tokenizer.train_from_iterator([line.replace("OCR", "") for line in corpus], trainer)
    tokenizer.add_tokens([AddedToken(answer, normalized=False) for answer in OWN_ANSWERS])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        extra_special_tokens={"image_token": IMAGE_TOKEN},
        padding_side="left",
    )


def spell(tokenizer: PreTrainedTokenizerFast, answer: str) -> list[int]:
    """The tokens of what is written on a sign: those of its characters, one by one."""
    if answer in OWN_ANSWERS:
        return tokenizer(answer, add_special_tokens=False).input_ids
    pieces = tokenizer(list(answer), add_special_tokens=False).input_ids
    return [token for piece in pieces for token in piece]
