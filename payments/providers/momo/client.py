"""MoMo's payment gateway v2 on the wire."""

from __future__ import annotations

import uuid
from typing import Any

from payments.errors import BrokenReply
from payments.http import HttpClient
from payments.models import Order, RefundOrder
from payments.providers.momo.config import MomoConfig
from payments.providers.momo.signing import CREATE, QUERY, REFUND, sign
from payments.untrusted_json import is_whole

_ROOT = "/v2/gateway/api"
_ANSWER_S = 30.0
"""MoMo asks for no less."""


class MomoClient:
    """Each reply is about the order that was asked for, and has a whole `resultCode`."""

    def __init__(self, config: MomoConfig) -> None:
        self._config = config
        self._http = HttpClient(config.base_url, read_s=_ANSWER_S, ca_file=config.ca_file)

    def create(self, order: Order) -> dict[str, Any]:
        """The same order makes the same bytes: within 31 days MoMo answers as the first time."""
        config = self._config
        body: dict[str, Any] = {
            "requestType": "captureWallet",
            "requestId": order.key,
            "orderId": order.key,
            "amount": order.amount.amount_vnd,
            "orderInfo": config.order_info,
            "redirectUrl": config.return_url or config.callback_url,
            "ipnUrl": config.callback_url,
            "extraData": "",
            "lang": "vi",
            "autoCapture": True,
        }
        return self._ask("/create", body, CREATE, writes=True)

    def query(self, order_id: str) -> dict[str, Any]:
        body = {"requestId": str(uuid.uuid4()), "orderId": order_id, "lang": "vi"}
        return self._ask("/query", body, QUERY, writes=False)

    def refund(self, refund: RefundOrder) -> dict[str, Any]:
        body: dict[str, Any] = {
            "requestId": refund.key,
            "orderId": refund.key,
            "amount": refund.amount.amount_vnd,
            "transId": int(refund.transaction_id),
            "description": "Hoan tien vien phi",
            "lang": "vi",
        }
        return self._ask("/refund", body, REFUND, writes=True)

    def query_refund(self, refund_id: str) -> dict[str, Any]:
        body = {"requestId": str(uuid.uuid4()), "orderId": refund_id, "lang": "vi"}
        return self._ask("/refund/query", body, QUERY, writes=False)

    def close(self) -> None:
        self._http.close()

    def _ask(
        self, path: str, body: dict[str, Any], names: tuple[str, ...], *, writes: bool
    ) -> dict[str, Any]:
        config = self._config
        body["partnerCode"] = config.partner_code
        signed = {**body, "accessKey": config.access_key.reveal()}
        body["signature"] = sign(config.secret_key.reveal(), names, signed)
        reply = self._http.ask("POST", _ROOT + path, writes=writes, json_body=body).read_json()
        if not is_whole(reply.get("resultCode")):
            raise BrokenReply("no result code")
        for name in ("partnerCode", "orderId"):
            if reply.get(name, body[name]) != body[name]:
                raise BrokenReply(f"another {name}")
        return reply
