"""A region of the original image. Needs nothing installed, because the edge works with it, too."""

from dataclasses import astuple, dataclass

__all__ = ["Box"]


@dataclass(frozen=True)
class Box:
    """A region in whole pixels of the original image; right and bottom are exclusive.

    It may have come from another machine, so nothing is promised about it: whoever cuts it out of
    an image checks it against that image.
    """

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def size(self) -> tuple[int, int]:
        return self.width, self.height

    @property
    def area(self) -> int:
        """Return how many pixels it holds; 0 if it is empty or its edges are in the wrong order."""
        return max(self.width, 0) * max(self.height, 0)

    def as_tuple(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom: the order of `PIL.Image.crop`."""
        return astuple(self)

    def contains(self, other: "Box") -> bool:
        """Return whether all of `other` lies inside."""
        return (
            self.left <= other.left
            and self.top <= other.top
            and other.right <= self.right
            and other.bottom <= self.bottom
        )

    def shared(self, other: "Box") -> int:
        """Return how many pixels both hold."""
        return Box(
            max(self.left, other.left),
            max(self.top, other.top),
            min(self.right, other.right),
            min(self.bottom, other.bottom),
        ).area

    def iou(self, other: "Box") -> float:
        """Intersection over union, 0 to 1; 0 if both are empty."""
        shared = self.shared(other)
        union = self.area + other.area - shared
        return shared / union if union else 0.0
