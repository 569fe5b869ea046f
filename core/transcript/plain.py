"""Dataclasses as plain JSON and back, by the types that their fields declare.

Nothing is trusted on the way back: what isn't of the declared type is a TranscriptError.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from core.transcript.errors import TranscriptError, require

# JSON has no infinity. Only η may be infinite: the gate that always, or never, asks.
INFINITE: dict[float, Literal["Infinity", "-Infinity"]] = {
    float("inf"): "Infinity",
    float("-inf"): "-Infinity",
}


def plain(value: Any) -> Any:
    """Return a value, dataclasses and all, in JSON's types."""
    if is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, float):
        return INFINITE.get(value, float(value))  # float(): NumPy's are floats, too
    return value


def typed(value: Any, kind: Any, where: str) -> Any:
    """Return `value` as the declared type `kind`, or raise TranscriptError naming `where`."""
    if isinstance(kind, type) and is_dataclass(kind):
        return _object(value, kind, where)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is UnionType and NoneType in arguments:  # X | None
        return None if value is None else typed(value, arguments[0], where)
    if origin is UnionType:  # of dataclasses: the one whose fields these are
        require(isinstance(value, dict), where, "an object")
        fitting = [k for k in arguments if value.keys() == _field_types(k).keys()]
        require(len(fitting) == 1, where, " or ".join(f"a {k.__name__}" for k in arguments))
        return typed(value, fitting[0], where)
    if origin is Literal:
        require(isinstance(value, str) and value in arguments, where, " or ".join(arguments))
        return value
    if origin is dict:
        require(isinstance(value, dict) and all(type(k) is str for k in value), where, "an object")
        return {k: typed(v, arguments[1], f"{where}[{k[:40]!r}]") for k, v in value.items()}
    if origin is tuple:
        require(isinstance(value, list), where, "a list")
        if arguments[-1] is Ellipsis:
            arguments = arguments[:1] * len(value)
        require(len(value) == len(arguments), where, f"a list of {len(arguments)}")
        pairs = zip(value, arguments, strict=True)
        return tuple(typed(v, a, f"{where}[{i}]") for i, (v, a) in enumerate(pairs))
    return _scalar(value, kind, where)


def _object(value: Any, kind: type, where: str) -> Any:
    require(isinstance(value, dict), where, "an object")
    types, prefix = _field_types(kind), f"{where}." if where else ""
    for name in types:
        require(name in value, prefix + name, "present")
    if len(value) > len(types):
        raise TranscriptError(f"{where or 'The transcript'} has fields that don't belong there.")
    values = {name: typed(value[name], types[name], prefix + name) for name in types}
    try:
        return kind(**values)
    except ValueError as error:  # Box and Gate have rules of their own
        raise TranscriptError(f"{where} is not valid: {error}") from None


@cache
def _field_types(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {f.name: hints[f.name] for f in fields(kind)}


def _scalar(value: Any, kind: type, where: str) -> Any:
    """Strict: no number for a bool, no infinity, no text without a UTF-8 form."""
    if kind is bytes:
        try:
            return base64.b64decode(value.encode("ascii"), validate=True)
        except (AttributeError, UnicodeEncodeError, binascii.Error):
            raise TranscriptError(f"{where} must be base64.") from None
    if kind is bool:
        require(type(value) is bool, where, "true or false")
    elif kind is str:
        require(type(value) is str, where, "text")
        require(not any("\ud800" <= c <= "\udfff" for c in value), where, "text in valid Unicode")
    elif kind is int:
        require(type(value) is int and abs(value) < 2**63, where, "a whole number")
    elif kind is float:
        if where.startswith(("gate.threshold", "gate.rounds")) and value in INFINITE.values():
            return float(value)
        require(type(value) in (int, float) and abs(value) < 1e300, where, "a finite number")
        return float(value)
    else:
        raise AssertionError(f"no rule for {kind}")
    return value
