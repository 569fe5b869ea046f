"""ZoomEye's search (arXiv 2411.16044): from the whole image down a tree of ever smaller parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from core.box import Box
from core.croppers.base import Clues, Cropper, Found, Need
from core.croppers.words import target
from core.hits import cells_in

Size = tuple[int, int]  # width, height in pixels of the original
Kind = Literal["answering", "existence", "latent"]

PROMPTS: dict[Kind, str] = {  # as published, of the question and of what it is about
    "answering": "Question: {}\nCould you answer the question based on the the available visual "
    "information? Answer Yes or No.",
    "existence": "Is there a {} in the image? Answer Yes or No.",
    "latent": "According to your common sense knowledge and the content of the image, is it "
    "possible to find a {} in the image? Answer Yes or No and tell the reason.",
}
CHILDREN = 4
LONG = 2.0  # times the other side, from which on a part is cut along its longer side alone
NEAREST = "No part was said to hold the answer, so the one that came nearest is looked at."
SMALL = "The image has no parts that the model would see more finely."


@dataclass(frozen=True)
class Settings:
    """Patience and thresholds of a search; the defaults are ZoomEye's for LLaVA-1.5.

    Confidences are 2 · (p - 0.5) of p, the probability of yes beside no: -1 to 1.
    """

    enough: float = 0.6  # confidence that the question can be answered, with which it ends
    least: float = 0.0  # as low as that may become
    # By how much it falls, each time that the patience is over; the last goes on.
    relax: tuple[float, ...] = (0.1, 0.1, 0.2)
    patience: int = 3  # parts visited for each level of the tree, before it falls first
    further: int = 2  # and before it falls again
    depth: int = 5  # levels below the whole image, at most
    own: float = 0.2  # weight at the root of what is seen itself, beside what may be hidden there
    nodes: int = 88  # parts seen, at most: what the other settings can come to


@dataclass(eq=False)
class Node:
    """A part of the original, in its tree."""

    box: Box
    depth: int
    answering: float = -1.0  # once it was visited
    priority: float = 0.0  # once it was seen

    @property
    def children(self) -> list[Node]:
        return [Node(box, self.depth + 1) for box in split(self.box)]


@dataclass
class Searched:
    """What a search came to."""

    best: Node | None = None  # None: there was nothing below the whole image
    content: bool = False  # whether that was said to hold the answer
    visited: list[Node] = field(default_factory=list)  # in order, the whole image first
    seen: list[Node] = field(default_factory=list)  # in order; not the whole image


def search(
    size: Size,
    side: int,
    confidence: Callable[[Kind, Node], float],
    settings: Settings = Settings(),
) -> Searched:
    """Return where the search ends in an image (`zoom_eye_search_type1` of the published code).

    side: pixels; a part whose sides are both shorter is a leaf. confidence: -1 to 1, of a part.
    The whole image is never asked whether it suffices: the gate has said that it doesn't.
    """
    found, depth = Searched(), min(deepest(size, side, settings.depth), settings.depth)
    enough, relax = settings.enough, list(settings.relax)
    patience, queue = depth * settings.patience, [Node(Box(0, 0, *size), 0)]
    while queue:
        node = queue.pop(0)
        found.visited.append(node)
        if node.depth:
            node.answering = confidence("answering", node)
        found.best = max(found.visited[1:], key=lambda one: one.answering, default=None)
        if node.depth and node.answering >= enough:
            found.best, found.content = node, True
            break
        if len(found.visited) >= patience:
            enough -= relax.pop(0) if len(relax) > 1 else relax[0]
            patience += settings.further
            if found.best is not None and found.best.answering >= enough:
                found.content = True
                break
            if enough < settings.least:
                break
        if node.depth < depth and max(node.box.size) >= side:
            children = node.children
            if len(found.seen) + len(children) <= settings.nodes:
                for child in children:
                    child.priority = _priority(child, depth, confidence, settings)
                    found.seen.append(child)
                queue += children
        queue.sort(key=lambda one: one.priority, reverse=True)
    return found


def _priority(
    node: Node, depth: int, confidence: Callable[[Kind, Node], float], settings: Settings
) -> float:
    """Return how soon a part is visited: deeper ones go more by what is seen itself."""
    exists, hidden = confidence("existence", node), confidence("latent", node)
    weight = (1 - settings.own) / depth**2 * node.depth**2 + settings.own
    return exists * weight + hidden * (1 - weight)


def split(box: Box) -> list[Box]:
    """Return the parts of a part: two by two, or along its longer side if that is twice the other;
    the last ones are larger where the pixels don't divide.
    """
    ratio = box.height / box.width
    across, down = (
        (1, CHILDREN) if ratio >= LONG else (CHILDREN, 1) if ratio <= 1 / LONG else (2, 2)
    )
    xs = [box.left + i * (box.width // across) for i in range(across)] + [box.right]
    ys = [box.top + i * (box.height // down) for i in range(down)] + [box.bottom]
    return [Box(xs[i], ys[j], xs[i + 1], ys[j + 1]) for j in range(down) for i in range(across)]


def deepest(size: Size, side: int, limit: int) -> int:
    """Return the levels that the tree of an image has, counted up to a limit."""
    level, depth = {size}, 0
    while depth < limit and (larger := {one for one in level if max(one) >= side}):
        level = {part.size for one in larger for part in split(Box(0, 0, *one))}
        depth += 1
    return depth


def patch(box: Box, size: Size, side: int) -> Box:
    """Return what is sent of a part: at least `side` each way, as far as the image reaches
    (`get_patch` of the published code).
    """
    (left, right), (top, bottom) = (
        _reach(begin, end, whole, side)
        for begin, end, whole in (
            (box.left, box.right, size[0]),
            (box.top, box.bottom, size[1]),
        )
    )
    return Box(left, top, right, bottom)


def _reach(begin: int, end: int, whole: int, side: int) -> tuple[int, int]:
    length, middle = max(end - begin, side), int(begin + (end - begin) / 2)
    left = max(0, middle - length // 2)
    return left, min(left + length, whole)


def _tree(clues: Clues, settings: Settings = Settings()) -> Found:
    size, side = clues.original_size, max(clues.info.fit.input_size)
    asked = {kind: target(clues.question) for kind in PROMPTS} | {"answering": clues.question}

    def confidence(kind: Kind, node: Node) -> float:
        prompt = PROMPTS[kind].format(asked[kind])
        return 2 * (clues.yes(prompt, patch(node.box, size, side)) - 0.5)

    found = search(size, side, confidence, settings)
    if found.best is None:
        return Found((Box(0, 0, *size),), fallback=SMALL)
    box = patch(found.best.box, size, side)
    return Found((box,), _map(clues, found), "" if found.content else NEAREST)


def _map(clues: Clues, found: Searched) -> np.ndarray:
    """Return the priority of the smallest part seen at each cell (rows, cols), 0 to 1."""
    grid, extent = clues.geometry.grid, clues.geometry.extent
    weights = np.zeros(grid)
    for node in sorted(found.seen, key=lambda one: one.depth):
        weights[cells_in(node.box, grid, extent)] = (node.priority + 1) / 2
    return weights


ENTRIES = (
    Cropper(
        name="tree",
        label="Tree search",
        rule="Down a tree of ever smaller parts, those first where the model says that what is "
        "asked about is there, until it says that it can answer.",
        source="ZoomEye, arXiv 2411.16044",
        find=_tree,
        needs=frozenset({Need.YES, Need.PARTS}),
        parts=Settings().nodes,
    ),
)
