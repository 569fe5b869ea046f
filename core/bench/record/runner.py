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

from core.bench.datasets import Dataset, DatasetError, Sample, load_dataset
from core.bench.datasets.scoring import SCORERS
from core.bench.record.asking import Recorder, rounds_of, unanswered
from core.bench.record.together import together
from core.bench.runs.errors import DamagedError, RunError
from core.bench.runs.files import SUFFIX, list_runs, load_run, save_pieces, save_run
from core.bench.runs.later import MAX_ROUNDS
from core.bench.runs.metadata import Metadata
from core.bench.runs.provenance import code, machine, today, versions
from core.bench.runs.record import Record
from core.bench.runs.run import Run
from core.bench.runs.series import with_fit
from core.croppers import DEFAULT, cropper
from core.imaging import Codec, ImageError, rgb_of
from core.protocol import ProtocolError
from core.server.machine import check_keeps
from core.support.whole import write_whole
from core.vlm.base import VLM, ModelAway, VLMError
from core.vlm.loading.arguments import load_words
from core.vlm.loading.revision import revision

CHUNK = 32  # samples
PLANNED = "run.json"  # in the working folder
DAMAGED = ".damaged"  # ends the name of a chunk that can't be read
MAX_ERROR = 500  # characters of a sample's error that are kept


@dataclass(frozen=True)
class Plan:
    """What is to be run. It holds no model and no data, so it can be handed to another machine.

    out: one run file, or with several qualities a name with `{quality}` in it, with several
    croppers one with `{cropper}`. The images of a sample are then opened once for all of them, and
    its first stage runs once for all croppers.
    """

    out: str
    model: str = "pocket"
    data: str = "signs-text"
    split: str | None = None
    limit: int | None = None  # the first samples only
    codec: str = "jpeg"
    qualities: tuple[int, ...] = (Codec().quality,)
    croppers: tuple[str, ...] = (DEFAULT,)  # of core.croppers.CROPPERS: a run each
    rounds: int = 1  # local images of a question, one after the other; fewer show nothing more
    keeps: bool = False  # answer from all local images so far, not from the newest alone
    guided: bool = False  # also ask with the local image of the true box, where there is one
    hd: bool = False  # also ask in high resolution (core.bench.record.hd)
    batch: int = 8  # samples asked at once
    options: dict[str, str] = field(default_factory=dict)  # the data set's own
    folder: str | None = None  # where the data set lies, see `load_dataset`
    images: str | None = None
    mirror: str | None = None
    revision: str | None = None
    load: dict[str, Any] = field(default_factory=dict)  # how the model is, as for `load_vlm`

    def __post_init__(self) -> None:
        if not self.qualities:
            raise RunError("A run needs a quality.")
        if len(self.qualities) > 1 and "{quality}" not in self.out:
            raise RunError("For several qualities, put {quality} into the name of the run file.")
        for name in self.croppers:
            try:
                cropper(name)
            except ValueError as error:
                raise RunError(str(error)) from None
        if not self.croppers:
            raise RunError("A run needs a cropper.")
        if len(self.croppers) > 1 and "{cropper}" not in self.out:
            raise RunError("For several croppers, put {cropper} into the name of the run file.")
        if not 1 <= self.rounds <= MAX_ROUNDS:
            raise RunError(f"rounds must be 1 to {MAX_ROUNDS}, not {self.rounds}.")
        if self.keeps and self.rounds == 1:
            raise RunError("One round has one local image to keep: ask for several rounds.")
        if self.limit is not None and self.limit < 1:
            raise RunError(f"limit must be at least 1, not {self.limit}.")
        if self.batch < 1:
            raise RunError(f"batch must be at least 1, not {self.batch}.")

    def path(self, quality: int, cropper: str = DEFAULT) -> Path:
        name = self.out.replace("{quality}", str(quality))
        return Path(name.replace("{cropper}", cropper))

    @property
    def kinds(self) -> list[tuple[int, str]]:
        """Return quality and cropper of each run."""
        return [(quality, name) for quality in self.qualities for name in self.croppers]

    @property
    def paths(self) -> list[Path]:
        return [self.path(*kind) for kind in self.kinds]

    def dataset(self) -> Dataset:
        """The samples to be asked. Raises DatasetError."""
        whole = load_dataset(
            self.data, self.split, self.folder, self.images, self.mirror, self.revision,
            self.options,
        )  # fmt: skip
        return whole[: self.limit]

    def command(self, quality: int, cropper: str = DEFAULT) -> str:
        """The command that makes one of the runs, without the folder it is written to."""
        words = ["python", "-m", "core.bench", "run", "--model", self.model, "--data", self.data]
        for name in ("split", "limit", "folder", "images", "mirror", "revision"):
            if (value := getattr(self, name)) is not None:
                words += [f"--{name}", str(value)]
        words += load_words(self.load)
        for name, value in self.options.items():
            words += ["--option", f"{name}={value}"]
        words += ["--codec", self.codec, "--quality", str(quality)]
        words += ["--cropper", cropper] if cropper != DEFAULT else []
        words += ["--rounds", str(self.rounds)] if self.rounds > 1 else []
        words += ["--keep-local-images"] * self.keeps
        words += ["--guided"] * self.guided + ["--hd"] * self.hd
        words += ["--batch", str(self.batch), "--out", self.path(quality, cropper).name]
        return shlex.join(words)


