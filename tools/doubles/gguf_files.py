"""The untrained checkpoint of `tools.engine write` as llama.cpp reads it: two GGUF files.

llama.cpp's own converter knows tokenizers by what they make of a text, and not this one. Names of
weights and fields are those of its LLaVA-1.5 (gguf-py, tools/mtmd/clip-impl.h).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from transformers.models.clip.modeling_clip import CLIPVisionEmbeddings

MODEL, PROJECTOR = "model.gguf", "mmproj.gguf"
HEAD = "language_model.lm_head.weight"
# llama-server puts LLAMA_MEDIA_MARKER where an image stood, with no line's end behind it.
TEMPLATE = (
    "{% for message in messages %}{{ 'USER: ' + message['content'].replace('<image>', '<image>\\n')"
    " + ' ' }}{% endfor %}{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
)
_TEXT = {
    "attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}  # fmt: skip
_VISION = {
    "ln1": "layer_norm1", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj", "attn_out": "self_attn.out_proj", "ln2": "layer_norm2",
    "ffn_up": "mlp.fc1", "ffn_down": "mlp.fc2",
}  # fmt: skip


def say_whole_characters(folder: Path) -> None:
    """Keep a checkpoint from saying tokens that are part of a character, by weights of 0.

    llama.cpp tells several tokens that make one character as one, with the log-probability of the
    last: such answers can't be compared token by token.
    """
    path = folder / "model.safetensors"
    weights = load_file(path)
    for token, index in _vocabulary(folder).items():
        if not token.replace("Ġ", " ").isascii() or token in ("<s>", "<pad>", "<image>"):
            weights[HEAD][index] = 0
    save_file(weights, path, {"format": "pt"})


def write_gguf(folder: Path) -> tuple[Path, Path]:
    """Write the language model and the vision tower of a checkpoint, and return both paths.

    Raises ImportError where the package `gguf` isn't installed.
    """
    from gguf import GGUFWriter

    config = json.loads((folder / "config.json").read_text())
    weights = load_file(folder / "model.safetensors")
    for name, arch, fill in ((MODEL, "llama", _language), (PROJECTOR, "clip", _tower)):
        writer = GGUFWriter(folder / name, arch)
        writer.add_file_type(0)  # all of it as 32 bits
        fill(writer, folder, config, weights)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
    return folder / MODEL, folder / PROJECTOR


@contextmanager
def class_token_last() -> Iterator[None]:
    """Let CLIP towers read images as llama.cpp does meanwhile: the class token behind the patches.

    Then each patch has its neighbour's position, the first one is lost, and the class token goes
    to the language model (ggml-org/llama.cpp#25814; so in 0.7.0, build 11669).
    """

    def forward(self: Any, pixel_values: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
        patches = self.patch_embedding(pixel_values).flatten(2).transpose(1, 2)
        token = self.class_embedding.expand(len(patches), 1, -1)
        return torch.cat([patches, token], 1) + self.position_embedding(self.position_ids)

    with mock.patch.object(CLIPVisionEmbeddings, "forward", forward):
        yield


def _vocabulary(folder: Path) -> dict[str, int]:
    read = json.loads((folder / "tokenizer.json").read_text())
    return {**read["model"]["vocab"], **{one["content"]: one["id"] for one in read["added_tokens"]}}


def _language(writer: Any, folder: Path, config: dict, weights: dict[str, np.ndarray]) -> None:
    from gguf import TokenType

    text = config["text_config"]
    heads, kv_heads = text["num_attention_heads"], text["num_key_value_heads"]
    writer.add_context_length(text["max_position_embeddings"])
    writer.add_embedding_length(text["hidden_size"])
    writer.add_block_count(text["num_hidden_layers"])
    writer.add_feed_forward_length(text["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_layer_norm_rms_eps(text["rms_norm_eps"])
    writer.add_rope_dimension_count(text["head_dim"])
    writer.add_rope_freq_base(text["rope_parameters"]["rope_theta"])
    read = json.loads((folder / "tokenizer.json").read_text())
    names = {index: token for token, index in _vocabulary(folder).items()}
    special = {one["id"] for one in read["added_tokens"]}
    rows = range(text["vocab_size"])
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([names.get(row, f"[PAD{row}]") for row in rows])
    writer.add_token_types([
        TokenType.CONTROL if row in special
        else TokenType.NORMAL if row in names else TokenType.UNUSED for row in rows
    ])  # fmt: skip
    writer.add_token_merges([" ".join(pair) for pair in read["model"]["merges"]])
    writer.add_bos_token_id(text["bos_token_id"])
    writer.add_eos_token_id(text["eos_token_id"])
    writer.add_pad_token_id(text["pad_token_id"])
    writer.add_add_bos_token(True)
    writer.add_chat_template(TEMPLATE)
    of = "language_model.model"
    writer.add_tensor("token_embd.weight", weights[f"{of}.embed_tokens.weight"])
    writer.add_tensor("output_norm.weight", weights[f"{of}.norm.weight"])
    writer.add_tensor("output.weight", weights[HEAD])
    turned = {"attn_q": _turned(heads), "attn_k": _turned(kv_heads)}
    for layer in range(text["num_hidden_layers"]):
        for to, name in _TEXT.items():
            values = weights[f"{of}.layers.{layer}.{name}.weight"]
            writer.add_tensor(f"blk.{layer}.{to}.weight", turned.get(to, np.asarray)(values))


def _turned(heads: int) -> Callable[[np.ndarray], np.ndarray]:
    """How llama.cpp lays the rows of a head: both halves of a rotated pair side by side."""

    def turn(values: np.ndarray) -> np.ndarray:
        halves = values.reshape(heads, 2, len(values) // heads // 2, -1)
        return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(values.shape))

    return turn


def _tower(writer: Any, folder: Path, config: dict, weights: dict[str, np.ndarray]) -> None:
    vision = config["vision_config"]
    images = json.loads((folder / "processor_config.json").read_text())["image_processor"]
    writer.add_bool("clip.has_vision_encoder", True)
    writer.add_string("clip.projector_type", "mlp")
    writer.add_bool("clip.use_gelu", False)  # but CLIP's quick one
    for name, value in {
        "image_size": vision["image_size"], "patch_size": vision["patch_size"],
        "embedding_length": vision["hidden_size"],
        "feed_forward_length": vision["intermediate_size"],
        "projection_dim": config["text_config"]["hidden_size"],
        "attention.head_count": vision["num_attention_heads"],
        "block_count": vision["num_hidden_layers"],  # of which the last isn't computed
    }.items():  # fmt: skip
        writer.add_uint32(f"clip.vision.{name}", value)
    writer.add_float32("clip.vision.attention.layer_norm_epsilon", vision["layer_norm_eps"])
    writer.add_array("clip.vision.image_mean", images["image_mean"])
    writer.add_array("clip.vision.image_std", images["image_std"])
    of = "vision_tower.vision_model"
    writer.add_tensor("v.class_embd", weights[f"{of}.embeddings.class_embedding"])
    for name in ("patch", "position"):
        values = weights[f"{of}.embeddings.{name}_embedding.weight"]
        writer.add_tensor(f"v.{name}_embd.weight", values)
    for kind in ("weight", "bias"):
        writer.add_tensor(f"v.pre_ln.{kind}", weights[f"{of}.pre_layrnorm.{kind}"])
        for to, name in (("0", "linear_1"), ("2", "linear_2")):
            writer.add_tensor(f"mm.{to}.{kind}", weights[f"multi_modal_projector.{name}.{kind}"])
        for layer in range(vision["num_hidden_layers"]):
            for to, name in _VISION.items():
                values = weights[f"{of}.encoder.layers.{layer}.{name}.{kind}"]
                writer.add_tensor(f"v.blk.{layer}.{to}.{kind}", values)
