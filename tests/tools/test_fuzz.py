"""Hostile input: requests made from the OpenAPI description, and some of `tools.fuzz`."""

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode

from core.server.app import create_app
from core.server.limits import Limits
from core.uncertainty import Gate
from tests.support.pixels import PixelVLM
from tests.support.serving import serving
from tools.fuzz import fuzz

SOMETIMES = Gate("min_entropy", 1.3)


TOKEN = {"Authorization": "Bearer secret"}


def operations(tokens):
    """Each operation of the description, by its method and path."""
    app = create_app(PixelVLM(), SOMETIMES, Limits(rate=0), tokens)
    found = schemathesis.openapi.from_asgi("/openapi.json", app).get_all_operations()
    return {operation.ok().label: operation.ok() for operation in found}


OPEN, GUARDED = operations([]), operations(["secret"])
POSITIVE, NEGATIVE = GenerationMode
# Random bytes are rarely an image: most of what the description allows has to be refused.
UNFIT = [schemathesis.checks.CHECKS.get_one("positive_data_acceptance")]


@pytest.mark.parametrize(
    ("operation", "mode", "headers"),
    [
        *(pytest.param(each, POSITIVE, {}, id=label) for label, each in OPEN.items()),
        *(
            pytest.param(each, NEGATIVE, {}, id=f"{label} broken")
            for label, each in OPEN.items()
            if label.startswith("POST")  # the others take nothing that could be wrong
        ),
        *(
            pytest.param(each, POSITIVE, TOKEN, id=f"{label} with a token")
            for label, each in GUARDED.items()
        ),
    ],
)
def test_whatever_is_sent_is_answered_as_described(operation, mode, headers):
    """Requests that fit the description or break it: no 5xx, no status or body that it lacks."""

    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
    @given(operation.as_strategy(generation_mode=mode))
    def attempt(case):
        case.call_and_validate(headers=headers, excluded_checks=UNFIT)

    attempt()


def test_a_short_run_of_the_fuzzer():
    limits = Limits(rate=0, stall_seconds=0.5)
    with serving(SOMETIMES, limits) as (url, app):
        findings = fuzz(url, requests=250, images=120, seed=1)
        again = fuzz(url, requests=5, images=0)  # still there
    assert findings.faults == again.faults == []
    assert findings.slowest < 5
    assert sum(findings.statuses.values()) == 370
    # Not all was turned away at the door: damaged images reach the decoders, and some the model.
    for status in ("200", "400", "404", "410", "413", "415", "422"):
        assert findings.statuses[status] > 0, status
    service = app.state.service
    assert (len(service.queue), service.queue.working) == (0, 0)