class Runner:
    """A plan with its model and data at hand.

    Raises VLMError for the model, DatasetError for the data, ValueError for the codec, and RunError
    if the run can't be continued: its output is another run's.
    """

    def __init__(self, plan: Plan, vlm: VLM | None = None):
        from core.vlm import load_vlm

        self.plan = plan
        self.dataset = plan.dataset()
        codecs = {quality: Codec(plan.codec, quality) for quality in plan.qualities}
        self.vlm = vlm or load_vlm(plan.model, **plan.load)
        if plan.hd and self.vlm.in_full_detail() is self.vlm:
            raise RunError(
                f"With --fit own, {self.vlm.info.name!r} reads every image in high resolution: its "
                "first answers are that baseline. Leave out --hd, or --fit own."
            )
        if plan.keeps:
            check_keeps(self.vlm.info)
        for name in plan.croppers:
            if (why := cropper(name).obstacle(self.vlm)) is not None:
                raise RunError(why)
        scorer = SCORERS[self.dataset.scoring]
        self.parts: dict[tuple[int, str], Parts] = {}
        self.recorders: dict[int, Recorder] = {}
        for quality, name in plan.kinds:
            metadata = self._metadata(quality, name)
            self.parts[quality, name] = Parts(plan.path(quality, name), metadata, len(self.dataset))
            self.recorders[quality] = Recorder(
                metadata, scorer, codecs[quality], plan.guided, plan.hd, plan.rounds, plan.keeps
            )

    def work(
        self, rank: int = 0, workers: int = 1, progress: Callable[[int], Any] = lambda _: None
    ) -> None:
        """Ask every `workers`-th chunk that isn't there yet, from the `rank`-th on.

        `progress` is called with the number of samples recorded since the last time. Raises
        ModelAway, with what is finished kept.
        """
        for chunk in range(rank, chunks_of(len(self.dataset)), workers):
            missing = [kind for kind, parts in self.parts.items() if not parts.has(chunk)]
            if not missing:
                continue
            rows: dict[tuple[int, str], list[Record]] = {kind: [] for kind in missing}
            for batch in self._batches(chunk):
                opened = [_open(sample) for sample in batch]
                for quality in dict.fromkeys(quality for quality, _ in missing):
                    names = [name for other, name in missing if other == quality]
                    for name, asked in zip(
                        names, self._ask(quality, names, batch, opened), strict=True
                    ):
                        rows[quality, name] += asked
                    progress(len(batch) * len(names))
            for kind in missing:
                self.parts[kind].put(chunk, rows[kind])

    @property
    def remarks(self) -> list[str]:
        """Return what is to be known about runs that are gone on with, in sentences."""
        return [parts.remark for parts in self.parts.values() if parts.remark]

    def finish(self) -> list[Path]:
        """Join the chunks into the run files. Raises RunError if any is missing."""
        return [join(parts.out) for parts in self.parts.values()]

    @property
    def total(self) -> int:
        """Samples to record, of all runs."""
        return len(self.dataset) * len(self.parts)

    def recorded(self) -> int:
        """Samples of `total` that are in finished chunks."""
        return sum(parts.recorded() for parts in self.parts.values())

    def _batches(self, chunk: int) -> Iterator[list[Sample]]:
        stop = min((chunk + 1) * CHUNK, len(self.dataset))
        for start in range(chunk * CHUNK, stop, self.plan.batch):
            yield [self.dataset[i] for i in range(start, min(start + self.plan.batch, stop))]

    def _ask(
        self, quality: int, croppers: list[str], batch: list[Sample], opened: list
    ) -> list[list[Record]]:
        """Return the rows of a batch, a list a cropper."""
        recorder = self.recorders[quality]
        answered = together(
            self.vlm,
            lambda asker, item: recorder.record(asker, item[0], item[1], croppers),
            [
                (sample, image)
                for sample, image in zip(batch, opened, strict=True)
                if not isinstance(image, Exception)
            ],
        )
        results = iter(answered)
        outcomes = [image if isinstance(image, Exception) else next(results) for image in opened]
        each = [[one] * len(croppers) if isinstance(one, Exception) else one for one in outcomes]
        for sample, one in zip(batch, each, strict=True):
            # The others would fail in the same way, and stand in a finished run as failures.
            if away := next((what for what in one if isinstance(what, ModelAway)), None):
                raise ModelAway(
                    f"Asked about {sample.id}: {away} What is finished is kept: then run the same"
                    " command again."
                )
        return [
            [
                row
                for sample, one in zip(batch, of_cropper, strict=True)
                for row in (
                    [unanswered(sample, _sentence(one))] if isinstance(one, Exception) else one
                )
            ]
            for of_cropper in zip(*each, strict=True)
        ]

    def _metadata(self, quality: int, cropper: str) -> Metadata:
        info, dataset = self.vlm.info, self.dataset
        return Metadata(
            model=info.name, revision=revision(self.vlm), parameters=info.parameters,
            dataset=dataset.name, split=dataset.split, seed=dataset.source.get("seed"),
            codec=self.plan.codec, quality=quality, prompt=self.vlm.prompt_text("{question}", 1),
            versions=versions(), machine=machine(), date=today(),
            command=self.plan.command(quality, cropper), source=dataset.source, load=info.load,
            code=(code(),), cropper=cropper, rounds=rounds_of(cropper, self.plan.rounds),
            keeps=self.plan.keeps,
        )  # fmt: skip


