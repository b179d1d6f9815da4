from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import requests
from flask import Flask, request

from payments.emulation.callbacks import Message, RetryPlan
from payments.emulation.frame import Control, Emulator, EmulatorRefused
from payments.errors import BrokenReply, OutcomeUnknown, Unavailable
from payments.http import HttpClient
from tests.unit.payments.emulation.hospital import HospitalStandIn


class TillEmulator(Emulator):
    """The smallest provider there could be."""

    party = "till"
    retry_plan = RetryPlan(at_s=(0, 60))

    def add_routes(self, app: Flask) -> None:
        self.asked = 0

        @app.post("/orders")
        def create() -> dict[str, int]:
            request.get_data()
            self.asked += 1
            return {"asked": self.asked}

    def controls(self) -> Mapping[str, Control]:
        return {"pay": self.pay}

    def pay(self, arguments: dict[str, Any]) -> dict[str, Any]:
        amount = int(arguments["amount"])
        url = self.callback_url
        self.callbacks.add(
            "order", lambda: None if url is None else Message(url=url, body=b"%d" % amount)
        )
        return {"paid": amount}

    def describe(self) -> dict[str, Any]:
        return {"asked": self.asked}


@pytest.fixture
def till() -> Iterator[TillEmulator]:
    with TillEmulator(seed=3) as emulator:
        yield emulator


def control(till: Emulator, name: str, **arguments: object) -> requests.Response:
    return requests.post(f"{till.base_url}/_emu/{name}", json=arguments, timeout=10)


def test_it_refuses_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIEPDON_ENV", "production")
    with pytest.raises(EmulatorRefused):
        TillEmulator()


def test_it_listens_on_this_machine_only(till: TillEmulator) -> None:
    assert till.base_url.startswith("http://127.0.0.1:")
    assert till._server.server_address[0] == "127.0.0.1"


def test_a_payment_reaches_the_hospital(till: TillEmulator) -> None:
    with HospitalStandIn() as hospital:
        assert control(till, "callback_url", url=hospital.url + "/").ok
        assert control(till, "pay", amount=5000).json() == {"paid": 5000}
        assert control(till, "settle").json() == {"settled": True}
    assert hospital.bodies == ["5000"]
    state = requests.get(f"{till.base_url}/_emu/state", timeout=5).json()
    assert [each["state"] for each in state["callbacks"]] == ["accepted"]


def test_where_our_server_is_may_stand_in_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TIEPDON_CALLBACK_URL", "http://127.0.0.1:1/payments/x")
    with TillEmulator() as emulator:
        assert emulator.callback_url == "http://127.0.0.1:1/payments/x"


def test_switches_over_http(till: TillEmulator) -> None:
    assert control(till, "slow", ms=5).json()["faults"]["slow"] == 5
    assert requests.post(f"{till.base_url}/_emu/duplicate?n=2", timeout=5).ok
    assert requests.post(f"{till.base_url}/_emu/http_500", data={"n": "1"}, timeout=5).ok
    assert (till.faults.duplicate, till.faults.http_500) == (2, 1)
    assert control(till, "reset").ok
    assert (till.faults.slow, till.faults.duplicate, till.faults.http_500) == (0, 0, 0)


def test_the_clock_over_http(till: TillEmulator) -> None:
    before = till.clock()
    assert control(till, "advance_clock", s=3600).ok
    assert (till.clock() - before).total_seconds() >= 3600
    assert control(till, "speed", x=60).json() == {"speed": 60}


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("nothing", "{}"),
        ("slow", '{"ms": "x"}'),
        ("slow", "[1]"),
        ("slow", "{"),
        ("slow", '{"ms":' + "[" * 5_000),
        ("pay", "{}"),
        ("pay", '{"amount": []}'),
        ("advance_clock", '{"s": -1}'),
        ("advance_clock", '{"s": 1e999}'),
        ("callback_url", '{"url": "ftp://x"}'),
        ("replay", '{"id": 77}'),
        ("settle", '{"s": "x"}'),
    ],
)
def test_wrong_control_is_told_and_changes_nothing(
    till: TillEmulator, name: str, body: str
) -> None:
    answer = requests.post(
        f"{till.base_url}/_emu/{name}",
        data=body,
        headers={"Content-Type": "application/json"},
        timeout=5,
    )
    assert answer.status_code == 400
    assert "error" in answer.json()


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Host": "evil.example"},
        {"Host": "evil.example", "Origin": "http://evil.example"},
    ],
)
def test_pages_of_others_may_not_steer_it(till: TillEmulator, headers: dict[str, str]) -> None:
    answer = requests.post(
        f"{till.base_url}/_emu/pay", data={"amount": 1}, headers=headers, timeout=5
    )
    assert answer.status_code == 403
    own = {"Origin": till.base_url}
    assert requests.post(f"{till.base_url}/_emu/pay?amount=1", headers=own, timeout=5).ok


def test_large_requests_are_refused(till: TillEmulator) -> None:
    answer = requests.post(f"{till.base_url}/orders", data=b"x" * 1_000_001, timeout=5)
    assert answer.status_code == 413
    assert till.asked == 0


def test_what_goes_wrong_with_replies_reaches_the_client(till: TillEmulator) -> None:
    client = HttpClient(till.base_url, read_s=3)

    def create() -> int:
        return client.ask("POST", "/orders", writes=True, json_body={}).status

    till.faults.http_500 = 1
    with pytest.raises(OutcomeUnknown):
        create()
    assert till.asked == 0, "nothing was done, and nobody can tell from here"
    till.faults.lose_reply = 1
    with pytest.raises(OutcomeUnknown):
        create()
    assert till.asked == 1, "it was done"
    till.faults.html = 1
    with pytest.raises(BrokenReply):
        client.ask("POST", "/orders", writes=True, json_body={}).read_json()
    till.faults.oversized = 1
    with pytest.raises(BrokenReply):
        create()
    till.faults.truncated = 1
    with pytest.raises((OutcomeUnknown, BrokenReply)):
        client.ask("POST", "/orders", writes=True, json_body={}).read_json()
    till.faults.slow = 3_500
    with pytest.raises(OutcomeUnknown):
        create()
    with pytest.raises(Unavailable):
        client.ask("GET", "/orders", writes=False)
    assert control(till, "reset").elapsed.total_seconds() < 3, "control is never slow"
    assert create() == 200
    client.close()


def test_unknown_paths_are_json(till: TillEmulator) -> None:
    answer = requests.get(f"{till.base_url}/nowhere", timeout=5)
    assert (answer.status_code, answer.json()) == (404, {"error": "Not Found"})


def test_nothing_of_a_request_is_logged(
    till: TillEmulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    requests.get(f"{till.base_url}/orders/NGUYEN-VAN-MAU?memo=secret", timeout=5)
    requests.post(f"{till.base_url}/orders?memo=secret", timeout=5)
    ours = [each for each in caplog.records if not each.name.startswith("urllib3")]
    written = json.dumps([each.__dict__ for each in ours], default=str)
    assert "secret" not in written
    assert "NGUYEN" not in written
