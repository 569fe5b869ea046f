"""Pocket's architecture: a plain `LlavaForConditionalGeneration` of ten million parameters.

Vision tower: FocalNet with convolutional embeddings, three stages, one visual token per 16 x 16
pixels. It is a native `transformers` class, reads small letters after far fewer examples than a
plain ViT, and takes images of any size. Language model: a small Llama.
"""

from transformers import (
    FocalNetConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)
from transformers.models.llava.image_processing_pil_llava import LlavaImageProcessorPil

from core.pocket.questions import GENERIC_PROMPT
from core.pocket.scenes import GLOBAL_SIDE
from core.pocket.tokenizer import IMAGE_TOKEN

STRIDE = 16  # pixels per visual token
GRID = GLOBAL_SIDE // STRIDE
MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
# The words between the two placeholders tell the model which image is which.
CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{% for part in message['content'] if part['type'] == 'image' %}"
    "{{ 'Detail: ' if not loop.first else '' }}<image>\n{% endfor %}"
    "{% for part in message['content'] if part['type'] == 'text' %}{{ part['text'] }}{% endfor %}"
    "{{ '\n' }}{% endfor %}{% if add_generation_prompt %}Answer:{% endif %}"
)


def build_model(
    tokenizer: PreTrainedTokenizerFast, attention_layer: int
) -> LlavaForConditionalGeneration:
    vision = FocalNetConfig(
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
    config = LlavaConfig(
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
