"""Random checkpoints of every family, written in the layout of the hub with real processors.

For the tests and the benchmark: they are loaded by the code that loads the real ones, and have
every part that a real one has. Nothing is downloaded and nothing is trained.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import transformers as hf
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedConfig, PreTrainedTokenizerFast, ProcessorMixin
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import GotOcr2ImageProcessorPil
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil
from transformers.models.llava_next.image_processing_pil_llava_next import (
    LlavaNextImageProcessorPil,
)
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil
from transformers.models.smolvlm.image_processing_pil_smolvlm import SmolVLMImageProcessorPil

from core.vlm.families import internvl, qwen
from tools.doubles.hub_names import as_on_the_hub

_PATCH = 14  # pixels, of every vision tower here
_MERGE = 2  # patches a side that become one token, where a family does that


@dataclass(frozen=True)
class Size:
    """How large the parts are; as it stands, as small as a test can bear."""

    width: int = 32  # of the language model
    layers: int = 4
    heads: int = 4
    kv_heads: int = 2
    feed_forward: int = 64
    vision_width: int = 32
    vision_layers: int = 3
    vision_heads: int = 2
    side: int = 56  # pixels, of the vision tower's input, or of a tile
    context: int = 2048  # tokens
    spread: float = 0.3  # of the weights: so wide that every token of the input counts


TINY = Size()
# The proportions of LLaVA-1.5: 576 visual tokens of an image in one piece, and a language model
# that takes 15 times the FLOPs of the vision tower (LLaVA-1.5-7B: 20 times).
REALISTIC = Size(512, 8, 8, 8, 1376, 128, 6, 2, 336, 8192, 0.02)

IMAGES_THEN_TEXT = (
    "{{% for part in message['content'] if part['type'] == 'image' %}}{{{{ {image!r} }}}}"
    "{{% endfor %}}"
    "{{% for part in message['content'] if part['type'] == 'text' %}}{{{{ part['text'] }}}}"
    "{{% endfor %}}"
)


def _template(before: str, image: str, after: str, answer: str) -> str:
    turn = f"{{{{ {before!r} }}}}{IMAGES_THEN_TEXT.format(image=image)}{{{{ {after!r} }}}}"
    return (
        f"{{% for message in messages %}}{turn}{{% endfor %}}"
        f"{{% if add_generation_prompt %}}{{{{ {answer!r} }}}}{{% endif %}}"
    )


# As the real ones write a user's turn.
LLAVA_TEMPLATE = _template("USER: ", "<image>\n", " ", "ASSISTANT:")
_MISTRAL_TEMPLATE = _template("[INST] ", "<image>\n", " ", "[/INST]")
_QWEN_TEMPLATE = _template(
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n",
    "<|vision_start|><|image_pad|><|vision_end|>",
    "<|im_end|>\n",
    "<|im_start|>assistant\n",
)
_INTERNVL_TEMPLATE = _template(
    "<|im_start|>user\n", "<IMG_CONTEXT>\n", "<|im_end|>\n", "<|im_start|>assistant\n"
)
_IDEFICS_TEMPLATE = _template("<|im_start|>User:", "<image>", "<end_of_utterance>\n", "Assistant:")


def save_untrained(
    family: str, folder: Path, size: Size = TINY, second_look: dict | None = None
) -> Path:
    """A checkpoint of `family` (a key of core.vlm.FAMILIES) in `folder`; seeded. Returns it."""
    config, processor = _BUILD[family](size)
    return save_checkpoint(folder, config, processor, second_look)


def save_checkpoint(
    folder: Path,
    config: PreTrainedConfig,
    processor: ProcessorMixin,
    second_look: dict | None = None,
) -> Path:
    """Write a random model of `config`, seeded, and its processor, under the hub's names of
    weights. Returns the folder.
    """
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = MODEL[config.model_type](config)
    if second_look is not None:
        model.config.second_look = second_look
    model.save_pretrained(folder)
    as_on_the_hub(folder, _tower(config))
    processor.save_pretrained(folder)
    return folder


def _tower(config: PreTrainedConfig) -> str:
    return getattr(getattr(config, "vision_config", None), "model_type", "")


def byte_level_tokenizer(
    add_bos: bool, special: tuple[str, ...] = ("<image>",), **named: str
) -> PreTrainedTokenizerFast:
    """Bytes and a few merges; "<s>" in front of every text if ``add_bos``, as LLaVA-1.5 has it.

    special: tokens beside those with a role. named: of these, such as have a role of their own, as
    ``context_image_token`` of InternVL.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300 + len(special) + len(named),
        special_tokens=["<s>", "</s>", "<pad>", *special, *named.values()],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(["what is written on the red square sign"] * 4, trainer)
    if add_bos:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<s> $A", special_tokens=[("<s>", tokenizer.token_to_id("<s>"))]
        )
    extra = {"extra_special_tokens": named} if named else {}
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        additional_special_tokens=list(special),
        **extra,
    )