class Parts:
    """The finished chunks of one run file, in a folder beside it.

    What they are chunks of is written down there. Raises RunError if that is another run, or if the
    run file is there and holds another one.
    """

    def __init__(self, out: Path, metadata: Metadata, samples: int):
        self.out, self.metadata, self.samples = out, metadata, samples
        self.folder = working_folder(out)
        self.remark: str | None = None
        self.done = out.exists()
        if self.done:
            found = load_run(out)
            odd = _odd(found.metadata, metadata) + ["samples"] * (len(found) != samples)
            if odd:
                raise RunError(
                    f"{out.name!r} is there already, and another run ({'; '.join(odd)}): move it, "
                    "or choose another name."
                )
            if metadata.code[0] not in found.metadata.code:
                self.remark = (
                    f"{out.name!r} is there already, made with {found.metadata.made_with}; this "
                    f"is {metadata.made_with}."
                )
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        planned = self.folder / PLANNED
        if not planned.exists():
            content = {"metadata": asdict(metadata), "samples": samples, "chunk": CHUNK}
            write_whole(planned, json.dumps(content))
        begun, count, chunk = _read_plan(planned)
        odd = _odd(begun, metadata)
        odd += ["samples"] * (count != samples) + ["chunk"] * (chunk != CHUNK)
        if odd:
            raise RunError(
                f"The folder {self.folder.name!r} holds the beginning of another run "
                f"({'; '.join(odd)}): remove it, or choose another name."
            )
        if metadata.code[0] not in begun.code:
            self.remark = (
                f"{out.name!r} was begun with {begun.made_with}, and goes on with "
                f"{metadata.made_with}."
            )
        # A chunk says what it was made with itself.
        self.metadata = replace(begun, code=metadata.code, machine=metadata.machine)

    def has(self, chunk: int) -> bool:
        return self.done or _part(self.folder, chunk).exists()

    def put(self, chunk: int, records: list[Record]) -> None:
        save_run(Run.from_records(records, self.metadata), _part(self.folder, chunk))

    def recorded(self) -> int:
        """Samples in finished chunks."""
        return self.samples if self.done else recorded(self.out, self.samples)


