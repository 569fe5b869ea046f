"""Runs a model over a data set: both stages of every sample once, into a run file.

Samples are asked in chunks. A finished chunk is written, as a small run file, into a working folder
beside the output, in one step; so whatever kills a run costs at most one chunk, and the same
command goes on with the chunks that are missing. Any number of workers, on one machine or several
that share the folder, can divide the chunks among them. When all are there, they are joined.

A chunk is always asked in the same batches, so a run that was interrupted, or divided, gives the
numbers of one that was not (times excepted).
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from PIL import Image

from core.bench.asking import Recorder, unanswered
from core.bench.datasets import Dataset, Sample, load_dataset
from core.bench.files import SUFFIX, load_run, save_run
from core.bench.provenance import machine, revision, today, versions
from core.bench.runs import Metadata, Record, Run, RunError
from core.bench.scoring import SCORERS
from core.bench.together import together
from core.imaging import Codec, ImageError, load_image, to_rgb
from core.protocol import ProtocolError
from core.vlm.base import VLM, VLMError

CHUNK = 64  # samples
PLANNED = "run.json"  # in the working folder
MAX_ERROR = 500  # characters of a sample's error that are kept


@dataclass(frozen=True)
class Plan:
    """What is to be run. It holds no model and no data, so it can be handed to another machine.

    out: one run file, or with several qualities a name with `{quality}` in it. The images of a
    sample are then opened once for all of them.
    """

    out: str
    model: str = "pocket"
    data: str = "signs-text"
    split: str | None = None
    limit: int | None = None  # the first samples only
    codec: str = "jpeg"
    qualities: tuple[int, ...] = (75,)
    guided: bool = False  # also ask with the local image of the true box, where there is one
    batch: int = 8  # samples asked at once
    options: dict[str, str] = field(default_factory=dict)  # the data set's own
    folder: str | None = None  # where the data set lies, see `load_dataset`
    images: str | None = None
    mirror: str | None = None
    revision: str | None = None
    device: str | None = None
    dtype: str | None = None

    def __post_init__(self) -> None:
        if not self.qualities:
            raise RunError("A run needs a quality.")
        if len(self.qualities) > 1 and "{quality}" not in self.out:
            raise RunError("For several qualities, put {quality} into the name of the run file.")
        if self.limit is not None and self.limit < 1:
            raise RunError(f"limit must be at least 1, not {self.limit}.")
        if self.batch < 1:
            raise RunError(f"batch must be at least 1, not {self.batch}.")

    def path(self, quality: int) -> Path:
        return Path(self.out.replace("{quality}", str(quality)))

    def command(self, quality: int) -> str:
        """The command that makes the run of one quality, without the folder it is written to."""
        words = ["python", "-m", "core.bench", "run", "--model", self.model, "--data", self.data]
        for name in ("split", "limit", "folder", "images", "mirror", "revision", "device", "dtype"):
            if (value := getattr(self, name)) is not None:
                words += [f"--{name}", str(value)]
        for name, value in self.options.items():
            words += ["--option", f"{name}={value}"]
        words += ["--codec", self.codec, "--quality", str(quality)]
        words += ["--guided"] if self.guided else []
        words += ["--batch", str(self.batch), "--out", self.path(quality).name]
        return shlex.join(words)


class Runner:
    """A plan with its model and data at hand.

    Raises VLMError for the model, DatasetError for the data, ValueError for the codec, and RunError
    if the run can't be continued: its output is another run's.
    """

    def __init__(self, plan: Plan, vlm: VLM | None = None):
        from core.vlm import load_vlm

        self.plan = plan
        dataset = load_dataset(
            plan.data, plan.split, plan.folder, plan.images, plan.mirror, plan.revision,
            plan.options,
        )  # fmt: skip
        self.dataset: Dataset = dataset[: plan.limit]
        codecs = {quality: Codec(plan.codec, quality) for quality in plan.qualities}
        self.vlm = vlm or load_vlm(plan.model, plan.device, plan.dtype)
        scorer = SCORERS[self.dataset.scoring]
        self.parts: dict[int, Parts] = {}
        self.recorders: dict[int, Recorder] = {}
        for quality, codec in codecs.items():
            metadata = self._metadata(quality)
            self.parts[quality] = Parts(plan.path(quality), metadata, len(self.dataset))
            self.recorders[quality] = Recorder(metadata, scorer, codec, plan.guided)

    def work(
        self, rank: int = 0, workers: int = 1, progress: Callable[[int], Any] = lambda _: None
    ) -> None:
        """Ask every `workers`-th chunk that isn't there yet, from the `rank`-th on.

        `progress` is called with the number of samples recorded since the last time.
        """
        for chunk in range(rank, chunks_of(len(self.dataset)), workers):
            missing = [q for q, parts in self.parts.items() if not parts.has(chunk)]
            if not missing:
                continue
            rows: dict[int, list[Record]] = {quality: [] for quality in missing}
            for batch in self._batches(chunk):
                opened = [_open(sample) for sample in batch]
                for quality in missing:
                    rows[quality] += self._ask(quality, batch, opened)
                    progress(len(batch))
            for quality in missing:
                self.parts[quality].put(chunk, rows[quality])

    def finish(self) -> list[Path]:
        """Join the chunks into the run files. Raises RunError if any is missing."""
        return [parts.join() for parts in self.parts.values()]

    @property
    def total(self) -> int:
        """Samples to record, of all qualities."""
        return len(self.dataset) * len(self.parts)

    def recorded(self) -> int:
        """Samples of `total` that are in finished chunks."""
        return sum(parts.recorded() for parts in self.parts.values())

    def _batches(self, chunk: int) -> Iterator[list[Sample]]:
        stop = min((chunk + 1) * CHUNK, len(self.dataset))
        for start in range(chunk * CHUNK, stop, self.plan.batch):
            yield [self.dataset[i] for i in range(start, min(start + self.plan.batch, stop))]

    def _ask(self, quality: int, batch: list[Sample], opened: list) -> list[Record]:
        recorder = self.recorders[quality]
        answered = together(
            self.vlm,
            lambda asker, item: recorder.record(asker, *item),
            [
                (sample, image)
                for sample, image in zip(batch, opened, strict=True)
                if not isinstance(image, Exception)
            ],
        )
        results = iter(answered)
        outcomes = [image if isinstance(image, Exception) else next(results) for image in opened]
        return [
            unanswered(sample, _sentence(outcome)) if isinstance(outcome, Exception) else outcome
            for sample, outcome in zip(batch, outcomes, strict=True)
        ]

    def _metadata(self, quality: int) -> Metadata:
        info, dataset = self.vlm.info, self.dataset
        wording = getattr(self.vlm, "prompt_text", lambda question, n_images: question)
        return Metadata(
            model=info.name, revision=revision(self.vlm), parameters=info.parameters,
            dataset=dataset.name, split=dataset.split, seed=dataset.source.get("seed"),
            codec=self.plan.codec, quality=quality, prompt=wording("{question}", 1),
            versions=versions(), machine=machine(), date=today(),
            command=self.plan.command(quality), source=dataset.source,
        )  # fmt: skip


class Parts:
    """The finished chunks of one run file, in a folder beside it."""

    def __init__(self, out: Path, metadata: Metadata, samples: int):
        self.out, self.metadata, self.samples = out, metadata, samples
        self.folder = out.with_name(f"{out.name}.parts")
        same = identity(metadata) | {"samples": samples, "chunk": CHUNK}
        self.done = out.exists()
        if self.done:
            found = load_run(out)
            if identity(found.metadata) | {"samples": len(found), "chunk": CHUNK} != same:
                raise RunError(
                    f"{out.name!r} is there already, and another run: move it, or choose another "
                    "name."
                )
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        planned = self.folder / PLANNED
        if not planned.exists():
            unfinished = planned.with_suffix(f".{os.getpid()}.tmp")
            unfinished.write_text(json.dumps(same | {"date": metadata.date}))
            os.replace(unfinished, planned)
        begun = json.loads(planned.read_text())
        self.metadata = replace(metadata, date=begun.pop("date"))
        if begun != json.loads(json.dumps(same)):
            odd = ", ".join(k for k in same if begun.get(k) != json.loads(json.dumps(same[k])))
            raise RunError(
                f"The folder {self.folder.name!r} holds the beginning of another run ({odd} "
                "differs): remove it, or choose another name."
            )

    def has(self, chunk: int) -> bool:
        return self.done or self._path(chunk).exists()

    def put(self, chunk: int, records: list[Record]) -> None:
        save_run(Run.from_records(records, self.metadata), self._path(chunk))

    def recorded(self) -> int:
        if self.done:
            return self.samples
        chunks = range(chunks_of(self.samples))
        return sum(len(chunk_range(c, self.samples)) for c in chunks if self.has(c))

    def join(self) -> Path:
        """The run file of all chunks. Raises RunError if one is missing or damaged; what is damaged
        is removed, so that it is asked again."""
        if self.done:
            return self.out
        runs = []
        for chunk in range(chunks_of(self.samples)):
            path = self._path(chunk)
            try:
                runs.append(load_run(path))
            except RunError:
                path.unlink(missing_ok=True)
                raise RunError(
                    f"{self.out.name!r} isn't finished: its samples from {chunk * CHUNK} on are "
                    "missing. Run the command again."
                ) from None
        joined = Run.join(runs)
        if len(joined) != self.samples:
            raise RunError(f"{self.out.name!r} lacks samples: remove {self.folder.name!r}.")
        save_run(replace(joined, metadata=self.metadata), self.out)
        self.done = True
        shutil.rmtree(self.folder, ignore_errors=True)
        return self.out

    def _path(self, chunk: int) -> Path:
        return self.folder / f"{chunk:06}{SUFFIX}"


def chunks_of(samples: int) -> int:
    return -(-samples // CHUNK)


def chunk_range(chunk: int, samples: int) -> range:
    return range(chunk * CHUNK, min((chunk + 1) * CHUNK, samples))


def identity(metadata: Metadata) -> dict[str, Any]:
    """What must be the same for two pieces to be of one run."""
    return {k: v for k, v in asdict(metadata).items() if k not in ("date", "machine")}


def _open(sample: Sample) -> Image.Image | Exception:
    try:
        image = sample.image
        return to_rgb(image) if isinstance(image, Image.Image) else load_image(image)
    except Exception as error:  # a sample that fails must not end the run
        return error


def _sentence(error: Exception) -> str:
    """What went wrong, in the error's own words if it has a sentence of ours."""
    known = isinstance(error, (VLMError, ProtocolError, ImageError, RunError, OSError))
    text = " ".join(str(error).split())
    return (text if known and text else f"{type(error).__name__}: {text}")[:MAX_ERROR]
