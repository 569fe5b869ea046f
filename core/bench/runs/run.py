"""A run: what one model did with every question of a data set, both stages, as columns of arrays.

Both stages are recorded for every sample, whatever a gate would have decided. So any threshold,
metric and aggregation length can be drawn from a run afterwards without the model.

A cost of the second stage is always what retransmitting *adds* to the first one's (eq. 20).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from core.bench.runs import tokens
from core.bench.runs.kept import Keeper, kept
from core.bench.runs.later import MAX_ROUNDS, by_round, places, rows_of
from core.bench.runs.tokens import StoredScores, not_finite
from core.croppers import DEFAULT
from core.cropping import Box
from core.uncertainty import METRICS

if TYPE_CHECKING:  # pandas itself is imported where a frame is asked for
    import pandas as pd

MAX_TEXT = 100_000  # characters of one text
MAX_COUNT = 1 << 40  # bytes of one thing: the sum over a run stays far inside an int64
MAX_MEASURE = 1e30  # FLOPs or seconds of one stage: sums stay finite
MAX_TOKENS = 10_000  # of one answer
NO_BOX = (-1, -1, -1, -1)
BOX = ("box_left", "box_top", "box_right", "box_bottom")  # columns of tables and files
# Of the columns with a metric's token scores, of first and of second answers.
PREFIX, SECOND_PREFIX = "tokens_", "second_tokens_"


class RunError(ValueError):
    """This is not a run, or not one that can be used; the text is one sentence that says why."""


class DamagedError(RunError):
    """This was a run file once, or part of one, and has to be copied or made again."""


@dataclass(frozen=True)
class Code:
    """The state of this project that samples were recorded with."""

    commit: str | None  # of the checkout; None: installed from a wheel, or there is no git
    clean: bool | None  # whether the code was that commit's; None without one
    version: str | None  # of the installed package; None: not installed

    def __post_init__(self) -> None:
        for name, kind in (("commit", str), ("clean", bool), ("version", str)):
            value = getattr(self, name)
            if value is not None and type(value) is not kind:
                raise RunError(f"The {name} of a run's code can't be {value!r:.80}.")

    def __str__(self) -> str:
        if self.commit is not None:
            return f"commit {self.commit[:12]}{'' if self.clean else ' with changes'}"
        return f"version {self.version}" if self.version else "a version that is not known"


@dataclass(frozen=True)
class Metadata:
    """What it takes to repeat a run. None: not known, or there is none."""

    model: str
    revision: str | None
    parameters: int | None  # weights of the model
    dataset: str
    split: str
    seed: int | None
    codec: str  # of both images, a format of core.imaging.Codec
    quality: int | None
    prompt: str  # how a question is put to the model
    versions: dict[str, str]  # package -> version
    machine: str  # several, if samples were recorded on several
    date: str  # ISO 8601, of the beginning
    command: str
    source: dict[str, Any] = field(default_factory=dict)  # `Dataset.source`
    load: dict[str, Any] = field(default_factory=dict)  # `ModelInfo.load`; {}: not known
    # One, or several where a run was gone on with by other code; (): not known.
    code: tuple[Code, ...] = ()
    cropper: str = DEFAULT  # what chose the boxes, of core.croppers.CROPPERS
    rounds: int = 1  # local images of a question, at most
    keeps: bool = False  # whether an answer is from all local images so far, or from the newest

    def __post_init__(self) -> None:
        for name, kind, optional in (
            ("model", str, False), ("revision", str, True), ("parameters", int, True),
            ("dataset", str, False), ("split", str, False), ("seed", int, True),
            ("codec", str, False), ("quality", int, True), ("prompt", str, False),
            ("machine", str, False), ("date", str, False), ("command", str, False),
            ("cropper", str, False), ("rounds", int, False), ("keeps", bool, False),
        ):  # fmt: skip
            value = getattr(self, name)
            if type(value) is kind or (optional and value is None):
                continue
            wanted = {str: "a text", int: "a whole number", bool: "true or false"}[kind]
            raise RunError(f"The metadata's {name} must be {wanted}, not {value!r:.80}.")
        if not 1 <= self.rounds <= MAX_ROUNDS:
            raise RunError(f"The metadata's rounds must be 1 to {MAX_ROUNDS}, not {self.rounds}.")
        packages = self.versions
        if not isinstance(packages, dict) or not all(
            isinstance(text, str) for pair in packages.items() for text in pair
        ):
            raise RunError("The metadata's versions must map names of packages to texts.")
        for name in ("source", "load"):
            if not isinstance(getattr(self, name), dict):
                raise RunError(f"The metadata's {name} must be an object.")

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Return the metadata that `asdict` gave.

        Raises RunError for values that can't be, TypeError for other fields.
        """
        code, names = values.get("code", []), {f.name for f in fields(Code)}
        if not isinstance(code, list) or not all(
            isinstance(one, dict) and one.keys() == names for one in code
        ):
            raise RunError(f"The metadata's code must be a list of {', '.join(sorted(names))}.")
        return cls(**values | {"code": tuple(Code(**one) for one in code)})

    @property
    def made_with(self) -> str:
        """The code that the run was made with, in words."""
        return ", then ".join(map(str, self.code)) or "code that is not known"


