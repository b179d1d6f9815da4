"""A stand-in for ZaloPay's open API v2.

    tiepdon emulate zalopay --port 9202

Application 9999, keys `demo-zalopay-key1` and `demo-zalopay-key2`. Macs are made by code of its own.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import datetime, timedelta, timezone
from typing import Any, ClassVar

from flask import Flask, Response, jsonify, request

from payments.emulation.callbacks import HospitalAnswer, Message, RetryPlan
from payments.emulation.frame import serve_emulator
from payments.emulation.wallet import (
    Closed,
    EmulatedOrder,
    EmulatedPayment,
    OrderState,
    TooMuch,
    WalletEmulator,
)

APP_ID, KEY1, KEY2 = 9999, "demo-zalopay-key1", "demo-zalopay-key2"
_GMT7 = timezone(timedelta(hours=7))
_FIELDS = {
    "create": ("app_id", "app_trans_id", "app_user", "amount", "app_time", "embed_data", "item"),
    "query": ("app_id", "app_trans_id"),
    "cancel": ("app_id", "app_trans_id"),
    "refund": ("app_id", "zp_trans_id", "amount", "description", "timestamp"),
    "query_refund": ("app_id", "m_refund_id", "timestamp"),
}
_WRONG_MAC, _WRONG_FIELD, _REPEATED, _NOT_FOUND = -402, -401, -68, -101
_STATES = {
    OrderState.OPEN: (3, 0),
    OrderState.PAID: (1, 1),
    OrderState.REFUSED: (2, -217),
    OrderState.FAILED: (2, -49),
    OrderState.CANCELLED: (2, -56),
    OrderState.EXPIRED: (2, -54),
}
_MAX_AGE = timedelta(minutes=15)


def mac_of(key: str, text: str) -> str:
    return hmac.new(
        bytes(key, "utf-8"), msg=bytes(text, "utf-8"), digestmod=hashlib.sha256
    ).hexdigest()


def text_of(call: str, body: dict[str, str]) -> str:
    """What ZaloPay signs for a call."""
    values = [body[name] for name in _FIELDS[call]]
    if call in {"query", "cancel"}:
        values.append(KEY1)
    if call == "refund" and body.get("refund_fee_amount"):
        values = [*values[:3], body["refund_fee_amount"], *values[3:]]
    return "|".join(values)


class ZalopayEmulator(WalletEmulator):
    party = "zalopay"
    title: ClassVar[str] = "Ví ZaloPay"
    refund_takes_s = 30.0
    retry_plan = RetryPlan(at_s=(0, 60, 180, 420), time_out_s=10)  # how far apart is not published

    def accepts(self, answer: HospitalAnswer) -> bool:
        try:
            code = json.loads(answer.body)["return_code"]
        except (ValueError, KeyError, TypeError):
            return False
        return code in {1, 2, -1}

    # --- calls

    def add_routes(self, app: Flask) -> None:
        super().add_routes(app)
        answers = {
            "create": self._create,
            "query": self._query,
            "cancel": self._cancel,
            "refund": self._refund,
            "query_refund": self._query_refund,
        }

        @app.post("/v2/<call>")
        def take(call: str) -> Response:
            content = request.get_json(silent=True) if request.is_json else request.form.to_dict()
            body = {str(k): str(v) for k, v in (content or {}).items()}
            if call not in _FIELDS or not {*_FIELDS[call], "mac"} <= set(body):
                return _say(2, _WRONG_FIELD)
            if body["app_id"] != str(APP_ID) or body["mac"] != mac_of(KEY1, text_of(call, body)):
                return _say(2, _WRONG_MAC)
            try:
                return answers[call](body)
            except ValueError:
                return _say(2, _WRONG_FIELD)

    def _create(self, body: dict[str, str]) -> Response:
        ref, now = body["app_trans_id"], self.clock()
        lifetime_s = int(body.get("expire_duration_seconds") or 900)
        made_at = datetime.fromtimestamp(int(body["app_time"]) / 1000, _GMT7)
        amount = int(body["amount"])
        wrong = (
            len(ref) > 40
            or ref[:7] != now.astimezone(_GMT7).strftime("%y%m%d_")
            or abs(now - made_at) > _MAX_AGE
            or not 300 <= lifetime_s <= 2_592_000
            or amount < 1_000
            or not isinstance(json.loads(body["item"]), list)
            or not isinstance(json.loads(body["embed_data"]), dict)
            or len(body["app_user"]) > 50
        )
        if wrong:
            return _say(2, _WRONG_FIELD)
        with self.lock:
            if ref in self.orders:
                return _say(2, _REPEATED)
            self.place(
                ref,
                amount_vnd=amount,
                title=body.get("description", ""),
                lifetime_s=lifetime_s,
                body=body,
            )
        address = f"{self.base_url}/pay/{ref}"
        return _say(1, 1, order_url=address, zp_trans_token=f"T{ref}", order_token=f"O{ref}")

    def _query(self, body: dict[str, str]) -> Response:
        order = self.find(body["app_trans_id"])
        if order is None:
            return _say(2, _NOT_FOUND)
        code, detail = _STATES[order.state]
        paid = order.payments[0] if order.payments else None
        return _say(
            code,
            detail,
            is_processing=False,
            amount=paid.amount_vnd if paid else order.amount_vnd,
            zp_trans_id=paid.number if paid else 0,
            server_time=int((paid.paid_at if paid else self.clock()).timestamp() * 1000),
            discount_amount=0,
        )

    def _cancel(self, body: dict[str, str]) -> Response:
        try:
            self.close_order(body["app_trans_id"], OrderState.CANCELLED)
        except LookupError:
            return _say(2, _NOT_FOUND)
        except Closed:
            return _say(2, -55)
        return _say(1, 1)

    def _refund(self, body: dict[str, str]) -> Response:
        ref, today = body["m_refund_id"], self.clock().astimezone(_GMT7).strftime("%y%m%d")
        if not ref.startswith(f"{today}_{APP_ID}_"):
            return _say(2, _WRONG_FIELD)
        found = self.find_payment(int(body["zp_trans_id"]))
        if found is None:
            return _say(2, _NOT_FOUND)
        with self.lock:
            if ref in found[0].refunds:
                return _say(2, _REPEATED)
            try:
                refund = self.give_back(*found, ref, int(body["amount"]))
            except TooMuch:
                return _say(2, -14)
        return _say(3, 3, refund_id=refund.number)

    def _query_refund(self, body: dict[str, str]) -> Response:
        refund = self.find_refund(body["m_refund_id"])
        if refund is None:
            return _say(2, _NOT_FOUND)
        code = 1 if self.is_refund_done(refund) else 3
        return _say(code, code, refund_id=refund.number)

    # --- callbacks

    def paid_message(self, order: EmulatedOrder, payment: EmulatedPayment) -> Message:
        body = order.details["body"]
        data = json.dumps(
            {
                "app_id": 8888 if self.is_wrong_merchant() else APP_ID,
                "app_trans_id": order.ref,
                "app_time": int(body["app_time"]),
                "app_user": body["app_user"],
                "amount": payment.amount_vnd,
                "embed_data": body["embed_data"],
                "item": body["item"],
                "zp_trans_id": payment.number,
                "server_time": int(self.signed_at(payment.paid_at).timestamp() * 1000),
                "channel": 38,
                "merchant_user_id": "",
                "user_fee_amount": 0,
                "discount_amount": 0,
            },
            separators=(",", ":"),
        )
        envelope = {"data": data, "mac": self.faults.spoil(mac_of(KEY2, data)), "type": 1}
        return Message(
            url=self.callback_url or body.get("callback_url", ""),
            headers={"Content-Type": "application/json"},
            body=json.dumps(envelope).encode(),
        )


def _say(code: int, detail: int, **more: Any) -> Response:
    words = {1: "Giao dịch thành công", 2: "Giao dịch thất bại", 3: "Giao dịch đang xử lý"}
    return jsonify(
        return_code=code,
        return_message=words[code],
        sub_return_code=detail,
        sub_return_message=words[code],
        **more,
    )


def serve(*, port: int, seed: int) -> None:
    serve_emulator(ZalopayEmulator(port=port, seed=seed))
