"""The FHIR server of somebody else: it says why it cannot run, and leaves nothing running."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from tiepdon.demo.fhir_server import process
from tiepdon.demo.fhir_server.process import FhirServer, FhirServerError

_RUNS_IT = """
import time
from tiepdon.demo.fhir_server.process import FhirServer
with FhirServer() as server:
    print(server.base_url, flush=True)
    time.sleep(600)
"""


def test_without_node_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(process, "_NODE", tmp_path / "node")
    with pytest.raises(FhirServerError, match="needs node: make setup"):
        FhirServer()


def test_without_its_packages_it_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(process, "FOLDER", tmp_path)
    with pytest.raises(FhirServerError, match="packages are missing: make setup"):
        FhirServer()


def test_one_that_does_not_start_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "node_modules").mkdir()
    monkeypatch.setattr(process, "FOLDER", tmp_path)
    with pytest.raises(FhirServerError, match="did not start"), FhirServer():
        pass


@pytest.mark.slow
def test_it_ends_with_whoever_started_it() -> None:
    starter = subprocess.Popen([sys.executable, "-c", _RUNS_IT], stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    address = starter.stdout.readline().strip()
    assert requests.get(f"{address}/metadata", timeout=10).ok
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    starter.stdout.close()
    end_s = time.monotonic() + 30
    while time.monotonic() < end_s:
        try:
            requests.get(f"{address}/metadata", timeout=10)
        except requests.ConnectionError:
            return
        time.sleep(0.1)
    pytest.fail("the server goes on without its starter")
