from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, normalizers
from transformers import PreTrainedTokenizerFast

from core.vlm.text import defuse, readable, special_tokens
from tools.doubles.untrained import byte_level_tokenizer

NAMES = ("<image>", "</s>", "<s>", "<pad>", "|")


@given(st.lists(st.sampled_from([*NAMES, "<", ">", "image", "s", "/", " ", "é"])).map("".join))
def test_no_name_survives_and_nothing_else_is_lost(text):
    defused = defuse(text, NAMES)
    assert not any(name in defused for name in NAMES)
    assert defused.replace(" ", "") == text.replace(" ", "").replace("|", "")


def test_an_ordinary_text_is_left_alone():
    text = "Is 3 < 4 > 2, or </ s> an <img>?\n"
    assert defuse(text, NAMES[:4]) == text
    assert defuse("<image>", ()) == "<image>"


def test_byte_level_tokens_are_readable():
    tokenizer = byte_level_tokenizer(add_bos=True)
    special = special_tokens(tokenizer)
    ids = tokenizer.encode(" sign A</s>é", add_special_tokens=False)
    texts = [readable(i, tokenizer, special) for i in ids]
    assert texts == [" sign", " ", "A", "</s>", "\ufffd", "\ufffd"]
    assert readable(len(tokenizer) + 1, tokenizer, special) == f"<{len(tokenizer) + 1}>"


def test_sentencepiece_tokens_are_readable():
    """The tokenizer of LLaVA-1.5 marks spaces by "▁", and its decoder strips the first."""
    vocab = {"<unk>": 0, "<s>": 1, "</s>": 2, "<0x0A>": 3, "▁yes": 4, "yes": 5, "<0xC3>": 6}
    backend = Tokenizer(models.BPE(vocab, [], unk_token="<unk>", byte_fallback=True))
    backend.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    backend.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )
    tokenizer.add_tokens(["<image>"], special_tokens=True)  # a special token without a role
    special = special_tokens(tokenizer)
    image_id = tokenizer.convert_tokens_to_ids("<image>")
    assert [readable(i, tokenizer, special) for i in (4, 5, 3, 2, 6, image_id)] == [
        " yes",
        "yes",
        "\n",
        "</s>",
        "\ufffd",
        "<image>",
    ]
