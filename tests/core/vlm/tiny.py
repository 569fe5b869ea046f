"""Tiny random LLaVA checkpoints, written to disk in the layout of the hub.

Nothing is downloaded and nothing is trained: they are there to be loaded, to be as small as a test
can bear, and to have every part that a real checkpoint has.
"""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    CLIPVisionConfig,
    FocalNetConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.llava.image_processing_pil_llava import LlavaImageProcessorPil

LAYERS = 4

# The template of llava-hf/llava-1.5-7b-hf, and one in the manner of the bundled model, which writes
# the beginning of the text itself and puts words between the two images.
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ message['role'].upper() + ': ' }}"
    "{% for part in message['content'] if part['type'] == 'image' %}{{ '<image>\n' }}{% endfor %}"
    "{% for part in message['content'] if part['type'] == 'text' %}{{ part['text'] + ' ' }}"
    "{% endfor %}{% endfor %}{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
)
WORDED_CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{% for part in message['content'] if part['type'] == 'image' %}"
    "{{ '' if loop.first else 'part ' }}<image>{{ '\n' }}{% endfor %}"
    "{% for part in message['content'] if part['type'] == 'text' %}{{ part['text'] }}{% endfor %}"
    "{{ '\n' }}{% endfor %}{% if add_generation_prompt %}A:{% endif %}"
)


def save_clip_llava(
    folder: Path, chat_template: str | None = CHAT_TEMPLATE, second_look: dict | None = None
) -> Path:
    """As llava-1.5-7b-hf: CLIP tower without its CLS token, centre crop. 56 px, patch 14, 4x4."""
    tokenizer = byte_level_tokenizer(add_bos=True)
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=3,
            num_attention_heads=2,
            image_size=56,
            patch_size=14,
            initializer_range=0.3,
        ),
        text_config=_text_config(tokenizer),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        image_seq_length=16,
        vision_feature_layer=-2,
        vision_feature_select_strategy="default",
    )
    processor = LlavaProcessor(
        CLIPImageProcessorPil(
            size={"shortest_edge": 56}, crop_size={"height": 56, "width": 56}, do_center_crop=True
        ),
        tokenizer,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=chat_template,
    )
    return _save(folder, config, processor, second_look)


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
        text_config=_text_config(tokenizer),
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
    return _save(folder, config, processor, second_look)


def byte_level_tokenizer(add_bos: bool) -> PreTrainedTokenizerFast:
    """Bytes and a few merges; "<s>" in front of every text if ``add_bos``, as LLaVA-1.5 has it."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<s>", "</s>", "<pad>", "<image>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(["what is written on the red square sign"] * 4, trainer)
    if add_bos:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<s> $A", special_tokens=[("<s>", tokenizer.token_to_id("<s>"))]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        additional_special_tokens=["<image>"],
    )


def _text_config(tokenizer: PreTrainedTokenizerFast) -> LlamaConfig:
    """A Llama with grouped-query attention; weights wide enough that every input token counts."""
    return LlamaConfig(
        vocab_size=len(tokenizer) + 4,  # padded beyond the tokenizer, as LLaVA-1.5's is
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=LAYERS,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=1024,
        initializer_range=0.3,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def _save(
    folder: Path, config: LlavaConfig, processor: LlavaProcessor, second_look: dict | None
) -> Path:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = LlavaForConditionalGeneration(config)
    if second_look is not None:
        model.config.second_look = second_look
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
