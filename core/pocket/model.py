"""Pocket's architecture: a plain `LlavaForConditionalGeneration` of ten million parameters.

Vision tower: FocalNet with convolutional embeddings, three stages, one visual token per 16 x 16
pixels. It is a native `transformers` class, reads small letters after far fewer examples than a
plain ViT, and takes images of any size. Language model: a small Llama.
"""

import torch
from transformers import (
    FocalNetConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)
from transformers.models.llava.image_processing_pil_llava import LlavaImageProcessorPil

from core.pocket.tokenizer import IMAGE_TOKEN
from core.signs.questions import GENERIC_PROMPT
from core.signs.scenes import GLOBAL_SIDE
from core.signs.world.phrasing import QUOTES

STRIDE = 16  # pixels per visual token
GRID = GLOBAL_SIDE // STRIDE
MIN_CELLS = 3  # of the attention's GRID, a box's side at least: docs/training.md has the figures
MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
# The words between the two placeholders tell the model which image is which.
# Questions are read in small letters, as `phrasing.calm` says: any loader of LLaVA does it so.
CHAT_TEMPLATE = (
    "{% macro calm(line) %}{% if line.lower().startswith('reference ocr token:') %}{{ line }}"
    "{% else %}{% set at = namespace(quoted=false) %}{% for char in line %}"
    "{% if char in '%QUOTES%' %}{% set at.quoted = not at.quoted %}{% endif %}"
    "{{ char if at.quoted or (loop.first and line[1:3] == '. ') else char.lower() }}"
    "{% endfor %}{% endif %}{% endmacro %}"
    "{{ bos_token }}{% for message in messages %}"
    "{% for part in message['content'] if part['type'] == 'image' %}"
    "{{ 'Detail: ' if not loop.first else '' }}<image>\n{% endfor %}"
    "{% for part in message['content'] if part['type'] == 'text' %}"
    "{% for line in part['text'].split('\n') %}"
    "{{ '\n' if not loop.first else '' }}{{ calm(line) }}{% endfor %}{% endfor %}"
    "{{ '\n' }}{% endfor %}{% if add_generation_prompt %}Answer:{% endif %}"
).replace("%QUOTES%", QUOTES)


def build_model(
    tokenizer: PreTrainedTokenizerFast, attention_layer: int
) -> LlavaForConditionalGeneration:
    vision = FocalNetConfig(  # type: ignore[call-arg]  # hidden_size is LLaVA's
        image_size=GLOBAL_SIDE,
        embed_dim=64,
        hidden_sizes=[64, 128, 256],
        depths=[2, 4, 4],
        focal_levels=[1, 1, 1],
        focal_windows=[3, 3, 3],
        use_conv_embed=True,
        drop_path_rate=0.0,
        hidden_size=256,  # of the last stage: LLaVA's projector asks for it
    )
    text = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=256,
        intermediate_size=768,
        num_hidden_layers=6,
        num_attention_heads=4,
        max_position_embeddings=1024,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    config = LlavaConfig(  # type: ignore[call-arg]  # a config keeps what it doesn't know
        vision_config=vision,
        text_config=text,
        image_token_id=tokenizer.convert_tokens_to_ids(IMAGE_TOKEN),
        image_seq_length=GRID * GRID,
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
        pad_token_id=tokenizer.pad_token_id,
        second_look={
            "attention_layer": attention_layer,
            "base_side": GLOBAL_SIDE,
            "min_cells": MIN_CELLS,
            "generic_prompt": GENERIC_PROMPT,
        },
    )
    return LlavaForConditionalGeneration(config)


def build_processor(tokenizer: PreTrainedTokenizerFast) -> LlavaProcessor:
    image_processor = LlavaImageProcessorPil(
        size={"height": GLOBAL_SIDE, "width": GLOBAL_SIDE},
        crop_size={"height": GLOBAL_SIDE, "width": GLOBAL_SIDE},
        do_pad=True,
        do_center_crop=False,
        image_mean=list(MEAN),
        image_std=list(STD),
    )
    return LlavaProcessor(
        image_processor,
        tokenizer,
        patch_size=STRIDE,
        vision_feature_select_strategy="full",
        chat_template=CHAT_TEMPLATE,
    )


def continued(
    start: LlavaForConditionalGeneration,
    known: PreTrainedTokenizerFast,
    tokenizer: PreTrainedTokenizerFast,
) -> dict[str, torch.Tensor]:
    """Return the weights of `start` for a model of the same shape that has other tokens.

    known: the tokenizer of `start`. A new token begins as the mean of the tokens that spelled it.
    """
    state = start.state_dict()
    if known.get_vocab() != tokenizer.get_vocab():
        for name in ("model.language_model.embed_tokens.weight", "lm_head.weight"):
            state[name] = _rows(state[name], known, tokenizer)
    return state


def _rows(weight: torch.Tensor, known, tokenizer) -> torch.Tensor:
    """A matrix of one row a token of `known`, as one row a token of `tokenizer`."""
    vocabulary, rows = known.get_vocab(), []
    for token, _ in sorted(tokenizer.get_vocab().items(), key=lambda item: item[1]):
        if token in vocabulary:
            pieces = [vocabulary[token]]
        else:
            text = tokenizer.convert_tokens_to_string([token])
            pieces = known(text, add_special_tokens=False).input_ids
        rows.append(weight[pieces].mean(0))
    return torch.stack(rows)
