"""What edges ask under load, and what they must be answered."""

from __future__ import annotations

import json
from pathlib import Path

from PIL import Image

from core.edge.client import Client
from core.imaging import load_image
from core.protocol import Edge, Server, ask
from core.support.bundled import SAMPLES
from core.uncertainty import Gate
from core.vlm import VLM

__all__ = ["Work", "answers", "gate_of", "sampled"]

Work = list[tuple[Image.Image, str]]  # image and question


def sampled(folder: Path = SAMPLES) -> Work:
    """Return the questions that a folder's samples.json lists, with their images."""
    listed = json.loads((folder / "samples.json").read_text())
    return [(load_image(folder / entry["file"]), entry["question"]) for entry in listed]


def gate_of(client: Client) -> Gate:
    """Return the gate that a server says it has."""
    gate = client.info()["gate"]
    return Gate(gate["metric"], float(gate["threshold"]), gate["first_tokens"])


def answers(vlm: VLM, gate: Gate, work: Work) -> list[str]:
    """Return what each question is answered in one process."""
    server = Server(vlm, gate)
    return [ask(Edge(image), server, question).answer for image, question in work]
