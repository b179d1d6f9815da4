"""HDBank's dynamic QR on this machine: makes QRs, lists invoices, and tells of payments by IPN.

    with HdbankEmulator(callback_url="http://127.0.0.1:8000/payments/hdbank") as bank:
        bank.pay({"ref": "VP26AB7K9-1"})

People play the payer at `/`. Control: `pay {ref | qr_text, amount?, times?, delay?}`, `fail_payment {ref}` a payment that fails and is told
of, `wrong_merchant {n}`, `qr_form {form}` png, base64 or text, `sign_form {form}` hex or base64.

What the document leaves open is invented here: what a repeated invoiceId does (the same QR, or code
05 for another amount), codes of its own refusals (those of the IPN), the repeats of an IPN and which
answers end them, accounts and memos of its QRs.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any, ClassVar
from urllib.parse import urlencode

import qrcode
from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.wrappers import Response as WsgiResponse

from payments.emulation.callbacks import HospitalAnswer, Message, RetryPlan
from payments.emulation.clock import EmulatedClock
from payments.emulation.frame import Control, Emulator, only_value, serve_emulator
from payments.emulation.memo import rewrite_memo
from payments.models import Money
from payments.providers.hdbank.emulated_signing import Unreadable, unwrap, wrap
from payments.vietqr import VietQr, encode

MERCHANT_ID, SECRET, PREFIX = "79032", "demo-hdbank-secret", "PEBDEMO"
_BIN = "970437"
_TOLERANCE = timedelta(minutes=1)
_PAGE = 50
_TITLE = "Ứng dụng ngân hàng"
_PAGE_WORDS = {"open": "chưa trả", "paid": "đã trả"}
_FINAL = {"00", "02", "03", "04", "05"}
"""Of our answers; after any other the IPN comes again."""


class Refused(ValueError):
    """The payer's app says no."""


@dataclass(kw_only=True)
class Invoice:
    invoice_id: str
    amount_vnd: int
    account: str
    description: str
    ipn: str | None
    ends_at: datetime | None
    extra: dict[str, Any]
    qr_text: str
    paid: list[dict[str, Any]] = field(default_factory=list)


