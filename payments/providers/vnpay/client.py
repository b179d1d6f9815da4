"""VNPAY on the wire: a signed query for the QR, signed JSON for everything afterwards."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from payments.errors import BadSignature, BrokenReply
from payments.http import HttpClient
from payments.models import Order, RefundOrder
from payments.providers.vnpay.config import VnpayConfig
from payments.providers.vnpay.signing import (
    QUERY,
    QUERY_REPLY,
    REFUND,
    form_text,
    sign,
    sign_piped,
    write_time,
)
from payments.registry import Clock
from payments.signatures import check_signature

_VERSION = "2.1.0"
_FULL, _PART = "02", "03"
_PAST_EVERYTHING = "20000101000000"


class VnpayClient:
    def __init__(self, config: VnpayConfig, *, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._pay = HttpClient(config.pay_url, ca_file=config.ca_file)
        self._api = HttpClient(config.api_url, ca_file=config.ca_file)

    def create_qr(self, order: Order, *, expires_at: str) -> dict[str, Any]:
        """`{code, message, qrcontent}`, which VNPAY does not sign."""
        config = self._config
        text = form_text(
            {
                "vnp_Version": _VERSION,
                "vnp_Command": "genqr",
                "vnp_TmnCode": config.tmn_code,
                "vnp_Amount": str(order.amount.amount_vnd * 100),
                "vnp_CreateDate": write_time(order.created_at),
                "vnp_ExpireDate": expires_at,
                "vnp_CurrCode": "VND",
                "vnp_IpAddr": config.ip_address,
                "vnp_Locale": "vn",
                "vnp_OrderInfo": f"{config.order_info} {order.code}",
                "vnp_OrderType": "other",
                "vnp_ReturnUrl": config.return_url,
                "vnp_TxnRef": order.key,
            }
        )
        query = f"{text}&vnp_SecureHash={sign(config.hash_secret.reveal(), text)}"
        return self._pay.ask("GET", "", writes=True, query=query).read_json()

    def query(self, order: Order | None) -> dict[str, Any]:
        """None: about an order that is none. Raises BrokenReply for a reply that is not signed."""
        created = _PAST_EVERYTHING if order is None else write_time(order.created_at)
        body = {
            "vnp_RequestId": uuid.uuid4().hex,
            "vnp_Version": _VERSION,
            "vnp_Command": "querydr",
            "vnp_TmnCode": self._config.tmn_code,
            "vnp_TxnRef": "CHECK" if order is None else order.key,
            "vnp_OrderInfo": "Truy van",
            "vnp_TransactionDate": created,
            "vnp_CreateDate": write_time(self._clock()),
            "vnp_IpAddr": self._config.ip_address,
        }
        reply = self._ask(body, QUERY, writes=False)
        self._check_reply(reply, body)
        return reply

    def refund(self, refund: RefundOrder) -> dict[str, Any]:
        """Its own reply is not signed by a rule we know: `query` tells what became of it."""
        is_full = refund.amount == refund.paid
        body = {
            "vnp_RequestId": refund.key,
            "vnp_Version": _VERSION,
            "vnp_Command": "refund",
            "vnp_TmnCode": self._config.tmn_code,
            "vnp_TransactionType": _FULL if is_full else _PART,
            "vnp_TxnRef": refund.placed.order.key,
            "vnp_Amount": str(refund.amount.amount_vnd * 100),
            "vnp_TransactionNo": refund.transaction_id,
            "vnp_TransactionDate": write_time(refund.placed.order.created_at),
            "vnp_CreateBy": refund.requested_by,
            "vnp_CreateDate": write_time(refund.created_at),
            "vnp_IpAddr": self._config.ip_address,
            "vnp_OrderInfo": refund_info(refund),
        }
        return self._ask(body, REFUND, writes=True)

    def close(self) -> None:
        self._pay.close()
        self._api.close()

    def _ask(self, body: dict[str, str], names: tuple[str, ...], *, writes: bool) -> dict[str, Any]:
        body["vnp_SecureHash"] = sign_piped(self._config.hash_secret.reveal(), names, body)
        reply = self._api.ask("POST", "", writes=writes, json_body=body).read_json()
        if not isinstance(reply.get("vnp_ResponseCode"), str):
            raise BrokenReply("no response code")
        return reply

    def _check_reply(self, reply: Mapping[str, Any], asked: Mapping[str, str]) -> None:
        """A refusal may come unsigned, an answer about money never."""
        given = reply.get("vnp_SecureHash")
        if given is None and reply["vnp_ResponseCode"] != "00":
            return
        expected = sign_piped(self._config.hash_secret.reveal(), QUERY_REPLY, reply)
        try:
            check_signature(str(given).lower(), expected)
        except (BadSignature, UnicodeEncodeError) as error:
            raise BrokenReply("the signature of the reply is wrong") from error
        for name in ("vnp_TmnCode", "vnp_TxnRef"):
            if reply.get(name, asked[name]) != asked[name]:
                raise BrokenReply(f"another {name}")


def refund_info(refund: RefundOrder) -> str:
    """Names the refund in what VNPAY keeps: it has no other number of ours."""
    return f"Hoan tien {refund.key.replace('-', ' ')}"
