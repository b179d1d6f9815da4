"""The emulated HIS answers whatever it is sent, in FHIR."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from his_adapter.demo.gateway import open_demo
from his_adapter.errors import GatewayMisconfigured, LoginFailed
from his_adapter.fhir_r4.emulator import TOKEN_LIVES_S, FhirEmulator
from his_adapter.fhir_r4.gateway import open_gateway
from his_adapter.testing import fill_demo_folder
from tests.contract.his_harness import MONDAY_MORNING


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FhirEmulator]:
    folder: Path = tmp_path_factory.mktemp("emulator")
    fill_demo_folder(folder, now=MONDAY_MORNING)
    his = open_demo(folder, clock=lambda: MONDAY_MORNING)
    with FhirEmulator(his, clock=lambda: MONDAY_MORNING) as running:
        yield running
    his.close()


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/metadata", None, 200),
        ("GET", "/Patient/P999999", None, 404),
        ("GET", "/Patient/%00", None, 404),
        ("GET", "/Nonsense/x", None, 404),
        ("GET", "/Nonsense", None, 404),
        ("POST", "/Patient", b"{", 400),
        ("POST", "/Patient", b"[]", 400),
        ("POST", "/Patient", b"{}", 400),
        ("POST", "/Patient", b'{"resourceType":"Patient","name":[{"text":"1234"}]}', 422),
        ("POST", "/Encounter", b"{}", 400),
        ("POST", "/Appointment", b"{}", 400),
        ("POST", "/PaymentNotice", b'{"amount":{"value":1}}', 422),
        ("POST", "/Location", b"{}", 405),
        ("POST", "/Patient/$match", b"{}", 400),
        ("PUT", "/Patient/P000001", b"{}", 400),
        ("DELETE", "/Patient/P000001", None, 405),
        ("POST", "", b'{"resourceType":"Bundle","entry":[]}', 422),
        ("PATCH", "/Patient/P000001", b"[]", 400),
    ],
)
def test_strange_requests_get_an_answer_in_fhir(
    emulator: FhirEmulator, method: str, path: str, body: bytes | None, status: int
) -> None:
    response = requests.request(
        method,
        emulator.base_url + path,
        data=body,
        headers={"Content-Type": "application/fhir+json"},
        timeout=10,
    )
    document: dict[str, Any] = response.json()
    assert (response.status_code, response.headers["Content-Type"]) == (
        status,
        "application/fhir+json; charset=utf-8",
    )
    wanted = "CapabilityStatement" if status == 200 else "OperationOutcome"
    assert document["resourceType"] == wanted


def test_it_refuses_production(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill_demo_folder(tmp_path, now=MONDAY_MORNING)
    his = open_demo(tmp_path, clock=lambda: MONDAY_MORNING)
    monkeypatch.setenv("TIEPDON_ENV", "production")
    with pytest.raises(GatewayMisconfigured):
        FhirEmulator(his)


def test_it_is_on_loopback_only(emulator: FhirEmulator) -> None:
    assert emulator._server.server_address[0] == "127.0.0.1"


def test_a_token_ends_and_the_adapter_gets_another(tmp_path: Path) -> None:
    fill_demo_folder(tmp_path / "his", now=MONDAY_MORNING)
    his = open_demo(tmp_path / "his", clock=lambda: MONDAY_MORNING)
    secret, wrong = tmp_path / "secret", tmp_path / "wrong"
    secret.write_text("an invented secret\n", encoding="utf-8")
    wrong.write_text("another secret\n", encoding="utf-8")
    now = MONDAY_MORNING
    with FhirEmulator(his, clock=lambda: now, client_secret_file=secret) as emulator:
        gateway = open_gateway(emulator.settings)
        assert gateway.list_departments().items
        now += timedelta(seconds=TOKEN_LIVES_S)
        assert gateway.list_rooms().items
        gateway.close()
        auth = {**emulator.settings["auth"], "client_secret_file": str(wrong)}
        stranger = open_gateway({**emulator.settings, "auth": auth})
        with pytest.raises(LoginFailed):
            stranger.list_departments()
        stranger.close()
        assert requests.get(f"{emulator.base_url}/Location", timeout=10).status_code == 401
        assert requests.get(f"{emulator.base_url}/metadata", timeout=10).status_code == 200
    his.close()
