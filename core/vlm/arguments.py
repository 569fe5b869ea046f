"""The options of `load_vlm`, for every command that loads a model. Imports no framework."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

_DTYPES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}


def add_load_arguments(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("how the model is loaded")
    group.add_argument("--device", help="where it runs, e.g. cpu or cuda (default: the best)")
    group.add_argument(
        "--dtype",
        choices=_DTYPES,
        help="number format (default: fp32 on the CPU, bf16 or fp16 on CUDA)",
    )
    group.add_argument("--bits", type=int, choices=(8, 4), help="quantise its weights")
    group.add_argument("--attention", choices=("sdpa", "eager"), default="sdpa")
    group.add_argument(
        "--layer",
        type=int,
        help="layer whose attention chooses the box, from 0 (default: the family's)",
    )
    group.add_argument(
        "--resolution",
        type=int,
        metavar="PIXELS",
        help="stretch every image to a square of this side (paper, Qwen2.5-VL: 224)",
    )


def load_options(args: Namespace) -> dict[str, Any]:
    """What was said, as keyword arguments of `load_vlm`."""
    return {
        "device": args.device,
        "dtype": _DTYPES.get(args.dtype),
        "bits": args.bits,
        "attention": args.attention,
        "attention_layer": args.layer,
        "resolution": args.resolution,
    }
