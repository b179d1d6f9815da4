"""tiepdon emulate bank: banks of people and of a hospital, and the feed that tells of money.

    with BankEmulator(callback_url="http://127.0.0.1:8080/payments/bank") as bank:
        provider = open_provider("bank", bank.settings())
        bank.pay({"qr_text": offer.qr_text})

`GET /` is a bank's app for whoever tries the house out: choose a picture of the QR, confirm, done.
Beyond the switches of every emulator: `POST /_emu/pay`, `ping`, `send_back`, `open_account`,
`watch`; `GET /statement/ACCOUNT/YYYY-MM-DD.csv` and `.xlsx`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from flask import Flask, Response, jsonify, request

from payments.emulation.banks import (
    PEOPLE,
    Account,
    Movement,
    TransferRefused,
    describe_account,
    read_wanted,
)
from payments.emulation.callbacks import HospitalAnswer, Message, RetryPlan
from payments.emulation.frame import Control, read_arguments, serve_emulator
from payments.emulation.watching import AccountEmulator
from payments.fields import VIETNAM
from payments.providers.vietqr_bank import emulated_statement, phone
from payments.secrets import Secret
from payments.vietqr.banks import bank_name

SECRET = "demo-bank-feed-secret"  # noqa: S105 - of an invented bank
TOKEN = "demo-bank-feed-token"  # noqa: S105 - likewise
_PAGE = 200
_MINUTE, _HOUR = 60.0, 3600.0


class BankEmulator(AccountEmulator):
    party: ClassVar[str] = "bank"
    retry_plan: ClassVar[RetryPlan] = RetryPlan(
        at_s=(
            *(0, 10, 30, _MINUTE, 2 * _MINUTE, 5 * _MINUTE, 10 * _MINUTE, 30 * _MINUTE),
            *(hour * _HOUR for hour in range(1, 25)),
        ),
        time_out_s=10,
    )
    fault_free: ClassVar[tuple[str, ...]] = ("/_emu", "/", "/phone", "/statement")

    def settings(self, bin_: str = "970418", **more: Any) -> dict[str, Any]:
        """What the provider `vietqr_bank` is opened with for the hospital's account there."""
        account = next(each for each in self.banks.accounts if each.bin == bin_)
        return {
            "bin": account.bin,
            "account": account.number,
            "holder": account.holder,
            "secret": Secret(SECRET),
            "feed": {"base_url": f"{self.base_url}/feed", "token": Secret(TOKEN)},
            **more,
        }

    # --- people and tests

    def controls(self) -> Mapping[str, Control]:
        return {**super().controls(), "watch": self.watch}

    def ping(self, _: dict[str, Any]) -> dict[str, Any]:
        """A call that asks whether we hear it, without money."""
        account = self.banks.accounts[0]
        self._queue(account, "test", {"event": "test", "account": account.number})
        return {}

    def watch(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """`account` and `url`: where the feed of this one account goes."""
        with self.lock:
            account = self.banks.find_account("", str(arguments["account"]))
            if account is None:
                raise LookupError("no such account")
            account.callback_url = str(arguments["url"]).rstrip("/")
        return describe_account(account)

    # --- the feed

    def accepts(self, answer: HospitalAnswer) -> bool:
        """400 and 422: it will never be taken, so it is not sent again."""
        return 200 <= answer.status < 300 or answer.status in {400, 422}

    def tell(
        self, movement: Movement, *, delay_s: float = 0.0, fields: Mapping[str, Any] | None = None
    ) -> None:
        account = self.banks.find_account(movement.bin, movement.account)
        if account is not None:
            content = {**feed_item(movement), **(fields or {})}
            self._queue(account, movement.transaction_id, content, delay_s=delay_s)

    def _queue(
        self, account: Account, about: str, content: dict[str, Any], *, delay_s: float = 0.0
    ) -> None:
        body = json.dumps(content, ensure_ascii=False).encode()

        def build() -> Message | None:
            url = account.callback_url or self.callback_url
            return None if url is None else Message(url=url, headers=self._sign(body), body=body)

        self.callbacks.add(about, build, delay_s=delay_s)

    def _sign(self, body: bytes) -> dict[str, str]:
        stamp = str(int(self.faults.signing_time(self.clock()).timestamp()))
        digest = hmac.new(SECRET.encode(), stamp.encode() + b"." + body, hashlib.sha256)
        return {
            "Content-Type": "application/json",
            "X-Feed-Timestamp": stamp,
            "X-Feed-Signature": self.faults.spoil(f"sha256={digest.hexdigest()}"),
        }

    def _list(self) -> Response:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return _fail(401, "token")
        asked = dict(request.args)
        try:
            day = date.fromisoformat(asked["day"])
            page = int(asked.get("page", "1"))
            since = datetime.fromisoformat(asked["since"]) if "since" in asked else None
        except (KeyError, ValueError):
            return _fail(400, "day, page, since")
        with self.lock:
            account = self.banks.find_account("", asked.get("account", ""))
            if account is None or page < 1:
                return _fail(404, "account")
            found = [
                each
                for each in self.banks.on_day(account, day)
                if each.amount_vnd > 0
                # the list has whole seconds
                and (since is None or each.booked_at + timedelta(seconds=1) > since)
            ]
        rest = found[(page - 1) * _PAGE :]
        content = {
            "asked": asked,
            "credits": [feed_item(each) for each in rest[:_PAGE]],
            "next_page": page + 1 if len(rest) > _PAGE else None,
        }
        body = json.dumps(content, ensure_ascii=False).encode()
        return Response(body, 200, headers=self._sign(body))

    # --- the app

    def add_routes(self, app: Flask) -> None:
        app.add_url_rule("/feed/credits", "feed", self._list)
        phone.add_routes(app, read=self._read_qr, transfer=self._transfer)

        @app.get("/statement/<account>/<day>.<kind>")
        def download(account: str, day: str, kind: str) -> Response:
            return self._download(account, day, kind)

    def _read_qr(self, text: str) -> dict[str, Any]:
        """What the app shows before anything is paid. Raises TransferRefused."""
        wanted = read_wanted({"qr_text": text})
        with self.lock:
            account = self.banks.find_account(wanted["bin"], wanted["account"])
        if account is None:
            raise TransferRefused("Không tìm thấy tài khoản nhận.")
        return {
            **wanted,
            "bank": bank_name(account.bin),
            "holder": account.holder,
            "payers": [
                {"id": each.id, "name": each.name, "bank": bank_name(each.bin)} for each in PEOPLE
            ],
        }

    def _transfer(self) -> dict[str, Any]:
        arguments = read_arguments()
        allowed = {"bin", "account", "amount", "memo", "payer", "times", "delay"}
        paid: list[dict[str, Any]] = self.pay(
            {name: value for name, value in arguments.items() if name in allowed}
        )["paid"]
        return paid[-1]

    def _download(self, number: str, day_text: str, kind: str) -> Response:
        with self.lock:
            account = self.banks.find_account("", number)
            try:
                day = date.fromisoformat(day_text)
            except ValueError:
                return _fail(400, "day")
            if account is None or kind not in emulated_statement.CONTENT_TYPES:
                return _fail(404, "account")
            lines = list(self.banks.on_day(account, day))
        content = emulated_statement.write(account, day, lines, kind=kind)
        name = f"sao-ke-{account.number}-{day:%Y%m%d}.{kind}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        content_type = emulated_statement.CONTENT_TYPES[kind]
        return Response(content, 200, headers=headers, content_type=content_type)


def feed_item(movement: Movement) -> dict[str, Any]:
    """A movement as the feed writes it."""
    item: dict[str, Any] = {
        "event": "credit" if movement.amount_vnd > 0 else "debit",
        "transaction_id": movement.transaction_id,
        "bank_reference": movement.bank_reference,
        "bin": movement.bin,
        "account": movement.account,
        "virtual_account": movement.virtual_account or None,
        "amount": abs(movement.amount_vnd),
        "currency": "VND",
        "booked_at": movement.booked_at.astimezone(VIETNAM).isoformat(timespec="seconds"),
        "memo": movement.memo,
    }
    if movement.payer is not None:
        payer = movement.payer
        item["payer"] = {"name": payer.name, "account": payer.account, "bank": payer.bin}
    return item


def _fail(status: int, what: str) -> Response:
    answer = jsonify({"error": what})
    answer.status_code = status
    return answer


def serve(*, port: int, seed: int) -> None:
    """Until interrupted. Prints one line with the address."""
    serve_emulator(BankEmulator(port=port, seed=seed))
