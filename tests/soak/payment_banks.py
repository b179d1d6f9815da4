"""The banks and wallets of the soak: real stand-ins over real HTTP, in a process of their own.

`python -m tests.soak.payment_banks FOLDER CALLBACK_BASE SEED PORT…`, a port for each of `BANKS` in
their order. They are not killed: what they have in their books is the truth.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask, jsonify

from payments.emulation.clock import EmulatedClock
from payments.emulation.frame import Emulator
from payments.emulation.wallet import WalletEmulator
from payments.providers.momo import emulator as momo
from payments.providers.payos import emulator as payos
from payments.providers.vietqr_bank import emulator as bank
from payments.providers.vnpay import emulator as vnpay
from payments.providers.zalopay import emulator as zalopay
from payments.secrets import Secret
from tests.soak.payment_clock import SoakClock

Books = Iterable[tuple[str, int]]
"""(transaction, đồng), as credits are known here."""


@dataclass(frozen=True, kw_only=True)
class Bank:
    """`free`: anybody may transfer any amount to it with any memo, at any time."""

    name: str
    kind: str
    open: Callable[..., Emulator]
    settings: Callable[[str, str], dict[str, Any]]
    """From its address, and that of its callbacks."""
    books: Callable[[Any], Books]
    free: bool = False


def _movements(emulator: Any) -> Books:
    for each in emulator.banks.movements:
        if each.amount_vnd > 0:
            yield each.transaction_id, each.amount_vnd


def _payments(*, by_reference: bool = False) -> Callable[[Any], Books]:
    def read(emulator: WalletEmulator) -> Books:
        for order in list(emulator.orders.values()):
            for payment in list(order.payments):
                number = payment.bank_reference if by_reference else str(payment.number)
                yield number, payment.amount_vnd

    return read


BANKS = (
    Bank(
        name="bank",
        kind="vietqr_bank",
        open=bank.BankEmulator,
        settings=lambda base, _: {
            "bin": "970418",
            "account": "1200000000001",
            "holder": "BENH VIEN DA KHOA MAU",
            "secret": Secret(bank.SECRET),
            "feed": {"base_url": f"{base}/feed", "token": Secret(bank.TOKEN)},
        },
        books=_movements,
        free=True,
    ),
    Bank(
        name="momo",
        kind="momo",
        open=momo.MomoEmulator,
        settings=lambda base, back: {
            "base_url": base,
            "partner_code": momo.PARTNER,
            "access_key": Secret(momo.ACCESS_KEY),
            "secret_key": Secret(momo.SECRET),
            "callback_url": back,
        },
        books=_payments(),
    ),
    Bank(
        name="zalopay",
        kind="zalopay",
        open=zalopay.ZalopayEmulator,
        settings=lambda base, back: {
            "base_url": f"{base}/v2",
            "app_id": zalopay.APP_ID,
            "key1": Secret(zalopay.KEY1),
            "key2": Secret(zalopay.KEY2),
            "callback_url": back,
        },
        books=_payments(),
    ),
    Bank(
        name="vnpay",
        kind="vnpay",
        open=vnpay.VnpayEmulator,
        settings=lambda base, back: {
            "pay_url": f"{base}/paymentv2/vpcpay.html",
            "api_url": f"{base}/merchant_webapi/api/transaction",
            "tmn_code": vnpay.TERMINAL,
            "hash_secret": Secret(vnpay.SECRET),
            "return_url": f"{back}/return",
        },
        books=_payments(),
    ),
    Bank(
        name="payos",
        kind="payos",
        open=payos.PayosEmulator,
        settings=lambda base, back: {
            "base_url": base,
            "client_id": payos.CLIENT_ID,
            "api_key": Secret(payos.API_KEY),
            "checksum_key": Secret(payos.CHECKSUM_KEY),
            "bin": payos.BIN,
            "account": payos.ACCOUNT,
            "return_url": f"{back}/return",
        },
        books=_payments(by_reference=True),
    ),
)


def write_settings(folder: Path, callback_base: str, ports: list[int]) -> Path:
    """The settings file of payments, with its secrets beside it."""
    lines: list[str] = []
    for each, port in zip(BANKS, ports, strict=True):
        back = f"{callback_base}/payments/{each.name}"
        settings = each.settings(f"http://127.0.0.1:{port}", back)
        lines += [
            "[[provider]]",
            f'name = "{each.name}"',
            f'kind = "{each.kind}"',
            f"settings = {_toml(settings, folder)}",
        ]
    path = folder / "payments.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _toml(value: Any, folder: Path) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_toml(v, folder)}" for k, v in value.items()) + " }"
    if isinstance(value, Secret):
        file = folder / f"secret-{len(list(folder.glob('secret-*')))}"
        file.write_text(value.reveal(), encoding="utf-8")
        return _toml({"file": str(file)}, folder)
    return json.dumps(value)


def main() -> None:
    folder, base, seed, *ports = sys.argv[1:]
    clock = SoakClock(Path(folder))
    for index, (each, port) in enumerate(zip(BANKS, ports, strict=True)):
        emulator = each.open(
            port=int(port),
            seed=int(seed) + index,
            clock=EmulatedClock(clock),
            callback_url=f"{base}/payments/{each.name}",
        )
        _show_books(emulator.app, each, emulator)
        emulator.__enter__()
    print("ready", flush=True)
    threading.Event().wait()


def _show_books(app: Flask, bank: Bank, emulator: Emulator) -> None:
    """All of it; `/_emu/state` shows the newest only."""

    @app.get("/_emu/books")
    def books() -> Any:
        with emulator.lock:
            return jsonify(list(bank.books(emulator)))


if __name__ == "__main__":
    main()
