"""Where the pixels of an image fall in a model's input, and on the grid of its visual tokens.

Coordinates are continuous: pixel (i, j) covers [i, i + 1) × [j, j + 1), x to the right, y down.
Sizes are (width, height), grids (rows, columns), as in Pillow and in matrices.
"""

from dataclasses import dataclass, replace

Rect = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True)
class Geometry:
    """The map input = source · scale + offset, per axis, and a grid of equal cells on the input.

    The grid may cover more than the image (padding) or less (a centre crop): see `extent`.
    Raises `ValueError` if a size, a grid side or a scale is not positive.
    """

    source_size: tuple[int, int]  # px of the image that is given to the model
    input_size: tuple[int, int]  # px of the tensor that the vision encoder sees
    grid: tuple[int, int]  # rows, columns
    scale: tuple[float, float]  # input px per source px, in x and y
    offset: tuple[float, float]  # input px

    def __post_init__(self) -> None:
        for name in ("source_size", "input_size", "grid", "scale"):
            _check_positive(name, getattr(self, name))

    @classmethod
    def stretch(
        cls, source_size: tuple[int, int], input_size: tuple[int, int], grid: tuple[int, int]
    ) -> "Geometry":
        """Each axis is resized on its own: the whole image fills the whole input."""
        _check_positive("source_size", source_size)
        (w, h), (input_w, input_h) = source_size, input_size
        return cls(source_size, input_size, grid, (input_w / w, input_h / h), (0.0, 0.0))

    @classmethod
    def pad(cls, source_size: tuple[int, int], side: int, grid: tuple[int, int]) -> "Geometry":
        """Centred on a square as wide as the longer side, then resized to `side` × `side`.

        As `LlavaImageProcessor` with `do_pad` does it: the image starts at a whole source pixel,
        so with an odd margin it lies half a pixel left of (above) the centre.
        """
        _check_positive("source_size", source_size)
        w, h = source_size
        square = max(w, h)
        scale = side / square
        left, top = (square - w) // 2, (square - h) // 2
        return cls(source_size, (side, side), grid, (scale, scale), (left * scale, top * scale))

    @classmethod
    def center_crop(
        cls,
        source_size: tuple[int, int],
        shortest_edge: int,
        crop_size: tuple[int, int],
        grid: tuple[int, int],
    ) -> "Geometry":
        """Resized until the shorter side is `shortest_edge`, then cut out of, or padded to, the
        centred `crop_size`.

        As `CLIPImageProcessor` does it: the longer side is rounded down, so the two scales differ a
        little; the image starts at a whole input pixel, rounded to the right (down), both where the
        crop cuts and where it pads.
        """
        _check_positive("source_size", source_size)
        w, h = source_size
        longer = int(shortest_edge * max(w, h) / min(w, h))
        resized_w, resized_h = (shortest_edge, longer) if w <= h else (longer, shortest_edge)
        crop_w, crop_h = crop_size
        left, top = (resized_w - crop_w) // 2, (resized_h - crop_h) // 2
        return cls(
            source_size,
            crop_size,
            grid,
            (resized_w / w, resized_h / h),
            (float(-left), float(-top)),
        )

    def to_input(self, x: float, y: float) -> tuple[float, float]:
        """The point (x, y) of the source, in input pixels; outside the input if it is cut off."""
        return x * self.scale[0] + self.offset[0], y * self.scale[1] + self.offset[1]

    def to_source(self, x: float, y: float) -> tuple[float, float]:
        """The point (x, y) of the input, in source pixels; outside the image if it is padding."""
        return (x - self.offset[0]) / self.scale[0], (y - self.offset[1]) / self.scale[1]

    def cell(self, row: int, col: int) -> Rect:
        """Left, top, right, bottom of one grid cell in source pixels. `ValueError` if not on it."""
        rows, cols = self.grid
        if not (0 <= row < rows and 0 <= col < cols):
            raise ValueError(f"cell ({row}, {col}) is not on the grid of {rows} × {cols}.")
        return (*self._corner(row, col), *self._corner(row + 1, col + 1))

    @property
    def extent(self) -> Rect:
        """Left, top, right, bottom of the whole grid in source pixels."""
        return (*self._corner(0, 0), *self._corner(*self.grid))

    def _corner(self, row: int, col: int) -> tuple[float, float]:
        (rows, cols), (width, height) = self.grid, self.input_size
        x, y = self.to_source(col * width / cols, row * height / rows)
        # To a billionth of a pixel: 300 must not come out as 299.99999999999994.
        return round(x, 9), round(y, 9)

    def of_original(self, original_size: tuple[int, int], region: Rect | None = None) -> "Geometry":
        """The same grid as seen from the original that the source was resized from.

        region: left, top, right, bottom of the source in the original's pixels: a part of it, or
        more where it was padded; None: all of it. The two sides may have been resized by slightly
        different factors, as rounding to whole pixels does.
        """
        _check_positive("original_size", original_size)
        left, top, right, bottom = region or (0, 0, *original_size)
        part = right - left, bottom - top
        factors = [new / old for new, old in zip(self.source_size, part, strict=True)]
        scale = (self.scale[0] * factors[0], self.scale[1] * factors[1])
        offset = (self.offset[0] - left * scale[0], self.offset[1] - top * scale[1])
        return replace(self, source_size=original_size, scale=scale, offset=offset)


def _check_positive(name: str, values: tuple[float, ...]) -> None:
    if min(values) <= 0:
        raise ValueError(f"{name} must be positive, not {values}.")
