"""ViCrop's own functions beside ours, on one model: what it attends to, and the box that follows.

    git clone https://github.com/saccharomycetes/mllms_know
    python -m tools.published.vicrop --code mllms_know
    python -m tools.published.vicrop --code mllms_know --model llava-hf/llava-1.5-7b-hf

`rel_attention_llava`, `_qwen2_5`, `_blip` and `bbox_from_att_image_adaptive` are run as they are
published, but in this model's number format in place of bfloat16. Their repository (its README:
MIT) isn't part of this project: give the folder it lies in. Its code is run, so have a look at it
first. Qwen's function needs one package more, `pip install qwen-vl-utils`. Without --model,
untrained models in the shape of the published ones are compared (tests/checkpoints), with sharpened
attention.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from PIL import Image

from core.attention import relative_attention
from core.cropping import find_box
from core.edge.device import Edge
from core.server.stages.maps import geometry_on
from core.verify.case import scene
from core.vlm import load_vlm
from core.vlm.adapter import Adapter
from core.vlm.base import VLMError
from core.vlm.loading.arguments import add_load_arguments, load_options
from core.vlm.reference import Reference
from tools.doubles.published import save_published
from tools.published.stand_ins import InFormat, importable

MODULES = "utils", "llava_methods", "blip_methods", "qwen2_5_methods"  # of the repository
# What their imports ask for, and none of the functions that are compared here.
UNUSED = (
    "skimage", "skimage.measure", "scipy", "scipy.ndimage", "torchvision", "torchvision.io",
    "torchvision.transforms", "torchvision.transforms.functional",
)  # fmt: skip
SHAPES = "llava-1.5-7b-hf", "Qwen2.5-VL-3B-Instruct", "instructblip-vicuna-7b"
RATIOS = (1, 1), (16, 9)
WIDTH = 1024  # of a picture, pixels
QUERIES = 32  # that stand for an image of InstructBLIP's
SHARPER = 5  # times, weights of queries and keys: an untrained model looks everywhere alike

SHORT = "Answer the question using a single word or phrase."
# Of run.py: prompt, and side of the box at ratio 1.
PUBLISHED = {
    "llava": ("<image>\nUSER: {} " + SHORT + "\nASSISTANT:", 336),
    "qwen2_5_vl": ("{} " + SHORT, 224),
    "instructblip": ("Question: {} Short answer:", 224),
}


class CodeError(ValueError):
    """The published code can't be used; the message is one sentence."""


@dataclass(frozen=True)
class Published:
    """The published functions."""

    attention: dict[str, Callable[..., np.ndarray]]  # by family: relative, (rows, cols)
    box: Callable[..., tuple[int, int, int, int]]


@dataclass(frozen=True)
class Compared:
    """One picture, given to both."""

    given: str  # how
    off: float  # largest difference of the two maps, in means of ours
    spread: float  # standard deviation of ours, in its means: how far from flat it is
    box: tuple[int, ...]  # theirs
    whole: tuple[int, ...]  # ours, with the grid laid over the whole image, as theirs
    ours: tuple[int, ...]


def published(folder: Path, dtype: torch.dtype) -> Published:
    """Load the published functions from a folder. Raises CodeError."""
    if missing := [name for name in MODULES if not (folder / f"{name}.py").is_file()]:
        raise CodeError(
            f"{str(folder)!r} holds no {missing[0]}.py: git clone "
            "https://github.com/saccharomycetes/mllms_know, and name that folder."
        )
    with importable(folder, MODULES, _absent()):
        utils, llava, blip, qwen = map(import_module, MODULES)
    for module in (llava, blip, qwen):
        module.torch = InFormat(dtype)  # type: ignore[attr-defined]
    # As it stands, 256 of the language model's weights meet 32 queries, which can't be multiplied.
    blip.NUM_IMG_TOKENS = QUERIES  # type: ignore[attr-defined]
    attention = {
        "llava": llava.rel_attention_llava,
        "qwen2_5_vl": qwen.rel_attention_qwen2_5,
        "instructblip": blip.rel_attention_blip,
    }
    return Published(attention, utils.bbox_from_att_image_adaptive)


@torch.inference_mode()
def compare(vlm: Adapter, code: Published, question: str, image: Image.Image) -> list[Compared]:
    """Ask one question about one picture: given as here, as the original, and as published."""
    view, generic = Edge(image).resize(vlm.info.fit), vlm.info.generic_prompt
    look, geometry = vlm.look(view), geometry_on(vlm, view.size, image.size)
    rows = [vlm.attend(look, text) for text in (question, generic)]
    ours = relative_attention(*rows, geometry.grid)
    template, side = PUBLISHED[vlm.info.family]
    search = partial(find_box, ours, image.size, side, min_cells=0)
    whole, box = search().as_tuple(), search(extent=geometry.extent).as_tuple()
    reference = Reference(vlm)
    attention = partial(
        code.attention[vlm.info.family], model=_Answering(reference._model, vlm.info.family),
        processor=_Processor(reference._processor),
    )  # fmt: skip
    prompt = vlm.instructed if vlm.info.family == "qwen2_5_vl" else partial(_written, vlm)
    found = []
    for given, write, picture in (
        ("our prompt, the image as sent", prompt, vlm.prepared(view)),
        ("our prompt, the original", prompt, image),
        ("their prompt, the original", template.format, image),
    ):
        theirs = attention(picture, write(question), write(generic))
        if theirs.shape != ours.shape:
            raise CodeError(f"Their grid is {theirs.shape}, and ours {ours.shape}.")
        off = float(np.abs(theirs - ours).max() / ours.mean())
        asked = tuple(map(int, code.box(theirs, image.size, side)))
        found.append(Compared(given, off, float(ours.std() / ours.mean()), asked, whole, box))
    return found