class HdbankEmulator(Emulator):
    party = "hdbank"
    retry_plan: ClassVar[RetryPlan] = RetryPlan(at_s=(0, 60, 300, 900), time_out_s=10)
    fault_free: ClassVar[tuple[str, ...]] = ("/_emu", "/", "/pay", "/payer")

    def __init__(
        self,
        *,
        port: int = 0,
        seed: int = 0,
        clock: EmulatedClock | None = None,
        callback_url: str | None = None,
    ) -> None:
        self.qr_form = "png"
        self.sign_form = "hex"
        self.wrong_merchant = 0
        self._invoices: dict[str, Invoice] = {}
        super().__init__(port=port, seed=seed, clock=clock, callback_url=callback_url)

    # --- the payer ------------------------------------------------------------------------------------

    def pay(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Raises Refused, LookupError, ValueError."""
        invoice = self._find_scanned(arguments)
        amount_vnd = int(arguments.get("amount") or invoice.amount_vnd)
        if amount_vnd <= 0:
            raise ValueError("an amount is above 0")
        is_over = invoice.ends_at is not None and self.clock() > invoice.ends_at
        if is_over and not self.faults.pay_after_expiry:
            raise Refused("the QR is over")
        if self.faults.take("fail"):
            return self.fail_payment({"ref": invoice.invoice_id})
        told = [
            self._take(invoice, amount_vnd, delay_s=float(arguments.get("delay", 0)))
            for _ in range(max(1, int(arguments.get("times", 1))))
        ]
        return {"transactionId": told}

    def _find_scanned(self, arguments: Mapping[str, Any]) -> Invoice:
        """By its reference, or by the QR a payer scanned. Raises LookupError."""
        if "qr_text" not in arguments:
            return self._invoices[str(arguments["ref"])]
        with self.lock:
            for invoice in self._invoices.values():
                if invoice.qr_text == arguments["qr_text"]:
                    return invoice
        raise LookupError("no such QR")

    def fail_payment(self, arguments: dict[str, Any]) -> dict[str, Any]:
        invoice = self._invoices[str(only_value(arguments))]
        number = f"HDBF{self.clock():%y%m%d%H%M%S}{self.random.randrange(10**6):06}"
        told = {**self._told(invoice, None), "transactionId": number}
        self.callbacks.add(number, lambda: self._ipn(invoice, told))
        return {"transactionId": number}

    def _take(self, invoice: Invoice, amount_vnd: int, *, delay_s: float) -> str:
        now = self.clock()
        with self.lock:
            number = sum(len(each.paid) for each in self._invoices.values()) + 1
            transaction = f"HDB{now:%y%m%d%H%M%S}{number:05}"
            payment = {
                "transactionId": transaction,
                "paidAmount": amount_vnd,
                "paidTime": _write_time(now),
                "paidDescription": rewrite_memo(
                    f"{invoice.description} chuyen khoan", self.faults.memo_style, self.random
                ),
            }
            invoice.paid.append(payment)
        told = self._told(invoice, payment)
        self.callbacks.add(transaction, lambda: self._ipn(invoice, told), delay_s=delay_s)
        return transaction

    def _told(self, invoice: Invoice, payment: Mapping[str, Any] | None) -> dict[str, Any]:
        if payment is None:
            payment = dict.fromkeys(("transactionId", "paidAmount", "paidTime", "paidDescription"))
            status = "01"
        else:
            status = "00" if payment["paidAmount"] == invoice.amount_vnd else "10"
        return {
            "invoiceId": invoice.invoice_id,
            "transactionId": payment["transactionId"],
            "status": status,
            "paidAmount": payment["paidAmount"],
            "transactionAmount": invoice.amount_vnd,
            "transactionDescription": invoice.description,
            "paidDescription": payment["paidDescription"],
            "paidTime": payment["paidTime"],
            "additionalData": invoice.extra,
        }

    def _ipn(self, invoice: Invoice, told: dict[str, Any]) -> Message | None:
        address = invoice.ipn or self.callback_url
        if address is None:
            return None
        with self.lock:
            is_wrong = self.wrong_merchant > 0
            self.wrong_merchant -= is_wrong
        content = {"merchantId": "00000" if is_wrong else MERCHANT_ID, **told}
        data, sign = wrap(content, SECRET, hexadecimal=self.sign_form == "hex")
        query = urlencode({"data": data, "sign": self.faults.spoil(sign)})
        return Message(method="GET", url=f"{address}?{query}")

    def accepts(self, answer: HospitalAnswer) -> bool:
        return _code(answer.body) in _FINAL

    # --- control --------------------------------------------------------------------------------------

    def controls(self) -> Mapping[str, Control]:
        return {
            "pay": self.pay,
            "fail_payment": self.fail_payment,
            "wrong_merchant": self._be_wrong,
            "qr_form": lambda arguments: self._choose("qr_form", arguments, "png base64 text"),
            "sign_form": lambda arguments: self._choose("sign_form", arguments, "hex base64"),
        }

    def describe(self) -> dict[str, Any]:
        with self.lock:
            return {
                "merchant_id": MERCHANT_ID,
                "qr_form": self.qr_form,
                "sign_form": self.sign_form,
                "invoices": [
                    {
                        "ref": each.invoice_id,
                        "amount": each.amount_vnd,
                        "account": each.account,
                        "qr": each.qr_text,
                        "paid": list(each.paid),
                    }
                    for each in self._invoices.values()
                ],
            }

    def _be_wrong(self, arguments: dict[str, Any]) -> dict[str, Any]:
        self.wrong_merchant = int(next(iter(arguments.values()), 1))
        return {"wrong_merchant": self.wrong_merchant}

    def _choose(self, name: str, arguments: dict[str, Any], choices: str) -> dict[str, Any]:
        value = str(only_value(arguments))
        if value not in choices.split():
            raise ValueError(f"one of: {choices}")
        setattr(self, name, value)
        return {name: value}

    # --- the bank's calls --------------------------------------------------------------------------------

    def add_routes(self, app: Flask) -> None:
        app.add_url_rule("/payments/qrCode", view_func=self._make_qr, methods=["POST"])
        app.add_url_rule("/merchants/invoices", view_func=self._list_invoices, methods=["GET"])
        app.register_blueprint(self._pages())
        app.add_template_filter(lambda amount_vnd: str(Money(amount_vnd)), "dong")

    def _pages(self) -> Blueprint:
        """The payer's app: all invoices, one of them, and its buttons."""
        emulation = files("payments.emulation")
        pages = Blueprint(
            "payer",
            __name__,
            template_folder=str(emulation / "payer_pages"),
            static_folder=str(emulation / "payer_pages"),
            static_url_path="/payer",
        )

        @pages.get("/")
        def show_orders() -> str:
            with self.lock:
                orders = [_shown(each) for each in reversed(list(self._invoices.values())[-_PAGE:])]
            return render_template("orders.html", title=_TITLE, orders=orders, words=_PAGE_WORDS)

        @pages.get("/pay/<ref>")
        def show_order(ref: str) -> str:
            invoice = self._invoices.get(ref) or abort(404)
            return render_template(
                "order.html", title=_TITLE, order=_shown(invoice), words=_PAGE_WORDS
            )

        @pages.post("/pay/<ref>")
        def act(ref: str) -> WsgiResponse:
            try:
                if request.form.get("action") == "refuse":
                    self.fail_payment({"ref": ref})
                else:
                    self.pay({"ref": ref, "amount": request.form.get("amount", "")})
            except LookupError:
                abort(404)
            except ValueError:
                abort(409)
            return redirect(url_for("payer.show_order", ref=ref), code=303)

        @pages.after_request
        def restrict(response: Response) -> Response:
            response.headers["Content-Security-Policy"] = "default-src 'self'"
            response.headers["Cache-Control"] = "no-store"
            return response

        return pages

    def _make_qr(self) -> Response:
        sent = request.get_json(silent=True)
        try:
            content = self._open(sent if isinstance(sent, dict) else {})
            with self.lock:
                invoice = self._find_or_keep(content)
        except (ValueError, KeyError, TypeError) as error:
            return _refuse(error)
        data = {"qrCode": self._draw(invoice), "transactionDescription": invoice.description}
        return jsonify({"code": "00", "message": "Thành công", "data": data})

    def _find_or_keep(self, content: dict[str, Any]) -> Invoice:
        """Raises Refused with our code, ValueError, KeyError, TypeError."""
        invoice_id, amount = str(content["invoiceId"]), content["transactionAmount"]
        if content["type"] != "vietqr" or not 0 < amount == int(amount) or not invoice_id:
            raise Refused("04")
        invoice = self._invoices.get(invoice_id) or self._keep(content, invoice_id)
        if invoice.amount_vnd != amount:
            raise Refused("05")
        return invoice

    def _keep(self, content: dict[str, Any], invoice_id: str) -> Invoice:
        account = f"{PREFIX}{len(self._invoices) + 1:06}{self.random.randrange(10**6):06}"
        amount_vnd, life_s = int(content["transactionAmount"]), content.get("transactionTimeout")
        description = str(content.get("transactionDescription") or invoice_id)
        qr = VietQr(
            bin=_BIN, account=account, dynamic=True, amount=Money(amount_vnd), memo=description
        )
        invoice = Invoice(
            invoice_id=invoice_id,
            amount_vnd=amount_vnd,
            account=account,
            description=description,
            ipn=content.get("ipn"),
            ends_at=None if life_s is None else self.clock() + timedelta(seconds=int(life_s)),
            extra=dict(content.get("additionalData") or {}),
            qr_text=encode(qr),
        )
        self._invoices[invoice_id] = invoice
        return invoice

    def _list_invoices(self) -> Response:
        try:
            content = self._open(dict(request.args))
            wanted, page = content["invoiceIds"], int(content.get("page", 1))
            known = [self._invoices[each] for each in wanted if each in self._invoices]
        except (ValueError, KeyError, TypeError) as error:
            return _refuse(error)
        with self.lock:
            listed = [
                self._told(each, each.paid[0] if each.paid else None)
                for each in known[(page - 1) * _PAGE : page * _PAGE]
            ]
        return jsonify({"code": "00", "message": "Success", "data": listed})

    def _open(self, sent: dict[str, Any]) -> dict[str, Any]:
        """Raises Refused with our code, ValueError."""
        try:
            content = unwrap(
                sent.get("data"), sent.get("sign"), SECRET, hexadecimal=self.sign_form == "hex"
            )
        except Unreadable as error:
            raise Refused("01") from error
        bank_now = self.clock() + timedelta(seconds=self.faults.clock_skew)
        told_at = datetime.strptime(str(content["transactionTime"]), "%Y%m%d%H%M%S").replace(
            tzinfo=UTC
        )
        if content.get("merchantId") != MERCHANT_ID:
            raise Refused("04")
        if abs(told_at - bank_now) > _TOLERANCE:
            raise Refused("04")
        return content

    def _draw(self, invoice: Invoice) -> str:
        if self.qr_form == "text":
            return invoice.qr_text
        if self.qr_form == "base64":
            return base64.b64encode(invoice.qr_text.encode()).decode()
        picture = io.BytesIO()
        qrcode.make(invoice.qr_text, box_size=4).save(picture)
        return base64.b64encode(picture.getvalue()).decode()


def _shown(invoice: Invoice) -> dict[str, Any]:
    """As the pages of the payer take it."""
    return {
        "ref": invoice.invoice_id,
        "title": "Thanh toán viện phí",
        "amount_vnd": invoice.amount_vnd,
        "state": "paid" if invoice.paid else "open",
        "payments": [
            {"amount_vnd": each["paidAmount"], "number": each["transactionId"]}
            for each in invoice.paid
        ],
        "details": {},
    }


def _refuse(error: Exception) -> Response:
    code = str(error) if isinstance(error, Refused) else "04"
    return jsonify({"code": code, "message": "Lỗi", "data": None})


def _code(body: bytes) -> str:
    try:
        content = json.loads(body)
    except ValueError:
        return ""
    return str(content.get("code", "")) if isinstance(content, dict) else ""


def _write_time(now: datetime) -> int:
    return int(now.astimezone(UTC).strftime("%Y%m%d%H%M%S"))


def serve(*, port: int, seed: int) -> None:
    """Until interrupted. Prints one line with the address."""
    serve_emulator(HdbankEmulator(port=port, seed=seed))