def text_config(tokenizer: PreTrainedTokenizerFast, size: Size = TINY, **others) -> dict:
    """A decoder with grouped-query attention."""
    return {
        "vocab_size": len(tokenizer) + 4,  # padded beyond the tokenizer, as LLaVA-1.5's is
        "hidden_size": size.width,
        "intermediate_size": size.feed_forward,
        "num_hidden_layers": size.layers,
        "num_attention_heads": size.heads,
        "num_key_value_heads": size.kv_heads,
        "max_position_embeddings": size.context,
        "initializer_range": size.spread,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        **others,
    }


def vision_config(size: Size = TINY, **others) -> dict:
    return {
        "hidden_size": size.vision_width,
        "intermediate_size": 4 * size.vision_width,
        "num_hidden_layers": size.vision_layers,
        "num_attention_heads": size.vision_heads,
        "image_size": size.side,
        "patch_size": _PATCH,
        "initializer_range": size.spread,
        **others,
    }


def _square(side: int) -> dict[str, int]:
    return {"height": side, "width": side}


def _llava(size: Size) -> tuple[PreTrainedConfig, ProcessorMixin]:
    tokenizer = byte_level_tokenizer(add_bos=True)
    return llava_clip(tokenizer, size)


def llava_clip(
    tokenizer: PreTrainedTokenizerFast,
    size: Size = TINY,
    chat_template: str | None = LLAVA_TEMPLATE,
) -> tuple[PreTrainedConfig, ProcessorMixin]:
    """Build a model like llava-1.5-7b-hf: CLIP tower without its CLS token, centre crop."""
    config = hf.LlavaConfig(
        vision_config=hf.CLIPVisionConfig(**vision_config(size)),
        text_config=hf.LlamaConfig(**text_config(tokenizer, size)),
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        image_seq_length=(size.side // _PATCH) ** 2,
        vision_feature_layer=-2,
        vision_feature_select_strategy="default",
    )
    processor = hf.LlavaProcessor(
        CLIPImageProcessorPil(
            size={"shortest_edge": size.side}, crop_size=_square(size.side), do_center_crop=True
        ),
        tokenizer,
        patch_size=_PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=chat_template,
    )
    return config, processor


def _llava_next(size: Size) -> tuple[PreTrainedConfig, ProcessorMixin]:
    tokenizer, side = byte_level_tokenizer(add_bos=True), size.side
    pinpoints = [[1, 2], [2, 1], [2, 2], [3, 1], [1, 3]]
    pinpoints = [[rows * side, cols * side] for rows, cols in pinpoints]
    config = hf.LlavaNextConfig(
        vision_config=hf.CLIPVisionConfig(**vision_config(size)),
        text_config=hf.MistralConfig(**text_config(tokenizer, size), sliding_window=None),
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        image_grid_pinpoints=pinpoints,
        vision_feature_layer=-2,
        vision_feature_select_strategy="default",
    )
    processor = hf.LlavaNextProcessor(
        LlavaNextImageProcessorPil(
            size={"shortest_edge": side}, crop_size=_square(side), image_grid_pinpoints=pinpoints
        ),
        tokenizer,
        patch_size=_PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=_MISTRAL_TEMPLATE,
    )
    return config, processor


_QWEN_SPECIAL = (
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
)


def _qwen2_5_vl(size: Size) -> tuple[PreTrainedConfig, ProcessorMixin]:
    vision = hf.models.qwen2_5_vl.Qwen2_5_VLVisionConfig(
        depth=size.vision_layers,
        hidden_size=size.vision_width,
        intermediate_size=4 * size.vision_width,
        num_heads=size.vision_heads,
        patch_size=_PATCH,
        spatial_merge_size=_MERGE,
        window_size=4 * _PATCH,
        fullatt_block_indexes=[size.vision_layers - 1],
        out_hidden_size=size.width,
        initializer_range=size.spread,
    )
    text = hf.models.qwen2_5_vl.Qwen2_5_VLTextConfig
    return _qwen(size, hf.Qwen2_5_VLConfig, vision, text, qwen.ImageProcessor2_5)


def _qwen3_vl(size: Size) -> tuple[PreTrainedConfig, ProcessorMixin]:
    vision = hf.models.qwen3_vl.Qwen3VLVisionConfig(
        depth=size.vision_layers,
        hidden_size=size.vision_width,
        intermediate_size=4 * size.vision_width,
        num_heads=size.vision_heads,
        patch_size=_PATCH,
        spatial_merge_size=_MERGE,
        deepstack_visual_indexes=[0, 1],
        num_position_embeddings=(size.side // _PATCH) ** 2,
        out_hidden_size=size.width,
        initializer_range=size.spread,
    )
    text = hf.models.qwen3_vl.Qwen3VLTextConfig
    return _qwen(size, hf.Qwen3VLConfig, vision, text, qwen.ImageProcessor3)


def _qwen(size: Size, config_class, vision, text_class, processor_class):
    tokenizer = byte_level_tokenizer(add_bos=False, special=_QWEN_SPECIAL)
    head_dim = size.width // size.heads
    height = width = 3 * head_dim // 16  # as Qwen2.5-VL: 16, 24, 24 of 64
    rope = {
        "rope_type": "default",
        "rope_theta": 1e6,
        "mrope_section": [head_dim // 2 - height - width, height, width],
    }
    others = {"rope_parameters": rope}
    if "head_dim" in text_class.__dataclass_fields__:
        others["head_dim"] = head_dim
    ids = tokenizer.convert_tokens_to_ids
    config = config_class(
        vision_config=vision.to_dict(),
        text_config=text_class(**text_config(tokenizer, size, **others)).to_dict(),
        image_token_id=ids("<|image_pad|>"),
        video_token_id=ids("<|video_pad|>"),
        vision_start_token_id=ids("<|vision_start|>"),
        vision_end_token_id=ids("<|vision_end|>"),
    )
    processor = processor_class(
        Qwen2VLImageProcessorPil(
            patch_size=_PATCH,
            merge_size=_MERGE,
            size={
                "shortest_edge": (2 * _PATCH * _MERGE) ** 2,
                "longest_edge": (4 * size.side) ** 2,
            },
        ),
        tokenizer,
        chat_template=_QWEN_TEMPLATE,
    )
    return config, processor


def _internvl(size: Size) -> tuple[PreTrainedConfig, ProcessorMixin]:
    tokenizer = byte_level_tokenizer(
        add_bos=False,
        special=("<|im_start|>", "<|im_end|>"),
        start_image_token="<img>",
        end_image_token="</img>",
        context_image_token="<IMG_CONTEXT>",
        video_token="<video>",
    )
    tokens = (size.side // _PATCH // _MERGE) ** 2
    vision = vision_config(
        size, image_size=[size.side] * 2, patch_size=[_PATCH] * 2, layer_scale_init_value=1.0
    )
    config = hf.InternVLConfig(
        vision_config=vision,
        text_config=hf.Qwen2Config(**text_config(tokenizer, size)),
        image_token_id=tokenizer.convert_tokens_to_ids("<IMG_CONTEXT>"),
        image_seq_length=tokens,
        downsample_ratio=1 / _MERGE,
        tie_word_embeddings=False,
    )
    processor = internvl.ImageProcessor(
        GotOcr2ImageProcessorPil(size=_square(size.side), min_patches=1, max_patches=6),
        tokenizer,
        image_seq_length=tokens,
        chat_template=_INTERNVL_TEMPLATE,
    )
    return config, processor


_IDEFICS_SPECIAL = (
    "<|im_start|>",
    "<fake_token_around_image>",
    "<image>",
    "<end_of_utterance>",
    "<global-img>",
    *(f"<row_{row}_col_{col}>" for row in range(1, 5) for col in range(1, 5)),
)


def _idefics3(size: Size) -> tuple[PreTrainedConfig, ProcessorMixin]:
    return _idefics(size, hf.Idefics3Config, Idefics3ImageProcessorPil)


def _smolvlm(size: Size) -> tuple[PreTrainedConfig, ProcessorMixin]:
    return _idefics(size, hf.SmolVLMConfig, SmolVLMImageProcessorPil)


def _idefics(size: Size, config_class, image_processor_class):
    tokenizer = byte_level_tokenizer(add_bos=False, special=_IDEFICS_SPECIAL)
    config = config_class(
        vision_config=vision_config(size),
        text_config=hf.LlamaConfig(**text_config(tokenizer, size)).to_dict(),
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        scale_factor=_MERGE,
    )
    processor = hf.Idefics3Processor(
        image_processor_class(
            size={"longest_edge": 3 * size.side}, max_image_size={"longest_edge": size.side}
        ),
        tokenizer,
        image_seq_len=(size.side // _PATCH // _MERGE) ** 2,
        chat_template=_IDEFICS_TEMPLATE,
    )
    return config, processor


def _instructblip(size: Size) -> tuple[PreTrainedConfig, ProcessorMixin]:
    tokenizer = byte_level_tokenizer(add_bos=True)
    reader = byte_level_tokenizer(add_bos=True, special=("[SEP]",))
    queries = 8
    # Half as wide weights: three transformers in a row make much of rounding errors.
    config = hf.InstructBlipConfig(
        vision_config=vision_config(size, initializer_range=size.spread / 2),
        qformer_config={
            "vocab_size": len(reader),
            "hidden_size": size.vision_width,
            "num_hidden_layers": 6,
            "num_attention_heads": size.vision_heads,
            "intermediate_size": 2 * size.vision_width,
            "max_position_embeddings": size.context // 4,
            "encoder_hidden_size": size.vision_width,
            "initializer_range": size.spread / 2,
        },
        text_config=hf.LlamaConfig(**text_config(tokenizer, size)).to_dict(),
        num_query_tokens=queries,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        initializer_range=size.spread,
    )
    processor = hf.InstructBlipProcessor(
        BlipImageProcessorPil(size=_square(size.side)), tokenizer, reader, num_query_tokens=queries
    )
    return config, processor


_BUILD = {
    "idefics3": _idefics3,
    "instructblip": _instructblip,
    "internvl": _internvl,
    "llava": _llava,
    "llava_next": _llava_next,
    "qwen2_5_vl": _qwen2_5_vl,
    "qwen3_vl": _qwen3_vl,
    "smolvlm": _smolvlm,
}
MODEL = {
    "idefics3": hf.Idefics3ForConditionalGeneration,
    "instructblip": hf.InstructBlipForConditionalGeneration,
    "internvl": hf.InternVLForConditionalGeneration,
    "llava": hf.LlavaForConditionalGeneration,
    "llava_next": hf.LlavaNextForConditionalGeneration,
    "qwen2_5_vl": hf.Qwen2_5_VLForConditionalGeneration,
    "qwen3_vl": hf.Qwen3VLForConditionalGeneration,
    "smolvlm": hf.SmolVLMForConditionalGeneration,
}
