"""All croppers by name. A new one is an entry of a module here, and its line in `CROPPERS`."""

from __future__ import annotations

from core.croppers import (
    asking,
    attending,
    controls,
    funnel,
    gradients,
    heads,
    saliency,
    tree,
    values,
)
from core.croppers.base import Cropper, Need

DEFAULT = "relative"  # the paper's

CROPPERS: dict[str, Cropper] = {
    one.name: one
    for module in (attending, gradients, heads, values, tree, funnel, asking, saliency, controls)
    for one in module.ENTRIES
}


def served() -> tuple[str, ...]:
    """Return the names of those that need nothing but a question and its image: any server's."""
    return tuple(name for name, one in CROPPERS.items() if Need.TRUTH not in one.needs)


def cropper(name: str | Cropper) -> Cropper:
    """Return an entry by its name. Raises ValueError for a name that isn't there."""
    if isinstance(name, Cropper):
        return name
    if name not in CROPPERS:
        raise ValueError(f"A cropper must be one of {', '.join(CROPPERS)}, not {name!r:.80}.")
    return CROPPERS[name]


def label(name: str) -> str:
    """Return a cropper's name for people; of one that isn't known here, the name itself."""
    return CROPPERS[name].label if name in CROPPERS else name
