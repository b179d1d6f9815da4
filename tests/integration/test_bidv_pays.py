"""BIDV from the customer's app to the books: its stand-in calls the real server over HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
import requests
from werkzeug.serving import make_server

from backend.storage import payment_tables as tables
from backend.storage.database import Database
from payments.emulation.clock import EmulatedClock
from payments.ports import PaymentProvider
from payments.providers.bidv.emulator import (
    MERCHANT_NAME,
    PREFIX,
    SECRET,
    SERVICE_ID,
    BidvEmulator,
    Refused,
)
from payments.providers.bidv.provider import open_provider
from payments.secrets import Secret
from payments.vietqr import decode
from tests.conftest import SettableClock
from tests.factories.till import Till, open_till


@contextmanager
def open_bank(
    database: Database, clock: SettableClock, folder: Path, **changes: Any
) -> Iterator[tuple[Till, BidvEmulator]]:
    """A till whose bank is BIDV."""
    settings = {
        "service_id": SERVICE_ID,
        "secret": Secret(SECRET),
        "checksum": "hmac_bar",
        "merchant_name": MERCHANT_NAME,
        "qr": "virtual_account",
        "account_prefix": PREFIX,
        "callers": ["127.0.0.0/8"],
        **changes,
    }
    with open_till(database, clock, folder) as till:
        providers = cast("dict[str, PaymentProvider]", till.resources.providers)
        providers["bank"] = open_provider("bank", settings, clock=clock)
        server = make_server("127.0.0.1", 0, till.client.application, threaded=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            with BidvEmulator(
                callback_url=f"http://127.0.0.1:{server.server_port}/payments/bank",
                clock=EmulatedClock(clock),
            ) as bank:
                yield till, bank
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


@pytest.fixture
def both(
    database: Database, clock: SettableClock, tmp_path: Path
) -> Iterator[tuple[Till, BidvEmulator]]:
    with open_bank(database, clock, tmp_path) as both:
        yield both


def answers(bank: BidvEmulator) -> list[str]:
    """Of our server to each paybill, in order."""
    assert bank.callbacks.settle()
    return [
        json.loads(sending["answer"])["result_code"]
        for delivery in bank.callbacks.as_list()
        for sending in delivery["sendings"]
    ]


def test_a_customer_pays_by_the_code(both: tuple[Till, BidvEmulator]) -> None:
    till, bank = both
    till.bill(350_000)
    payment = till.start()
    qr = decode(payment["offer"]["qr_text"])
    assert qr.account == PREFIX + payment["code"]
    assert bank.look(qr.account).amount_vnd == 350_000

    (trans_id,) = bank.pay({"qr_text": payment["offer"]["qr_text"]})["trans_id"]
    assert answers(bank) == ["000"]
    assert till.show(payment)["stage"] == "paid"
    assert till.balances() == {"bank:bank": 350_000, "clearing": 350_000, "suspense": 0}

    bank.repeat({"trans_id": trans_id})
    assert answers(bank) == ["000", "000"]
    bank.pay_again({"trans_id": trans_id})
    assert answers(bank) == ["000", "000", "023"]
    assert [each["state"] for each in bank.payments()] == ["collected", "returned"]
    assert till.count(tables.Credit) == 1
    with pytest.raises(Refused, match="không có hóa đơn"):
        bank.look(payment["code"])
    with pytest.raises(Refused, match="Mã khách hàng"):
        bank.look("VP2345678")


def test_money_that_cannot_go_back_is_held(
    database: Database, clock: SettableClock, tmp_path: Path
) -> None:
    with open_bank(database, clock, tmp_path, refused_goes_back=False, bill_type="2") as (
        till,
        bank,
    ):
        till.bill(350_000)
        payment = till.start()
        (trans_id,) = bank.pay({"code": payment["code"], "amount": 200_000})["trans_id"]
        assert answers(bank) == ["000"]
        assert bank.look(payment["code"]).amount_vnd == 150_000
        bank.pay({"code": payment["code"]})
        assert answers(bank) == ["000", "000"]
        assert till.show(payment)["stage"] == "paid"
        bank.pay_again({"trans_id": trans_id})
        assert answers(bank)[-1] == "023"
        assert ("duplicate", "open", 200_000) in till.items()
        assert till.balances()["suspense"] == 200_000


def test_forged_calls_change_nothing(both: tuple[Till, BidvEmulator]) -> None:
    till, bank = both
    till.bill(350_000)
    payment = till.start()
    due = bank.look(payment["code"])
    body = {
        "trans_id": "T1",
        "customer_id": payment["code"],
        "service_id": SERVICE_ID,
        "bill_id": due.bill_id,
        "amount": "350000",
        "checksum": "AAAA",
    }
    told = requests.post(f"{bank.callback_url}/paybill", json=body, timeout=10)
    assert (told.status_code, told.json()["result_code"]) == (200, "004")
    bank.wrong_service = 1
    bank.pay({"code": payment["code"]})
    assert answers(bank) == ["006"]
    assert till.show(payment)["stage"] == "waiting"
    assert till.count(tables.Credit) == 0


def test_a_bill_that_was_cancelled_is_not_paid(both: tuple[Till, BidvEmulator]) -> None:
    till, bank = both
    till.bill(350_000)
    payment = till.start()
    till.post(f"/payments/{payment['id']}/cancel", {"reason": "cancelled"})
    with pytest.raises(Refused):
        bank.pay({"code": payment["code"]})
    assert till.count(tables.Credit) == 0


def test_calls_from_elsewhere_are_refused(
    database: Database, clock: SettableClock, tmp_path: Path
) -> None:
    with open_bank(database, clock, tmp_path, callers=["203.0.113.0/24"]) as (till, bank):
        till.bill()
        payment = till.start()
        with pytest.raises(Refused, match="đăng nhập"):
            bank.look(payment["code"])
