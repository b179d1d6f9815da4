"""tiepdon emulate sepay: an account that SePay watches, its webhooks, its API v2.

Written from SePay's pages (docs/how-to/thanh-toan-sepay.md), apart from the client's own code.
Beyond the switches of every emulator: `POST /_emu/pay` (also `{"order": "VP…A1"}`), `ping`,
`send_back`, `open_account`, `auth {"mode": hmac | api_key | oauth2 | none}`,
`strict {"on": true}` (webhooks to https and public addresses only, as SePay has it).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any, ClassVar
from urllib.parse import urlsplit
from uuid import UUID, uuid5

import requests
from flask import Flask, Response, jsonify, request

from payments.emulation.banks import Account, Movement, read_wanted
from payments.emulation.callbacks import HospitalAnswer, Message, RetryPlan
from payments.emulation.frame import Control, only_value, serve_emulator
from payments.emulation.watching import AccountEmulator
from payments.fields import VIETNAM
from payments.secrets import Secret
from payments.vietqr.banks import bank_name

SECRET = "demo-sepay-secret"  # noqa: S105 - of an invented account
API_TOKEN = "demo-sepay-api-token"  # noqa: S105 - likewise
CLIENT_ID = "demo-sepay-client"
BANK_ACCOUNT_ID = "0b5f1f9e-0000-4000-8000-000000000001"
AUTH_MODES = ("hmac", "api_key", "oauth2", "none")
_NAMES = UUID("9d5c3e6a-0000-4000-8000-000000000000")
_PER_SECOND = 3
_MINUTE = 60.0
_MAX_PER_PAGE = 100


@dataclass(kw_only=True)
class VaOrder:
    id: str
    code: str
    va_number: str
    amount_vnd: int | None
    expires_at: datetime
    paid_vnd: int = 0
    is_cancelled: bool = False

    def status(self) -> str:
        if self.is_cancelled:
            return "Cancelled"
        if self.paid_vnd and self.paid_vnd >= (self.amount_vnd or 1):
            return "Paid"
        return "Partially" if self.paid_vnd else "Pending"


class SepayEmulator(AccountEmulator):
    party: ClassVar[str] = "sepay"
    retry_plan: ClassVar[RetryPlan] = RetryPlan(
        at_s=tuple(minutes * _MINUTE for minutes in (0, 1, 2, 4, 7, 12, 20, 33)), time_out_s=30
    )

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.auth = "hmac"
        self.strict = False
        self.orders: dict[str, VaOrder] = {}
        self.per_second = _PER_SECOND
        self._asked: deque[float] = deque()
        self._pace_lock = threading.Lock()

    @property
    def account(self) -> Account:
        """The one that is linked."""
        return self.banks.accounts[0]

    def settings(self, **more: Any) -> dict[str, Any]:
        """What the provider `sepay` is opened with."""
        return {
            "bin": self.account.bin,
            "account": self.account.number,
            "holder": self.account.holder,
            "secret": Secret(SECRET),
            "api": {
                "base_url": f"{self.base_url}/v2",
                "token": Secret(API_TOKEN),
                "bank_account_id": BANK_ACCOUNT_ID,
            },
            **more,
        }

    # --- people and tests

    def controls(self) -> Mapping[str, Control]:
        return {**super().controls(), "auth": self._choose_auth, "strict": self._be_strict}

    def pay(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """As of any account; `order` (its code) instead of an account pays a virtual one."""
        arguments = dict(arguments)
        code = arguments.pop("order", None)
        if code is not None:
            order = next((each for each in self.orders.values() if each.code == code), None)
            if order is None:
                raise LookupError("no such order")
            arguments.update(account=order.va_number)
            arguments.setdefault("amount", order.amount_vnd or 0)
        wanted = read_wanted(arguments)
        order = self._find_va(wanted["account"])
        if order is not None:
            self._check_open(order)
        return super().pay(arguments)

    def ping(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """A simulated transaction: 1 đồng that leaves, which nobody books."""
        del arguments
        content = {
            **self._webhook(self.banks.imagine(self.account, -1, memo="GIAO DICH THU")),
            "id": 0,
        }
        self._queue("test", content)
        return {}

    def describe(self) -> dict[str, Any]:
        with self.lock:
            orders = [
                {"code": each.code, "va": each.va_number, "status": each.status()}
                for each in self.orders.values()
            ]
        return {**super().describe(), "auth": self.auth, "strict": self.strict, "orders": orders}

    def _choose_auth(self, arguments: dict[str, Any]) -> dict[str, Any]:
        mode = str(only_value(arguments))
        if mode not in AUTH_MODES:
            raise ValueError(f"one of {', '.join(AUTH_MODES)}")
        self.auth = mode
        return {"auth": mode}

    def _be_strict(self, arguments: dict[str, Any]) -> dict[str, Any]:
        self.strict = bool(arguments.get("on", True))
        return {"strict": self.strict}

    # --- webhooks

    def accepts(self, answer: HospitalAnswer) -> bool:
        """200 or 201, and `{"success": true}`."""
        if answer.status not in {200, 201}:
            return False
        try:
            content = json.loads(answer.body)
        except ValueError:
            return False
        return isinstance(content, dict) and content.get("success") is True

    def tell(
        self, movement: Movement, *, delay_s: float = 0.0, fields: Mapping[str, Any] | None = None
    ) -> None:
        order = self._find_va(movement.virtual_account)
        if order is not None and movement.amount_vnd > 0:
            with self.lock:
                order.paid_vnd += movement.amount_vnd
        content = {**self._webhook(movement), **(fields or {})}
        self._queue(movement.transaction_id, content, delay_s=delay_s)

    def _queue(self, about: str, content: Mapping[str, Any], *, delay_s: float = 0.0) -> None:
        body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
        self.callbacks.add(about, lambda: self._message(body), delay_s=delay_s)

    def _webhook(self, movement: Movement) -> dict[str, Any]:
        return {
            "id": number_of(movement),
            "gateway": bank_name(movement.bin),
            "transactionDate": local(movement),
            "accountNumber": movement.account,
            "code": None,
            "content": movement.memo,
            "transferType": "in" if movement.amount_vnd > 0 else "out",
            "transferAmount": abs(movement.amount_vnd),
            "accumulated": movement.balance_vnd,
            "subAccount": movement.virtual_account or None,
            "referenceCode": movement.bank_reference,
            "description": "",
        }

    def _message(self, body: bytes) -> Message | None:
        url = self.callback_url
        if url is None or (self.strict and not is_public(url)):
            return None
        headers = {"Content-Type": "application/json", **self._authorise(url, body)}
        return Message(url=url, headers=headers, body=body)

    def _authorise(self, url: str, body: bytes) -> dict[str, str]:
        if self.auth == "hmac":
            stamp = str(int(self.faults.signing_time(self.clock()).timestamp()))
            mac = hmac.new(SECRET.encode(), digestmod=hashlib.sha256)
            mac.update(stamp.encode())
            mac.update(b".")
            mac.update(body)
            signature = self.faults.spoil("sha256=" + mac.hexdigest())
            return {"X-SePay-Timestamp": stamp, "X-SePay-Signature": signature}
        if self.auth == "api_key":
            return {"Authorization": f"Apikey {self.faults.spoil(SECRET)}"}
        if self.auth == "oauth2":
            return {"Authorization": f"Bearer {self.faults.spoil(self._fetch_token(url))}"}
        return {}

    def _fetch_token(self, url: str) -> str:
        pair = base64.b64encode(f"{CLIENT_ID}:{SECRET}".encode()).decode()
        try:
            answer = requests.post(
                f"{url}/token",
                data={"grant_type": "client_credentials"},
                headers={"Authorization": f"Basic {pair}"},
                timeout=10,
            )
            return str(answer.json().get("access_token", "none"))
        except (requests.RequestException, ValueError, AttributeError):
            return "none"

    # --- API v2

    def add_routes(self, app: Flask) -> None:
        orders = f"/v2/bank-accounts/{BANK_ACCOUNT_ID}/orders"
        guard = self._guard
        app.add_url_rule("/v2/transactions", "transactions", guard(self._list))
        app.add_url_rule(orders, "make_order", guard(self._make_order), methods=["POST"])
        app.add_url_rule(f"{orders}/<order_id>", "order", guard(self._show_order))
        app.add_url_rule(
            f"{orders}/<order_id>", "cancel", guard(self._cancel_order), methods=["DELETE"]
        )

    def _guard(self, call: Callable[..., Response]) -> Callable[..., Response]:
        def guarded(**path: str) -> Response:
            wait_s = self._too_soon()
            if wait_s:
                answer = fail(429, "Too Many Requests")
                answer.headers["Retry-After"] = "1"
                answer.headers["X-RateLimit-Limit"] = str(self.per_second)
                return answer
            if request.headers.get("Authorization") != f"Bearer {API_TOKEN}":
                return fail(401, "Unauthorized")
            with self.lock:
                return call(**path)

        return guarded

    def _too_soon(self) -> bool:
        """Real seconds: a client waits in those."""
        with self._pace_lock:
            now = time.monotonic()
            while self._asked and self._asked[0] <= now - 1:
                self._asked.popleft()
            if len(self._asked) >= self.per_second:
                return True
            self._asked.append(now)
            return False

    def _list(self) -> Response:
        try:
            page = int(request.args.get("page", "1"))
            per_page = min(int(request.args.get("per_page", "20")), _MAX_PER_PAGE)
        except ValueError:
            return fail(422, "page")
        if page < 1 or per_page < 1:
            return fail(422, "page")
        found = [each for each in self.banks.movements if each.account == self.account.number]
        kind = request.args.get("transfer_type")
        if kind in {"in", "out"}:
            found = [each for each in found if (each.amount_vnd > 0) == (kind == "in")]
        if request.args.get("transaction_date_sort", "desc") == "desc":
            found.reverse()
        rest = found[(page - 1) * per_page :]
        pages = -(-len(found) // per_page)
        pagination = {
            "total": len(found),
            "per_page": per_page,
            "current_page": page,
            "last_page": pages,
            "has_more": page < pages,
        }
        data = [listed(each) for each in rest[:per_page]]
        return success(data, meta={"pagination": pagination})

    def _make_order(self) -> Response:
        asked = request.get_json(silent=True)
        if not isinstance(asked, dict):
            return fail(422, "JSON")
        code, amount = str(asked.get("order_code", "")), asked.get("amount")
        duration = asked.get("duration", 3600)
        if not (6 <= len(code) <= 50 and code.isascii() and code.isalnum()):
            return fail(422, "order_code")
        if any(each.code == code for each in self.orders.values()):
            return fail(422, "order_code exists")
        if amount is not None and (type(amount) is not int or amount < 1):
            return fail(422, "amount")
        if type(duration) is not int or duration < 1:
            return fail(422, "duration")
        number = f"96247{len(self.orders) + 1:09d}"
        order = VaOrder(
            id=str(uuid5(_NAMES, code)),
            code=code,
            va_number=number,
            amount_vnd=amount,
            expires_at=self.clock() + timedelta(seconds=duration),
        )
        self.orders[order.id] = order
        self.banks.virtual_accounts[number] = self.account
        return success(self._order_content(order), status=201)

    def _show_order(self, order_id: str) -> Response:
        order = self.orders.get(order_id)
        return fail(404, "Not Found") if order is None else success(self._order_content(order))

    def _cancel_order(self, order_id: str) -> Response:
        order = self.orders.get(order_id)
        if order is None:
            return fail(404, "Not Found")
        if order.paid_vnd:
            return fail(422, "paid")
        order.is_cancelled = True
        return success(self._order_content(order))

    def _order_content(self, order: VaOrder) -> dict[str, Any]:
        return {
            "order_id": order.id,
            "order_code": order.code,
            "va_number": order.va_number,
            "va_holder_name": self.account.holder,
            "amount": order.amount_vnd,
            "status": order.status(),
            "bank_name": bank_name(self.account.bin),
            "account_holder_name": self.account.holder,
            "account_number": self.account.number,
            "expired_at": f"{order.expires_at.astimezone(VIETNAM):%Y-%m-%d %H:%M:%S}",
        }

    def _find_va(self, number: str) -> VaOrder | None:
        return next((each for each in self.orders.values() if each.va_number == number), None)

    def _check_open(self, order: VaOrder) -> None:
        """A virtual account that ended takes no money. Raises ValueError."""
        is_over = order.is_cancelled or self.clock() >= order.expires_at
        if is_over and not self.faults.pay_after_expiry:
            raise ValueError("Tài khoản nhận không còn hoạt động.")


def listed(movement: Movement) -> dict[str, Any]:
    """A transaction as API v2 lists it: under a UUID that the webhook does not tell."""
    return {
        "id": str(uuid5(_NAMES, movement.transaction_id)),
        "transaction_date": local(movement),
        "account_number": movement.account,
        "va": movement.virtual_account,
        "transfer_type": "in" if movement.amount_vnd > 0 else "out",
        "amount_in": max(movement.amount_vnd, 0),
        "amount_out": max(-movement.amount_vnd, 0),
        "accumulated": movement.balance_vnd,
        "transaction_content": movement.memo,
        "reference_number": movement.bank_reference,
        "code": None,
        "bank_brand_name": bank_name(movement.bin),
        "bank_account_id": BANK_ACCOUNT_ID,
        "va_id": None,
    }


def number_of(movement: Movement) -> int:
    return int(movement.transaction_id[-8:])


def local(movement: Movement) -> str:
    return f"{movement.booked_at.astimezone(VIETNAM):%Y-%m-%d %H:%M:%S}"


def is_public(url: str) -> bool:
    """https, and no address of a machine or a network of one's own."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        return parts.scheme == "https" and ip_address(host).is_global
    except ValueError:
        return parts.scheme == "https" and "." in host and not host.endswith(".local")


def success(data: Any, *, meta: Mapping[str, Any] | None = None, status: int = 200) -> Response:
    content = {"status": "success", "data": data}
    if meta is not None:
        content["meta"] = meta
    answer = jsonify(content)
    answer.status_code = status
    return answer


def fail(status: int, message: str) -> Response:
    answer = jsonify({"status": "error", "message": message})
    answer.status_code = status
    return answer


def serve(*, port: int, seed: int) -> None:
    """Until interrupted. Prints one line with the address."""
    serve_emulator(SepayEmulator(port=port, seed=seed))
