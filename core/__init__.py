"""Collaborative edge-to-server inference for vision-language models (arXiv 2512.16349).

What a program needs first is here, by name: `from core import Edge, Server, Gate, ask, load_vlm`.
Each name is loaded from its module when it is asked for, so that an edge, which takes `Client` or
`Edge`, loads neither PyTorch nor NumPy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.bench import (
        Curve,
        Metadata,
        Run,
        RunError,
        load_run,
        save_run,
        threshold_for_accuracy,
        threshold_for_budget,
        tradeoff,
    )
    from core.box import Box
    from core.channel import PRESETS, Link, Traffic
    from core.edge.client import Client, EdgeError, Result
    from core.edge.device import Edge
    from core.imaging import Codec, ImageError
    from core.messages import ProtocolError
    from core.protocol import ask, first_stage, second_stage
    from core.server.machine import Reply, Server
    from core.sessions import Sessions
    from core.transcript import Transcript, TranscriptError
    from core.uncertainty import METRICS, Gate
    from core.vlm import VLM, VLMError, load_vlm

_HOMES = {
    "core.bench": (
        "Curve", "Metadata", "Run", "RunError", "load_run", "save_run", "threshold_for_accuracy",
        "threshold_for_budget", "tradeoff",
    ),
    "core.box": ("Box",),
    "core.channel": ("PRESETS", "Link", "Traffic"),
    "core.edge.client": ("Client", "EdgeError", "Result"),
    "core.edge.device": ("Edge",),
    "core.imaging": ("Codec", "ImageError"),
    "core.messages": ("ProtocolError",),
    "core.protocol": ("ask", "first_stage", "second_stage"),
    "core.server.machine": ("Reply", "Server"),
    "core.sessions": ("Sessions",),
    "core.transcript": ("Transcript", "TranscriptError"),
    "core.uncertainty": ("METRICS", "Gate"),
    "core.vlm": ("VLM", "VLMError", "load_vlm"),
}  # fmt: skip
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [  # a literal list: editors and type checkers read it
    "METRICS", "PRESETS", "VLM", "Box", "Client", "Codec", "Curve", "Edge", "EdgeError", "Gate",
    "ImageError", "Link", "Metadata", "ProtocolError", "Reply", "Result", "Run", "RunError",
    "Server", "Sessions", "Traffic", "Transcript", "TranscriptError", "VLMError", "ask",
    "first_stage", "load_run", "load_vlm", "save_run", "second_stage", "threshold_for_accuracy",
    "threshold_for_budget", "tradeoff",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'core' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
