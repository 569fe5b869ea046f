"""Images that are cut into equal tiles, each of which becomes a square of tokens of its own."""

from __future__ import annotations

import torch


def tiled_cells(rows: int, cols: int, side: int) -> torch.Tensor:
    """Return which tokens are the grid of the whole image, row by row: (rows * side * cols *
    side,).

    The image is cut into rows x cols tiles, whose tokens follow each other tile by tile, row by row
    of tiles; each tile has side x side tokens, row by row.
    """
    tokens = torch.arange(rows * cols * side * side).view(rows, cols, side, side)
    return tokens.transpose(1, 2).flatten()
