"""The wire of HDBank's dynamic QR: make one, ask about one."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from payments.errors import BrokenReply, Declined, Unavailable
from payments.http import HttpClient, Reply
from payments.models import Order
from payments.providers.hdbank.config import HdbankConfig
from payments.providers.hdbank.invoices import write_time
from payments.providers.hdbank.qr_content import read_qr_content
from payments.providers.hdbank.signing import pack, sign

_OK = "00"
_MAX_CODE_CHARS = 20
_DESCRIPTION = "Vien phi"


class HdbankClient:
    """Safe to call from several threads."""

    def __init__(self, config: HdbankConfig, *, clock: Callable[[], datetime]) -> None:
        self._config = config
        self._clock = clock
        self._http = HttpClient(config.base_url, read_s=config.read_s)

    def make_qr(self, order: Order) -> str:
        """Text of the QR, not looked into. Raises as `create`.

        The bank would show more to its customer (`additionalData`): nothing of a patient is sent.
        """
        config, now = self._config, self._clock()
        content: dict[str, Any] = {
            "merchantId": config.merchant_id,
            "invoiceId": order.key,
            "type": "vietqr",
            "transactionAmount": order.amount.amount_vnd,
            "additionalData": {"description": _DESCRIPTION},
            "transactionTime": write_time(now),
            "transactionDescription": order.code,
        }
        if config.ipn_url is not None:
            content["ipn"] = config.ipn_url
        if config.sends_timeout:
            content["transactionTimeout"] = max(int((order.expires_at - now).total_seconds()), 1)
        answer = _read(
            self._http.ask("POST", "/payments/qrCode", writes=True, json_body=self._signed(content))
        )
        if answer["code"] != _OK:
            raise Declined(answer["code"])
        data = answer.get("data")
        qr_code = data.get("qrCode") if isinstance(data, dict) else None
        if not isinstance(qr_code, str):
            raise BrokenReply("no qrCode in the reply")
        return read_qr_content(qr_code)

    def find_invoice(self, order_key: str) -> Mapping[str, Any] | None:
        """Raises Unavailable for any code but 00: which is which, the document does not say."""
        content = {
            "merchantId": self._config.merchant_id,
            "invoiceIds": [order_key],
            "transactionTime": write_time(self._clock()),
            "page": 1,
        }
        answer = _read(
            self._http.ask("GET", "/merchants/invoices", writes=False, query=self._signed(content))
        )
        if answer["code"] != _OK:
            raise Unavailable(f"code {answer['code']}")
        listed = answer.get("data")
        if listed is None:
            return None
        if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
            raise BrokenReply("no list of invoices in the reply")
        return next((each for each in listed if each.get("invoiceId") == order_key), None)

    def close(self) -> None:
        self._http.close()

    def _signed(self, content: Mapping[str, Any]) -> dict[str, str]:
        data = pack(content)
        secret = self._config.secret.reveal_bytes()
        return {"data": data, "sign": sign(data, secret, self._config.sign_form)}


def _read(reply: Reply) -> dict[str, Any]:
    """Raises BrokenReply; `code` is a short text in what it gives."""
    try:
        answer = json.loads(reply.untrusted_body, parse_float=Decimal)
    except (ValueError, RecursionError, ArithmeticError) as error:
        raise BrokenReply("the reply is not JSON") from error
    code = answer.get("code") if isinstance(answer, dict) else None
    if not isinstance(code, str) or not 0 < len(code) <= _MAX_CODE_CHARS:
        raise BrokenReply(f"no code in the reply, status {reply.status}")
    return dict(answer)
