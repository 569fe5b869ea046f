"""Tiny random LLaVA checkpoints: with a CLIP tower, and like the bundled model."""

from __future__ import annotations

from pathlib import Path

from transformers import FocalNetConfig, LlamaConfig, LlavaConfig, LlavaProcessor
from transformers.models.llava.image_processing_pil_llava import LlavaImageProcessorPil

from tools.doubles.untrained import (
    LLAVA_TEMPLATE,
    TINY,
    byte_level_tokenizer,
    llava_clip,
    save_checkpoint,
    text_config,
)

LAYERS = TINY.layers

# In the manner of the bundled model, which writes the beginning of the text itself and puts words
# between the two images.
WORDED_CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{% for part in message['content'] if part['type'] == 'image' %}"
    "{{ '' if loop.first else 'part ' }}<image>{{ '\n' }}{% endfor %}"
    "{% for part in message['content'] if part['type'] == 'text' %}{{ part['text'] }}{% endfor %}"
    "{{ '\n' }}{% endfor %}{% if add_generation_prompt %}A:{% endif %}"
)


def save_clip_llava(
    folder: Path, chat_template: str | None = LLAVA_TEMPLATE, second_look: dict | None = None
) -> Path:
    """As llava-1.5-7b-hf: CLIP tower without its CLS token, centre crop. 56 px, patch 14, 4x4."""
    config, processor = llava_clip(byte_level_tokenizer(add_bos=True), TINY, chat_template)
    return save_checkpoint(folder, config, processor, second_look)


def save_focalnet_llava(folder: Path, second_look: dict | None = None) -> Path:
    """As the bundled model: padding to a square, FocalNet tower of stride 16. 192 px, 12x12."""
    tokenizer = byte_level_tokenizer(add_bos=False)
    config = LlavaConfig(
        vision_config=FocalNetConfig(
            use_conv_embed=True,
            image_size=192,
            embed_dim=8,
            depths=[1, 1, 1],
            hidden_sizes=[16, 32, 32],
            focal_levels=[1, 1, 1],
            focal_windows=[3, 3, 3],
            hidden_size=32,  # of the last stage: the projector's input, unknown to FocalNetConfig
        ),
        text_config=LlamaConfig(**text_config(tokenizer)),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        image_seq_length=144,
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
    )
    processor = LlavaProcessor(
        LlavaImageProcessorPil(
            do_pad=True,
            size={"height": 192, "width": 192},
            do_center_crop=False,
            crop_size={"height": 192, "width": 192},
        ),
        tokenizer,
        patch_size=16,
        vision_feature_select_strategy="full",
        chat_template=WORDED_CHAT_TEMPLATE,
    )
    return save_checkpoint(folder, config, processor, second_look)
