"""Alarms and the dashboard read what /metrics gives, in words that Prometheus and Grafana know."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from core.edge.device import Edge
from core.policies.shared import LinkTerms
from core.server.app import create_app
from core.server.limits import Limits
from core.server.watch.telemetry import SECONDS
from core.uncertainty import Gate
from tests.core.server.test_promise import ask, served
from tests.support.pixels import SIDE, PixelVLM, picture
from tests.support.serving import COMPACT

OPS = Path(__file__).parents[2] / "ops"
DASHBOARD = json.loads((OPS / "dashboard.json").read_text())
RULES = [rule for group in yaml.safe_load((OPS / "alerts.yml").read_text())["groups"]
         for rule in group["rules"]]  # fmt: skip
EXPRESSIONS = [rule["expr"] for rule in RULES] + [
    target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ())
]
PARTS = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
OF_PROMETHEUS = {"up": set()}  # it notes itself whether a server answers


@pytest.fixture(scope="module")
def given():
    """The names in /metrics, each with the labels that it was seen with; {} where it wasn't yet."""
    promising = served()
    ask(promising)
    sharing = TestClient(create_app(
        PixelVLM(), Gate("min_entropy", 9.0), Limits(rate=0), link=LinkTerms(1e9, 5.0, "skip_late")
    ))  # fmt: skip
    edge = Edge(picture())
    message = edge.question("What?", edge.resize((SIDE, SIDE)))
    sharing.post("/v1/questions", content=message.to_bytes(), headers=COMPACT)
    names = dict(OF_PROMETHEUS)
    for client in (promising, sharing):
        for family in text_string_to_metric_families(client.get("/metrics").text):
            for part in PARTS.get(family.type, ()):
                names.setdefault(family.name + part, set())
            for sample in family.samples:
                names.setdefault(sample.name, set()).update(sample.labels)
    return names


def test_counts_begin_with_zero():
    """Of a count that begins with its first event, that event is in no rate."""
    app = create_app(
        PixelVLM(), Gate("min_entropy", 9.0), Limits(rate=0), link=LinkTerms(1e9, 5.0, "skip_late")
    )
    text = TestClient(app).get("/metrics").text
    for name in (
        'questions_total{asked="yes"}', 'questions_total{asked="no"}',
        'replies_total{kind="answer"}', 'replies_total{kind="crop request"}',
        'local_images_skipped_total{why="late"}', 'local_images_skipped_total{why="dear"}',
    ):  # fmt: skip
        assert f"second_look_{name} 0.0" in text


def selectors(expression):
    """Yield each name of a metric in PromQL, and the labels that it is selected by."""
    for name, braces in re.findall(
        r"\b((?:second_look|process)_\w+|up)\b(?:\{([^}]*)\})?", expression
    ):
        yield name, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", braces))


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_metric_and_label_is_given(expression, given):
    found = list(selectors(expression))
    assert found
    for name, labels in found:
        assert name in given, name
        seen = given[name] | {"job", "instance"}  # put there by Prometheus
        assert not given[name] or labels <= seen, (name, labels - seen)


def test_names_are_found_where_they_are():
    found = list(selectors('sum by (le) (rate(second_look_x_bucket{a="1",b=~"2"}[5m])) > up'))
    assert found == [("second_look_x_bucket", {"a", "b"}), ("up", set())]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_expression_is_promql(expression):
    promql = pytest.importorskip("promql_parser")
    promql.parse(expression.replace("$__rate_interval", "5m"))


def test_thresholds_lie_where_seconds_are_counted():
    """Between the bounds of a histogram a quantile is a guess."""
    slow = next(rule["expr"] for rule in RULES if rule["alert"] == "SecondLookSlow")
    assert float(slow.split(">")[-1]) in SECONDS


def test_every_alarm_says_what_is_wrong_and_is_explained():
    runbook = (OPS.parent / "docs" / "operations.md").read_text()
    for rule in RULES:
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert "$labels.instance" in rule["annotations"]["summary"]
        assert f"`{rule['alert']}`" in runbook


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool isn't installed")
def test_alarms_ring_when_they_should(tmp_path):
    text = (Path(__file__).parent / "alerts.yml").read_text()
    file = tmp_path / "tests.yml"
    file.write_text(text.replace("RULES", str(OPS / "alerts.yml")))
    done = subprocess.run(
        ["promtool", "test", "rules", file], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dashboard_is_as_grafana_has_it():
    """Read into Grafana's own types and written again, nothing is lost: each field is known."""
    pytest.importorskip("grafana_foundation_sdk")
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.cog.plugins import register_default_plugins
    from grafana_foundation_sdk.models.dashboard import Dashboard

    register_default_plugins()
    read = json.loads(json.dumps(Dashboard.from_json(DASHBOARD), cls=JSONEncoder))
    assert list(lost(DASHBOARD, read)) == []
    stray = DASHBOARD | {"panles": []}
    read = json.loads(json.dumps(Dashboard.from_json(stray), cls=JSONEncoder))
    assert list(lost(stray, read)) == ["/panles"]


def lost(before, after, path=""):
    """Yield where `after` lacks what `before` had."""
    if isinstance(before, dict):
        for name, value in before.items():
            if name not in after:
                yield f"{path}/{name}"
            else:
                yield from lost(value, after[name], f"{path}/{name}")
    elif isinstance(before, list):
        if len(before) != len(after):
            yield path
        for number, (one, other) in enumerate(zip(before, after, strict=False)):
            yield from lost(one, other, f"{path}/{number}")
    elif before != after:
        yield path


def test_panels_lie_side_by_side():
    taken, ids = set(), [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"])
                 for y in range(at["y"], at["y"] + at["h"])}  # fmt: skip
        assert not taken & cells and max(x for x, _ in cells) < 24
        taken |= cells
