"""Hold `gradient` and `pure_gradient` against ViCrop's own code.

    python -m tools.published.vicrop_gradients FOLDER

FOLDER is a checkout of github.com/saccharomycetes/mllms_know. Its functions for LLaVA are run as
they are, on the same model, prompt and picture, but for float32 in place of bfloat16, and for the
four functions it takes of torchvision and scikit-image, which are written out below. The picture is
square and as large as the input, where both see the same pixels (docs/croppers.md). Prints how far
the maps are apart, as a share of the largest weight, and both boxes; ends with 1 if a map is
further than 1e-4 apart or a box differs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from PIL import Image

from core.croppers.gradients import pure_gradient
from core.cropping import find_box
from core.vlm import load_vlm
from core.vlm.reference import Reference
from tools.doubles.untrained import REALISTIC, TINY, save_untrained
from tools.published.stand_ins import InFormat, importable

MODULES = "utils", "llava_methods"  # of the repository
APART = 1e-4  # of the largest weight
QUESTION = "What does the blue circle say?"


def block_reduce(image: np.ndarray, block_size: tuple[int, int], func: Any) -> np.ndarray:
    """Return `skimage.measure.block_reduce` of sides that the blocks divide."""
    (rows, cols), (h, w) = image.shape, block_size
    return func(image.reshape(rows // h, h, cols // w, w), axis=(1, 3))


def gaussian_blur(images: torch.Tensor, kernel_size: tuple[int, int]) -> torch.Tensor:
    """Return `torchvision.transforms.functional.gaussian_blur` of (1, 3, height, width)."""
    size = kernel_size[0]
    sigma = 0.3 * ((size - 1) * 0.5 - 1) + 0.8
    at = torch.arange(size) - (size - 1) / 2
    kernel = torch.exp(-0.5 * (at / sigma) ** 2)
    kernel = kernel / kernel.sum()
    half = size // 2
    padded = torch.nn.functional.pad(images, (half,) * 4, "reflect")
    weights = torch.outer(kernel, kernel).expand(3, 1, size, size)
    return torch.nn.functional.conv2d(padded, weights, groups=3)


def to_tensor(image: Image.Image) -> torch.Tensor:
    """Return (3, height, width), 0 to 1."""
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255


# What the published modules take of packages that needn't be here, and what of it is run.
ABSENT: dict[str, dict[str, Any]] = {
    "torchvision": {}, "torchvision.transforms": {},
    "torchvision.transforms.functional": {
        "gaussian_blur": gaussian_blur,
        "to_tensor": to_tensor,
        "resize": lambda image, size: image.resize(size[::-1], Image.Resampling.BILINEAR),
    },
    "skimage": {}, "skimage.measure": {"block_reduce": block_reduce},
    "qwen_vl_utils": {},
}  # fmt: skip


def published(folder: Path, facts: dict[str, int]) -> SimpleNamespace:
    """Return the published functions, run with this model's facts as their constants."""
    with importable(folder, MODULES, ABSENT):
        utils, llava = map(import_module, MODULES)
    vars(llava).update(facts, torch=InFormat(torch.float32))
    return SimpleNamespace(
        gradient=llava.gradient_attention_llava,
        pure_gradient=llava.pure_gradient_llava,
        box=utils.bbox_from_att_image_adaptive,
    )


def compare(folder: Path, model: Path) -> bool:
    """Print how far both are apart; returns whether they are not."""
    vlm = load_vlm(model, device="cpu", settings="")
    side, (rows, cols) = vlm.info.input_size[0], vlm.geometry(vlm.info.input_size).grid
    noise = np.random.default_rng(0).integers(0, 256, (rows, cols, 3), np.uint8)
    picture = Image.fromarray(noise).resize((side, side), Image.Resampling.BICUBIC)
    grain = np.random.default_rng(1).integers(0, 40, (side, side, 3), np.uint8)
    picture = Image.fromarray(np.clip(np.asarray(picture) + grain, 0, 255).astype(np.uint8))

    theirs = published(folder, {
        "NUM_IMG_TOKENS": rows * cols, "NUM_PATCHES": rows, "PATCH_SIZE": side // rows,
        "IMAGE_RESOLUTION": side, "IMAGE_TOKEN_INDEX": vlm._image_id,  # type: ignore[attr-defined]
        "ATT_LAYER": vlm.info.attention_layer,
    })  # fmt: skip
    reference = Reference(vlm)  # type: ignore[arg-type]

    def processor(text: str, image: Image.Image, **_: Any) -> Any:
        return reference._inputs([image], text)

    both, look = (QUESTION, vlm.info.generic_prompt), vlm.look(picture)
    asked, generic = (vlm.pixel_gradient(picture, prompt) for prompt in both)
    own = vlm.attend_gradient(look, QUESTION).reshape(rows, cols)
    reference._model.requires_grad_()  # their graph is of all weights; ours needs none
    maps = {
        "gradient": (
            own,
            theirs.gradient(picture, *both, reference._model, processor),
        ),
        "pure_gradient": (
            pure_gradient(asked.norms, generic.norms, asked.pixels, (rows, cols)),
            theirs.pure_gradient(picture, *both, reference._model, processor),
        ),
    }
    same = True
    original = 3 * side, 2 * side
    for name, (ours, other) in maps.items():
        apart = float(np.abs(ours - other).max() / np.abs(other).max())
        box = find_box(ours, original, side, min_cells=0).as_tuple()
        their_box = tuple(map(int, theirs.box(other, original, side)))
        print(f"{name}: {apart:.1e} apart; boxes {box} and {their_box}")
        same &= apart <= APART and box == their_box
    return same


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=Path, help="checkout of saccharomycetes/mllms_know")
    parser.add_argument("--model", type=Path, help="a LLaVA checkpoint (default: an untrained one "
                        "of LLaVA-1.5's proportions)")  # fmt: skip
    parser.add_argument("--tiny", action="store_true", help="take a tiny untrained one instead")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        size = TINY if args.tiny else REALISTIC
        model = args.model or save_untrained("llava", Path(folder), size)
        return 0 if compare(args.folder, model) else 1


if __name__ == "__main__":
    sys.exit(main())
