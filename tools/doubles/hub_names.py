"""Weights under the names that the hub's checkpoints have, which other engines look for.

Transformers 5 reads both, and writes its own: a CLIP or SigLIP tower without the module that its
class once had around it. vLLM and llama.cpp's converter know the hub's names only.
"""

from pathlib import Path

from safetensors.torch import load_file, save_file

TOWER, ON_THE_HUB = "vision_tower.", "vision_tower.vision_model."
WRAPPED = ("clip_vision_model", "siglip_vision_model")  # model_type of towers that were


def as_on_the_hub(folder: Path, tower: str) -> None:
    """Name a checkpoint's weights anew, if its tower is one of `WRAPPED`. tower: its model_type."""
    if tower not in WRAPPED:
        return
    file = folder / "model.safetensors"
    weights = load_file(file)
    named = {
        name.replace(TOWER, ON_THE_HUB, 1)
        if name.startswith(TOWER) and not name.startswith(ON_THE_HUB)
        else name: weight
        for name, weight in weights.items()
    }
    save_file(named, file, {"format": "pt"})