def recorded(out: Path, samples: int) -> int:
    """Return how many of a run's samples are in finished chunks; all if the run file is there."""
    if out.exists():
        return samples
    found = [int(path.stem) for path in working_folder(out).glob(f"*{SUFFIX}")]
    return sum(min(CHUNK, samples - chunk * CHUNK) for chunk in found)


def join(out: Path) -> Path:
    """Make the run file of all its chunks, and then remove them; nothing to do if it is there.

    Raises RunError if a chunk is missing, damaged (it is put aside, to be asked again) or can't be
    read, and OSError if the file can't be written: no chunk is lost then.
    """
    if out.exists():
        return out
    folder = working_folder(out)
    metadata, samples, chunk_size = _read_plan(folder / PLANNED)

    def pieces() -> Iterator[Run]:
        for chunk in range(-(-samples // chunk_size)):
            path = _part(folder, chunk)
            try:
                if path.exists():
                    yield load_run(path)
                    continue
            except DamagedError:
                os.replace(path, path.with_suffix(DAMAGED))
            raise RunError(
                f"{out.name!r} isn't finished: its samples from {chunk * chunk_size} on are "
                "missing. Run the command again."
            )

    parts = [part for part in list_runs(folder) if part.metadata]
    made = [part.metadata for part in parts if part.metadata]
    metrics = next((part.metrics for part in parts if part.metrics), ())
    # The chunks may have been made by several machines, and by other code after an interruption.
    metadata = replace(
        metadata,
        machine="; ".join(dict.fromkeys(one.machine for one in made)),
        code=tuple(dict.fromkeys(code for one in made for code in one.code)),
    )
    save_pieces(pieces(), metadata, metrics, out)
    shutil.rmtree(folder, ignore_errors=True)
    return out


def _shown(value: Any) -> str:
    """A setting in a sentence: what is said to the model in quotes, so that nothing can be."""
    texts = isinstance(value, str) and (not value or " " in value)
    return repr(value) if texts else str(value)


def working_folder(out: Path) -> Path:
    return out.with_name(f"{out.name}.parts")


def _part(folder: Path, chunk: int) -> Path:
    return folder / f"{chunk:06}{SUFFIX}"


def _read_plan(path: Path) -> tuple[Metadata, int, int]:
    """The metadata, the number of samples, and how many make a chunk."""
    try:
        content = json.loads(path.read_text())
        return Metadata.from_json(content["metadata"]), content["samples"], content["chunk"]
    except (OSError, ValueError, TypeError, KeyError):
        folder = path.parent.name
        raise RunError(f"The folder {folder!r} holds no run that was begun: remove it.") from None


def _odd(begun: Metadata, metadata: Metadata) -> list[str]:
    """Return in what two runs differ that can't be pieces of one, each in a few words."""
    ours = json.loads(json.dumps(asdict(metadata)))
    theirs = json.loads(json.dumps(asdict(begun)))
    for apart in ("date", "machine", "code"):  # these may differ between the pieces of a run
        del ours[apart], theirs[apart]
    if not begun.load:  # begun before it was recorded; the command says what was asked for
        theirs["load"] = ours["load"]
    there, here = with_fit(theirs["load"]), with_fit(ours["load"])
    odd = [  # of what both say: runs of before say less
        f"{name} {_shown(there[name])} there, {_shown(here[name])} here"
        for name in here
        if name in there and there[name] != here[name]
    ]
    looks = ("rounds", "keeps")
    odd += [
        f"{name} {theirs[name]} there, {ours[name]} here"
        for name in looks
        if theirs[name] != ours[name]
    ]
    others = (k for k in ours if k not in ("load", *looks) and ours[k] != theirs[k])
    return odd + [f"another {name}" for name in others if name != "command" or not odd]


def chunks_of(samples: int) -> int:
    return -(-samples // CHUNK)


def _open(sample: Sample) -> Image.Image | Exception:
    try:
        return rgb_of(sample.image)
    except Exception as error:  # a sample that fails must not end the run
        return error


def _sentence(error: Exception) -> str:
    """Return what went wrong, in the error's own words if it has a sentence of ours."""
    known = isinstance(
        error, (VLMError, ProtocolError, ImageError, DatasetError, RunError, OSError)
    )
    text = " ".join(str(error).split())
    return (text if known and text else f"{type(error).__name__}: {text}")[:MAX_ERROR]