@dataclass(frozen=True)
class Record:
    """One sample of a run. One that failed has an `error`, and defaults everywhere else."""

    id: str  # unique in its run, but for one row a round
    image_id: str
    question: str  # as published
    prompt: str  # as put to the model
    answers: str  # JSON: what the answers are scored against
    group: str = ""  # the data set's own class of question
    # Which local image `second_…` is of. A row of a later one has the look before it for its first
    # stage: `first_…`, `scores` and `answer_message_bytes` are of the answer it was asked after.
    round: int = 1
    first_answer: str = ""
    second_answer: str = ""
    first_score: float = np.nan  # 0..1
    second_score: float = np.nan
    global_bytes: int = 0  # the encoded global image
    local_bytes: int = 0  # the encoded local image, and the parts that a search was sent
    reference_bytes: int = 0  # the global image as JPEG of quality 100 (section VII-F)
    # Each message on the wire, headers included. If the first answer stands, question and answer
    # cross the link; if not, the crop request comes in place of the answer, and two more follow.
    question_message_bytes: int = 0
    answer_message_bytes: int = 0
    crop_request_message_bytes: int = 0
    local_image_message_bytes: int = 0
    refined_message_bytes: int = 0  # the answer from both images
    first_flops: float = np.nan  # as the paper counts them (eq. 18); 0: not known
    second_flops: float = np.nan  # (eq. 19)
    first_flops_exact: float = np.nan  # counted on the loaded model; NaN where they weren't
    second_flops_exact: float = np.nan
    first_visual_tokens: float = np.nan  # that the language model reads
    second_visual_tokens: float = np.nan  # of both images: not what the second one adds
    first_prompt_tokens: float = np.nan  # all that it reads, the text included; NaN: not counted
    second_prompt_tokens: float = np.nan
    first_seconds: float = np.nan  # wall clock of the computation; the link is not in it
    second_seconds: float = np.nan
    box: Box | None = None  # pixels of the original image
    box_fallback: str = ""  # why the cropper's rule gave no box, and `box` is another; "": it did
    box_contrast: float = np.nan  # of what the box was found on, see `core.hits.contrast`
    # What crossed the link while the cropper searched, up and down, and how often: it looked at
    # parts of the original before it chose. NaN: not recorded, and none before there was a search.
    search_up_bytes: float = np.nan
    search_down_bytes: float = np.nan
    search_round_trips: float = np.nan
    finer: float = np.nan  # times as fine as the global image the local one is; 1: not at all
    truth_boxes: str = "[]"  # JSON: [[left, top, right, bottom], ...], where they are known
    box_hit: bool | None = None  # does the box hold a true one? None: not known
    random_hit: float = np.nan  # how often a box of that size, laid at random, would
    letter_height: float = np.nan  # of a capital that has to be read, pixels of the global image
    guided_answer: str = ""  # with the local image of the true box; "" where that isn't measured
    guided_score: float = np.nan
    # The high-resolution baseline (core.bench.record.hd), always. NaN: not measured.
    hd_answer: str = ""
    hd_score: float = np.nan
    hd_bytes: float = np.nan  # the encoded image
    hd_question_message_bytes: float = np.nan  # the messages on the wire
    hd_answer_message_bytes: float = np.nan
    hd_flops: float = np.nan  # as the paper counts them (eq. 17)
    hd_seconds: float = np.nan
    error: str = ""
    # Metric -> one value per token of the first answer, and of the second, both of the same
    # metrics; None: of the second they weren't recorded.
    scores: dict[str, tuple[float, ...]] | None = None
    second_scores: dict[str, tuple[float, ...]] | None = None


