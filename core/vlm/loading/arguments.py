"""The options of `load_vlm`, for every command that loads a model. Imports no framework."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Mapping
from typing import Any

__all__ = ["FITS", "add_load_arguments", "load_options", "load_words"]

FITS = ("pad", "crop", "stretch", "area", "own", "no-upscale")  # how an image is brought to a model

_DTYPES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
OFF = "off"  # in place of an instruction or a file: none
_SHORT = {name: short for short, name in _DTYPES.items()} | {"": OFF}


def _dtype(text: str) -> str:
    """Return the name that torch has for it; that one is understood, too."""
    name = _DTYPES.get(text, text)
    if name not in _SHORT:
        raise ArgumentTypeError(f"{text!r} is not one of {', '.join(_DTYPES)}")
    return name


def _or_none(text: str) -> str:
    return "" if text == OFF else text


# Option of `load_vlm` -> its flag, and what argparse is told of it.
_OPTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "device": ("--device", {"help": "where the model runs, e.g. cpu or cuda (default: the best)"}),
    "dtype": ("--dtype", {
        "type": _dtype,
        "metavar": f"{{{','.join(_DTYPES)}}}",
        "help": "number format of its weights (default: fp32 on the CPU, bf16 or fp16 on CUDA)",
    }),
    "bits": ("--bits", {"type": int, "choices": (8, 4), "help": "bits of each of its weights"}),
    "attention": ("--attention", {
        "choices": ("sdpa", "eager", "flash_attention_2"),
        "default": "sdpa",
        "help": "how its attention is computed; flash_attention_2 needs a CUDA card and flash-attn "
        "(default: %(default)s)",
    }),
    "attention_layer": ("--layer", {
        "type": int,
        "metavar": "LAYER",
        "help": "layer whose attention chooses the box, from 0 (default: the family's)",
    }),
    "fit": ("--fit", {
        "choices": FITS,
        "help": "how an image is brought to the model: padded to a square, padded but never "
        "enlarged, its centre cropped, stretched to a square, bounded by an area (Qwen), or the "
        "checkpoint's own way, for models of tiles all its tiles (default: the family's, see "
        "docs/models.md)",
    }),
    "resolution": ("--resolution", {
        "type": int,
        "metavar": "PIXELS",
        "help": "side of that square; without --fit, images are stretched to it (paper, "
        "Qwen2.5-VL: 224)",
    }),
    "instruction": ("--instruction", {
        "type": _or_none,
        "metavar": f"{{{OFF},TEXT}}",
        "help": "what prompts say beside the question, on a line below it or around {question} "
        "(default: the family's)",
    }),
    "settings": ("--settings", {
        "type": _or_none,
        "metavar": f"{{{OFF},FILE}}",
        "help": "your settings of models (default: second-look/models.json in your configuration "
        "folder, if it is there)",
    }),
    "look": ("--look", {
        "metavar": "{scout:MODEL,ask,tiles}",
        "help": "who looks for the box where an engine answers (--model openai:URL#MODEL): a small "
        "model of this machine, the engine itself, or its confidence in parts of the global image",
    }),
}  # fmt: skip


def add_load_arguments(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("how the model is loaded")
    for name, (flag, settings) in _OPTIONS.items():
        group.add_argument(flag, dest=name, **settings)


def load_options(args: Namespace) -> dict[str, Any]:
    """Return what was said, as keyword arguments of `load_vlm`."""
    return {name: getattr(args, name) for name in _OPTIONS}


def load_words(options: Mapping[str, Any]) -> list[str]:
    """Return the words of a command line that say these keyword arguments of `load_vlm`.

    The inverse of `load_options`; what is the default is left out.
    """
    words = []
    for name, (flag, settings) in _OPTIONS.items():
        default = settings.get("default")
        if (value := options.get(name, default)) != default:
            words += [flag, _SHORT.get(value, str(value))]
    return words
