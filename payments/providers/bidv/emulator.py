"""Both sides of BIDV on this machine: its open API, and the bank that asks for bills and pays them.

    with BidvEmulator(callback_url="http://127.0.0.1:8000/payments/bidv") as bank:
        bank.pay({"code": "VP26AB7K9"})      # getbill, then paybill with its repeats

Control: `pay {code | qr_text, amount?, times?, delay?}` as a customer who types or scans, `repeat
{trans_id}` the same paybill once more, `pay_again {trans_id}` another transaction on that bill,
`checksum {form}` one of four, `names {style}` snake or camel, `wrong_service {n}`, `look {code}`
getbill alone. People play the customer at `/app`.

What no integration shows is invented here: the repeats of paybill, the form of trans_date, which
refusals make the bank give the money back.
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import requests
from flask import Flask, Response, jsonify, render_template, request

from payments.emulation.callbacks import HospitalAnswer, Message, RetryPlan
from payments.emulation.clock import EmulatedClock
from payments.emulation.frame import Control, Emulator, only_value, serve_emulator
from payments.models import Money
from payments.providers.bidv.emulated_signing import (
    FORMS,
    NotSealed,
    bank_checksum,
    bank_secure_code,
    check_detached,
    new_key_and_certificate,
    open_sealed,
    sign_detached,
)
from payments.vietqr import VietQr, VietQrError, decode, encode

SERVICE_ID, SECRET, PREFIX = "123000", "demo-bidv-secret", "V3DEMO"
MERCHANT_ID, MERCHANT_NAME = "DEMOMID", "BENH VIEN DEMO"
CLIENT_ID, CLIENT_SECRET = "demo-bidv-client", "demo-bidv-client-secret"
SHARED_KEY = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
_VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
_TOKEN_LIFE_S = 3_600
_BIN = "970418"
_FINAL = {"000", "001", "006", "011", "012", "021", "022", "023"}
"""Of paybill: after any other the bank tries again."""
_MAX_ANSWER_BYTES = 100_000
_APP_WAITS_S = 3.0


class Refused(ValueError):
    """The app tells its customer that this cannot be paid."""


@dataclass(frozen=True, kw_only=True)
class Due:
    """What getbill said."""

    customer_id: str
    bill_id: str
    amount_vnd: int
    title: str
    holder: str
    any_amount: bool


@dataclass(kw_only=True)
class Payment:
    trans_id: str
    customer_id: str
    bill_id: str
    amount_vnd: int
    paid_at: datetime
    delivery_id: int = 0


class BidvEmulator(Emulator):
    party = "bidv"
    retry_plan: ClassVar[RetryPlan] = RetryPlan(at_s=(0, 60, 300, 900, 3_600), time_out_s=10)
    fault_free: ClassVar[tuple[str, ...]] = ("/_emu", "/app", "/static")

    def __init__(
        self,
        *,
        port: int = 0,
        seed: int = 0,
        clock: EmulatedClock | None = None,
        callback_url: str | None = None,
        checksum: str = "hmac_bar",
        sealed: bool = False,
    ) -> None:
        """`sealed`: bodies that are not sealed and signed are refused; replies are signed."""
        self.checksum = checksum
        self.names = "snake"
        self.wrong_service = 0
        self.sealed = sealed
        self.client_certificate = b""
        """Ours, PEM, as the bank keeps it; else the one that is sent along is believed."""
        self._payments: dict[str, Payment] = {}
        self._known: dict[str, Due] = {}
        self._accounts: dict[str, str] = {}
        self._tokens: dict[str, datetime] = {}
        self._differences: list[str] = []
        self._session = requests.Session()
        self._session.trust_env = False
        super().__init__(port=port, seed=seed, clock=clock, callback_url=callback_url)
        self._key, _, self.bank_certificate = new_key_and_certificate("BIDV EMULATOR", self.clock())

    # --- the customer -------------------------------------------------------------------------------

    def look(self, code: str) -> Due:
        """What getbill tells. Raises Refused with the words of our answer."""
        customer = code.strip().upper()
        customer = customer.removeprefix(PREFIX) if len(customer) > len(PREFIX) else customer
        known = self._known.get(customer)
        body = {"service_id": SERVICE_ID, "customer_id": customer}
        answer = self._ask_hospital("getbill", self._signed("getbill", body))
        result = str(answer.get("result_code", ""))
        if result == "012" and known is not None and self.faults.pay_after_expiry:
            return known
        if result != "000":
            raise Refused(str(answer.get("result_desc") or "Hệ thống của bệnh viện chưa trả lời"))
        due = _read_due(answer, customer)
        self._known[customer] = due
        return due

    def pay(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Raises Refused, ValueError."""
        due = self.look(_scanned(arguments))
        asked = arguments.get("amount")
        amount_vnd = due.amount_vnd if asked in {None, ""} else int(str(asked))
        if amount_vnd <= 0:
            raise ValueError("an amount is above 0")
        if amount_vnd != due.amount_vnd and not due.any_amount:
            raise Refused("Chỉ thanh toán đúng số tiền của hóa đơn")
        if self.faults.take("fail"):
            raise Refused("Giao dịch không thành công")
        paid = [
            self._collect(due, amount_vnd, delay_s=float(arguments.get("delay", 0)))
            for _ in range(max(1, int(arguments.get("times", 1))))
        ]
        return {"trans_id": [payment.trans_id for payment in paid]}

    def repeat(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """The same paybill, trans_id and all."""
        payment = self._payments[str(only_value(arguments))]
        return self.callbacks.replay(payment.delivery_id).as_dict()

    def pay_again(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Without asking for the bill first: as if two customers had it before them at once."""
        old = self._payments[str(only_value(arguments))]
        due = self._known[old.customer_id]
        return {"trans_id": [self._collect(due, old.amount_vnd).trans_id]}

    def payments(self) -> list[dict[str, Any]]:
        """`state`: collected, or returned to the customer after a refusal of ours."""
        sent = {each["id"]: each for each in self.callbacks.as_list()}
        with self.lock:
            return [
                {
                    "trans_id": each.trans_id,
                    "customer_id": each.customer_id,
                    "bill_id": each.bill_id,
                    "amount": each.amount_vnd,
                    "paid_at": each.paid_at.isoformat(),
                    "state": _state(sent.get(each.delivery_id)),
                }
                for each in self._payments.values()
            ]

    def _collect(self, due: Due, amount_vnd: int, *, delay_s: float = 0) -> Payment:
        now = self.clock()
        with self.lock:
            number = len(self._payments) + 1
            payment = Payment(
                trans_id=f"BIDV{now.astimezone(_VIETNAM):%y%m%d%H%M%S}{number:04}",
                customer_id=due.customer_id,
                bill_id=due.bill_id,
                amount_vnd=amount_vnd,
                paid_at=now,
            )
            self._payments[payment.trans_id] = payment
        delivery = self.callbacks.add(
            payment.trans_id, lambda: self._paybill(payment), delay_s=delay_s
        )
        payment.delivery_id = delivery.id
        return payment

    def _paybill(self, payment: Payment) -> Message | None:
        if self.callback_url is None:
            return None
        with self.lock:
            is_wrong = self.wrong_service > 0
            self.wrong_service -= is_wrong
        told_at = self.faults.signing_time(payment.paid_at).astimezone(_VIETNAM)
        body = {
            "trans_id": payment.trans_id,
            "trans_date": f"{told_at:%Y%m%d%H%M%S}",
            "customer_id": payment.customer_id,
            "service_id": "999999" if is_wrong else SERVICE_ID,
            "bill_id": payment.bill_id,
            "amount": str(payment.amount_vnd),
        }
        return Message(
            url=f"{self.callback_url}/paybill",
            headers={"Content-Type": "application/json"},
            body=json.dumps(self._signed("paybill", body)).encode(),
        )

    def _signed(self, call: str, body: dict[str, str]) -> dict[str, str]:
        checksum = bank_checksum(self.checksum, call, SECRET, body)
        if call == "paybill":
            checksum = self.faults.spoil(checksum)
        signed = {**body, "checksum": checksum}
        if self.names == "snake":
            return signed
        return {_camel(name): value for name, value in signed.items()}

    def _ask_hospital(self, call: str, body: dict[str, str]) -> dict[str, Any]:
        if self.callback_url is None:
            raise Refused("Chưa có địa chỉ của bệnh viện")
        try:
            with self._session.post(
                f"{self.callback_url}/{call}", json=body, timeout=10, stream=True
            ) as response:
                answer = json.loads(response.raw.read(_MAX_ANSWER_BYTES, decode_content=True))
        except (requests.RequestException, OSError, ValueError) as error:
            raise Refused("Hệ thống của bệnh viện chưa trả lời") from error
        return answer if isinstance(answer, dict) else {}

    def accepts(self, answer: HospitalAnswer) -> bool:
        return _result(answer.body) in _FINAL

    # --- control ------------------------------------------------------------------------------------

    def controls(self) -> Mapping[str, Control]:
        return {
            "pay": self.pay,
            "repeat": self.repeat,
            "pay_again": self.pay_again,
            "look": lambda arguments: vars(self.look(str(only_value(arguments)))),
            "checksum": self._choose_checksum,
            "names": self._choose_names,
            "wrong_service": self._be_wrong,
        }

    def describe(self) -> dict[str, Any]:
        return {
            "checksum": self.checksum,
            "names": self.names,
            "service_id": SERVICE_ID,
            "payments": self.payments(),
            "accounts": dict(self._accounts),
            "differences": list(self._differences),
        }

    def _choose_checksum(self, arguments: dict[str, Any]) -> dict[str, Any]:
        form = str(only_value(arguments))
        if form not in FORMS:
            raise ValueError(f"one of {', '.join(FORMS)}")
        self.checksum = form
        return {"checksum": form}

    def _choose_names(self, arguments: dict[str, Any]) -> dict[str, Any]:
        style = str(only_value(arguments))
        if style not in {"snake", "camel"}:
            raise ValueError("snake or camel")
        self.names = style
        return {"names": style}

    def _be_wrong(self, arguments: dict[str, Any]) -> dict[str, Any]:
        self.wrong_service = int(next(iter(arguments.values()), 1))
        return {"wrong_service": self.wrong_service}

    # --- the open API ---------------------------------------------------------------------------------

    def add_routes(self, app: Flask) -> None:
        gate = "/open-banking/paygate"
        app.add_url_rule("/openapi/oauth2/token", view_func=self._give_token, methods=["POST"])
        for path, answer in (
            ("/virtualAccount/payer/v1", self._change_account),
            ("/virtualAccount/genVietQR/v1", self._make_qr),
            ("/common/reconciliation/v1", self._reconcile),
        ):
            app.add_url_rule(
                gate + path,
                endpoint=path,
                view_func=lambda answer=answer: self._answer(answer),
                methods=["POST"],
            )
        app.add_url_rule("/app", view_func=self._show_app, methods=["GET", "POST"])

    def _give_token(self) -> tuple[Response, int]:
        form = request.form
        knows = hmac.compare_digest(form.get("client_secret", "").encode(), CLIENT_SECRET.encode())
        if form.get("grant_type") != "client_credentials" or form.get("client_id") != CLIENT_ID:
            knows = False
        if not knows:
            return jsonify({"error": "invalid_client"}), 401
        token = secrets.token_urlsafe(24)
        with self.lock:
            self._tokens[token] = self.clock() + timedelta(seconds=_TOKEN_LIFE_S)
        content = {"access_token": token, "token_type": "Bearer", "expires_in": _TOKEN_LIFE_S}
        return jsonify({**content, "scope": form.get("scope", "")}), 200

    def _answer(self, answer: Any) -> Response:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self._tokens.get(token, self.clock()) <= self.clock():
            return Response('{"errorCode":"401"}', 401, content_type="application/json")
        needed = ("Channel", "User-Agent", "X-API-Interaction-ID", "Timestamp")
        if missing := [name for name in needed if not request.headers.get(name)]:
            return self._say("001", f"missing {missing[0]}")
        try:
            body = self._open_body(request.get_data())
        except (NotSealed, ValueError) as error:
            return self._say("004", str(error))
        if body.get("serviceId") != SERVICE_ID:
            return self._say("006", "unknown service")
        with self.lock:
            reply: Response = answer(body)
        return reply

    def _open_body(self, raw: bytes) -> dict[str, Any]:
        """Raises NotSealed, ValueError."""
        content = json.loads(raw)
        if not isinstance(content, dict):
            raise NotSealed("not a JSON object")
        if "ciphertext" not in content:
            if self.sealed:
                raise NotSealed("not sealed")
            return content
        certificate = self.client_certificate or _framed(
            request.headers.get("X-Client-Certificate", "")
        )
        check_detached(request.headers.get("X-JWS-Signature", ""), raw, certificate)
        inner = json.loads(open_sealed(content, bytes.fromhex(SHARED_KEY)))
        if not isinstance(inner, dict):
            raise NotSealed("not a JSON object")
        return inner

    def _change_account(self, body: dict[str, Any]) -> Response:
        interaction = request.headers["X-API-Interaction-ID"]
        expected = bank_secure_code(SECRET, body, interaction)
        if not hmac.compare_digest(str(body.get("secureCode")).encode(), expected.encode()):
            return self._say("004", "wrong secureCode")
        for payer in body.get("payerList") or []:
            code, action = str(payer["code"]), str(body.get("action"))
            if action == "1" and code in self._accounts:
                return self._say("182", "exists")
            if action in {"2", "3"} and code not in self._accounts:
                return self._say("011", "no such account")
            if action == "2":
                del self._accounts[code]
            else:
                self._accounts[code] = str(payer.get("amount", ""))
        return self._say("000", "success")

    def _make_qr(self, body: dict[str, Any]) -> Response:
        code, amount = str(body.get("code", "")), str(body.get("amount", ""))
        if not code or not body.get("name"):
            return self._say("001", "missing code or name")
        qr = VietQr(
            bin=_BIN,
            account=PREFIX + code,
            dynamic=True,
            amount=Money(int(amount)) if amount else None,
            memo=str(body.get("description") or code),
        )
        return self._say("000", "success", vietQR=encode(qr))

    def _reconcile(self, body: dict[str, Any]) -> Response:
        if str(body.get("type")) == "2":
            self._differences.append(str(body.get("transDate")))
            return self._say("000", "success")
        asked = datetime.strptime(str(body.get("transDate")), "%Y%m%d").replace(tzinfo=_VIETNAM)
        content = self._file_of(asked.date() - timedelta(days=1))
        return self._say(
            "000",
            "success",
            fileName=f"{SERVICE_ID}_{asked:%Y%m%d}.txt",
            fileContent=base64.b64encode(content).decode(),
        )

    def _file_of(self, day: date) -> bytes:
        returned = {each["trans_id"] for each in self.payments() if each["state"] == "returned"}
        rows = [
            _file_line(each)
            for each in self._payments.values()
            if each.paid_at.astimezone(_VIETNAM).date() == day and each.trans_id not in returned
        ]
        total = sum(int(row.split("|")[5]) for row in rows)
        foot = f"{len(rows)}|{total}|{self.clock().astimezone(_VIETNAM):%Y%m%d%H%M%S}"
        return "\r\n".join([*rows, foot]).encode()

    def _say(self, code: str, words: str, **more: Any) -> Response:
        body = json.dumps({"errorCode": code, "errorDesc": words, **more}).encode()
        response = Response(body, content_type="application/json")
        response.headers["X-JWS-Signature"] = sign_detached(body, self._key)
        return response

    # --- a page that plays the bank's app --------------------------------------------------------------

    def _show_app(self) -> Response:
        code, step = request.form.get("code", "").strip()[:40], request.form.get("step", "")
        due, trouble, paid = None, "", None
        if code:
            try:
                if step == "pay":
                    paid = self.pay({"code": code, "amount": request.form.get("amount", "")})
                else:
                    due = self.look(code)
            except ValueError as error:
                trouble = str(error)
        shown = "" if due is None else str(Money(due.amount_vnd))
        returned = paid is not None and self._is_returned(paid["trans_id"][-1])
        page = render_template(
            "bidv_app.html",
            code=code,
            due=due,
            shown=shown,
            trouble=trouble,
            paid=paid,
            returned=returned,
        )
        headers = {"Content-Security-Policy": "default-src 'self'", "Cache-Control": "no-store"}
        return Response(page, headers=headers)

    def _is_returned(self, trans_id: str) -> bool:
        """Waits a little for our answer, as the app of a bank does."""
        self.callbacks.settle(_APP_WAITS_S)
        states = {each["trans_id"]: each["state"] for each in self.payments()}
        return bool(states[trans_id] == "returned")


def _scanned(arguments: Mapping[str, Any]) -> str:
    """The code that was typed, or the account of the QR that was scanned. Raises ValueError,
    KeyError.
    """
    if "qr_text" not in arguments:
        return str(arguments["code"])
    try:
        qr = decode(str(arguments["qr_text"]))
    except VietQrError as error:
        raise Refused("Mã QR không đúng") from error
    if qr.bin != _BIN or not qr.account.startswith(PREFIX):
        raise Refused("Tài khoản của ngân hàng khác")
    return qr.account


def _read_due(answer: Mapping[str, Any], customer: str) -> Due:
    """Of the first bill, nested within a period or flat. Raises Refused."""
    try:
        first = answer["data"][0]
        line = first["data"][0] if isinstance(first.get("data"), list) else first
        return Due(
            customer_id=customer,
            bill_id=str(line["bill_id"]),
            amount_vnd=int(line["amount"]),
            title=str(line.get("remark", "")),
            holder=str(answer.get("customer_name", "")),
            any_amount=answer.get("type") == "2",
        )
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise Refused("Hệ thống của bệnh viện trả lời không đúng mẫu") from error


def _file_line(payment: Payment) -> str:
    at = payment.paid_at.astimezone(_VIETNAM)
    fields = [""] * 22
    fields[0], fields[1], fields[2] = "MB", SERVICE_ID, MERCHANT_ID
    fields[3], fields[4], fields[5], fields[6] = (
        payment.bill_id,
        payment.customer_id,
        str(payment.amount_vnd),
        "VND",
    )
    fields[7], fields[8], fields[9] = payment.trans_id[-6:], f"{at:%H%M%S}", f"{at:%Y%m%d}"
    fields[10], fields[11] = fields[8], fields[9]
    fields[16], fields[20] = "000", payment.trans_id
    return "|".join(fields)


def _state(delivery: Mapping[str, Any] | None) -> str:
    sendings = delivery["sendings"] if delivery else []
    last = _result(sendings[-1]["answer"].encode()) if sendings else ""
    return "returned" if last in _FINAL - {"000"} else "collected"


def _result(body: bytes) -> str:
    try:
        content = json.loads(body)
    except ValueError:
        return ""
    return str(content.get("result_code", "")) if isinstance(content, dict) else ""


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def _framed(bare: str) -> bytes:
    lines = [bare[start : start + 64] for start in range(0, len(bare), 64)]
    frame = "-----{} CERTIFICATE-----"
    return "\n".join([frame.format("BEGIN"), *lines, frame.format("END"), ""]).encode()


def serve(*, port: int, seed: int) -> None:
    """Until interrupted. Prints one line with the address."""
    serve_emulator(BidvEmulator(port=port, seed=seed))
