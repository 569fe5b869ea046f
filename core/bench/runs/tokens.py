"""Token scores of many answers, ragged: held in memory, or left in a file.

Answer i's are `values[offsets[i] : offsets[i + 1]]`, for every metric.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from core.uncertainty import METRICS

BLOCK = 65_536  # answers whose tokens are laid out anew at once
MAX_TOKEN_SCORE = 1e6

Scores = Mapping[str, np.ndarray]  # metric -> (offsets[-1],) float64


class StoredScores(Mapping[str, np.ndarray]):
    """Token scores that are too many to be held: a metric is read whenever it is asked for.

    read: metric, first token, token after the last -> those values, checked as `Run` does.
    offsets: of all answers that are stored. samples: those that are meant; None: all of them.
    """

    def __init__(
        self,
        metrics: tuple[str, ...],
        read: Callable[[str, int, int], np.ndarray],
        offsets: np.ndarray,
        samples: np.ndarray | None = None,
    ):
        self._metrics, self._read = metrics, read
        self._offsets, self._samples = offsets, samples

    def __getitem__(self, metric: str) -> np.ndarray:
        if metric not in self._metrics:
            raise KeyError(metric)
        held = self._offsets[:-1] if self._samples is None else self._samples
        values = self.part(metric, 0, len(held))
        values.flags.writeable = False
        return values

    def __iter__(self) -> Iterator[str]:
        return iter(self._metrics)

    def __len__(self) -> int:
        return len(self._metrics)

    def part(self, metric: str, first: int, last: int) -> np.ndarray:
        """Return the values of the answers from `first` to before `last`; no others are read,
        where these stand side by side."""
        if self._samples is None:
            return self._read(metric, int(self._offsets[first]), int(self._offsets[last]))
        chosen = self._samples[first:last]
        if not chosen.size:
            return np.empty(0)
        begin, end = int(chosen.min()), int(chosen.max()) + 1
        offsets = self._offsets[begin : end + 1]
        values = self._read(metric, int(offsets[0]), int(offsets[-1]))
        return values[tokens_of(offsets - offsets[0], chosen - begin)]

    def select(self, samples: np.ndarray) -> StoredScores:
        """Return those of some of the answers, indices (M,)."""
        chosen = samples if self._samples is None else self._samples[samples]
        return StoredScores(self._metrics, self._read, self._offsets, chosen)


def part(scores: Scores, offsets: np.ndarray, metric: str, first: int, last: int) -> np.ndarray:
    """Return the values of the answers from `first` to before `last`, without the others."""
    if isinstance(scores, StoredScores):
        return scores.part(metric, first, last)
    return scores[metric][offsets[first] : offsets[last]]


def select(scores: Scores, offsets: np.ndarray, samples: np.ndarray) -> Scores:
    """Return the scores of some of the answers, indices (M,)."""
    if isinstance(scores, StoredScores):
        return scores.select(samples)
    tokens = tokens_of(offsets, samples)
    return {name: values[tokens] for name, values in scores.items()}


def tokens_of(offsets: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """Return where the tokens of these answers are, one answer after the other."""
    lengths = np.diff(offsets)[samples]
    ends = np.cumsum(lengths)
    # Where the answer starts in the run, less where it starts in the result, plus the step.
    shift = offsets[samples] - (ends - lengths)
    return np.arange(ends[-1] if ends.size else 0) + np.repeat(shift, lengths)


def not_finite(values: np.ndarray) -> np.ndarray:
    """Return which token scores are not a number, or absurdly large: indices (B,)."""
    # NaN would compare as False: a gate that silently never opens.
    return np.flatnonzero(~(np.abs(values) <= MAX_TOKEN_SCORE))


def uncertainties(
    scores: Scores, offsets: np.ndarray, metric: str, first_tokens: int | None = None
) -> np.ndarray:
    """Return G_avg of every answer, (N,), read-only: NaN for one without tokens.

    As `core.uncertainty.aggregate` computes it, to the last bit. first_tokens: of that many tokens
    only; None: all.
    """
    answers = len(offsets) - 1
    values = np.empty(answers)
    for begin in range(0, answers, BLOCK):  # what is laid out anew is never more than a block
        end = min(begin + BLOCK, answers)
        tokens = part(scores, offsets, metric, begin, end)
        block = offsets[begin : end + 1] - offsets[begin]
        values[begin:end] = _uncertainties(tokens, block, metric, first_tokens)
    values.flags.writeable = False
    return values


def _uncertainties(
    tokens: np.ndarray, offsets: np.ndarray, metric: str, first_tokens: int | None
) -> np.ndarray:
    """Compute `uncertainties` of one block.

    A neutral value is put before each answer's tokens, and one at the end. From that value on,
    `reduceat` takes an answer's tokens in the very order in which the gate takes those of one
    answer. So both see the same number to the last bit, and the same ties.
    """
    how = METRICS[metric].aggregation
    neutral = 0.0 if how.reduce is np.add else -np.inf
    led = np.append(np.insert(tokens, offsets[:-1], neutral), neutral)
    lengths = np.diff(offsets)
    counts = lengths if first_tokens is None else np.minimum(lengths, first_tokens)
    starts = offsets[:-1] + np.arange(len(lengths))
    edges = np.stack((starts, starts + 1 + counts), axis=1).ravel()
    values = how.reduce.reduceat(led, edges)[::2]  # between two results is what is left
    with np.errstate(invalid="ignore"):  # no tokens: 0 / 0
        return values / counts if how.mean else np.where(counts > 0, values, np.nan)
