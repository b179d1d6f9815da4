"""A stand-in for VNPAY 2.1.0: payment page, QR on the merchant's screen, querydr, refund, IPN.

    tiepdon emulate vnpay --port 9203

Terminal `DEMOTMN1`, hash secret `DEMOVNPAYHASHSECRET0000000000000`. Hashes are made by code of its
own. The QR is a VNPAY-QR; the payer's app at `/` shows what waits to be paid.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import json
from datetime import datetime, timedelta, timezone
from typing import Any, ClassVar

from flask import Flask, Response, abort, jsonify, redirect, request
from werkzeug.wrappers import Response as WsgiResponse

from payments.emulation.callbacks import HospitalAnswer, Message, RetryPlan
from payments.emulation.frame import serve_emulator
from payments.emulation.wallet import (
    EmulatedOrder,
    EmulatedPayment,
    EmulatedRefund,
    OrderState,
    TooMuch,
    WalletEmulator,
)

TERMINAL, SECRET = "DEMOTMN1", "DEMOVNPAYHASHSECRET0000000000000"
_GMT7 = timezone(timedelta(hours=7))
_PLAIN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
_NEEDED = (
    "Version Command TmnCode Amount CreateDate CurrCode IpAddr Locale OrderInfo OrderType "
    "ReturnUrl TxnRef ExpireDate"
)
_ENDS = {
    OrderState.OPEN: ("", "01"),
    OrderState.PAID: ("00", "00"),
    OrderState.REFUSED: ("24", "02"),
    OrderState.FAILED: ("51", "02"),
    OrderState.CANCELLED: ("24", "02"),
    OrderState.EXPIRED: ("11", "01"),
}
_ASKED = {
    "querydr": "RequestId Version Command TmnCode TxnRef TransactionDate CreateDate IpAddr OrderInfo",
    "refund": (
        "RequestId Version Command TmnCode TransactionType TxnRef Amount TransactionNo "
        "TransactionDate CreateBy CreateDate IpAddr OrderInfo"
    ),
}
_TOLD = (
    "ResponseId Command ResponseCode Message TmnCode TxnRef Amount BankCode PayDate TransactionNo "
    "TransactionType TransactionStatus OrderInfo PromotionCode PromotionAmount"
)


def hash_of(text: str, secret: str = SECRET) -> str:
    return hmac.digest(secret.encode(), text.encode(), hashlib.sha512).hex()


def escape(text: str) -> str:
    """As a form is sent: letters, digits and `-_.` stay, a blank becomes `+`."""
    written = ""
    for byte in text.encode():
        written += "+" if byte == 0x20 else chr(byte) if byte in _PLAIN else f"%{byte:02X}"
    return written


def signed_query(fields: dict[str, str]) -> str:
    """Without the hash: every `vnp_` field that has a value, in the order of names."""
    pairs = [(k, v) for k, v in sorted(fields.items()) if v and not k.startswith("vnp_SecureHash")]
    return "&".join(escape(k) + "=" + escape(v) for k, v in pairs)


def piped(names: str, body: dict[str, Any]) -> str:
    return "|".join(str(body.get("vnp_" + name, "")) for name in names.split())


class VnpayEmulator(WalletEmulator):
    party = "vnpay"
    title: ClassVar[str] = "Ứng dụng VNPAY-QR"
    refund_takes_s = 30.0
    retry_plan = RetryPlan(at_s=tuple(300.0 * n for n in range(10)), time_out_s=15)

    def __init__(self, **options: Any) -> None:
        self._asked: set[str] = set()
        super().__init__(**options)

    def accepts(self, answer: HospitalAnswer) -> bool:
        try:
            return json.loads(answer.body)["RspCode"] in {"00", "02"}
        except (ValueError, KeyError, TypeError):
            return False

    # --- calls

    def add_routes(self, app: Flask) -> None:
        super().add_routes(app)

        @app.get("/paymentv2/vpcpay.html")
        def open_payment() -> WsgiResponse:
            fields = {k: v for k, v in request.args.items() if k.startswith("vnp_")}
            command = fields.get("vnp_Command")
            code = self._place(fields)
            if command == "genqr":
                return self._say_qr(code, fields)
            if command != "pay" or code != "00":
                abort(400)
            return redirect(f"/pay/{fields['vnp_TxnRef']}", code=302)

        @app.post("/merchant_webapi/api/transaction")
        def transact() -> Response:
            body = request.get_json(silent=True)
            if not isinstance(body, dict) or body.get("vnp_Command") not in _ASKED:
                return jsonify({"vnp_ResponseCode": "03", "vnp_Message": "Invalid format"})
            return self._transact({str(k): str(v) for k, v in body.items()})

        @app.post("/qrpayauth/api/merchant/get_bank_list")
        def list_banks() -> Response:
            if request.form.get("tmn_code") != TERMINAL:
                return jsonify([])
            names = {"VNPAYQR": "VNPAYQR", "BIDV": "Ngân hàng BIDV", "HDBANK": "Ngân hàng HDBank"}
            return jsonify([{"bank_code": code, "bank_name": name} for code, name in names.items()])

    def _place(self, fields: dict[str, str]) -> str:
        if fields.get("vnp_SecureHash", "").lower() != hash_of(signed_query(fields)):
            return "97"
        if not all(fields.get("vnp_" + name) for name in _NEEDED.split()):
            return "03"
        if fields["vnp_TmnCode"] != TERMINAL:
            return "02"
        amount, ref, expires = fields["vnp_Amount"], fields["vnp_TxnRef"], fields["vnp_ExpireDate"]
        if not amount.isdecimal() or len(amount) > 12 or int(amount) % 100 or len(ref) > 100:
            return "03"
        with self.lock:
            known = self.find(ref)
            if known is not None:
                return "00" if known.details["fields"] == fields else "94"
            life = datetime.strptime(expires, "%Y%m%d%H%M%S").replace(tzinfo=_GMT7) - self.clock()
            self.place(
                ref,
                amount_vnd=int(amount) // 100,
                title=fields["vnp_OrderInfo"],
                lifetime_s=life.total_seconds(),
                fields=fields,
            )
        return "00"

    def _say_qr(self, code: str, fields: dict[str, str]) -> Response:
        if code != "00":
            return jsonify(code=code, message="Error", qrcontent="")
        return jsonify(
            code="00",
            message="Success",
            qrcontent=qr_content(int(fields["vnp_Amount"]) // 100, fields["vnp_TxnRef"]),
        )

    def _transact(self, body: dict[str, str]) -> Response:
        command = body["vnp_Command"]
        if body.get("vnp_TmnCode") != TERMINAL:
            return self._tell(body, "02", "Invalid TmnCode")
        if body.get("vnp_SecureHash", "").lower() != hash_of(piped(_ASKED[command], body)):
            return self._tell(body, "97", "Invalid checksum")
        today = self.clock().astimezone(_GMT7).date()
        asked = f"{today} {body['vnp_RequestId']}"
        with self.lock:
            if asked in self._asked:
                return self._tell(body, "94", "Duplicate request")
            self._asked.add(asked)
            order = self.find(body["vnp_TxnRef"])
            made = order and order.details["fields"]["vnp_CreateDate"]
            if order is None or made != body["vnp_TransactionDate"]:
                return self._tell(body, "91", "Transaction not found")
            if command == "refund":
                return self._refund(order, body)
            return self._query(order, body)

    def _query(self, order: EmulatedOrder, body: dict[str, str]) -> Response:
        if order.refunds:
            last = list(order.refunds.values())[-1]
            return self._tell(body, "00", "Success", **self._refund_fields(order, last))
        paid = order.payments[0] if order.payments else None
        at = (paid.paid_at if paid else self.clock()).astimezone(_GMT7)
        return self._tell(
            body,
            "00",
            "Success",
            Amount=str((paid.amount_vnd if paid else order.amount_vnd) * 100),
            BankCode="BIDV" if paid else "",
            PayDate=at.strftime("%Y%m%d%H%M%S") if paid else "",
            TransactionNo=str(paid.number) if paid else "0",
            TransactionType="01",
            TransactionStatus=_ENDS[order.state][1],
            OrderInfo=order.details["fields"]["vnp_OrderInfo"],
        )

    def _refund(self, order: EmulatedOrder, body: dict[str, str]) -> Response:
        if not order.payments:
            return self._tell(body, "95", "The payment was not successful")
        numbers = [each for each in order.payments if str(each.number) == body["vnp_TransactionNo"]]
        if not numbers and body["vnp_TransactionNo"] != "0":
            return self._tell(body, "91", "Transaction not found")
        payment = (numbers or order.payments)[0]
        try:
            refund = self.give_back(
                order, payment, body["vnp_OrderInfo"], int(body["vnp_Amount"]) // 100
            )
        except TooMuch:
            return self._tell(body, "93", "More than what was paid")
        refund_type = body["vnp_TransactionType"]
        order.details.setdefault("types", {})[refund.ref] = refund_type
        return self._tell(body, "00", "Success", **self._refund_fields(order, refund))

    def _refund_fields(self, order: EmulatedOrder, refund: EmulatedRefund) -> dict[str, str]:
        return {
            "Amount": str(refund.amount_vnd * 100),
            "BankCode": "BIDV",
            "PayDate": refund.created_at.astimezone(_GMT7).strftime("%Y%m%d%H%M%S"),
            "TransactionNo": str(refund.number),
            "TransactionType": order.details["types"][refund.ref],
            "TransactionStatus": "00" if self.is_refund_done(refund) else "05",
            "OrderInfo": refund.ref,
        }

    def _tell(self, body: dict[str, str], code: str, message: str, **more: str) -> Response:
        told = {
            "vnp_ResponseId": f"RS{self.next_number()}",
            "vnp_Command": body["vnp_Command"],
            "vnp_ResponseCode": code,
            "vnp_Message": message,
            "vnp_TmnCode": body.get("vnp_TmnCode", ""),
            "vnp_TxnRef": body.get("vnp_TxnRef", ""),
            **{f"vnp_{name}": value for name, value in more.items()},
        }
        return jsonify({**told, "vnp_SecureHash": hash_of(piped(_TOLD, told))})

    # --- notices

    def paid_message(self, order: EmulatedOrder, payment: EmulatedPayment) -> Message | None:
        self._offer_return(order, payment)
        return self._notice(order, payment)

    def ended_message(self, order: EmulatedOrder) -> Message | None:
        self._offer_return(order, None)
        return self._notice(order, None)

    def _notice(self, order: EmulatedOrder, payment: EmulatedPayment | None) -> Message | None:
        if self.callback_url is None:
            return None
        text = self._result(order, payment)
        digest = self.faults.spoil(hash_of(text))
        return Message(method="GET", url=f"{self.callback_url}?{text}&vnp_SecureHash={digest}")

    def _result(self, order: EmulatedOrder, payment: EmulatedPayment | None) -> str:
        response, status = _ENDS[OrderState.PAID if payment else order.state]
        at = self.signed_at(payment.paid_at if payment else self.clock()).astimezone(_GMT7)
        amount = payment.amount_vnd if payment else order.amount_vnd
        fields = {
            "vnp_Amount": str(amount * 100),
            "vnp_BankCode": "BIDV",
            "vnp_BankTranNo": f"VNP{payment.number}" if payment else "",
            "vnp_CardType": "QRCODE",
            "vnp_OrderInfo": order.details["fields"]["vnp_OrderInfo"],
            "vnp_PayDate": at.strftime("%Y%m%d%H%M%S"),
            "vnp_ResponseCode": response,
            "vnp_TmnCode": "OTHERTMN" if self.is_wrong_merchant() else TERMINAL,
            "vnp_TransactionNo": str(payment.number) if payment else "0",
            "vnp_TransactionStatus": status,
            "vnp_TxnRef": order.ref,
        }
        return signed_query(fields)

    def _offer_return(self, order: EmulatedOrder, payment: EmulatedPayment | None) -> None:
        """Where the payer's browser goes back to: signed the same way, and proof of nothing."""
        address = order.details["fields"]["vnp_ReturnUrl"]
        if address.startswith(("http://", "https://")):
            text = signed_query(
                {
                    "vnp_TxnRef": order.ref,
                    "vnp_TmnCode": TERMINAL,
                    "vnp_ResponseCode": _ENDS[OrderState.PAID if payment else order.state][0],
                }
            )
            order.details["return_url"] = f"{address}?{text}&vnp_SecureHash={hash_of(text)}"


def qr_content(amount_vnd: int, ref: str) -> str:
    """A VNPAY-QR: object 26 under VNPAY's own identifier, the bill in 62.01."""

    def put(tag: str, value: str) -> str:
        return f"{tag}{len(value):02d}{value}"

    text = (
        put("00", "01")
        + put("01", "12")
        + put("26", put("00", "A000000775") + put("01", TERMINAL))
        + put("52", "8062")
        + put("53", "704")
        + put("54", str(amount_vnd))
        + put("58", "VN")
        + put("59", "BENH VIEN DEMO")
        + put("60", "HANOI")
        + put("62", put("01", ref[:25]))
        + "6304"
    )
    return text + format(binascii.crc_hqx(text.encode(), 0xFFFF), "04X")


def serve(*, port: int, seed: int) -> None:
    serve_emulator(VnpayEmulator(port=port, seed=seed))
