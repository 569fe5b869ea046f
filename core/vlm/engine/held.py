"""What is held of a global image that an engine is asked about."""

from __future__ import annotations

from dataclasses import dataclass, field

from PIL import Image

from core.vlm.base import Look

__all__ = ["EngineLook"]


@dataclass(frozen=True, eq=False)
class EngineLook(Look):
    """The global image, ready to be sent with each question about it."""

    image: Image.Image
    url: str  # of its data
    held: dict[str, Look] = field(default_factory=dict)

    @property
    def scouted(self) -> Look | None:
        """The scout's look at it, once it was needed."""
        return self.held.get("scout")

    def keep_scouted(self, look: Look) -> None:
        """Hold the scout's look: every question about the image needs the same."""
        self.held["scout"] = look

    @property
    def nbytes(self) -> int:
        return len(self.url) + sum(look.nbytes for look in self.held.values())
