"""payOS's merchant API on the wire: `{code, desc, data, signature}` whatever is asked."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from payments.errors import BadSignature, BrokenReply, Declined, PaymentError
from payments.http import HttpClient
from payments.models import Order
from payments.providers.payos.config import PayosConfig
from payments.providers.payos.signing import order_code, sign_create, sign_data
from payments.signatures import check_signature

_REQUESTS = "/v2/payment-requests"
_DONE = "00"
_NOT_FOUND = "101"


class PayosClient:
    """Data of replies has been checked against its signature."""

    def __init__(self, config: PayosConfig) -> None:
        self._config = config
        self._http = HttpClient(config.base_url, ca_file=config.ca_file)

    def create(self, order: Order, *, expires_at: datetime) -> dict[str, Any]:
        body: dict[str, str | int] = {
            "orderCode": order_code(order),
            "amount": order.amount.amount_vnd,
            "description": order.code,
            "cancelUrl": self._config.return_url,
            "returnUrl": self._config.return_url,
            "expiredAt": int(expires_at.timestamp()),
        }
        body["signature"] = sign_create(self._config.checksum_key.reveal(), body)
        return self._need(self._ask("POST", _REQUESTS, body, writes=True))

    def find(self, number: int) -> dict[str, Any] | None:
        """None: payOS does not know this order."""
        reply = self._ask("GET", f"{_REQUESTS}/{number}", None, writes=False)
        return None if _says(reply, _NOT_FOUND) else self._need(reply)

    def cancel(self, number: int) -> PaymentError | None:
        """None: done. Else why not."""
        body: dict[str, str | int] = {"cancellationReason": "doi cach tra"}
        reply = self._ask("POST", f"{_REQUESTS}/{number}/cancel", body, writes=True)
        return None if _says(reply, _DONE) else _refusal(reply)

    def confirm_webhook(self, address: str) -> None:
        """Tells payOS where its callbacks go; it tries the address before it keeps it."""
        reply = self._ask("POST", "/confirm-webhook", {"webhookUrl": address}, writes=True)
        if not _says(reply, _DONE):
            raise _refusal(reply)

    def close(self) -> None:
        self._http.close()

    def _ask(
        self, method: str, path: str, body: dict[str, str | int] | None, *, writes: bool
    ) -> dict[str, Any]:
        headers = {
            "x-client-id": self._config.client_id,
            "x-api-key": self._config.api_key.reveal(),
        }
        reply = self._http.ask(method, path, writes=writes, json_body=body, headers=headers)
        content = reply.read_json()
        if not isinstance(content.get("code"), str):
            raise BrokenReply("no code")
        return content

    def _need(self, reply: dict[str, Any]) -> dict[str, Any]:
        if not _says(reply, _DONE):
            raise _refusal(reply)
        data, given = reply.get("data"), reply.get("signature")
        if not isinstance(data, dict) or not isinstance(given, str):
            raise BrokenReply("no signed data")
        try:
            check_signature(given, sign_data(self._config.checksum_key.reveal(), data))
        except (BadSignature, ValueError) as error:
            raise BrokenReply("the signature of the reply is wrong") from error
        return data


def _says(reply: dict[str, Any], code: str) -> bool:
    return bool(reply["code"] == code)


def _refusal(reply: dict[str, Any]) -> Declined:
    return Declined(str(reply["code"])[:8])
