"""A real Prometheus scrapes two servers, and can answer what dashboard and alarms ask."""

import json
import shutil
import socket
import subprocess
import time

import httpx
import pytest

from core.edge.client import Client
from core.policies.shared import LinkTerms
from core.server.limits import Limits
from core.uncertainty import Gate
from tests.core.server.test_promise import CERTIFICATE
from tests.ops.test_watching import DASHBOARD, OPS
from tests.support.pixels import picture
from tests.support.serving import serving

pytestmark = pytest.mark.skipif(not shutil.which("prometheus"), reason="Prometheus isn't installed")
TARGETS = [
    pytest.param(target["expr"], id=f"{panel['title']} {number}")
    for panel in DASHBOARD["panels"]
    for number, target in enumerate(panel.get("targets", ()), 1)
]


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory):
    """Yield its URL, and the two servers that it has scraped some times."""
    folder = tmp_path_factory.mktemp("prometheus")
    link = LinkTerms(1e9, 5.0, "skip_late")
    ask = Gate("min_entropy", 0.0)
    with (
        serving(certificate=CERTIFICATE) as (promising, _),
        serving(ask, Limits(rate=0), link=link) as (sharing, _),
        socket.create_server(("127.0.0.1", 0)) as free,
    ):
        port = free.getsockname()[1]
        free.close()
        servers = [url.removeprefix("http://") for url in (promising, sharing)]
        config = {
            "global": {"scrape_interval": "500ms", "scrape_timeout": "400ms",
                       "evaluation_interval": "1s"},
            "rule_files": [str(OPS / "alerts.yml")],
            "scrape_configs": [
                {"job_name": "second-look", "static_configs": [{"targets": servers}]}
            ],
        }  # fmt: skip
        (folder / "prometheus.yml").write_text(json.dumps(config))  # which is YAML, too
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(
                ["prometheus", f"--config.file={folder / 'prometheus.yml'}",
                 f"--storage.tsdb.path={folder / 'data'}",
                 f"--web.listen-address=127.0.0.1:{port}"],
                stdout=log, stderr=log,
            )  # fmt: skip
        try:
            url = f"http://127.0.0.1:{port}/api/v1"
            with httpx.Client(timeout=10, trust_env=False) as http:
                scraped(http, url, 2, servers)
                for server in servers:
                    with Client(f"http://{server}") as client:
                        client.ask(picture(), "What is bright?")
                scraped(http, url, 3, servers)
                yield http, url, servers
        finally:
            process.terminate()
            process.wait(30)


def scraped(http, url, times, servers):
    """Wait until each server was scraped so many times more."""
    begin = time.time()
    for _ in range(300):
        time.sleep(0.1)
        try:
            if http.get(f"{url[:-7]}/-/ready").status_code != 200:
                continue
        except httpx.TransportError:
            continue
        seconds = int(time.time() - begin)
        found = query(http, url, f"count_over_time(up[{max(1, seconds)}s])")
        if len(found) == len(servers) and all(int(one["value"][1]) > times for one in found):
            return
    raise AssertionError("Prometheus doesn't scrape")


def query(http, url, expression):
    said = http.get(f"{url}/query", params={"query": expression}).json()
    assert said["status"] == "success", said
    return said["data"]["result"]


@pytest.mark.parametrize("expression", TARGETS)
def test_every_panel_has_something_to_show(prometheus, expression):
    http, url, servers = prometheus
    asked = expression.replace("$__rate_interval", "1m").replace("$instance", "|".join(servers))
    assert query(http, url, asked)


def test_the_choice_of_servers_has_them(prometheus):
    http, url, servers = prometheus
    said = http.get(f"{url}/label/instance/values", params={"match[]": "second_look_ready"}).json()
    assert sorted(said["data"]) == sorted(servers)


def test_every_alarm_can_be_reckoned(prometheus):
    http, url, _ = prometheus
    rules = [rule for group in http.get(f"{url}/rules").json()["data"]["groups"]
             for rule in group["rules"]]  # fmt: skip
    assert rules and {rule["health"] for rule in rules} == {"ok"}
