"""The stand-in's own rules; what it says to us is in tests/contract/test_hdbank.py."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests

from payments.emulation.frame import EmulatorRefused
from payments.providers.hdbank.emulator import MERCHANT_ID, SECRET, HdbankEmulator
from payments.providers.hdbank.invoices import write_time
from payments.providers.hdbank.signing import pack, sign


@pytest.fixture
def bank() -> Iterator[HdbankEmulator]:
    with HdbankEmulator() as bank:
        yield bank


def ask(bank: HdbankEmulator, *, secret: str = SECRET, **changes: Any) -> str:
    content = {
        "merchantId": MERCHANT_ID,
        "invoiceId": "VP26AB7K9-1",
        "type": "vietqr",
        "transactionAmount": 350_000,
        "transactionTime": write_time(bank.clock()),
        **changes,
    }
    data = pack(content)
    body = {"data": data, "sign": sign(data, secret.encode(), "hex")}
    reply = requests.post(f"{bank.base_url}/payments/qrCode", json=body, timeout=10)
    return str(reply.json()["code"])


def test_its_rules(bank: HdbankEmulator) -> None:
    late = write_time(bank.clock() - timedelta(seconds=70))
    assert ask(bank) == ask(bank) == "00"
    assert ask(bank, transactionAmount=1_000) == "05"
    assert ask(bank, secret="other") == "01"
    assert ask(bank, transactionTime=late) == "04"
    assert ask(bank, merchantId="0") == "04"
    assert ask(bank, type="other") == "04"
    assert ask(bank, transactionAmount=0) == "04"
    bank.faults.clock_skew = 120
    assert ask(bank) == "04"


def test_controls(bank: HdbankEmulator) -> None:
    ask(bank)

    def control(name: str, **arguments: Any) -> int:
        url = f"{bank.base_url}/_emu/{name}"
        return requests.post(url, json=arguments, timeout=10).status_code

    assert control("pay", ref="VP26AB7K9-1", times=2) == 200
    assert control("pay", ref="nobody") == 400
    assert control("fail_payment", ref="VP26AB7K9-1") == 200
    assert control("qr_form", form="text") == 200
    assert control("qr_form", form="gif") == 400
    assert control("sign_form", form="base64") == 200
    (invoice,) = requests.get(f"{bank.base_url}/_emu/state", timeout=10).json()["invoices"]
    assert [each["paidAmount"] for each in invoice["paid"]] == [350_000, 350_000]


def test_the_pages_of_the_payer(bank: HdbankEmulator) -> None:
    ask(bank)
    one = f"{bank.base_url}/pay/VP26AB7K9-1"
    assert "350.000 đ" in requests.get(f"{bank.base_url}/", timeout=10).text
    assert "chưa trả" in requests.get(one, timeout=10).text
    assert "đã trả" in requests.post(one, data={"action": "confirm"}, timeout=10).text
    assert requests.post(one, data={"action": "refuse"}, timeout=10).ok
    assert requests.get(f"{bank.base_url}/payer/payer.css", timeout=10).ok
    assert requests.get(f"{bank.base_url}/pay/nobody", timeout=10).status_code == 404
    assert requests.post(f"{bank.base_url}/pay/nobody", timeout=10).status_code == 404
    assert requests.post(one, data={"amount": "x"}, timeout=10).status_code == 409


def test_a_qr_is_scanned(bank: HdbankEmulator) -> None:
    ask(bank)
    text = bank.describe()["invoices"][0]["qr"]
    assert len(bank.pay({"qr_text": text})["transactionId"]) == 1
    with pytest.raises(LookupError):
        bank.pay({"qr_text": text[:-1]})


def test_it_refuses_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIEPDON_ENV", "production")
    with pytest.raises(EmulatorRefused):
        HdbankEmulator()
