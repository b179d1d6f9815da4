"""A stand-in for MoMo's payment gateway v2.

    tiepdon emulate momo --port 9201

Partner `DEMOPARTNER`, access key `DEMOACCESSKEY`, secret `demo-momo-secret`. The signatures here
are made by code of their own, after MoMo's pages, so that client and stand-in share no mistake.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
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

PARTNER, ACCESS_KEY, SECRET = "DEMOPARTNER", "DEMOACCESSKEY", "demo-momo-secret"
QR_LIFE_S = 600
_LEAST_VND, _MOST_VND = 1_000, 50_000_000
_SIGNED = {
    "create": "amount extraData ipnUrl orderId orderInfo partnerCode redirectUrl requestId requestType",
    "query": "orderId partnerCode requestId",
    "refund": "amount description orderId partnerCode requestId transId",
    "refund/query": "orderId partnerCode requestId",
    "confirm": "amount description orderId partnerCode requestId requestType",
}
_MESSAGES = {
    0: "Successful.",
    13: "Merchant authentication failed.",
    20: "Bad format request.",
    21: "Request rejected because of an invalid transaction amount.",
    22: "The transaction amount is out of range.",
    40: "Duplicated requestId.",
    41: "Duplicated orderId.",
    42: "Invalid orderId or orderId is not found.",
    1000: "Transaction is initiated, waiting for user confirmation.",
    1001: "Transaction failed due to insufficient funds.",
    1003: "Transaction cancelled.",
    1005: "Transaction failed because the url or QR code expired.",
    1006: "Transaction failed because user has denied to confirm the payment.",
    1017: "Transaction cancelled by merchant.",
    1080: "Refund attempt failed during processing.",
    1081: "Refund rejected. The original transaction might have been refunded.",
    7000: "Transaction is being processed.",
    7002: "Transaction is being processed by the provider.",
}
_CODES = {
    OrderState.OPEN: 1000,
    OrderState.PAID: 0,
    OrderState.REFUSED: 1006,
    OrderState.FAILED: 1001,
    OrderState.CANCELLED: 1017,
    OrderState.EXPIRED: 1005,
}


def sign_text(pairs: dict[str, Any], secret: str = SECRET) -> str:
    """MoMo: all named fields in alphabetical order, as they are, keyed with the secret."""
    ordered = sorted(pairs.items())
    text = ""
    for position, (key, value) in enumerate(ordered):
        text += ("&" if position else "") + key + "=" + str(value)
    return hmac.new(secret.encode("utf-8"), text.encode("utf-8"), hashlib.sha256).hexdigest()


class MomoEmulator(WalletEmulator):
    party = "momo"
    title: ClassVar[str] = "Ví MoMo"
    # MoMo publishes no plan: three tries stand for it, and nobody may build on them.
    retry_plan = RetryPlan(at_s=(0, 60, 300), time_out_s=15)

    def __init__(self, **options: Any) -> None:
        self._answers: dict[str, tuple[str, dict[str, Any]]] = {}
        self._in_flight: set[str] = set()
        self._flight = threading.Lock()
        super().__init__(**options)

    def accepts(self, answer: HospitalAnswer) -> bool:
        return answer.status == 204

    # --- calls

    def add_routes(self, app: Flask) -> None:
        super().add_routes(app)

        @app.post("/v2/gateway/api/<path:call>")
        def take(call: str) -> tuple[Response, int]:
            try:
                body = json.loads(request.get_data())
                fields = {name: body[name] for name in _SIGNED[call].split()}
            except (ValueError, KeyError, TypeError):
                return self._say({}, 20), 400
            return self._handle(call, body, fields)

    def _handle(
        self, call: str, body: dict[str, Any], fields: dict[str, Any]
    ) -> tuple[Response, int]:
        expected = sign_text({**fields, "accessKey": ACCESS_KEY})
        if body["partnerCode"] != PARTNER or body.get("signature") != expected:
            return self._say(body, 13), 400
        key, content = str(body["requestId"]), json.dumps(body, sort_keys=True)
        with self._flight:
            if key in self._answers:
                known, answer = self._answers[key]
                is_same = known == content and answer["resultCode"] != 7002
                return jsonify(answer) if is_same else self._say(body, 40), 200
            if key in self._in_flight:
                return self._say(body, 7000), 422
            self._in_flight.add(key)
        try:
            code, more = {
                "create": self._create,
                "query": self._query,
                "refund": self._refund,
                "refund/query": self._query_refund,
                "confirm": self._confirm,
            }[call](body)
            answer = self._answer(body, code, **more)
            with self._flight:
                if call in {"create", "refund"}:
                    self._answers[key] = (content, answer)
        finally:
            with self._flight:
                self._in_flight.discard(key)
        return jsonify(answer), 200

    def _create(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        amount, ref = body["amount"], str(body["orderId"])
        if type(amount) is not int:
            return 21, {}
        if not _LEAST_VND <= amount <= _MOST_VND:
            return 22, {}
        with self.lock:
            if ref in self.orders:
                return 41, {}
            order = self.place(
                ref,
                amount_vnd=amount,
                title=str(body["orderInfo"]),
                lifetime_s=QR_LIFE_S,
                **{name: body[name] for name in ("ipnUrl", "extraData", "requestId", "orderInfo")},
            )
        self.callbacks.add(ref, lambda: self._expiry_message(order), delay_s=QR_LIFE_S)
        address = f"{self.base_url}/pay/{ref}"
        return 0, {"amount": amount, "payUrl": address, "qrCodeUrl": address, "deeplink": address}

    def _query(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        order = self.find(str(body["orderId"]))
        if order is None:
            return 42, {}
        more = {"amount": order.amount_vnd, "transId": 0, "payType": "", "extraData": ""}
        if order.payments:
            more |= {
                "amount": order.payments[0].amount_vnd,
                "transId": order.payments[0].number,
                "payType": "qr",
                "refundTrans": [
                    {"orderId": r.ref, "amount": r.amount_vnd, "transId": r.number}
                    for r in order.refunds.values()
                ],
            }
        return _CODES[order.state], more

    def _refund(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        amount = body["amount"]
        if type(amount) is not int or not _LEAST_VND <= amount <= _MOST_VND:
            return 22, {}
        found = self.find_payment(body["transId"]) if type(body["transId"]) is int else None
        if found is None:
            return 42, {}
        try:
            refund = self.give_back(*found, str(body["orderId"]), amount)
        except TooMuch:
            return 1081, {}
        code = 0 if self.is_refund_done(refund) else 7002
        return code, {"amount": refund.amount_vnd, "transId": refund.number}

    def _query_refund(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        refund = self.find_refund(str(body["orderId"]))
        if refund is None:
            return 42, {}
        code = 0 if self.is_refund_done(refund) else 7002
        return code, {"amount": refund.amount_vnd, "transId": refund.number}

    def _confirm(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if body["requestType"] != "cancel":
            return 42, {}
        try:
            self.close_order(str(body["orderId"]), OrderState.CANCELLED)
        except (LookupError, Closed):
            return 42, {}
        return 0, {}

    # --- notices

    def paid_message(self, order: EmulatedOrder, payment: EmulatedPayment) -> Message:
        at = int(self.signed_at(payment.paid_at).timestamp() * 1000)
        return self._notice(order, 0, at, amount=payment.amount_vnd, number=payment.number)

    def ended_message(self, order: EmulatedOrder) -> Message:
        at = int(self.signed_at(self.clock()).timestamp() * 1000)
        return self._notice(order, _CODES[order.state], at, amount=order.amount_vnd, number=0)

    def _expiry_message(self, order: EmulatedOrder) -> Message | None:
        known = self.find(order.ref)
        return self.ended_message(order) if known and known.state is OrderState.EXPIRED else None

    def _notice(
        self, order: EmulatedOrder, code: int, at: int, *, amount: int, number: int
    ) -> Message:
        content: dict[str, Any] = {
            "partnerCode": "OTHERPARTNER" if self.is_wrong_merchant() else PARTNER,
            "orderId": order.ref,
            "requestId": order.details["requestId"],
            "amount": amount,
            "orderInfo": order.details["orderInfo"],
            "orderType": "momo_wallet",
            "transId": number,
            "resultCode": code,
            "message": _MESSAGES[code],
            "payType": "qr",
            "responseTime": at,
            "extraData": order.details["extraData"],
        }
        content["signature"] = self.faults.spoil(sign_text({**content, "accessKey": ACCESS_KEY}))
        return Message(
            url=self.callback_url or order.details["ipnUrl"],
            headers={"Content-Type": "application/json; charset=UTF-8"},
            body=json.dumps(content, ensure_ascii=False).encode(),
        )

    # --- words

    def _answer(self, body: dict[str, Any], code: int, **more: Any) -> dict[str, Any]:
        return {
            "partnerCode": body.get("partnerCode", ""),
            "orderId": body.get("orderId", ""),
            "requestId": body.get("requestId", ""),
            "responseTime": int(self.clock().timestamp() * 1000),
            "resultCode": code,
            "message": _MESSAGES[code],
            **more,
        }

    def _say(self, body: dict[str, Any], code: int) -> Response:
        return jsonify(self._answer(body, code))


def serve(*, port: int, seed: int) -> None:
    serve_emulator(MomoEmulator(port=port, seed=seed))
