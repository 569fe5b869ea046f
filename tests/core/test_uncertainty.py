"""Eq. 9 and 13-16 against closed forms and their invariants."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from core.uncertainty import (
    MAXIMUM,
    MEAN,
    METRICS,
    SUM,
    Evidence,
    Gate,
    aggregate,
    all_scores,
    token_scores,
)

ENTROPIES = ["min_entropy", "shannon_entropy"]

tables = arrays(
    np.float64,
    array_shapes(min_dims=2, max_dims=2, max_side=12),
    elements=st.floats(-60, 60) | st.just(-math.inf),
).filter(lambda logits: (logits.max(axis=-1) > -math.inf).all())


def of(probabilities, metric):
    """The score of one token with this distribution."""
    with np.errstate(divide="ignore"):
        return token_scores([np.log(probabilities)], metric)[0]


PAPER = ["min_entropy", "shannon_entropy", "probability_margin"]
NORMALISED = [name for name in METRICS if name != "energy"]  # functions of p alone
LOGITS = [[2.0, 0.0, -1.0], [0.5, 0.5, 0.0], [4.0, 1.0, 1.0]]
CELLS = np.array([0.5, 0.25, 0.125, 0.125])


def scores_of(logits, metric):
    return token_scores(logits, metric, CELLS)


def test_the_three_metrics_of_the_paper_come_first():
    assert list(METRICS)[:3] == PAPER
    paper = [METRICS[name] for name in PAPER]
    assert [m.unit for m in paper] == ["bits", "bits", ""]
    assert [m.higher_is_uncertain for m in paper] == [True, True, False]
    assert all(metric.aggregation is MEAN for metric in paper)


def test_every_entry_says_what_it_takes_to_show_it():
    for name, metric in METRICS.items():
        assert metric.name == name
        assert metric.label and metric.formula
        assert metric.definition.endswith(".") and ". " not in metric.definition  # one sentence


@pytest.mark.parametrize("metric", ENTROPIES)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_uniform_over_llavas_vocabulary(metric, dtype):
    scores = token_scores(np.full((2, 32_000), 3.0, dtype), metric)
    assert scores.shape == (2,) and scores.dtype == np.float64
    assert scores == pytest.approx(math.log2(32_000), abs=1e-12)
    assert scores[0] == pytest.approx(14.9658, abs=5e-5)


@pytest.mark.parametrize(
    ("p", "min_entropy", "shannon_entropy", "margin"),
    [
        ([1.0], 0, 0, 1),
        ([1.0, 0.0, 0.0], 0, 0, 1),
        ([0.5, 0.5], 1, 1, 0),
        ([0.5, 0.25, 0.125, 0.125], 1, 1.75, 0.25),
        ([0.25, 0.0, 0.75], 2 - math.log2(3), 2 - 0.75 * math.log2(3), 0.5),
        ([0.25, 0.25, 0.25, 0.25, 0.0], 2, 2, 0),
    ],
)
def test_by_hand(p, min_entropy, shannon_entropy, margin):
    assert of(p, "min_entropy") == pytest.approx(min_entropy, abs=1e-12)
    assert of(p, "shannon_entropy") == pytest.approx(shannon_entropy, abs=1e-12)
    assert of(p, "probability_margin") == pytest.approx(margin, abs=1e-12)


@pytest.mark.parametrize(("metric", "score"), [("min_entropy", 0), ("shannon_entropy", 0),
                                               ("probability_margin", 1)])  # fmt: skip
def test_a_certain_token(metric, score):
    """A vocabulary of one token, and an overwhelming one; no −0 that would print as -0.00."""
    for logits in ([[-7.5]], [[1e4, 0.0]], [[5.0, -math.inf]]):
        got = token_scores(logits, metric)
        assert got.tolist() == [score] and not np.signbit(got[0])


@pytest.mark.parametrize("metric", METRICS)
def test_extreme_logits_raise_no_warning(metric):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores_of([[1e308, -1e308, -math.inf, 0.0]], metric)
        scores_of([[-1e308, -math.inf, -1e308, -1e308]], metric)
        scores_of(np.array([[65504, -65504, -math.inf]], np.float16), metric)


def test_huge_logits_are_not_flattened():
    """A naive softmax overflows here: 1000 and 999 must score like 1 and 0."""
    for metric in NORMALISED:
        assert scores_of([[1000.0, 999.0]], metric) == pytest.approx(
            scores_of([[1.0, 0.0]], metric), abs=1e-12
        )


@given(tables)
def test_values_keep_to_the_bounds_that_the_entry_gives(logits):
    for name, metric in METRICS.items():
        low, high = metric.bounds
        assert (scores_of(logits, name) >= low - 1e-9).all()
        assert (scores_of(logits, name) <= high + 1e-9).all()


@given(tables)
def test_renyi_entropies_fall_with_their_order(logits):
    """Shannon is of order 1, min-entropy of order infinity."""
    shannon, second, smallest = (
        token_scores(logits, name) for name in ("shannon_entropy", "renyi_entropy", "min_entropy")
    )
    assert (smallest <= second + 1e-9).all() and (second <= shannon + 1e-9).all()
    assert (second <= 2 * smallest + 1e-9).all()


@given(tables)
def test_bounds(logits):
    smallest, shannon, margin = (token_scores(logits, metric) for metric in PAPER)
    support = np.isfinite(logits).sum(axis=-1)
    assert (smallest >= 0).all()
    assert (smallest <= shannon + 1e-9).all()
    assert (shannon <= np.log2(support) + 1e-9).all()
    assert (margin >= 0).all() and (margin <= 1).all()


@given(tables, st.floats(-1000, 1000))
def test_a_shift_of_all_logits_changes_nothing(logits, shift):
    for metric in NORMALISED:
        moved = scores_of(logits + shift, metric)
        assert moved == pytest.approx(scores_of(logits, metric), abs=1e-9)


@given(tables, st.randoms(use_true_random=False))
def test_the_order_of_the_vocabulary_does_not_matter(logits, random):
    order = random.sample(range(logits.shape[1]), logits.shape[1])
    for metric in METRICS:
        shuffled = scores_of(logits[:, order], metric)
        assert shuffled == pytest.approx(scores_of(logits, metric), abs=1e-9)


@given(tables)
def test_tokens_that_cannot_come_do_not_count(logits):
    wider = np.concatenate([logits, np.full((len(logits), 3), -math.inf)], axis=1)
    for metric in METRICS:
        assert scores_of(wider, metric) == pytest.approx(scores_of(logits, metric), abs=1e-9)


@given(tables)
def test_logits_are_left_alone(logits):
    before = logits.copy()
    for metric in METRICS:
        scores_of(logits, metric)
    assert np.array_equal(logits, before)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("row", [[0.0, math.nan], [0.0, math.inf], [-math.inf, -math.inf],
                                 [math.nan, math.inf], [-math.inf, math.nan]])  # fmt: skip
def test_a_row_that_is_no_distribution(metric, row):
    with pytest.raises(ValueError, match="token 1 are not a distribution"):
        scores_of([[0.0, 0.0], row], metric)


@pytest.mark.parametrize("shape", [(3,), (2, 0), (0, 0), (1, 2, 3), ()])
def test_logits_of_another_shape(shape):
    with pytest.raises(ValueError, match="logits must be"):
        token_scores(np.zeros(shape), "min_entropy")


def test_an_unknown_metric_is_told_the_known_ones():
    with pytest.raises(ValueError, match="min_entropy, shannon_entropy, probability_margin"):
        token_scores([[0.0]], "mood")
    with pytest.raises(ValueError, match="'mood'"):
        Gate("mood")


def test_no_tokens_score_nothing():
    assert token_scores(np.zeros((0, 5)), "min_entropy").shape == (0,)


@pytest.mark.parametrize(
    ("first_tokens", "mean"), [(None, 3.0), (1, 1.0), (2, 1.5), (3, 3.0), (4, 3.0), (20, 3.0)]
)
def test_aggregate(first_tokens, mean):
    for scores in ([1.0, 2.0, 6.0], (1, 2, 6), np.array([1, 2, 6], np.float32)):
        got = aggregate(scores, first_tokens)
        assert got == mean and type(got) is float


@pytest.mark.parametrize("first_tokens", [0, -1])
def test_the_first_no_tokens(first_tokens):
    with pytest.raises(ValueError, match="first_tokens"):
        aggregate([1.0], first_tokens)
    with pytest.raises(ValueError, match="first_tokens"):
        Gate(first_tokens=first_tokens)


@pytest.mark.parametrize("scores", [[], [[1.0]], 1.0])
def test_scores_of_another_shape(scores):
    with pytest.raises(ValueError, match="at least one token"):
        aggregate(scores)


def test_nan_is_not_quietly_confident():
    with pytest.raises(ValueError, match="NaN"):
        Gate().retransmit([0.1, math.nan])
    with pytest.raises(ValueError, match="NaN"):
        Gate(threshold=math.nan)


@pytest.mark.parametrize(
    ("metric", "below", "at", "above"),
    [
        ("min_entropy", False, True, True),
        ("shannon_entropy", False, True, True),
        ("probability_margin", True, True, False),
    ],
)
def test_the_gate_opens_at_the_threshold(metric, below, at, above):
    gate = Gate(metric, 0.5)
    assert [gate.retransmit(scores) for scores in ([0.0, 0.9], [0.25, 0.75], [0.0, 1.1])] == [
        below,
        at,
        above,
    ]
    assert gate.uncertainty([0.25, 0.75]) == 0.5


def test_the_gate_may_look_at_the_first_tokens_only():
    scores = [0.0, 0.0, 9.0]
    assert Gate("min_entropy", 1.0).retransmit(scores)
    assert not Gate("min_entropy", 1.0, first_tokens=2).retransmit(scores)


@given(tables)
def test_eta_0_always_and_infinite_eta_never_retransmits(logits):
    """Section VII-A."""
    for metric in ENTROPIES:
        scores = token_scores(logits, metric)
        assert Gate(metric, 0.0).retransmit(scores)
        assert not Gate(metric, math.inf).retransmit(scores)


def test_greedy_mean_min_entropy_is_log_perplexity():
    """Mean NLL of the greedy tokens in bits, computed here from the definition of softmax."""
    logits = np.random.default_rng(0).normal(0, 3, (6, 50))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    nll = [-math.log(p[t, token]) for t, token in enumerate(logits.argmax(axis=1))]
    expected = sum(nll) / len(nll) / math.log(2)
    assert aggregate(token_scores(logits, "min_entropy")) == pytest.approx(expected, rel=1e-12)


def test_energy_by_hand_and_by_its_own_law():
    """A shift of all logits lowers it by as much; with one token it is its logit."""
    assert token_scores([[2.0]], "energy") == pytest.approx([-2.0])
    assert token_scores([[1.0, 1.0]], "energy") == pytest.approx([-1 - math.log(2)])
    shifted = token_scores(np.array(LOGITS) + 3, "energy")
    assert shifted == pytest.approx(token_scores(LOGITS, "energy") - 3)


def test_nll_is_aggregated_as_its_name_says():
    nll = token_scores(LOGITS, "min_entropy")
    for name, value in (("max_nll", nll.max()), ("sum_nll", nll.sum())):
        assert token_scores(LOGITS, name).tolist() == nll.tolist()
        assert Gate(name, 0.0).uncertainty(nll) == pytest.approx(value)
        assert Gate(name, value, None).retransmit(nll)
        assert not Gate(name, value + 1e-9).retransmit(nll)
    assert Gate("max_nll", first_tokens=1).uncertainty(nll) == nll[0]
    assert Gate("sum_nll", first_tokens=2).uncertainty(nll) == pytest.approx(nll[:2].sum())


def test_the_sum_of_nll_is_the_probability_of_the_answer():
    p = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
    total = Gate("sum_nll", 0.0).uncertainty(token_scores(LOGITS, "sum_nll"))
    assert 2**-total == pytest.approx(p.max(axis=1).prod())


@pytest.mark.parametrize(("how", "value"), [(MEAN, -1.0), (SUM, -3.0), (MAXIMUM, 2.0)])
def test_aggregations(how, value):
    assert aggregate([-4.0, -1.0, 2.0], aggregation=how) == value


def test_phrases_read_as_part_of_a_sentence():
    assert METRICS["min_entropy"].phrase == "mean min-entropy"
    assert METRICS["shannon_entropy"].phrase == "mean Shannon entropy"
    assert METRICS["shannon_entropy"].heading == "Mean Shannon entropy"
    assert METRICS["max_nll"].phrase == "maximum token NLL"
    assert METRICS["sum_nll"].phrase == "sum of token NLL"
    assert METRICS["renyi_entropy"].phrase == "mean collision entropy (Rényi)"


def test_focus_is_1_on_one_cell_and_0_on_all():
    nll = token_scores(LOGITS, "min_entropy")
    for attention, focus in (
        ([0, 0, 3.0, 0], 1),
        ([0.25, 0.25, 0.25, 0.25], 0),
        ([1, 1, 0, 0], 0.5),
        ([1, 1, np.nan, -1], 0.5),  # a weight that is none is no evidence
        ([0, 0, 0, 0], 1),
        ([np.nan], 1),
        (CELLS, 1 - 1.75 / 2),
        (7 * CELLS.reshape(2, 2), 1 - 1.75 / 2),
    ):
        found = token_scores(LOGITS, "focused_min_entropy", attention)
        assert found == pytest.approx(focus * nll, abs=1e-12)


def test_a_metric_of_attention_is_not_scored_without():
    with pytest.raises(ValueError, match="focused_min_entropy needs the attention"):
        token_scores(LOGITS, "focused_min_entropy")


# From the likeliest tokens only, as an engine behind HTTP tells them.


def _told(logits, k):
    """The evidence of the k likeliest tokens of each row."""
    logp = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    return Evidence.of_likeliest(np.sort(logp, axis=1)[:, : -k - 1 : -1].tolist())


@pytest.mark.parametrize("k", [1, 2, 5, 20])
@pytest.mark.parametrize("scale", [0.1, 1.0, 5.0, 30.0])
def test_bounds_from_the_likeliest_hold_the_score_and_exact_ones_are_it(k, scale):
    logits = np.random.default_rng(k).normal(0, scale, (50, 300))
    full, _ = all_scores(Evidence.of_logits(logits, np.ones(4)))
    scores, bounds = all_scores(_told(logits, k))
    assert set(scores) == set(full) - {"energy", "focused_min_entropy"}
    for name, values in scores.items():
        metric, truth = METRICS[name], np.array(full[name])
        if name not in bounds:
            np.testing.assert_allclose(values, truth, atol=1e-9)
            continue
        low, high = np.array(bounds[name]).T
        assert (low <= truth + 1e-9).all() and (truth <= high + 1e-9).all()
        np.testing.assert_array_equal(values, high if metric.higher_is_uncertain else low)


def test_bounds_are_tight_where_nothing_is_left_over():
    logits = np.random.default_rng(0).normal(0, 2, (5, 20))
    full, _ = all_scores(Evidence.of_logits(logits))
    _, bounds = all_scores(_told(logits, 20))
    for name, pairs in bounds.items():
        np.testing.assert_allclose(np.array(pairs).T, [full[name]] * 2, atol=1e-6)


def test_a_bound_on_the_shannon_entropy_by_hand():
    evidence = Evidence.of_likeliest([[np.log(0.5), np.log(0.25)]])  # a quarter is left over
    low, high = METRICS["shannon_entropy"].span(evidence)
    known = 0.5 + 0.25 * 2
    assert low == pytest.approx(known + 0.25 * 2)  # one more token of a quarter
    assert high == pytest.approx(known + 0.25 * np.log2((2**20 - 2) / 0.25))


def test_a_margin_from_one_token_is_bounded():
    evidence = Evidence.of_likeliest([[np.log(0.6)]])
    assert METRICS["probability_margin"].told(evidence) == "bounded"
    low, high = METRICS["probability_margin"].span(evidence)
    assert low == pytest.approx(0.6 - 0.4) and high == pytest.approx(0.6, abs=1e-5)


def test_as_many_are_known_as_of_the_token_with_the_fewest():
    evidence = Evidence.of_likeliest([[-0.1, -3.0, -4.0], [-0.2]])
    assert evidence.reported == 1 and METRICS["probability_margin"].told(evidence) == "bounded"


@pytest.mark.parametrize(
    "rows", [[[]], [[-0.1], []], [[float("nan")]], [[-0.1, -0.1]], [[-np.inf]]]
)
def test_what_can_be_no_log_probabilities_is_refused(rows):
    with pytest.raises(ValueError):
        Evidence.of_likeliest(rows)


def test_every_metric_says_what_the_likeliest_give():
    told = {name: metric.told_by(20) for name, metric in METRICS.items()}
    assert told == {
        "min_entropy": "exact", "shannon_entropy": "bounded", "probability_margin": "exact",
        "max_nll": "exact", "sum_nll": "exact", "renyi_entropy": "bounded", "energy": None,
        "focused_min_entropy": None,
    }  # fmt: skip
    assert METRICS["focused_min_entropy"].told_by(20, attention=True) == "exact"
