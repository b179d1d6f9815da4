"""A stand-in for payOS, and for the bank behind it.

    tiepdon emulate payos --port 9204

Client `demo-payos-client`, API key `demo-payos-api-key`, checksum key `demo-payos-checksum-key`,
account 1200000000001 at BIDV. Signatures and the VietQR are made by code of its own.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping
from datetime import timedelta, timezone
from typing import Any, ClassVar

import requests
from flask import Flask, Response, jsonify, request

from payments.emulation.callbacks import Message, RetryPlan
from payments.emulation.frame import Control, serve_emulator
from payments.emulation.memo import rewrite_memo
from payments.emulation.wallet import (
    Closed,
    EmulatedOrder,
    EmulatedPayment,
    OrderState,
    WalletEmulator,
)

CLIENT_ID, API_KEY, CHECKSUM_KEY = (
    "demo-payos-client",
    "demo-payos-api-key",
    "demo-payos-checksum-key",
)
BIN, ACCOUNT, HOLDER = "970418", "1200000000001", "BENH VIEN DEMO"
_GMT7 = timezone(timedelta(hours=7))
_TEST_S = 10
_STATUS = {
    OrderState.OPEN: "PENDING",
    OrderState.PAID: "PAID",
    OrderState.REFUSED: "CANCELLED",
    OrderState.FAILED: "FAILED",
    OrderState.CANCELLED: "CANCELLED",
    OrderState.EXPIRED: "EXPIRED",
}


def sign(text: str) -> str:
    return hmac.new(CHECKSUM_KEY.encode(), text.encode("utf-8"), hashlib.sha256).hexdigest()


def text_of_create(body: dict[str, Any]) -> str:
    return (
        f"amount={body['amount']}&cancelUrl={body['cancelUrl']}"
        f"&description={body['description']}&orderCode={body['orderCode']}"
        f"&returnUrl={body['returnUrl']}"
    )


def text_of_data(data: dict[str, Any]) -> str:
    parts = []
    for key, value in sorted(data.items()):
        if value is None:
            shown = ""
        elif value is True or value is False:
            shown = str(value).lower()
        elif isinstance(value, list):
            inner = [dict(sorted(i.items())) if isinstance(i, dict) else i for i in value]
            shown = json.dumps(inner, separators=(",", ":"), ensure_ascii=False)
        else:
            shown = f"{value}"
        parts.append(f"{key}={shown}")
    return "&".join(parts)


class PayosEmulator(WalletEmulator):
    party = "payos"
    title: ClassVar[str] = "Ứng dụng ngân hàng (payOS)"
    takes_more = True  # a VietQR is a transfer like any other
    retry_plan = RetryPlan(at_s=(0, 60, 300, 900))  # not published: nobody may build on it

    def __init__(self, **options: Any) -> None:
        self._by_link: dict[str, str] = {}
        super().__init__(**options)

    # --- calls

    def add_routes(self, app: Flask) -> None:
        super().add_routes(app)

        @app.before_request
        def authenticate() -> tuple[Response, int] | None:
            if not request.path.startswith(("/v2/", "/confirm-webhook")):
                return None
            given = request.headers.get("x-client-id"), request.headers.get("x-api-key")
            if given == (CLIENT_ID, API_KEY):
                return None
            return jsonify(code="401", desc="Unauthorized", data=None), 401

        @app.post("/v2/payment-requests")
        def create() -> Response:
            body = request.get_json(silent=True)
            return self._create(body if isinstance(body, dict) else {})

        @app.get("/v2/payment-requests/<ref>")
        def show(ref: str) -> Response:
            order = self._find(ref)
            return _refuse("101") if order is None else self._tell(self._request_data(order))

        @app.post("/v2/payment-requests/<ref>/cancel")
        def cancel(ref: str) -> Response:
            order = self._find(ref)
            if order is None:
                return _refuse("101")
            try:
                self.close_order(order.ref, OrderState.CANCELLED)
            except Closed:
                return _refuse("102")
            return self._tell(self._request_data(order))

        @app.post("/confirm-webhook")
        def confirm() -> tuple[Response, int]:
            body = request.get_json(silent=True)
            address = body.get("webhookUrl") if isinstance(body, dict) else None
            if not isinstance(address, str) or not self._answers_test(address):
                return jsonify(code="20", desc="Webhook url invalid", data=None), 400
            self.callback_url = address.rstrip("/")
            return self._tell({"webhookUrl": address}), 200

    def _create(self, body: dict[str, Any]) -> Response:
        numbers, texts = ("orderCode", "amount"), ("description", "cancelUrl", "returnUrl")
        if not all(type(body.get(n)) is int for n in numbers) or not all(
            isinstance(body.get(n), str) for n in texts
        ):
            return _refuse("20")
        if body.get("signature") != sign(text_of_create(body)):
            return _refuse("201")
        number, amount = body["orderCode"], body["amount"]
        if not 0 < number <= 2**53 - 1 or not 0 < amount < 10**10 or len(body["description"]) > 25:
            return _refuse("20")
        with self.lock:
            if str(number) in self.orders:
                return _refuse("231")
            now = self.clock()
            ends = body.get("expiredAt") or int(now.timestamp()) + 86_400
            memo = f"CS{self.random.randrange(10**6):06d} {body['description']}"
            link = uuid.UUID(int=self.random.getrandbits(128), version=4).hex
            self._by_link[link] = str(number)
            self.place(
                str(number),
                amount_vnd=amount,
                title=memo,
                lifetime_s=ends - now.timestamp(),
                link=link,
                memo=memo,
                expired_at=ends,
            )
        return self._tell(
            {
                "bin": BIN,
                "accountNumber": ACCOUNT,
                "accountName": HOLDER,
                "amount": amount,
                "description": memo,
                "orderCode": number,
                "currency": "VND",
                "paymentLinkId": link,
                "status": "PENDING",
                "expiredAt": ends,
                "checkoutUrl": f"{self.base_url}/pay/{number}",
                "qrCode": viet_qr(amount, memo),
            }
        )

    def _find(self, ref: str) -> EmulatedOrder | None:
        return self.find(self._by_link.get(ref, ref))

    def _request_data(self, order: EmulatedOrder) -> dict[str, Any]:
        status = _STATUS[order.state]
        if order.state is OrderState.PAID and order.paid_vnd < order.amount_vnd:
            status = "UNDERPAID"
        return {
            "id": order.details["link"],
            "orderCode": int(order.ref),
            "amount": order.amount_vnd,
            "amountPaid": order.paid_vnd,
            "amountRemaining": max(order.amount_vnd - order.paid_vnd, 0),
            "status": status,
            "createdAt": order.created_at.astimezone(_GMT7).isoformat(timespec="seconds"),
            "canceledAt": None,
            "cancellationReason": None,
            "transactions": [
                {
                    **self._money(order, payment),
                    "transactionDateTime": payment.paid_at.astimezone(_GMT7).isoformat(
                        timespec="seconds"
                    ),
                }
                for payment in order.payments
            ],
        }

    def _money(self, order: EmulatedOrder, payment: EmulatedPayment) -> dict[str, Any]:
        if "arrived" not in order.details:
            style = self.faults.memo_style
            order.details["arrived"] = rewrite_memo(order.details["memo"], style, self.random)
        return {
            "reference": payment.bank_reference,
            "amount": payment.amount_vnd,
            "accountNumber": ACCOUNT,
            "description": order.details["arrived"],
            "counterAccountBankId": "970436",
            "counterAccountBankName": None,
            "counterAccountName": "NGUYEN VAN MAU",
            "counterAccountNumber": "0710009999999",
            "virtualAccountName": "",
            "virtualAccountNumber": "",
        }

    # --- webhooks

    def controls(self) -> Mapping[str, Control]:
        return {**super().controls(), "ping": self._ping}

    def _ping(self, _: dict[str, Any]) -> dict[str, Any]:
        """The test call, as when the address is set."""
        return {"answered": self.callback_url is not None and self._answers_test(self.callback_url)}

    def paid_message(self, order: EmulatedOrder, payment: EmulatedPayment) -> Message | None:
        at = self.signed_at(payment.paid_at).astimezone(_GMT7)
        data = {
            **self._money(order, payment),
            "orderCode": int(order.ref),
            "transactionDateTime": at.strftime("%Y-%m-%d %H:%M:%S"),
            "currency": "USD" if self.is_wrong_currency() else "VND",
            "paymentLinkId": order.details["link"],
            "code": "00",
            "desc": "success",
        }
        if self.is_wrong_merchant():
            data["accountNumber"] = "1299999999999"
        return None if self.callback_url is None else self._webhook(self.callback_url, data)

    def _webhook(self, address: str, data: dict[str, Any]) -> Message:
        body = {
            "code": "00",
            "desc": "success",
            "success": True,
            "data": data,
            "signature": self.faults.spoil(sign(text_of_data(data))),
        }
        return Message(
            url=address,
            headers={"Content-Type": "application/json"},
            body=json.dumps(body, ensure_ascii=False).encode(),
        )

    def _answers_test(self, address: str) -> bool:
        """As payOS does: it tries the address with an order of its own before it keeps it."""
        if not address.startswith(("http://", "https://")):
            return False
        data = {
            "orderCode": 123,
            "amount": 3_000,
            "description": "VQRIO123",
            "accountNumber": "12345678",
            "reference": "TF230204212323",
            "transactionDateTime": "2023-02-04 18:25:00",
            "currency": "VND",
            "paymentLinkId": "124c33293c43417ab7879e14c8d9eb18",
            "code": "00",
            "desc": "Thành công",
            "counterAccountBankId": "",
            "counterAccountBankName": "",
            "counterAccountName": "",
            "counterAccountNumber": "",
            "virtualAccountName": "",
            "virtualAccountNumber": "",
        }
        message = self._webhook(address, data)
        try:
            answer = requests.post(
                address, data=message.body, headers=dict(message.headers), timeout=_TEST_S
            )
        except requests.RequestException:
            return False
        return 200 <= answer.status_code < 300

    def _tell(self, data: dict[str, Any]) -> Response:
        signature = sign(text_of_data(data))
        return jsonify(code="00", desc="success", data=data, signature=signature)


def viet_qr(amount_vnd: int, memo: str) -> str:
    def put(tag: int, value: str) -> str:
        return f"{tag:02d}{len(value):02d}{value}"

    holder = put(0, "A000000727") + put(1, put(0, BIN) + put(1, ACCOUNT)) + put(2, "QRIBFTTA")
    text = put(0, "01") + put(1, "12") + put(38, holder) + put(53, "704")
    text += put(54, str(amount_vnd)) + put(58, "VN") + put(62, put(8, memo)) + "6304"
    return text + f"{binascii.crc_hqx(text.encode(), 0xFFFF):04X}"


def _refuse(code: str) -> Response:
    words = {
        "20": "Thông tin truyền lên không đúng",
        "101": "Mã thanh toán không tồn tại",
        "102": "Đơn thanh toán không thể hủy",
        "201": "Mã kiểm tra (signature) không hợp lệ",
        "231": "Đơn thanh toán đã tồn tại",
    }
    return jsonify(code=code, desc=words[code], data=None)


def serve(*, port: int, seed: int) -> None:
    serve_emulator(PayosEmulator(port=port, seed=seed))
