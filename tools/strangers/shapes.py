"""Outlines of shapes and silhouettes, in a square from 0 to 1."""

from __future__ import annotations

from math import cos, pi, sin

from PIL import Image, ImageDraw

Point = tuple[float, float]
Stroke = tuple[str, tuple[Point, ...], int]  # method of ImageDraw, points, 255 or 0 for a hole


def _polygon(*points: Point, ink: int = 255) -> Stroke:
    return "polygon", points, ink


def _oval(left: float, top: float, right: float, bottom: float, ink: int = 255) -> Stroke:
    return "ellipse", ((left, top), (right, bottom)), ink


def _block(left: float, top: float, right: float, bottom: float, ink: int = 255) -> Stroke:
    return "rectangle", ((left, top), (right, bottom)), ink


def _around(corners: int, start: float, inner: float = 1.0) -> Stroke:
    """Return a polygon whose corners lie on a circle, every second one on an inner circle."""
    points = []
    for corner in range(corners):
        angle = 2 * pi * corner / corners + start
        radius = 0.5 * (inner if corner % 2 else 1)
        points.append((0.5 + radius * cos(angle), 0.5 + radius * sin(angle)))
    return _polygon(*points)


def _heart() -> Stroke:
    points = []
    for step in range(100):
        t = 2 * pi * step / 100
        y = 13 * cos(t) - 5 * cos(2 * t) - 2 * cos(3 * t) - cos(4 * t)
        points.append((0.5 + sin(t) ** 3 / 2, (12 - y) / 29))
    return _polygon(*points)


OUTLINES: dict[str, tuple[Stroke, ...]] = {
    "rectangle": (_block(0, 0, 1, 1),),
    "rounded": (("rounded_rectangle", ((0, 0), (1, 1)), 255),),
    "circle": (_oval(0, 0, 1, 1),),
    "triangle": (_polygon((0.5, 0), (1, 1), (0, 1)),),
    "diamond": (_polygon((0.5, 0), (1, 0.5), (0.5, 1), (0, 0.5)),),
    "hexagon": (_polygon((0.25, 0), (0.75, 0), (1, 0.5), (0.75, 1), (0.25, 1), (0, 0.5)),),
    "pointing right": (_polygon((0, 0), (0.86, 0), (1, 0.5), (0.86, 1), (0, 1)),),
    "pointing left": (_polygon((1, 0), (0.14, 0), (0, 0.5), (0.14, 1), (1, 1)),),
    "star": (_around(10, -pi / 2, 0.42),),
    "heart": (_heart(),),
    "fir": (_polygon((0.5, 0), (0.8, 0.36), (0.2, 0.36)), _polygon((0.5, 0.2), (0.9, 0.62),
            (0.1, 0.62)), _polygon((0.5, 0.42), (1, 0.88), (0, 0.88)), _block(0.43, 0.88, 0.57, 1)),
    "crown": (_oval(0, 0.1, 0.6, 0.8), _oval(0.4, 0.1, 1, 0.8), _oval(0.2, 0, 0.8, 0.6),
              _oval(0.2, 0.4, 0.8, 1)),
    "house": (_polygon((0.5, 0), (1, 0.42), (0, 0.42)), _block(0.1, 0.42, 0.9, 1),
              _block(0.42, 0.66, 0.6, 1, ink=0), _block(0.68, 0.56, 0.8, 0.7, ink=0)),
    "car": (_polygon((0.24, 0.42), (0.34, 0.12), (0.66, 0.12), (0.8, 0.42)),
            _block(0.02, 0.4, 0.98, 0.78), _oval(0.12, 0.6, 0.34, 1), _oval(0.66, 0.6, 0.88, 1)),
    "lamp": (_polygon((0.3, 0), (0.7, 0), (0.95, 0.45), (0.05, 0.45)),
             _block(0.46, 0.45, 0.54, 0.92), _oval(0.22, 0.88, 0.78, 1)),
    "flag": (_block(0, 0, 0.06, 1), _polygon((0.06, 0.03), (1, 0.03), (0.8, 0.27), (1, 0.52),
             (0.06, 0.52))),
    "cup": (_oval(0.62, 0.2, 1, 0.7), _oval(0.7, 0.31, 0.9, 0.59, ink=0),
            _polygon((0, 0.04), (0.78, 0.04), (0.68, 0.96), (0.1, 0.96))),
    "fish": (_oval(0, 0.12, 0.74, 0.88), _polygon((0.62, 0.5), (1, 0.1), (0.93, 0.5), (1, 0.9)),
             _oval(0.12, 0.36, 0.2, 0.46, ink=0)),
    "key": (_oval(0, 0.1, 0.36, 0.9), _oval(0.1, 0.32, 0.26, 0.68, ink=0),
            _block(0.34, 0.42, 1, 0.58), _block(0.76, 0.58, 0.82, 0.86),
            _block(0.9, 0.58, 0.97, 0.92)),
    "dog": (_oval(0.2, 0.34, 0.78, 0.7), _oval(0.62, 0.08, 0.92, 0.42), _oval(0.8, 0.2, 1, 0.38),
            _polygon((0.64, 0.1), (0.7, 0.36), (0.58, 0.4)), _block(0.25, 0.6, 0.33, 1),
            _block(0.4, 0.6, 0.47, 1), _block(0.58, 0.6, 0.65, 1), _block(0.68, 0.55, 0.75, 1),
            _polygon((0.24, 0.5), (0, 0.2), (0.05, 0.16), (0.3, 0.42))),
    "shirt": (_polygon((0.32, 0), (0.42, 0.06), (0.58, 0.06), (0.68, 0), (1, 0.2), (0.88, 0.42),
              (0.78, 0.36), (0.78, 1), (0.22, 1), (0.22, 0.36), (0.12, 0.42), (0, 0.2)),),
    "cloud": (_oval(0, 0.4, 0.4, 1), _oval(0.2, 0, 0.65, 0.9), _oval(0.5, 0.25, 1, 1)),
    "balloon": (_oval(0, 0, 1, 0.92), _polygon((0.5, 0.88), (0.6, 1), (0.4, 1))),
}  # fmt: skip


def mask(kind: str, size: tuple[int, int]) -> Image.Image:
    """Return a shape as a mask of that size, with smooth edges."""
    longest = max(size)
    scale = 4 if longest < 400 else 2 if longest < 1600 else 1
    width, height = (max(1, side * scale) for side in size)
    large = Image.new("L", (width, height))
    pen = ImageDraw.Draw(large)
    for method, points, ink in OUTLINES[kind]:
        placed = [(x * (width - 1), y * (height - 1)) for x, y in points]
        rounding = {"radius": min(width, height) / 7} if method == "rounded_rectangle" else {}
        getattr(pen, method)(placed, fill=ink, **rounding)
    return large.reduce(scale) if scale > 1 else large
