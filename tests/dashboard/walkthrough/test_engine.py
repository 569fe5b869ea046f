"""The walkthrough with an engine that answers: what it doesn't tell is said, and nothing breaks."""

import pytest

from core.imaging import Codec
from core.protocol import ProtocolError, Sessions
from core.uncertainty import METRICS, Gate
from core.vlm import VLMError, load_vlm
from dashboard.case import ask_first, ask_second
from dashboard.drawing import stages, tokens
from dashboard.eta.own import FEWEST, from_answers
from tests.support.engine import engine


@pytest.fixture(scope="module")
def vlm():
    with engine(says={"Where in the picture": '{"box": [0, 0, 300, 300]}'}) as (url, _):
        yield load_vlm(f"openai:{url}#fake", look="ask", resolution=64)


@pytest.fixture(scope="module")
def case(vlm, tmp_path_factory):
    from PIL import Image

    path = tmp_path_factory.mktemp("picture") / "a.png"
    Image.effect_noise((300, 200), 60).convert("RGB").save(path)
    sessions = Sessions()
    asked = str(path), "What is it?", Gate("min_entropy", 0.0), Codec(), Codec()
    return ask_second(vlm, sessions, ask_first(vlm, sessions, *asked))


def test_both_stages_are_drawn_by_every_metric_that_is_told(case):
    for metric in case.transcript.scores:
        judged = case.judged(Gate(metric, METRICS[metric].threshold)).transcript
        assert stages.verdict(judged) and tokens.table(judged.first, judged.gate, "a")
        assert stages.second_stage(judged) and stages.notes(judged)


def test_a_metric_that_is_not_told_is_refused_in_a_sentence(case, vlm):
    with pytest.raises(ProtocolError, match="tell nothing of energy: set the gate on one of min"):
        case.judged(Gate("energy", 0.0))
    asked = case.image, "What is it?", Gate("energy", 0.0), Codec(), Codec()
    with pytest.raises(VLMError, match="doesn't tell what energy takes"):
        ask_first(vlm, Sessions(), *asked)


def test_answers_without_a_metric_set_no_threshold_on_it(case):
    answers = [case.transcript.scores] * FEWEST
    assert from_answers(answers, "energy") is None
    assert from_answers(answers, "min_entropy") is not None
