"""The stand-in's own behaviour; what it says to our server is in tests/contract and integration."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
import requests

from payments.emulation.frame import EmulatorRefused
from payments.models import Bill, BillLookup, CallbackRequest, Money, Outcome
from payments.providers.bidv.emulator import (
    CLIENT_ID,
    CLIENT_SECRET,
    MERCHANT_NAME,
    PREFIX,
    SECRET,
    SERVICE_ID,
    BidvEmulator,
    Refused,
)
from payments.providers.bidv.provider import BidvProvider, open_provider
from payments.secrets import Secret
from payments.vietqr import VietQr, encode
from tests.conftest import SettableClock
from tests.unit.payments.providers.bidv.factories import CODE, NOW


class House:
    """Knows one bill, and says of each payment what it is told to."""

    def __init__(self, provider: BidvProvider) -> None:
        self.provider = provider
        self.outcome = Outcome.APPLIED
        self.url = ""

    def answer(self, path: str, body: bytes) -> bytes:
        request = CallbackRequest(
            method="POST", path=path.strip("/"), headers={}, untrusted_body=body, received_at=NOW
        )
        read = self.provider.read_callback(request)
        if isinstance(read, BillLookup):
            bill = Bill(code=CODE, due=Money(350_000)) if read.code == CODE else None
            return self.provider.answer_bill(read, bill).body
        return self.provider.answer(read, self.outcome).body


@pytest.fixture
def house() -> Iterator[House]:
    settings = {
        "service_id": SERVICE_ID,
        "secret": Secret(SECRET),
        "checksum": "hmac_bar",
        "merchant_name": MERCHANT_NAME,
    }
    house = House(open_provider("bidv", settings, clock=SettableClock()))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            content = house.answer(self.path, body)
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    house.url = f"http://127.0.0.1:{server.server_port}"
    yield house
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def bank(house: House) -> Iterator[BidvEmulator]:
    with BidvEmulator(callback_url=house.url) as bank:
        yield bank


def control(bank: BidvEmulator, name: str, **arguments: Any) -> tuple[int, Any]:
    reply = requests.post(f"{bank.base_url}/_emu/{name}", json=arguments, timeout=10)
    return reply.status_code, reply.json()


def page(bank: BidvEmulator, **form: str) -> str:
    return requests.post(f"{bank.base_url}/app", data=form, timeout=20).text


def test_the_page_shows_a_bill_and_pays_it(bank: BidvEmulator, house: House) -> None:
    shown = page(bank, code=f"{PREFIX}{CODE.lower()}")
    assert "350.000 đ" in shown
    assert MERCHANT_NAME in shown
    assert "Đã thanh toán" in page(bank, code=CODE, step="pay")
    house.outcome = Outcome.ALREADY_SETTLED
    assert "Tiền đã trả lại" in page(bank, code=CODE, step="pay")
    assert [each["state"] for each in bank.payments()] == ["collected", "returned"]


def test_the_page_says_what_is_wrong_and_escapes_it(bank: BidvEmulator) -> None:
    shown = page(bank, code="<script>")
    assert "Mã khách hàng không đúng" in shown
    assert "<script>" not in shown.lower()
    assert "style=" not in shown
    shown_again = requests.get(f"{bank.base_url}/app", timeout=10)
    assert shown_again.headers["Content-Security-Policy"] == "default-src 'self'"
    assert shown_again.headers["Content-Type"].startswith("text/html")
    assert requests.get(f"{bank.base_url}/static/bidv_app.css", timeout=10).ok


def test_controls(bank: BidvEmulator) -> None:
    assert control(bank, "checksum", form="md5") == (200, {"checksum": "md5"})
    assert control(bank, "checksum", form="sha1")[0] == 400
    assert control(bank, "names", style="camel") == (200, {"names": "camel"})
    assert control(bank, "pay", code=CODE)[0] == 400  # we were not told of the other checksum
    control(bank, "checksum", form="hmac_bar")
    status, paid = control(bank, "pay", code=CODE, times=2)
    assert status == 200
    assert len(paid["trans_id"]) == 2
    assert control(bank, "look", code=CODE)[1]["amount_vnd"] == 350_000
    assert control(bank, "pay", code=CODE, amount=1)[0] == 400
    assert control(bank, "repeat", trans_id="T9")[0] == 400
    state = requests.get(f"{bank.base_url}/_emu/state", timeout=10).json()
    assert [each["trans_id"] for each in state["payments"]] == paid["trans_id"]


def test_a_qr_is_scanned(bank: BidvEmulator) -> None:
    account: dict[str, Any] = {"bin": "970418", "account": PREFIX + CODE, "dynamic": True}
    assert bank.pay({"qr_text": encode(VietQr(**account))})["trans_id"]
    for strange in (
        "nothing",
        encode(VietQr(**account | {"bin": "970437"})),
        encode(VietQr(**account | {"account": "1200000000001"})),
    ):
        with pytest.raises(Refused):
            bank.pay({"qr_text": strange})


def test_a_payment_that_fails_takes_nothing(bank: BidvEmulator) -> None:
    control(bank, "fail", n=1)
    assert control(bank, "pay", code=CODE)[0] == 400
    assert bank.payments() == []


def test_the_gate_keeps_to_its_rules(bank: BidvEmulator) -> None:
    token_url = f"{bank.base_url}/openapi/oauth2/token"
    form = {"grant_type": "client_credentials", "client_id": CLIENT_ID}
    assert requests.post(token_url, data=form, timeout=10).status_code == 401
    good = requests.post(token_url, data=form | {"client_secret": CLIENT_SECRET}, timeout=10)
    headers = {
        "Authorization": f"Bearer {good.json()['access_token']}",
        "Channel": "X",
        "User-Agent": "x",
        "X-API-Interaction-ID": "261120091530",
        "Timestamp": "2026-11-20T02:15:30.000Z",
    }
    gate = f"{bank.base_url}/open-banking/paygate/virtualAccount"
    account = {
        "secureCode": "wrong",
        "serviceId": SERVICE_ID,
        "merchantId": "DEMOMID",
        "merchantName": MERCHANT_NAME,
        "action": "1",
        "payerList": [],
    }

    def ask(path: str, body: Any, **changes: str) -> tuple[int, str]:
        reply = requests.post(gate + path, json=body, headers=headers | changes, timeout=10)
        return reply.status_code, reply.json().get("errorCode")

    assert ask("/payer/v1", account) == (200, "004")
    assert ask("/payer/v1", account | {"serviceId": "999"}) == (200, "006")
    assert ask("/genVietQR/v1", {"serviceId": SERVICE_ID}) == (200, "001")
    assert ask("/genVietQR/v1", {}, Channel="") == (200, "001")
    assert ask("/genVietQR/v1", {}, Authorization="Bearer x")[0] == 401
    bank.clock.advance(3_601)
    assert ask("/genVietQR/v1", {})[0] == 401


def test_it_refuses_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIEPDON_ENV", "production")
    with pytest.raises(EmulatorRefused):
        BidvEmulator()
