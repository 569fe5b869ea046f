"""The tree search: which parts it visits in which order, and where it ends."""

import pytest

from core.box import Box
from core.croppers.tree import Settings, deepest, patch, search, split

SIZE, SIDE = (1600, 1200), 250


def told(**by_place):
    """Return confidences of a target: by kind, of parts that hold it, and of others."""

    def confidence(kind, node):
        asked.append((kind, node.box))
        holds = node.box.contains(TARGET)
        return by_place.get(kind, {True: 0.0, False: 0.0})[holds]

    asked = []
    return confidence, asked


TARGET = Box(1450, 90, 1460, 100)
SEEN = {True: 0.9, False: -0.9}


def test_it_goes_down_to_the_part_that_holds_what_is_asked_for():
    confidence, asked = told(existence=SEEN)

    def content(kind, node):
        if kind == "answering":
            return 0.8 if node.depth == 3 and node.box.contains(TARGET) else -0.5
        return confidence(kind, node)

    found = search(SIZE, SIDE, content)
    assert found.content and found.best.depth == 3 and found.best.box.contains(TARGET)
    assert [node.depth for node in found.visited] == [0, 1, 2, 3]
    assert all(node.box.contains(TARGET) for node in found.visited)
    assert len(found.seen) == 3 * 4
    # Both questions of a part once, in the order of the parts, and none of the whole image.
    assert [kind for kind, _ in asked] == ["existence", "latent"] * 12
    assert [box for _, box in asked[::2]] == [node.box for node in found.seen]


def test_it_goes_elsewhere_where_a_branch_disappoints():
    def confidence(kind, node):
        first = node.box.left == node.box.top == 0
        if kind == "answering":
            return -1.0
        return {1: 0.5 if first else 0.4, 2: -1.0}.get(node.depth, -1.0)

    found = search((800, 800), 300, confidence, Settings(patience=9))
    assert [node.box.as_tuple() for node in found.visited[1:6]] == [
        (0, 0, 400, 400), (400, 0, 800, 400), (0, 400, 400, 800), (400, 400, 800, 800),
        (0, 0, 200, 200),
    ]  # fmt: skip


def test_what_is_seen_counts_for_more_the_deeper_a_part_lies():
    def confidence(kind, node):
        return {"existence": 1.0, "latent": -1.0, "answering": -1.0}[kind]

    found = search(SIZE, SIDE, confidence)
    by_depth = {node.depth: node.priority for node in found.seen}
    # weight = 0.8 / 3² · depth² + 0.2, with ZoomEye's bias of 0.2 and three levels
    assert [by_depth[depth] for depth in (1, 2)] == pytest.approx(
        [2 * (0.8 / 9 * depth**2 + 0.2) - 1 for depth in (1, 2)]
    )


def test_out_of_patience_it_is_content_with_less():
    """ZoomEye's 0.6 falls to 0.5 with the ninth of three levels, then by 0.1 and 0.2 every two."""
    best = Box(0, 0, 400, 300)

    def confidence(kind, node):
        return 0.45 if kind == "answering" and node.box == best else -0.2

    found = search(SIZE, SIDE, confidence)
    assert found.content and found.best.box == best
    assert len(found.visited) == 11  # 0.4 is reached two parts after 0.5

    never = search(SIZE, SIDE, lambda kind, node: -0.5 if node.depth < 2 else -0.3)
    assert not never.content and never.best.answering == -0.3
    assert len(never.visited) == 9 + 4 * 2


def test_no_more_parts_are_seen_than_allowed_and_what_was_seen_is_still_visited():
    for nodes in (0, 3, 4, 11, 88):
        found = search(SIZE, SIDE, lambda kind, node: -0.5, Settings(nodes=nodes))
        assert len(found.seen) <= nodes
        assert (found.best is None) == (nodes < 4)
    deepest_tree = search((10_000, 9_000), SIDE, lambda kind, node: -0.5)
    assert len(deepest_tree.seen) == Settings().nodes  # all that the other settings come to


def test_an_image_as_small_as_a_leaf_has_no_parts():
    found = search((199, 100), SIDE, lambda kind, node: 1.0)
    assert found.best is None and found.seen == [] and len(found.visited) == 1


@pytest.mark.parametrize(
    ("size", "parts"),
    [
        ((7, 5), [(0, 0, 3, 2), (3, 0, 7, 2), (0, 2, 3, 5), (3, 2, 7, 5)]),
        ((8, 4), [(0, 0, 2, 4), (2, 0, 4, 4), (4, 0, 6, 4), (6, 0, 8, 4)]),
        ((3, 7), [(0, 0, 3, 1), (0, 1, 3, 2), (0, 2, 3, 3), (0, 3, 3, 7)]),
    ],
)
def test_a_part_is_split_without_a_gap(size, parts):
    found = split(Box(0, 0, *size))
    assert [box.as_tuple() for box in found] == parts
    moved = split(Box(10, 20, 10 + size[0], 20 + size[1]))
    assert moved == [Box(b.left + 10, b.top + 20, b.right + 10, b.bottom + 20) for b in found]


def test_the_tree_is_as_deep_as_its_deepest_branch():
    assert [deepest((side, side), 100, 9) for side in (99, 100, 199, 200, 400)] == [0, 1, 2, 2, 3]
    assert deepest((199, 199), 100, 9) == 2  # the last parts have 100 pixels, the first 99
    assert deepest((1_000_000, 3), 8, 5) == 5  # counted no further


def test_a_patch_is_as_large_as_the_input_or_as_far_as_the_image_reaches():
    assert patch(Box(100, 100, 200, 200), (1000, 1000), 300) == Box(0, 0, 300, 300)
    assert patch(Box(400, 400, 500, 500), (1000, 1000), 300) == Box(300, 300, 600, 600)
    assert patch(Box(900, 900, 1000, 1000), (1000, 1000), 300) == Box(800, 800, 1000, 1000)
    assert patch(Box(0, 0, 500, 400), (1000, 1000), 300) == Box(0, 0, 500, 400)
