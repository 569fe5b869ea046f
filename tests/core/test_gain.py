import json
from dataclasses import replace

import numpy as np
import pytest

from core.bench.__main__ import main
from core.bench.analysis.curves import tradeoff
from core.bench.commands.gain_command import compare, fit, with_gain
from core.bench.runs.errors import RunError
from core.bench.runs.files import save_run
from core.certificate import Certificate, CertificateError
from core.gain import FROM, N_FEATURES, Gain, GainError, features, use
from core.uncertainty import METRICS, Gate, token_scores
from tools.doubles.synthetic import synthetic_run


def mended_where_long(samples, seed):
    """A run in which only long answers are mended, whatever their uncertainty."""
    run = synthetic_run(samples, seed)
    return replace(run, second_score=np.where(run.lengths > 12, 1.0, run.first_score))


@pytest.fixture(scope="module")
def gain():
    return fit([mended_where_long(1_500, seed=1)])


@pytest.fixture
def used(gain, tmp_path):
    """Its name in METRICS, for this test only."""
    path = tmp_path / "gain.json"
    path.write_text(gain.to_json())
    name = use(path)
    yield name
    del METRICS[name]


def test_it_is_a_metric_like_any_other(gain, used):
    """What a server computes from logits and attention is what is drawn from a run."""
    rng = np.random.default_rng(0)
    logits, attention = rng.normal(0, 3, (5, 40)), rng.random(64)
    values, tokens = {}, np.array([5])
    for name in FROM:
        gate = Gate(name)
        values[name] = np.array([gate.uncertainty(token_scores(logits, name, attention))])
    scores = token_scores(logits, used, attention)
    assert scores.shape == (5,) and np.ptp(scores) == 0
    assert scores[0] == pytest.approx(gain.expected(values, tokens)[0], abs=1e-12)
    assert Gate(used, scores[0] - 0.01).retransmit(scores)
    run = with_gain(synthetic_run(200), gain)
    assert used in run.metrics and len(tradeoff(run, used)) > 100
    assert (np.abs(run.uncertainty(used)) <= 1).all()


def test_it_predicts_the_mean_gain_and_beats_what_it_is_made_of(gain):
    run = mended_where_long(1_500, seed=2)
    values = {name: run.uncertainty(name) for name in FROM}
    expected = gain.expected(values, run.lengths)
    assert expected.mean() == pytest.approx(run.gain.mean(), abs=0.03)
    found = compare(gain, "fresh", run, "energy")
    assert found.apart.low > 0
    assert found.gain == pytest.approx(_apgr(run, gain), abs=1e-9)
    assert found.metric == pytest.approx(tradeoff(run, "energy").apgr(), abs=1e-9)


def _apgr(run, gain):
    METRICS[gain.name] = gain.metric()
    try:
        return tradeoff(with_gain(run, gain), gain.name).apgr()
    finally:
        del METRICS[gain.name]


def test_its_features_are_finite_for_certain_and_for_hopeless_answers():
    zeros = {name: np.array([0.0]) for name in FROM}
    huge = {name: np.array([1e5]) for name in FROM}
    for values in (zeros, huge):
        found = features(values, np.array([1]))
        assert found.shape == (1, N_FEATURES) and np.isfinite(found).all()


def test_another_file_is_another_metric(gain):
    other = gain.model_copy(update={"bias": gain.bias + 1e-9})
    assert other.name != gain.name
    assert Gain.model_validate_json(gain.to_json()) == gain


@pytest.mark.parametrize(
    "change", [{"kind": "x"}, {"weights": [1]}, {"bias": "1"}, {"scale": [0.0] * N_FEATURES},
               {"center": [float("inf")] * N_FEATURES}, {"more": 1}],
)  # fmt: skip
def test_another_file_is_refused_in_one_sentence(gain, tmp_path, change):
    path = tmp_path / "g.json"
    path.write_text(json.dumps(json.loads(gain.to_json()) | change))
    with pytest.raises(GainError, match="'g.json' is not a gain file"):
        use(path)
    with pytest.raises(GainError, match="no file"):
        use(tmp_path / "none.json")


def test_the_command_writes_it_only_if_it_is_ahead(tmp_path, capsys):
    for seed, name in ((1, "a"), (2, "b"), (3, "c")):
        save_run(mended_where_long(900, seed), tmp_path / f"{name}.parquet")
    a, b, c = (str(tmp_path / f"{name}.parquet") for name in "abc")
    out = tmp_path / "gain.json"
    words = ["gain", a, "--on", b, c, "--out", str(out)]
    assert main([*words, "--against", "energy"]) == 0
    said = capsys.readouterr().out
    assert "| all of them | 1,800 |" in said and "Written" in said
    name = Gain.read(out).name
    try:
        certificate = tmp_path / "c.json"
        words = ["calibrate", b, "--gain", str(out), "--lose-at-most", "0.1"]
        assert main([*words, "--certificate", str(certificate)]) == 0
        assert Certificate.read(certificate).metric == name
        assert main(["calibrate", b, "--gain", str(out), "--budget", "0.4"]) == 0
        assert "expected gain (synthetic test, seed 1) is at or above it" in capsys.readouterr().out
        assert main(["calibrate", a, "--gain", str(out), "--lose-at-most", "0.1"]) == 1
        assert "a promise takes a run of other questions" in capsys.readouterr().err
    finally:
        METRICS.pop(name, None)
    with pytest.raises(CertificateError, match=f"on the gain {name}; say that one's file"):
        Certificate.read(certificate)
    out.unlink()
    noise = synthetic_run(900, seed=4)
    rng = np.random.default_rng(0)
    noise = replace(noise, second_score=rng.permutation(noise.first_score))
    save_run(noise, tmp_path / "noise.parquet")
    words = ["gain", a, "--on", str(tmp_path / "noise.parquet"), "--out", str(out)]
    assert main(words) == 1
    assert "nothing is written" in capsys.readouterr().out and not out.exists()


def test_a_run_without_its_metrics_is_named(gain):
    run = synthetic_run(20)
    run = replace(run, scores={name: run.scores[name] for name in ("min_entropy", "energy")})
    with pytest.raises(RunError, match="holds no shannon_entropy"):
        fit([run])
