"""A run: what one model did with every question of a data set, both stages, as columns of arrays.

Both stages are recorded for every sample, whatever a gate would have decided. So any threshold,
metric and aggregation length can be drawn from a run afterwards without the model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from core.bench.runs import tokens
from core.bench.runs.checks import check
from core.bench.runs.errors import RunError
from core.bench.runs.kept import Keeper, kept
from core.bench.runs.later import by_round, places, rows_of
from core.bench.runs.metadata import Metadata
from core.bench.runs.record import (
    BOX,
    COUNTS,
    MEASURES,
    PREFIX,
    SECOND_PREFIX,
    TEXTS,
    Record,
    columns_of,
)
from core.bench.runs.tokens import StoredScores
from core.cropping import Box
from core.uncertainty import METRICS

if TYPE_CHECKING:  # pandas itself is imported where a frame is asked for
    import pandas as pd


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
        check(vars(self), [vars(one) for one in self.later], self.metadata.rounds)

    def __len__(self) -> int:
        return len(self.id)

    @classmethod
    def from_records(cls, records: Iterable[Record], metadata: Metadata) -> Self:
        """A run of these samples, in their order, with a row for each round.

        Every sample without an error must have scores of the same metrics, each of one value per
        token. Raises RunError as the constructor does.
        """
        return cls.from_rows(metadata, columns_of(records))

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