@torch.no_grad()
def sharpen(vlm: Adapter) -> None:
    """Let an untrained model look at some places more than at others."""
    torch.manual_seed(0)
    ends = "q_proj.weight", "k_proj.weight", "qkv.weight", "query.weight", "key.weight"
    for name, weight in vlm._model.named_parameters():
        if name.endswith(ends):
            weight.mul_(SHARPER)
        elif name.endswith(("query_tokens", "position_embedding")):  # InstructBLIP's are all alike
            weight.normal_()


def _written(vlm: Adapter, text: str) -> str:
    return vlm.prompt_text(text, 1)


class _Processor:
    """Takes (text, images), in the order that transformers had when the code was written."""

    def __init__(self, processor: Any):
        self._processor = processor

    def __getattr__(self, name: str) -> Any:
        return getattr(self._processor, name)

    def __call__(self, text: Any = None, images: Any = None, **others: Any) -> Any:
        given = {name: value for name, value in others.items() if value is not None}
        return self._processor(text=text, images=images, **given)


class _Answering:
    """A model that hands out the weights of its Q-Former, as InstructBLIP did at that time."""

    def __init__(self, model: Any, family: str):
        self._model, self._family = model, family

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def __call__(self, **inputs: Any) -> Any:
        if self._family != "instructblip":
            return self._model(**inputs)
        inputs.pop("output_attentions")
        seen = ("pixel_values", "qformer_input_ids", "qformer_attention_mask")
        encoded = self._model.get_image_features(
            **{name: inputs[name] for name in seen}, output_attentions=True, return_dict=True
        )
        output = self._model(
            pixel_values=None, qformer_input_ids=None, input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"], mm_encoder_outputs={"image": encoded},
            output_attentions=True,
        )  # fmt: skip
        return SimpleNamespace(
            qformer_outputs=encoded.qformer_outputs,
            language_model_outputs=output.language_model_outputs,
        )


def _absent() -> dict[str, dict[str, Any]]:
    """Return stand-ins for the packages that aren't there, as `importable` takes them."""
    absent: dict[str, dict[str, Any]] = {
        name: {} for name in UNUSED if find_spec(name.split(".")[0]) is None
    }
    if find_spec("qwen_vl_utils") is None:
        absent["qwen_vl_utils"] = {"process_vision_info": _lacking}
    return absent


def _lacking(messages: Any) -> Any:
    raise CodeError("Qwen's function needs one package more: pip install qwen-vl-utils.")


def report(name: str, vlm: Adapter, code: Published, pictures: int) -> bool:
    """Print how a model compares, on pictures of every ratio; False if it can't be compared."""
    print(f"{name}, {vlm.info.family}, --fit {vlm.info.load['fit']}")
    every: list[Compared] = []
    for ratio in RATIOS:
        for index in range(pictures):
            asked = scene(index, ratio)
            size = WIDTH, round(WIDTH * ratio[1] / ratio[0])
            try:
                found = compare(vlm, code, asked.question, asked.image.resize(size))
            except CodeError as error:
                print(f"  not compared: {error}")
                return False
            every += found
            for one in found:
                boxes = map(_box, (one.box, one.whole, one.ours))
                print(
                    f"  {ratio[0]}:{ratio[1]:<3} {one.given:30} maps differ by {one.off:.1e} of "
                    "their mean; box {}, ours on the same grid {}, where the image lies {}"
                    .format(*boxes)
                )  # fmt: skip
    spread = [one.spread for one in every]
    print(f"  our maps: standard deviation {min(spread):.1e} to {max(spread):.1e} of their mean")
    for given in dict.fromkeys(one.given for one in every):
        some = [one for one in every if one.given == given]
        same = sum(one.box == one.whole for one in some)
        print(
            f"  {given}: maps differ by {max(one.off for one in some):.1e} of their mean at most; "
            f"the same box in {same} of {len(some)} on the same grid, in "
            f"{sum(one.box == one.ours for one in some)} where the image lies"
        )
    return True


def _box(box: Sequence[int]) -> str:
    return " ".join(map(str, box))


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--code", type=Path, required=True, help="folder of ViCrop's repository")
    parser.add_argument(
        "--model", help="LLaVA-1.5, Qwen2.5-VL or InstructBLIP: a directory or a hub id "
        "(default: untrained models in the shape of all three)",
    )  # fmt: skip
    parser.add_argument(
        "--pictures", type=int, default=2, help="how many of each of two ratios (default: 2)"
    )
    add_load_arguments(parser)
    args = parser.parse_args(argv)
    options, done = load_options(args), True
    try:
        with tempfile.TemporaryDirectory() as folder:
            for name in [args.model] if args.model else SHAPES:
                where = args.model or save_published(name, Path(folder) / name)
                # The hub's LLaVA is cropped by its processor, and padded here: both are compared.
                both = args.model is None and name.startswith("llava")
                for fit in ("own", "pad") if both else (args.fit,):
                    vlm = load_vlm(where, **options | {"fit": fit})
                    if not isinstance(vlm, Adapter) or vlm.info.family not in PUBLISHED:
                        raise CodeError(f"ViCrop has no function for {vlm.info.family}.")
                    if args.model is None:
                        sharpen(vlm)
                    code = published(args.code, vlm._model.dtype)
                    done &= report(name, vlm, code, args.pictures)
    except (CodeError, VLMError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0 if done else 1


if __name__ == "__main__":
    sys.exit(main())
