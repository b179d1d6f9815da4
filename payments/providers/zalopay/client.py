"""ZaloPay's open API v2 on the wire: forms there, JSON back."""

from __future__ import annotations

from typing import Any

from payments.errors import BrokenReply
from payments.http import HttpClient
from payments.models import Order, RefundOrder
from payments.providers.zalopay.config import ZalopayConfig
from payments.providers.zalopay.signing import (
    refund_id,
    sign,
    sign_create,
    sign_order,
    sign_refund,
    trans_id,
)
from payments.registry import Clock
from payments.untrusted_json import is_whole


class ZalopayClient:
    """Each reply has a whole `return_code`: 1 done, 2 not done, 3 under way."""

    def __init__(self, config: ZalopayConfig, *, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._http = HttpClient(config.base_url, ca_file=config.ca_file)

    def create(self, order: Order) -> dict[str, Any]:
        config = self._config
        body = {
            "app_id": str(config.app_id),
            "app_user": config.app_user,
            "app_trans_id": trans_id(order),
            "app_time": str(int(order.created_at.timestamp() * 1000)),
            "amount": str(order.amount.amount_vnd),
            "item": "[]",
            "embed_data": "{}",
            "description": f"{config.description} {order.code}",
            "bank_code": config.bank_code,
            "callback_url": config.callback_url,
            "expire_duration_seconds": str(config.lifetime_s),
        }
        body["mac"] = sign_create(self._key1, body)
        return self._ask("/create", body, writes=True)

    def query(self, app_trans_id: str) -> dict[str, Any]:
        return self._ask("/query", self._about(app_trans_id), writes=False)

    def cancel(self, app_trans_id: str) -> dict[str, Any]:
        return self._ask("/cancel", self._about(app_trans_id), writes=True)

    def refund(self, refund: RefundOrder) -> dict[str, Any]:
        config = self._config
        body = {
            "app_id": str(config.app_id),
            "m_refund_id": refund_id(refund, config.app_id),
            "zp_trans_id": refund.transaction_id,
            "amount": str(refund.amount.amount_vnd),
            "timestamp": self._now_ms(),
            "description": f"Hoan tien {refund.placed.order.code}",
        }
        body["mac"] = sign_refund(self._key1, body)
        return self._ask("/refund", body, writes=True)

    def query_refund(self, refund: RefundOrder) -> dict[str, Any]:
        config = self._config
        number, now = refund_id(refund, config.app_id), self._now_ms()
        body = {
            "app_id": str(config.app_id),
            "m_refund_id": number,
            "timestamp": now,
            "mac": sign(self._key1, config.app_id, number, now),
        }
        return self._ask("/query_refund", body, writes=False)

    def close(self) -> None:
        self._http.close()

    @property
    def _key1(self) -> str:
        return self._config.key1.reveal()

    def _about(self, app_trans_id: str) -> dict[str, str]:
        app_id = self._config.app_id
        mac = sign_order(self._key1, app_id, app_trans_id)
        return {"app_id": str(app_id), "app_trans_id": app_trans_id, "mac": mac}

    def _now_ms(self) -> str:
        return str(int(self._clock().timestamp() * 1000))

    def _ask(self, path: str, body: dict[str, str], *, writes: bool) -> dict[str, Any]:
        reply = self._http.ask("POST", path, writes=writes, form=body).read_json()
        if not is_whole(reply.get("return_code")):
            raise BrokenReply("no return code")
        return reply