TEXTS = tuple(f.name for f in fields(Record) if f.type == "str")
COUNTS = tuple(f.name for f in fields(Record) if f.type == "int")
MEASURES = (*(f.name for f in fields(Record) if f.type == "float"), "box_hit")
MESSAGES = tuple(name for name in COUNTS if name.endswith("_message_bytes"))
# NaN where they aren't known, or not measured.
SHARES = ("random_hit", "guided_score", "hd_score")
OPTIONAL_COSTS = ("first_flops_exact", "second_flops_exact", "letter_height", "finer", "hd_bytes",
                  "hd_question_message_bytes", "hd_answer_message_bytes", "hd_flops", "hd_seconds",
                  "first_visual_tokens", "second_visual_tokens", "first_prompt_tokens",
                  "second_prompt_tokens", "box_contrast", "search_up_bytes",
                  "search_down_bytes", "search_round_trips")  # fmt: skip
OPTIONAL = ("box_hit", *SHARES, *OPTIONAL_COSTS)


def _with_columns(cls: type) -> type:
    """Give a class a field, an array (N,), for each field of a `Record`; its own stay as they are.

    The columns are declared once, where each is explained.
    """
    columns = {f.name: "np.ndarray" for f in fields(Record) if f.name not in cls.__annotations__}
    cls.__annotations__ = columns | cls.__annotations__
    return cls


