"""ZoomEye's search and ours with the confidences of one model, each in its own way to them.

Its class for LLaVA-1.5 crops the part, writes the question and reads yes and no off the logits as
published. What it calls of LLaVA's package stands here in a few lines (`LLAVA`): the model is that
of transformers, and the conversation is the one that ours writes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch as replaced

import numpy as np
import torch
from PIL import Image
from tokenizers import Tokenizer

from core.box import Box
from core.croppers import tree
from core.croppers.words import target
from core.edge.device import Edge
from core.imaging import Codec
from core.protocol import Server, ask
from core.uncertainty import Gate
from core.verify.case import scene
from core.vlm import load_vlm
from core.vlm.adapter import Adapter
from core.vlm.reference import Reference
from tools.doubles.untrained import Size, save_untrained

__all__ = ["BIAS", "LLAVA", "compare_on", "published_settings", "untrained"]

BIAS = {"bias_value": 0.2, "patch_scale": None}  # as perform_zoom_eye.py has them for LLaVA-1.5
SIZE = Size(width=64, feed_forward=128, vision_width=64, side=336, context=4096)
ALWAYS = Gate(threshold=float("-inf"))
IMAGE, PLACE = "<image>", -200  # an image in LLaVA's text, and among its ids
SPREAD = 1.0  # standard deviation of yes beside no, in logits
LONGER = (700, 1_000, 1_400, 2_000)  # sides of the pictures, pixels
RATIOS = (4, 3), (1, 1), (3, 4), (16, 9), (5, 2)


@dataclass
class Search:
    """What a search did; boxes are (left, top, right, bottom) in pixels of the original."""

    visited: list[tuple[int, ...]] = field(default_factory=list)  # in order, without the whole
    seen: list[tuple[int, ...]] = field(default_factory=list)  # in order
    said: dict[tuple[str, tuple[int, ...]], float] = field(default_factory=dict)  # confidences
    box: tuple[int, ...] | None = None  # where it ended; None: nowhere

    @property
    def way(self) -> tuple[Any, ...]:
        return self.visited, self.seen, self.box


def untrained(folder: Path) -> Adapter:
    """Return an untrained LLaVA, written into a folder, that says yes of some parts of pictures
    and no of others.
    """
    save_untrained("llava", folder, SIZE)
    file = str(folder / "tokenizer.json")
    tokenizer = Tokenizer.from_file(file)
    tokenizer.add_tokens(["Yes", "No"])
    tokenizer.save(file)
    vlm = load_vlm(folder, device="cpu", settings="")
    assert isinstance(vlm, Adapter)
    opinionated(vlm, [
        picture.crop(box.as_tuple())
        for picture, _ in pictures(4)
        for box in tree.split(Box(0, 0, *picture.size))
    ])  # fmt: skip
    return vlm


@torch.no_grad()
def opinionated(vlm: Adapter, pictures: Sequence[Image.Image]) -> None:
    """Let an untrained model say yes of some parts and no of others: along the direction in which
    what it has read of these pictures differs most, with as many of either.
    """
    reference = Reference(vlm)
    states = []
    for prompt in tree.PROMPTS.values():
        read = [
            reference._model(
                **reference._inputs([picture], prompt.format("sign")), output_hidden_states=True
            ).hidden_states[-1][0, -1]
            for picture in pictures
        ]
        states.append(torch.stack(read))
    middle = torch.cat(states).mean(dim=0)
    apart = torch.cat([one - one.mean(dim=0) for one in states])
    way = torch.linalg.svd(apart, full_matrices=False).Vh[0]
    way = way - (way @ middle) / (middle @ middle) * middle
    way = way * SPREAD / (apart @ way).std()
    head = vlm._model.get_output_embeddings().weight
    yes, no = vlm.word_tokens("Yes")[0], vlm.word_tokens("No")[0]
    head[yes], head[no] = way / 2, -way / 2


def ours(vlm: Adapter, picture: Image.Image, question: str) -> Search:
    """Return what the search of `tree` does, between an edge and a server."""
    done: list[tuple[tree.Searched, dict[Any, float]]] = []
    plain = tree.search

    def search(size: Any, side: Any, confidence: Any, settings: Any) -> tree.Searched:
        said: dict[Any, float] = {}

        def told(kind: tree.Kind, node: tree.Node) -> float:
            said[kind, node.box.as_tuple()] = value = confidence(kind, node)
            return value

        done.append((plain(size, side, told, settings), said))
        return done[-1][0]

    with replaced.object(tree, "search", search):
        transcript = ask(Edge(picture, Codec("png")), Server(vlm, ALWAYS, cropper="tree"), question)
    found, said = done[-1]  # the one that no part was missing of
    return Search(
        [node.box.as_tuple() for node in found.visited[1:]],
        [node.box.as_tuple() for node in found.seen],
        said,
        transcript.box.as_tuple() if found.content and transcript.box else None,
    )


def theirs(
    code: dict[str, Any], vlm: Adapter, picture: Image.Image, question: str, as_sent: bool
) -> Search:
    """Return what the published search does.

    as_sent: whether the model is given a part as an edge sends it, or as LLaVA prepares it.
    """
    done, settings, side = Search(), tree.Settings(), vlm.info.fit.input_size[0]
    model = _answering(code, vlm, done, as_sent)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "image.png"
        picture.save(file)
        image_tree = code["ZoomEye.tree"].ImageTree(file, side, tree.CHILDREN)
    candidates, *_ = code["ZoomEye.zoom_eye"].zoom_eye_search_type1(
        zoom_model=model, question=question, visual_cue=target(question), image_pil=picture,
        image_tree=image_tree, **published_settings(settings),
    )  # fmt: skip
    if candidates:
        done.box = tuple(model.get_patch(candidates[0].state.bbox, *picture.size, side, None))
    return done


def published_settings(settings: tree.Settings) -> dict[str, Any]:
    """Return settings under the names that the published search has for them."""
    return {
        "pop_limit": lambda depth: depth * settings.patience,
        "num_intervel": settings.further,
        "threshold_descrease": list(settings.relax),
        "depth_limit": settings.depth,
        "answering_confidence_threshold_lower": settings.least,
        "answering_confidence_threshold_upper": settings.enough,
        "force_no_root": True,
        "force_visit_bottom": False,
    }


def _answering(code: dict[str, Any], vlm: Adapter, done: Search, as_sent: bool) -> Any:
    """Return the published class around a model of transformers; `done` is told what it asks."""
    reference, square = Reference(vlm), code["ZoomEye.utils"].expand2square
    processor = reference._processor.image_processor

    class Answering(code["ZoomEye.zoom_model"].ZoomModelLocal):  # type: ignore[misc]
        def __init__(self) -> None:
            vars(self).update(
                BIAS, tokenizer=reference._processor.tokenizer, device="cpu", side_threshold=1000,
                input_size=vlm.info.fit.input_size, model=_LLaVA(reference),
                background_color=tuple(int(x * 255) for x in processor.image_mean),
            )  # fmt: skip
            self.init_prompts()
            with redirect_stdout(StringIO()):  # it prints both tokens
                self.init_index_yes_no()

        def get_prompt_from_qs(self, qs: str) -> str:
            return vlm.prompt_text(qs.removeprefix(f"{IMAGE}\n"), 1)

        def process_image_list_to_tensor(self, images: Sequence[Image.Image]) -> Any:
            given = [
                vlm.prepared(Edge(image).resize(vlm.info.fit))
                if as_sent
                else square(image, self.background_color)[0]
                for image in images
            ]
            pixels = processor(given, return_tensors="pt")["pixel_values"]
            return pixels, [image.size for image in images]

        def get_confidence_value(
            self, node: Any, image_pil: Any, confidence_type: str, input_ele: str
        ) -> float:
            left, top, width, height = node.state.bbox
            box = left, top, left + width, top + height
            if confidence_type != "latent":
                (done.seen if confidence_type == "existence" else done.visited).append(box)
            value = super().get_confidence_value(node, image_pil, confidence_type, input_ele)
            done.said[confidence_type, box] = value
            return value

    return Answering()


class _LLaVA:
    """A model of transformers, called as LLaVA's own package calls its."""

    def __init__(self, reference: Reference):
        self._reference = reference

    @torch.inference_mode()
    def __call__(self, input_ids: torch.Tensor, images: torch.Tensor, **_: Any) -> Any:
        config = self._reference._model.config
        before, after = input_ids[0].tolist(), []
        at = before.index(PLACE)
        before, after = before[:at], before[at + 1 :]
        visual = [config.image_token_id] * config.image_seq_length
        ids = torch.tensor([before + visual + after])
        return self._reference._model(input_ids=ids, pixel_values=images)


