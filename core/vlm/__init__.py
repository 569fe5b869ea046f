"""Vision-language models behind one small interface, one file per family."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

from core.vlm.base import VLM, Generation, Look, ModelInfo, Request, VLMError
from core.vlm.loading.refused import wrong_layout

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from core.vlm.loading.progress import Progress

__all__ = ["FAMILIES", "VLM", "Generation", "Look", "ModelInfo", "Request", "VLMError", "load_vlm"]

FAMILIES = {  # config.model_type -> module with load(checkpoint, options)
    "idefics3": "core.vlm.families.idefics",
    "instructblip": "core.vlm.families.instructblip",
    "internvl": "core.vlm.families.internvl",
    "llava": "core.vlm.families.llava",
    "llava_next": "core.vlm.families.llava_next",
    "qwen2_5_vl": "core.vlm.families.qwen",
    "qwen3_vl": "core.vlm.families.qwen",
    "smolvlm": "core.vlm.families.idefics",
}


def load_vlm(
    name_or_path: str | Path = "pocket",
    device: str | torch.device | None = None,
    dtype: str | torch.dtype | None = None,
    *,
    attention_layer: int | None = None,
    attention: str = "sdpa",
    bits: int | None = None,
    resolution: int | None = None,
    fit: str | None = None,
    instruction: str | None = None,
    settings: str | Path | None = None,
    look: str | None = None,
    progress: Progress | None = None,
) -> VLM:
    """Load a model: ``"pocket"`` (the bundled one), a local directory, a hub id, or an engine that
    serves one, as ``"openai:http://127.0.0.1:8000/v1#MODEL"`` (core.vlm.engine.address).

    device: CUDA if there is one. dtype: float32 on the CPU, bfloat16 or float16 on CUDA.
    attention_layer: 0-based, of the language model, in place of the checkpoint's or the family's.
    attention: ``"sdpa"``, ``"eager"``, or on CUDA ``"flash_attention_2"``. bits: 8 or 4, to load
    the weights quantised (needs bitsandbytes and accelerate). fit: how an image is brought to the
    model: ``"pad"``, ``"crop"``, ``"stretch"`` (to a square), ``"area"`` (Qwen) or ``"own"``, as
    the checkpoint does it; None: the family's. resolution: side of that square in pixels; without
    ``fit``, images are stretched to it, as in the paper (Qwen2.5-VL: 224). instruction: what
    prompts say beside the question, in place of the checkpoint's or the family's; "" for nothing. A
    text with ``{question}`` in it holds the question. settings: the user's file of settings
    (core.vlm.loading.own), in place of the usual one; "" for none. look: who looks for the box
    where an engine answers: ``"scout:MODEL"``, for which the options of loading are then,
    ``"ask"`` or ``"tiles"`` (core.vlm.engine.looking). progress: called with what is
    being done, ``"download"`` or ``"load"``, and the share of it that is done, 0 to 1; bars are
    drawn on the terminal in any case.

    Raises VLMError, one sentence, if the model can't be had, doesn't fit into memory, or is of no
    known family.
    """
    # Here, not above: they import torch and transformers, which takes seconds.
    from core.vlm.engine.address import Address
    from core.vlm.loading.checkpoint import Checkpoint, Options, find_checkpoint, placement
    from core.vlm.loading.download import announce
    from core.vlm.loading.own import own_settings, shipped_settings
    from core.vlm.loading.settings import OF_CALL

    if Address.is_one(name_or_path):
        from core.vlm.engine.loading import load

        def scout(model: str) -> VLM:
            return load_vlm(
                model, device, dtype, attention_layer=attention_layer, attention=attention,
                bits=bits, settings=settings, progress=progress,
            )  # fmt: skip

        name = str(name_or_path)
        own = own_settings(Checkpoint(name, name, local=False), settings)
        return load(name, look, scout, own, fit=fit, resolution=resolution, instruction=instruction)
    if look is not None:
        raise VLMError("Who looks can be chosen for an engine: a model on this machine does.")
    options = Options(*placement(device, dtype), attention, bits, resolution, fit, progress)
    checkpoint = find_checkpoint(name_or_path)
    shipped = shipped_settings(checkpoint)
    checkpoint = checkpoint.with_settings(shipped.where, shipped.said)
    own = own_settings(checkpoint, settings)
    if fit is None and resolution is None:
        options = replace(options, fit=own.fit or shipped.fit)
    family = checkpoint.config.get("model_type")
    if (why := wrong_layout(checkpoint.config)) is not None:
        raise VLMError(f"{checkpoint.name!r} {why}")
    if family not in FAMILIES:
        raise VLMError(
            f"{checkpoint.name!r} is of the family {family!r}, which can't be used here; "
            f"the families that can: {', '.join(sorted(FAMILIES))}."
        )
    checkpoint = checkpoint.with_settings(own.where, own.said)
    asked = {"attention_layer": attention_layer, "instruction": instruction}
    asked = {name: value for name, value in asked.items() if value is not None}
    checkpoint = checkpoint.with_settings(OF_CALL, asked)
    announce(checkpoint, options)
    vlm = import_module(FAMILIES[family]).load(checkpoint.fetched(progress), options)
    vlm.info = replace(vlm.info, load=options.said(vlm.info))
    return vlm
