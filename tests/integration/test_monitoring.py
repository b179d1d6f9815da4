"""Figures and rules for the hospital's own monitoring, against a running server; full logs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from sqlalchemy import select

from backend.domain.alerts import AlertKind
from backend.services.raise_alert import raise_alert
from backend.storage.fleet_tables import Alert
from tiepdon.demo.alerts import write_config
from tiepdon.demo.hall import open_records
from tiepdon.demo.server import DemoServer

FOLDER = Path(__file__).parents[2] / "deploy/monitoring"
SUFFIXES = {"histogram": ("_bucket", "_count", "_sum"), "counter": ("",), "gauge": ("",)}
SECRETS = ("0.1.0", "sqlite", "Traceback", "gunicorn", "werkzeug", "Python", "/work", "token")

OF_THE_WORKER = (
    'tiepdon_processes{kind="worker"} 1.0',
    'tiepdon_job_runs_total{name="watch_server"}',
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoServer]:
    folder = tmp_path_factory.mktemp("monitored")
    config = write_config(folder)
    with DemoServer(folder, environment={"TIEPDON_ALERTS_CONFIG": str(config)}) as server:
        yield server


def read_metrics(server: DemoServer) -> str:
    reply = requests.get(f"{server.address}/metrics", timeout=10)
    reply.raise_for_status()
    return reply.text


def exported(text: str) -> set[str]:
    found: set[str] = set()
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE):
        found |= {name + suffix for suffix in SUFFIXES[kind]}
    return found


def read_rules() -> list[dict[str, Any]]:
    document = yaml.safe_load((FOLDER / "tiepdon.rules.yml").read_text(encoding="utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def read_panels() -> list[dict[str, Any]]:
    board = json.loads((FOLDER / "grafana-dashboard.json").read_text(encoding="utf-8"))
    panels: list[dict[str, Any]] = board["panels"]
    return panels


def names_in(expression: str) -> set[str]:
    return set(re.findall(r"\btiepdon_\w+", expression))


def test_every_figure_that_rules_and_dashboard_use_is_exported(server: DemoServer) -> None:
    expressions = [rule["expr"] for rule in read_rules()]
    expressions += [target["expr"] for panel in read_panels() for target in panel["targets"]]
    used = set().union(*map(names_in, expressions))
    assert len(used) > 15
    assert used - exported(read_metrics(server)) == set()


def test_every_rule_says_what_is_wrong_and_what_to_do() -> None:
    alerts = [rule for rule in read_rules() if "alert" in rule]
    assert len({rule["alert"] for rule in alerts}) == len(alerts) > 10
    for rule in alerts:
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["description"].endswith(".")


def test_panels_have_titles_and_a_place_of_their_own() -> None:
    cells: set[tuple[int, int]] = set()
    for panel in read_panels():
        assert panel["title"]
        place = panel["gridPos"]
        mine = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & mine, panel["title"]
        assert max(x for x, _ in mine) < 24
        cells |= mine


def test_the_example_names_our_rules() -> None:
    document = yaml.safe_load((FOLDER / "prometheus.yml").read_text(encoding="utf-8"))
    assert document["rule_files"] == ["/etc/prometheus/tiepdon.rules.yml"]
    assert document["scrape_configs"][0]["job_name"] == "tiepdon"


@pytest.mark.skipif(shutil.which("promtool") is None, reason="Debian's prometheus is not here")
def test_promtool_takes_the_rules() -> None:
    rules = str(FOLDER / "tiepdon.rules.yml")
    subprocess.run(["promtool", "check", "rules", rules], check=True, capture_output=True)


def test_one_answer_for_all_processes(server: DemoServer) -> None:
    """Whichever process is asked: counters of the others are in it within a quarter minute."""
    pattern = re.compile(r'_count\{method="GET",route="/healthz",status="200"\} (\d+)')
    before = pattern.search(read_metrics(server))
    for _ in range(40):
        requests.get(f"{server.address}/healthz", timeout=10)
    deadline = time.monotonic() + 40
    expected = (int(before[1]) if before else 0) + 40
    while True:
        text = read_metrics(server)
        found = pattern.search(text)
        is_all = found is not None and int(found[1]) >= expected
        if is_all and all(line in text for line in OF_THE_WORKER):
            return
        assert time.monotonic() < deadline, found
        time.sleep(1)


@pytest.mark.parametrize(
    "path", ["/healthz", "/readyz", "/nowhere", "/staff/nowhere", "/api/v1/nowhere", "/d/x", "/t/x"]
)
def test_health_pages_and_errors_tell_nothing_of_the_house(server: DemoServer, path: str) -> None:
    reply = requests.get(f"{server.address}{path}", timeout=10, allow_redirects=False)
    assert reply.headers["Server"] == "gunicorn", "a name without a version; nginx hides it"
    headers = {k: v for k, v in reply.headers.items() if k not in {"Server", "Set-Cookie"}}
    told = f"{reply.text} {headers}"
    assert [word for word in SECRETS if word.lower() in told.lower()] == []


def test_a_disk_full_of_logs_ends_nothing_and_it_is_told(tmp_path: Path) -> None:
    """Everything the server writes to its log goes to a device that has no room."""
    config = write_config(tmp_path)
    server = DemoServer(tmp_path, environment={"TIEPDON_ALERTS_CONFIG": str(config)})
    log = tmp_path / "server.log"
    log.symlink_to("/dev/full")
    with server:
        assert requests.get(f"{server.address}/staff/login", timeout=10).status_code == 200
        with open_records(server.database_url) as database:
            with database.write() as unit:  # nobody takes it, which is written to the log
                raise_alert(unit, AlertKind.TOO_HOT, subject="kiosk:1")
            query = select(Alert.subject).where(Alert.kind == AlertKind.LOGS_UNWRITABLE)
            deadline = time.monotonic() + 90
            while True:
                with database.read() as connection:
                    subject = connection.scalar(query)
                if subject is not None:
                    break
                assert time.monotonic() < deadline
                time.sleep(0.5)
        assert subject.startswith("server:")
        assert requests.get(f"{server.address}/readyz", timeout=10).status_code == 200


@pytest.mark.skipif(shutil.which("promtool") is None, reason="Debian's prometheus is not here")
def test_promtool_reads_the_figures(server: DemoServer) -> None:
    """As Prometheus itself reads them; its advice on names is no fault."""
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=read_metrics(server), text=True, check=False,
        capture_output=True,
    )  # fmt: skip
    assert "error while linting" not in checked.stderr
