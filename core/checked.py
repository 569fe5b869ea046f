"""JSON files that describe themselves: read as a pydantic model, or refused in one sentence."""

import os
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

MAX_BYTES = 1 << 20
Model = TypeVar("Model", bound=BaseModel)


def read_checked(
    path: str | os.PathLike[str], model: type[Model], what: str, error: type[ValueError]
) -> Model:
    """Read a file as this model. what: its kind, in words ("a certificate").

    Raises `error` for a file that isn't there, too large, or not one.
    """
    name = repr(Path(path).name)
    try:
        with open(path, "rb") as file:
            text = file.read(MAX_BYTES + 1)
    except OSError:
        raise error(f"There is no file {name} that can be read.") from None
    if len(text) > MAX_BYTES:
        raise error(f"{name} is larger than {what} can be.")
    try:
        return model.model_validate_json(text)
    except ValidationError as refused:
        first = refused.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise error(f"{name} is not {what} of Second Look: {where}: {first['msg']:.200}.") from None
