"""Callbacks of the sandbox: JSON, signed over its time and its bytes, as good providers do it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from payments.errors import BadSignature, MalformedCallback
from payments.models import (
    BillLookup,
    CallbackRequest,
    Credit,
    Money,
    Notice,
    NoticeKind,
    OrderStatus,
    Payer,
)
from payments.signatures import check_signature, check_window, hmac_hex

SIGNATURE = "x-sandbox-signature"
_MAX_BYTES = 100_000
_MAX_VND = 10**13


def sign(
    content: Mapping[str, Any], *, secret: bytes, sent_at: datetime, path: str = ""
) -> CallbackRequest:
    """A callback as the sandbox sends it at that time."""
    body = json.dumps(content, ensure_ascii=False).encode()
    stamp = str(int(sent_at.timestamp()))
    return CallbackRequest(
        method="POST",
        path=path,
        headers={
            "content-type": "application/json",
            SIGNATURE: f"t={stamp},v1={_signature(secret, stamp, body)}",
        },
        untrusted_body=body,
        received_at=sent_at,
    )


def credit_content(credit: Credit) -> dict[str, Any]:
    return {
        "transaction_id": credit.transaction_id,
        "bank_reference": credit.bank_reference,
        "amount": credit.amount.amount_vnd,
        "paid_at": credit.paid_at.isoformat(),
        "memo": credit.memo,
        "order_key": credit.order_key,
        "payer": {
            "name": credit.payer.name,
            "account": credit.payer.account,
            "bank": credit.payer.bank,
        },
    }


def read(
    request: CallbackRequest, *, secret: bytes, provider: str, account: str
) -> Notice | BillLookup:
    """Raises CallbackRefused."""
    sent_at = _check(request, secret)
    try:
        content = json.loads(request.untrusted_body)
        kind = content["kind"]
        if kind == "bill":
            return BillLookup(code=_text(content["code"]), context={"code": _text(content["code"])})
        order_key, status = content.get("order_key"), content.get("status")
        return Notice(
            kind=NoticeKind(kind),
            credits=tuple(
                _credit(item, provider=provider, account=account)
                for item in content.get("credits", ())
            ),
            order_key=None if order_key is None else _text(order_key),
            status=None if status is None else OrderStatus(status),
            sent_at=sent_at,
            confirm=bool(content.get("confirm", False)),
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise MalformedCallback("not a callback of the sandbox") from error


def _check(request: CallbackRequest, secret: bytes) -> datetime:
    parts = dict(
        part.split("=", 1) for part in request.headers.get(SIGNATURE, "").split(",") if "=" in part
    )
    stamp, body = parts.get("t", ""), request.untrusted_body
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 12) or len(body) > _MAX_BYTES:
        raise BadSignature("no signature")
    check_signature(parts.get("v1", ""), _signature(secret, stamp, body))
    sent_at = datetime.fromtimestamp(int(stamp), UTC)
    check_window(sent_at, request.received_at)
    return sent_at


def _credit(item: Any, *, provider: str, account: str) -> Credit:
    payer, order_key = item.get("payer") or {}, item.get("order_key")
    paid_at = datetime.fromisoformat(_text(item["paid_at"]))
    if paid_at.tzinfo is None:
        raise ValueError("a time without zone")
    amount = Money(item["amount"])
    if not 0 < amount.amount_vnd < _MAX_VND:
        raise ValueError("no such amount")
    return Credit(
        provider=provider,
        account=account,
        transaction_id=_text(item["transaction_id"]),
        bank_reference=_text(item.get("bank_reference", "")),
        amount=amount,
        paid_at=paid_at,
        memo=_text(item.get("memo", "")),
        order_key=None if order_key is None else _text(order_key),
        payer=Payer(
            name=_text(payer.get("name", "")),
            account=_text(payer.get("account", "")),
            bank=_text(payer.get("bank", "")),
        ),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a text is expected")
    return value


def _signature(secret: bytes, stamp: str, body: bytes) -> str:
    return hmac_hex("sha256", secret, stamp.encode() + b"." + body)