def _tokens(prompt: str, tokenizer: Any, place: int, return_tensors: str) -> torch.Tensor:
    """Return `tokenizer_image_token` of LLaVA's package, of a prompt with one image."""
    before, after = (tokenizer(part).input_ids for part in prompt.split(IMAGE))
    return torch.tensor([*before, place, *after[1:]])  # which begins as every text does


# What the published module takes of LLaVA's package, and uses here.
LLAVA: dict[str, dict[str, Any]] = {
    "llava.constants": {"DEFAULT_IMAGE_TOKEN": IMAGE, "IMAGE_TOKEN_INDEX": PLACE},
    "llava.mm_utils": {"tokenizer_image_token": _tokens},
}


def pictures(count: int) -> Iterator[tuple[Image.Image, str]]:
    """Yield pictures of several sizes and proportions, each with a question about a sign in it."""
    for index in range(count):
        ratio = RATIOS[index % len(RATIOS)]
        asked, side = scene(index, ratio), LONGER[index % len(LONGER)]
        width, height = (round(side * one / max(ratio)) for one in ratio)
        yield asked.image.resize((width, height), Image.Resampling.BICUBIC), asked.question


def compare_on(code: dict[str, Any], vlm: Adapter, count: int) -> bool:
    """Print how searches of so many pictures compare; returns whether all go the same way where
    the model is given the same pictures of the parts.
    """
    same = {True: 0, False: 0}
    apart: dict[bool, list[float]] = {True: [], False: []}
    ended, parts, visited = 0, 0, 0
    for picture, question in pictures(count):
        own = ours(vlm, picture, question)
        for as_sent in same:
            other = theirs(code, vlm, picture, question, as_sent)
            same[as_sent] += own.way == other.way
            apart[as_sent] += [
                abs(own.said[asked] - other.said[asked]) for asked in own.said.keys() & other.said
            ]
            if as_sent and own.way != other.way:
                print(f"  {picture.size}: ours ends in {own.box}, theirs in {other.box}")
        ended += own.box is not None
        parts, visited = parts + len(own.seen), visited + len(own.visited)
    print(
        f"with the confidences of {vlm.info.family}, {vlm.info.parameters:,} parameters: "
        f"{count} pictures, {parts / count:.1f} parts seen and {visited / count:.1f} visited on "
        f"average, {ended} searches ended content"
    )
    for as_sent, what in ((True, "as an edge sends them"), (False, "as LLaVA prepares them")):
        print(
            f"  parts {what}: the same way and box in {same[as_sent]} of {count}; confidences "
            f"{np.max(apart[as_sent]):.1e} apart at most, {np.median(apart[as_sent]):.1e} in the "
            "median"
        )
    return same[True] == count
