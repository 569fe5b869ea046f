"""Untrained checkpoints in the shape of published ones, from what those say about themselves.

The files are described in tests/checkpoints/README.md. A vocabulary of bytes stands in for the
real one: added tokens have their real ids, and text has others.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import AutoConfig

from tools.doubles.untrained import IMAGES_THEN_TEXT, MODEL

_FOLDER = Path(__file__).parents[2] / "tests" / "checkpoints"
NAMES = sorted(path.stem for path in _FOLDER.glob("*.json"))


@cache
def published(name: str) -> dict[str, Any]:
    """Return what the checkpoint says: the name of a file without its ending -> its content."""
    return json.loads((_FOLDER / f"{name}.json").read_text())


def save_words(name: str, folder: Path) -> Path:
    """Write all of a checkpoint but its weights into ``folder``, and return that."""
    said = published(name)
    folder.mkdir(parents=True, exist_ok=True)
    for part, content in said.items():
        if part not in ("tokenizer_config", "added_tokens"):
            (folder / f"{part}.json").write_text(json.dumps(content))
    tokenizer = _tokenizer(said["tokenizer_config"], said["added_tokens"])
    tokenizer.save(str(folder / "tokenizer.json"))
    # Of the real classes, some build their own vocabulary again from the parts of the file.
    words = said["tokenizer_config"] | {"tokenizer_class": "PreTrainedTokenizerFast"}
    (folder / "tokenizer_config.json").write_text(json.dumps(words))
    if said["config"]["model_type"] != "instructblip":  # which has no template
        (folder / "chat_template.jinja").write_text(chat_template(name))
    return folder


def save_published(name: str, folder: Path) -> Path:
    """Write an untrained checkpoint in the shape of the published one, seeded; return its folder.

    InstructBLIP's Q-Former reads with the one tokenizer there is: its own was not found.
    """
    save_words(name, folder)
    config = AutoConfig.from_pretrained(folder)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = MODEL[config.model_type](config)
    model.save_pretrained(folder)
    save_words(name, folder)  # transformers has written what it understood of them
    return folder


def chat_template(name: str) -> str:
    """Return a template that writes the turns of a user and of the model as the published one."""
    family = published(name)["config"]["model_type"]
    if family == "llava":
        return _template("USER: ", "<image>\n", " ", "ASSISTANT:", " ")
    if family == "llava_next":
        return _template("[INST] ", "<image>\n", " ", "[/INST]", "</s> ")
    if family in ("idefics3", "smolvlm"):
        begin = published(name)["tokenizer_config"]["bos_token"]
        end = "<end_of_utterance>\n"
        return _template(f"{begin}User:", "<image>", end, "Assistant:", end)
    system = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
    before = f"{system if family == 'qwen2_5_vl' else ''}<|im_start|>user\n"
    image = "<|vision_start|><|image_pad|><|vision_end|>"
    image = "<IMG_CONTEXT>\n" if family == "internvl" else image
    return _template(before, image, "<|im_end|>\n", "<|im_start|>assistant\n", "<|im_end|>\n")


def _template(before: str, image: str, after: str, answer: str, end: str) -> str:
    content = IMAGES_THEN_TEXT.format(image=image)
    return (
        "{% for message in messages %}{% if message['role'] == 'user' %}"
        f"{{{{ {before!r} }}}}{content}{{{{ {after!r} }}}}"
        f"{{% else %}}{{{{ {answer!r} }}}}{content}{{{{ {end!r} }}}}{{% endif %}}{{% endfor %}}"
        f"{{% if add_generation_prompt %}}{{{{ {answer!r} }}}}{{% endif %}}"
    )


def _tokenizer(said: dict[str, Any], added: dict[str, int]) -> Tokenizer:
    taken = set(added.values())
    free = (i for i in range(3, 1000) if i not in taken)
    alphabet = {byte: next(free) for byte in sorted(pre_tokenizers.ByteLevel.alphabet())}
    tokenizer = Tokenizer(models.BPE(alphabet | added, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokens = sorted(added, key=added.__getitem__)
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in tokens])
    # "add_bos_token" is of SentencePiece's tokenizers; Llama-3's writes it without being told.
    if said.get("add_bos_token") or said["bos_token"] == "<|begin_of_text|>":
        begin = said["bos_token"]
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{begin} $A", special_tokens=[(begin, added[begin])]
        )
    return tokenizer