@dataclass(frozen=True, eq=False, kw_only=True)
@_with_columns
class Run(Keeper):
    """N samples as columns, which can't be written to. The names are those of `Record`.

    Texts are (N,) object arrays of str, counts (N,) int64, measures (N,) float64 with NaN where
    something isn't known, `box` is (N, 4) int64 with a row of -1 where there is none. Token scores
    are ragged: those of sample i's first answer are `scores[metric][offsets[i] : offsets[i + 1]]`,
    for every metric; `second_scores` and `second_offsets` are the same of second answers, and empty
    where those weren't recorded. Of a large file they are read when they are asked for, so ask
    once.

    `later` are the looks after the first one, a run each: `later[0]` is of round 2, and holds the
    samples that were looked at so often. There, the answer after the look before is the first
    answer: a `Record` says which columns that makes its own.

    Raises RunError for columns that don't fit together: lengths that differ, an id that is there
    twice, an unknown metric, and, in a sample without `error`, a score outside 0..1, a cost that
    is missing, negative or absurdly large, a size of 0 for an image that was sent, or no tokens;
    in any sample, a token score that is not a number or absurdly large, or a box that is not one.
    """

    metadata: Metadata
    scores: Mapping[str, np.ndarray]  # metric -> (offsets[-1],) float64
    offsets: np.ndarray  # (N + 1,) int64
    second_scores: Mapping[str, np.ndarray] = field(default_factory=dict)
    second_offsets: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    later: tuple[Run, ...] = ()

    if TYPE_CHECKING:  # the columns are those of `Record`

        def __init__(self, metadata: Metadata, **columns: Any): ...

        def __getattr__(self, name: str) -> np.ndarray: ...

    def __post_init__(self) -> None:
        def freeze(values: ArrayLike, dtype: type) -> np.ndarray:
            view: np.ndarray = np.asarray(values, dtype=dtype).view()
            view.flags.writeable = False
            return view

        def put(name: str, value: object) -> None:
            object.__setattr__(self, name, value)  # the way into a frozen dataclass

        for names, dtype in ((TEXTS, object), (COUNTS, np.int64), (MEASURES, np.float64)):
            for name in names:
                put(name, freeze(getattr(self, name), dtype))
        put("box", freeze(self.box, np.int64))
        if not len(self.second_offsets):
            put("second_offsets", np.zeros(len(self.id) + 1))
        for name in ("offsets", "second_offsets"):
            put(name, freeze(getattr(self, name), np.int64))
        for name in ("scores", "second_scores"):
            scores = getattr(self, name)
            if not isinstance(scores, StoredScores):
                put(name, {metric: freeze(v, np.float64) for metric, v in scores.items()})
        _check(self)

    def __len__(self) -> int:
        return len(self.id)

    @classmethod
    def from_records(cls, records: Iterable[Record], metadata: Metadata) -> Self:
        """A run of these samples, in their order, with a row for each round.

        Every sample without an error must have scores of the same metrics, each of one value per
        token. Raises RunError as the constructor does.
        """
        rows = list(records)
        for row in rows:  # here, because an array would turn 7 into a text and "7" into a number
            for name in TEXTS:
                if not isinstance(getattr(row, name), str):
                    raise RunError(f"{name} of sample {row.id!r:.80} must be a text.")
        columns: dict[str, Any] = {  # the constructor makes arrays of them
            name: [getattr(row, name) for row in rows] for name in (*TEXTS, *COUNTS)
        }
        for name in MEASURES:
            values = (getattr(row, name) for row in rows)
            columns[name] = [np.nan if value is None else value for value in values]
        boxes = [NO_BOX if row.box is None else row.box.as_tuple() for row in rows]
        metrics = next((list(row.scores) for row in rows if row.scores), [])
        scores, offsets = _ragged(rows, [row.scores or {} for row in rows], metrics)
        second = [row.second_scores or {} for row in rows]
        second_scores, second_offsets = _ragged(rows, second, metrics if any(second) else [])
        columns = {name: np.array(values, dtype=object) if name in TEXTS else np.array(values)
                   for name, values in columns.items()}  # fmt: skip
        return cls.from_rows(
            metadata,
            columns
            | {
                "box": np.array(boxes, dtype=np.int64).reshape(-1, 4),
                "scores": scores,
                "offsets": offsets,
                "second_scores": second_scores,
                "second_offsets": second_offsets,
            },
        )

    @classmethod
    def from_rows(cls, metadata: Metadata, columns: Mapping[str, Any]) -> Self:
        """Return the run of columns whose rows are of any round. Raises RunError as above."""
        try:
            first, *later = by_round(columns)
        except ValueError as error:
            raise RunError(str(error)) from None
        looks = tuple(cls(metadata=metadata, **part) for part in later)
        return cls(metadata=metadata, **first, later=looks)

    def record(self, index: int) -> Record:
        """One sample as plain Python values."""
        index = range(len(self))[index]  # negative ones count from the end; IndexError beyond
        hit = self.box_hit[index]
        values: dict[str, Any] = {name: getattr(self, name)[index] for name in TEXTS}
        values |= {name: int(getattr(self, name)[index]) for name in COUNTS}
        values |= {name: float(getattr(self, name)[index]) for name in MEASURES}
        del values["box_hit"]
        return Record(
            **values,
            box=self.box_of(index),
            box_hit=None if np.isnan(hit) else bool(hit),
            scores=_row(self.scores, self.offsets, index),
            second_scores=_row(self.second_scores, self.second_offsets, index),
        )

    def box_of(self, index: int) -> Box | None:
        """Return the box of one sample; None if there is none."""
        return None if self.box[index, 0] < 0 else Box(*self.box[index].tolist())

    def to_frame(self) -> pd.DataFrame:
        """Return the run as a table, one row a sample, in their order.

        Columns are those of `Record` by name, and as in its file: `box_left`, `box_top`,
        `box_right`, `box_bottom` (missing without a box) and, of each metric, `tokens_<metric>`, a
        list of one number per token of the first answer, and `second_tokens_<metric>`. Beside
        these, `tokens` counts those of first answers, and `<metric>` is the mean (for some metrics
        sum or maximum) that the gate compares with η: `uncertainty`. What isn't known is missing.
        Samples that failed are in it: `frame[frame.error == ""]` are the others. Of a run with
        several rounds, a sample has a row for each: `frame[frame["round"] == 1]` are the first.
        """
        import pandas as pd

        if self.later:
            frames = [replace(self, later=()).to_frame(), *(one.to_frame() for one in self.later)]
            order = np.concatenate([np.arange(len(self)), *self.places])
            whole = pd.concat(frames, ignore_index=True)
            return whole.iloc[np.argsort(order, kind="stable")].reset_index(drop=True)

        columns = {name: getattr(self, name) for name in (*TEXTS, *COUNTS, *MEASURES)}
        columns["box_hit"] = pd.array(self.box_hit, "boolean")
        for name, edge in zip(BOX, self.box.T, strict=True):
            columns[name] = pd.arrays.IntegerArray(edge.copy(), self.box[:, 0] < 0)
        columns["tokens"] = self.lengths
        columns |= {metric: self.uncertainty(metric) for metric in self.metrics}
        for prefix, scores, offsets in (
            (PREFIX, self.scores, self.offsets),
            (SECOND_PREFIX, self.second_scores, self.second_offsets),
        ):
            for metric in self.metrics:
                values = scores[metric] if scores else np.empty(0)
                parts = np.split(values, offsets[1:-1]) if len(self) else []
                columns[prefix + metric] = [part.tolist() for part in parts]
        return pd.DataFrame(columns)

    def select(self, samples: ArrayLike) -> Self:
        """The run of some samples: indices without repetition, or a mask (N,) bool."""
        samples = np.asarray(samples)
        samples = np.flatnonzero(samples) if samples.dtype == bool else samples
        names = (*TEXTS, *COUNTS, *MEASURES, "box", "scores", "offsets", "second_scores",
                 "second_offsets")  # fmt: skip
        columns = {name: getattr(self, name) for name in names}
        new = np.full(len(self), -1)
        new[samples] = np.arange(len(samples))
        later = []
        for one, at in zip(self.later, self.places, strict=True):
            kept = np.flatnonzero(new[at] >= 0)
            later.append(one.select(kept[np.argsort(new[at][kept], kind="stable")]))
        return type(self)(metadata=self.metadata, **rows_of(columns, samples), later=tuple(later))

    @cached_property
    def places(self) -> tuple[np.ndarray, ...]:
        """Return which sample each row of `later` is of: indices (M,), one array a round."""
        return tuple(places(self.id, one.id) for one in self.later)

    @property
    def metrics(self) -> tuple[str, ...]:
        return tuple(self.scores)

    @cached_property
    def lengths(self) -> np.ndarray:
        """Tokens of each first answer, (N,)."""
        return np.diff(self.offsets)

    @cached_property
    def knows_flops(self) -> bool:
        """Return whether what its model computes is known. Of an engine it isn't: it holds 0."""
        return bool((self.first_flops > 0).any())

    @cached_property
    def failed(self) -> np.ndarray:
        """The samples that have an error instead of answers, (N,) bool."""
        return self.error != ""

    @property
    def answered(self) -> Self:
        """The run without the samples that failed: what every analysis looks at.

        Raises RunError if none is left.
        """
        if not len(self) or self.failed.all():
            raise RunError("The run holds no sample that was answered.")
        # Not kept where it is the run itself: that would then refer to itself, and go late.
        return self._without_failed if self.failed.any() else self

    @cached_property
    def _without_failed(self) -> Self:
        return self.select(~self.failed)

    @cached_property
    def first_message_bytes(self) -> np.ndarray:
        """All messages on the wire if the first answer stands, (N,) int64."""
        return self.question_message_bytes + self.answer_message_bytes

    @cached_property
    def second_message_bytes(self) -> np.ndarray:
        """Return what these bytes grow by if it doesn't stand, (N,) int64."""
        asked = self.crop_request_message_bytes + self.local_image_message_bytes
        searched = np.nan_to_num(self.search_up_bytes + self.search_down_bytes).astype(np.int64)
        return asked + searched + self.refined_message_bytes - self.answer_message_bytes

    @cached_property
    def local_images(self) -> np.ndarray:
        """Return how many images a second stage sends, those of a search included, (N,) float64."""
        return 1 + np.nan_to_num(self.search_round_trips)

    @cached_property
    def hd_message_bytes(self) -> np.ndarray:
        """All messages on the wire in high resolution, (N,) float64, NaN where not measured."""
        return self.hd_question_message_bytes + self.hd_answer_message_bytes

    @cached_property
    def gain(self) -> np.ndarray:
        """Return how much the second stage adds to each score, (N,), negative where it harms."""
        return self.second_score - self.first_score

    def uncertainty(
        self, metric: str = "min_entropy", first_tokens: int | None = None
    ) -> np.ndarray:
        """G_avg of every sample, (N,) float64, as `core.uncertainty.aggregate` gives it; NaN for
        one without tokens.

        metric: one of `metrics`; in its own direction and unit, so a margin is low when uncertain.
        first_tokens: average over that many tokens only (None: all).
        Raises ValueError for a metric that the run doesn't hold, or `first_tokens` below 1.
        """
        if metric not in self.scores:
            held = ", ".join(self.metrics) or "none"
            raise ValueError(f"The run holds no {metric!r}; its metrics: {held}.")
        if first_tokens is not None and first_tokens < 1:
            raise ValueError(f"first_tokens must be at least 1, not {first_tokens}.")
        return self._uncertainty(metric, first_tokens)

    @kept(3 * len(METRICS))
    def _uncertainty(self, metric: str, first_tokens: int | None) -> np.ndarray:
        return tokens.uncertainties(self.scores, self.offsets, metric, first_tokens)

    def second_uncertainty(self, metric: str = "min_entropy") -> np.ndarray:
        """Return G_avg of every second answer over all its tokens, (N,); NaN for a failed one.

        Raises ValueError where the run holds none, and RunError where an answered sample has none.
        """
        if metric not in self.second_scores or not self.second_offsets[-1]:
            raise ValueError(f"The run holds no {metric!r} of second answers: record it anew.")
        return self._second_uncertainty(metric)

    @kept(len(METRICS))
    def _second_uncertainty(self, metric: str) -> np.ndarray:
        lacking = ~self.failed & (np.diff(self.second_offsets) == 0)
        if lacking.any():
            index = int(lacking.argmax())
            raise RunError(
                f"Sample {index} ({self.id[index]!r:.80}) must have scores of its second answer's "
                "tokens."
            )
        return tokens.uncertainties(self.second_scores, self.second_offsets, metric)

    def ranked(self, metric: str = "min_entropy", first_tokens: int | None = None) -> np.ndarray:
        """Return `uncertainty`, turned so that the higher is always the more uncertain."""
        values = self.uncertainty(metric, first_tokens)
        return values if METRICS[metric].higher_is_uncertain else -values


