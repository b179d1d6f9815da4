"""What the page tells a bank to send is what the provider takes."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from payments.models import CallbackRequest, Money
from payments.providers.vietqr_bank.emulator import SECRET
from payments.providers.vietqr_bank.provider import open_provider
from payments.secrets import Secret
from tests.unit.payments.emulation.hospital import HospitalStandIn

PAGE = Path(__file__).parents[5] / "docs/how-to/thanh-toan-vietqr_bank.md"
SETTINGS = {
    "bin": "970418",
    "account": "1200000000001",
    "holder": "BENH VIEN MAU",
    "secret": Secret(SECRET),
}


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


def read(headers: dict[str, str], body: bytes, at: datetime) -> Money:
    provider = open_provider("bank", SETTINGS)
    request = CallbackRequest(
        method="POST", path="", headers=headers, untrusted_body=body, received_at=at
    )
    return provider.read_callback(request).credits[0].amount


def test_the_figures_to_compare_with() -> None:
    body, signature = block("text").splitlines()
    headers = {"x-feed-timestamp": "1795140930", "x-feed-signature": signature}
    moment = datetime(2026, 11, 20, 2, 15, 30, tzinfo=UTC)
    assert read(headers, body.encode(), moment) == Money(350_000)


def test_the_program_on_the_page() -> None:
    names: dict[str, Any] = {}
    exec(block("python"), names)
    news = {
        "event": "credit",
        "transaction_id": "T1",
        "account": "1200000000001",
        "amount": 5_000,
        "booked_at": "2026-11-20T09:15:29+07:00",
        "memo": "Đóng viện phí",
    }
    with HospitalStandIn() as hospital:
        assert names["gui_tin"](hospital.url, SECRET.encode(), news) == 200
    [(_, _, headers, body)] = hospital.seen
    assert read(headers, body, datetime.now(UTC)) == Money(5_000)
