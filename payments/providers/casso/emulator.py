"""tiepdon emulate casso: an account that Casso watches, its webhook v2, its list.

Written from Casso's samples, apart from the client's own code. Beyond the switches of every
emulator: `POST /_emu/pay`, `ping` (Casso's test call, id 0), `send_back`, `open_account`,
`writing {"way": js | php}` (who writes the JSON that is signed: they differ on accents and `/`).
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar

from flask import Flask, Response, jsonify, request

from payments.emulation.banks import Account, Movement
from payments.emulation.callbacks import HospitalAnswer, Message, RetryPlan
from payments.emulation.frame import Control, only_value, serve_emulator
from payments.emulation.watching import AccountEmulator
from payments.fields import VIETNAM
from payments.secrets import Secret
from payments.vietqr.banks import bank_name

SECRET = "demo-casso-secret"  # noqa: S105 - of an invented account
API_KEY = "demo-casso-api-key"
TEST_REFERENCE = "MA_GIAO_DICH_THU_NGHIEM"
WAYS = ("js", "php")
_MINUTE = 60.0
_MAX_PAGE = 100


class CassoEmulator(AccountEmulator):
    """Casso publishes no plan of its repeats; this one is ours."""

    party: ClassVar[str] = "casso"
    retry_plan: ClassVar[RetryPlan] = RetryPlan(
        at_s=(0, _MINUTE, 5 * _MINUTE, 15 * _MINUTE, 60 * _MINUTE), time_out_s=15
    )

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.way = "js"

    @property
    def account(self) -> Account:
        """The one that is linked."""
        return self.banks.accounts[0]

    def settings(self, **more: Any) -> dict[str, Any]:
        """What the provider `casso` is opened with."""
        return {
            "bin": self.account.bin,
            "account": self.account.number,
            "holder": self.account.holder,
            "secret": Secret(SECRET),
            "api": {"base_url": f"{self.base_url}/v2", "key": Secret(API_KEY)},
            **more,
        }

    def controls(self) -> Mapping[str, Control]:
        return {**super().controls(), "writing": self._choose_way}

    def ping(self, arguments: dict[str, Any]) -> dict[str, Any]:
        del arguments
        imagined = self.banks.imagine(self.account, 599_000, memo="giao dich thu nghiem")
        self._queue("test", {**self._webhook(imagined), "id": 0, "reference": TEST_REFERENCE})
        return {}

    def describe(self) -> dict[str, Any]:
        return {**super().describe(), "writing": self.way}

    def _choose_way(self, arguments: dict[str, Any]) -> dict[str, Any]:
        way = str(only_value(arguments))
        if way not in WAYS:
            raise ValueError(f"one of {', '.join(WAYS)}")
        self.way = way
        return {"writing": way}

    # --- webhook v2

    def accepts(self, answer: HospitalAnswer) -> bool:
        return answer.status == 200

    def tell(
        self, movement: Movement, *, delay_s: float = 0.0, fields: Mapping[str, Any] | None = None
    ) -> None:
        content = {**self._webhook(movement), **(fields or {})}
        self._queue(movement.transaction_id, content, delay_s=delay_s)

    def _queue(self, about: str, data: Mapping[str, Any], *, delay_s: float = 0.0) -> None:
        content = {"error": 0, "data": data}

        def build() -> Message | None:
            if self.callback_url is None:
                return None
            headers = {"Content-Type": "application/json", "X-Casso-Signature": self.sign(content)}
            body = json.dumps(content, ensure_ascii=False).encode()
            return Message(url=self.callback_url, headers=headers, body=body)

        self.callbacks.add(about, build, delay_s=delay_s)

    def sign(self, content: Mapping[str, Any]) -> str:
        """The header. `t` is in milliseconds."""
        moment = self.faults.signing_time(self.clock())
        stamp = str(round(moment.timestamp() * 1000))
        text = canonical(content)
        if self.way == "php":
            text = "".join(sign if ord(sign) < 128 else utf16(sign) for sign in text)
            text = text.replace("/", "\\/")
        mac = hmac.new(SECRET.encode(), digestmod=hashlib.sha512)
        mac.update(f"{stamp}.{text}".encode())
        return f"t={stamp},v1={self.faults.spoil(mac.hexdigest())}"

    def _webhook(self, movement: Movement) -> dict[str, Any]:
        payer = movement.payer
        return {
            "id": number_of(movement),
            "reference": movement.bank_reference,
            "description": movement.memo,
            "amount": movement.amount_vnd,
            "runningBalance": movement.balance_vnd,
            "transactionDateTime": local(movement),
            "accountNumber": movement.account,
            "bankName": bank_name(movement.bin),
            "bankAbbreviation": bank_name(movement.bin),
            "virtualAccountNumber": movement.virtual_account,
            "virtualAccountName": "",
            "counterAccountName": payer.name if payer else "",
            "counterAccountNumber": payer.account if payer else "",
            "counterAccountBankId": payer.bin if payer else "",
            "counterAccountBankName": bank_name(payer.bin) if payer else "",
        }

    # --- its list

    def add_routes(self, app: Flask) -> None:
        app.add_url_rule("/v2/transactions", "transactions", self._list)

    def _list(self) -> Response:
        if request.headers.get("Authorization") != f"Apikey {API_KEY}":
            return fail(401, "Unauthorized")
        try:
            first = date.fromisoformat(request.args.get("fromDate", "2000-01-01"))
            page = max(int(request.args.get("page", "1")), 1)
            size = min(int(request.args.get("pageSize", "10")), _MAX_PAGE)
        except ValueError:
            return fail(400, "Bad Request")
        if size < 1:
            return fail(400, "Bad Request")
        with self.lock:
            found = [
                each
                for each in self.banks.movements
                if each.account == self.account.number and each.day >= first
            ]
        if request.args.get("sort", "ASC").upper() == "DESC":
            found.reverse()
        pages = -(-len(found) // size)
        data = {
            "page": page,
            "pageSize": size,
            "nextPage": page + 1 if page < pages else None,
            "prevPage": page - 1 if page > 1 else None,
            "totalPages": pages,
            "totalRecords": len(found),
            "records": [listed(each) for each in found[(page - 1) * size : page * size]],
        }
        return jsonify({"error": 0, "message": "success", "data": data})


def canonical(content: Any) -> str:
    """Sorted at every depth, without blanks, written by hand: the client uses a library."""
    if isinstance(content, Mapping):
        pairs = (f"{quote(key)}:{canonical(content[key])}" for key in sorted(content))
        return "{" + ",".join(pairs) + "}"
    if isinstance(content, list | tuple):
        return "[" + ",".join(canonical(each) for each in content) + "]"
    if content is None or isinstance(content, bool):
        return {None: "null", True: "true", False: "false"}[content]
    return quote(content) if isinstance(content, str) else str(content)


def quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def utf16(sign: str) -> str:
    """As JSON escapes a sign outside ASCII; what lies beyond as a pair."""
    units = sign.encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def listed(movement: Movement) -> dict[str, Any]:
    payer = movement.payer
    return {
        "id": number_of(movement),
        "tid": movement.bank_reference,
        "description": movement.memo,
        "amount": movement.amount_vnd,
        "cusumBalance": movement.balance_vnd,
        "when": local(movement),
        "bookingDate": local(movement),
        "bankSubAccId": movement.account,
        "paymentChannel": "",
        "virtualAccount": movement.virtual_account,
        "virtualAccountName": "",
        "corresponsiveName": payer.name if payer else "",
        "corresponsiveAccount": payer.account if payer else "",
        "corresponsiveBankId": payer.bin if payer else "",
        "corresponsiveBankName": bank_name(payer.bin) if payer else "",
        "accountId": 1,
        "bankCodeName": bank_name(movement.bin).lower(),
    }


def number_of(movement: Movement) -> int:
    return int(movement.transaction_id[-8:])


def local(movement: Movement) -> str:
    return f"{movement.booked_at.astimezone(VIETNAM):%Y-%m-%d %H:%M:%S}"


def fail(status: int, message: str) -> Response:
    answer = jsonify({"error": status, "message": message, "data": None})
    answer.status_code = status
    return answer


def serve(*, port: int, seed: int) -> None:
    """Until interrupted. Prints one line with the address."""
    serve_emulator(CassoEmulator(port=port, seed=seed))