def _ragged(
    rows: list[Record], per_row: list[dict[str, tuple[float, ...]]], metrics: list[str]
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return one array a metric of the values of all rows, and the offsets of each row in it."""
    lengths = [len(next(iter(scores.values()), ())) for scores in per_row]
    for row, scores, length in zip(rows, per_row, lengths, strict=True):
        if (scores and scores.keys() != set(metrics)) or any(
            len(values) != length for values in scores.values()
        ):
            raise RunError(
                f"Sample {row.id!r:.80} must have the metrics of the others, "
                "and as many values of each as it has tokens."
            )
    values = {
        metric: np.array([v for scores in per_row for v in scores.get(metric, ())])
        for metric in metrics
    }
    return values, np.concatenate(([0], np.cumsum(lengths, dtype=np.int64)))


def _row(
    scores: Mapping[str, np.ndarray], offsets: np.ndarray, index: int
) -> dict[str, tuple[float, ...]] | None:
    """Return one sample's token scores; None if it has none."""
    if offsets[index] == offsets[index + 1]:
        return None
    return {
        metric: tuple(tokens.part(scores, offsets, metric, index, index + 1).tolist())
        for metric in scores
    }


def _check(run: Run) -> None:
    n = len(run.id)
    for name in (*TEXTS, *COUNTS, *MEASURES):
        if getattr(run, name).shape != (n,):
            raise RunError(f"Column {name} must hold one value for each of the {n} samples.")
    if run.box.shape != (n, 4):
        raise RunError(f"box must be ({n}, 4) for {n} samples.")
    for of, (scores, offsets) in _answers(run).items():
        if offsets.shape != (n + 1,):
            raise RunError(f"offsets of {of} answers must be ({n + 1},) for {n} samples.")
        if offsets[0] != 0 or (np.diff(offsets) < 0).any():
            raise RunError(f"offsets of {of} answers must start at 0 and never fall.")
        for metric in scores:
            if metric not in METRICS:
                raise RunError(
                    f"The run holds the metric {metric!r:.80}, which this version doesn't know: "
                    "update Second Look, or add it to METRICS."
                )
        for metric, values in _held(scores).items():
            if values.shape != (offsets[-1],):
                raise RunError(f"{metric} must have one value for each of {offsets[-1]} tokens.")
    _check_samples(run)
    _check_rounds(run)


def _check_rounds(run: Run) -> None:
    if len(run) and (run.round != run.round[0]).any():
        raise RunError("All rows of a round must be of the same one.")
    if len(run.later) >= run.metadata.rounds:
        raise RunError(f"A run of {run.metadata.rounds} rounds can't have {1 + len(run.later)}.")
    before = run
    for number, one in enumerate(run.later, 2):
        if one.later or (one.round != number).any() or set(one.id) - set(before.id):
            raise RunError(f"The rows of round {number} must be of samples that have one before.")
        if one.failed.any():
            raise RunError(f"Round {number} must have no sample that failed.")
        before = one


def _answers(run: Run) -> dict[str, tuple[Mapping[str, np.ndarray], np.ndarray]]:
    """Return the token scores and offsets of first and of second answers."""
    return {
        "first": (run.scores, run.offsets),
        "second": (run.second_scores, run.second_offsets),
    }


def _held(scores: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
    """Return the token scores that are in memory; others were checked where they were read."""
    return {} if isinstance(scores, StoredScores) else scores


def _check_samples(run: Run) -> None:
    ok = ~run.failed

    def refuse(bad: np.ndarray, what: str) -> None:
        if bad.any():
            first = int(np.flatnonzero(bad)[0])
            raise RunError(f"Sample {first} ({run.id[first]!r:.80}) must have {what}.")

    if len(set(run.id)) < len(run):
        repeated = np.ones(len(run), dtype=bool)
        repeated[np.unique(run.id, return_index=True)[1]] = False
        refuse(repeated, "an id that no other sample has")
    for name in ("first_score", "second_score"):
        values = getattr(run, name)
        refuse(ok & ~((values >= 0) & (values <= 1)), f"a {name} from 0 to 1")
    for name in ("first_flops", "second_flops", "first_seconds", "second_seconds"):
        values = getattr(run, name)
        refuse(ok & ~((values >= 0) & (values <= MAX_MEASURE)), f"a finite {name}, 0 or more")
    for name in OPTIONAL_COSTS:
        values = getattr(run, name)
        refuse((values < 0) | (values > MAX_MEASURE), f"a finite {name}, 0 or more, or none")
    for name in SHARES:
        values = getattr(run, name)
        refuse((values < 0) | (values > 1), f"a {name} from 0 to 1, or none")
    hit = run.box_hit
    refuse(~((hit == 0) | (hit == 1) | np.isnan(hit)), "a box_hit that is true, false or not known")
    for name in ("global_bytes", "local_bytes", "reference_bytes"):
        values = getattr(run, name)
        refuse(ok & ~((values >= 1) & (values <= MAX_COUNT)), f"{name} of at least 1")
    for name in MESSAGES:
        values = getattr(run, name)
        refuse(ok & ~((values >= 0) & (values <= MAX_COUNT)), f"{name} of at least 0")
    no_box = (run.box == NO_BOX).all(axis=1)
    left, top, right, bottom = run.box.T
    is_box = (left >= 0) & (top >= 0) & (right > left) & (bottom > top)
    refuse(~(no_box | is_box), "a box with 0 <= left < right and 0 <= top < bottom, or none")
    if not run.scores:
        refuse(ok, "token scores of at least one metric")
    refuse(ok & (run.lengths < 1), "at least one token")
    for of, (scores, offsets) in _answers(run).items():
        refuse(np.diff(offsets) > MAX_TOKENS, f"at most {MAX_TOKENS:,} tokens")
        for metric, values in _held(scores).items():
            owners = np.searchsorted(offsets, not_finite(values), side="right") - 1
            bad = np.isin(np.arange(len(run)), owners)
            refuse(bad, f"a finite {metric} for every token of its {of} answer")
