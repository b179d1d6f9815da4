"""HDBank from the QR to the books: its stand-in calls the real server over HTTP, by GET."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import cast

from werkzeug.serving import make_server

from backend.storage.database import Database
from payments.emulation.clock import EmulatedClock
from payments.ports import PaymentProvider
from payments.providers.hdbank.emulator import MERCHANT_ID, PREFIX, SECRET, HdbankEmulator
from payments.providers.hdbank.provider import open_provider
from payments.secrets import Secret
from tests.conftest import SettableClock
from tests.factories.till import open_till


def test_paid_twice_and_told_again(
    database: Database, clock: SettableClock, tmp_path: Path
) -> None:
    with (
        HdbankEmulator(clock=EmulatedClock(clock)) as bank,
        open_till(database, clock, tmp_path) as till,
    ):
        server = make_server("127.0.0.1", 0, till.client.application, threaded=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        settings = {
            "base_url": bank.base_url,
            "merchant_id": MERCHANT_ID,
            "secret": Secret(SECRET),
            "ipn_url": f"http://127.0.0.1:{server.server_port}/payments/bank",
            "account_prefix": PREFIX,
            "holder": "BENH VIEN DEMO",
        }
        provider = open_provider("bank", settings, clock=clock)
        cast("dict[str, PaymentProvider]", till.resources.providers)["bank"] = provider
        try:
            till.bill(350_000)
            payment = till.start()
            bank.faults.bad_signature = 1
            bank.pay({"qr_text": payment["offer"]["qr_text"]})
            assert bank.callbacks.settle()
            assert till.show(payment)["stage"] == "waiting"

            clock.advance(seconds=61)  # the bank tries again
            bank.clock.advance(0)
            assert bank.callbacks.settle()
            assert till.show(payment)["stage"] == "paid"
            bank.callbacks.replay(1)
            bank.pay({"ref": till.key_of(payment)})
            assert bank.callbacks.settle()
            codes = [
                json.loads(sending["answer"])["code"]
                for delivery in bank.callbacks.as_list()
                for sending in delivery["sendings"]
            ]
            assert codes == ["01", "00", "05", "02"]
            assert ("duplicate", "open", 350_000) in till.items()
            assert till.balances()["suspense"] == 350_000
        finally:
            provider.close()
            server.shutdown()
            thread.join()
            server.server_close()
