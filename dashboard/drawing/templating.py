"""HTML from the templates in `templates`, where all that comes from outside is escaped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from dashboard.drawing import wording

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parents[1] / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters |= {
    "count": wording.count,
    "percent": wording.percent,
    "seconds": wording.seconds,
    "thousands": "{:,}".format,
}


def render(template: str, /, **values: Any) -> Markup:
    """Return a template with these values; only a `Markup` among them is taken for HTML."""
    return Markup(_ENVIRONMENT.get_template(template).render(values))
