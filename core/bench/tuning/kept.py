"""What was measured of a model, question by question, so that whatever ends a measurement costs one
question at most: the same command goes on where it was."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from core.bench.datasets.base import Dataset, Sample
from core.bench.runs.provenance import code
from core.bench.tuning.measure import Trial
from core.box import Box
from core.imaging import Codec
from core.vlm.base import VLM
from core.vlm.loading.own import key
from core.vlm.loading.revision import revision


class Kept:
    """Trials in a file of lines, one a question and one for the sides of its box.

    A line that isn't whole, because the machine went down in it, is a question that is asked again.
    """

    def __init__(self, file: Path | None):
        """Read what is there. file: None keeps nothing."""
        self.file = file
        self.trials: dict[str, Trial] = {}  # by the id of the sample, which they don't hold
        self.sides: dict[tuple[str, int], list[float]] = {}  # by that id and the layer
        if file is None or not file.exists():
            return
        for line in file.read_text("utf-8", errors="replace").splitlines():
            try:
                said = json.loads(line)
                if "sides" in said:
                    self.sides[said["id"], said["layer"]] = said["sides"]
                else:
                    self.trials[said["id"]] = _trial(said)
            except (ValueError, TypeError, KeyError):
                continue

    def add(self, trial: Trial) -> None:
        said = {name: value for name, value in vars(trial).items() if name != "sample"}
        boxes = [[box.as_tuple() for box in of_layer] for of_layer in trial.boxes]
        self._put({"id": trial.sample.id, **said, "boxes": boxes})

    def add_sides(self, trial: Trial, layer: int, scores: list[float]) -> None:
        """Keep the scores of a question's answers from both images, by side of the box."""
        self._put({"id": trial.sample.id, "layer": layer, "sides": scores})

    def forget(self) -> None:
        """Remove the file: what was measured has been written elsewhere."""
        if self.file is not None:
            self.file.unlink(missing_ok=True)

    def _put(self, said: Mapping[str, Any]) -> None:
        if self.file is None:
            return
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a", encoding="utf-8") as lines:
            # The first of its line ends one that was cut off.
            lines.write(f"\n{json.dumps(said)}\n")


def usual_folder() -> Path:
    """Return where measurements that aren't finished lie: in the folder that XDG gives."""
    folder = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(folder).expanduser() / "second-look" / "tuning"


def file_of(vlm: VLM, data: Dataset, codec: Codec, sides: tuple[int, ...]) -> Path:
    """Return where what is measured of a model so is kept: another one for whatever changes it.

    How many questions are asked changes none of them.
    """
    info = vlm.info
    plan = {
        "model": key(info.name), "revision": revision(vlm), "load": info.load,
        "data": [data.name, data.split, data.source], "codec": asdict(codec), "sides": sides,
        "code": asdict(code()),
    }  # fmt: skip
    digest = sha256(json.dumps(plan, sort_keys=True, default=str).encode()).hexdigest()
    return usual_folder() / f"{digest[:32]}.jsonl"


def _trial(said: Mapping[str, Any]) -> Trial:
    """A trial from its line, without its sample. Raises KeyError or TypeError for another line."""
    return Trial(
        sample=Sample(said["id"], "", "", "", (), bytes),
        score=said["score"],
        scores={name: tuple(values) for name, values in said["scores"].items()},
        draft=tuple(said["draft"]),
        boxes=tuple(tuple(Box(*box) for box in of_layer) for of_layer in said["boxes"]),
        hits=tuple(said["hits"]),
        overlaps=tuple(said["overlaps"]),
        contrasts=tuple(said["contrasts"]),
        chance=said["chance"],
    )
