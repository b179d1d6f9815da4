"""Macs of ZaloPay v2 (HMAC-SHA256 over values joined by `|`), and its ids that begin with a day."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from payments.match_codes import is_order_key
from payments.models import Order, RefundOrder
from payments.signatures import hmac_hex

_VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
_DAY_CHARS = 7


def sign(key: str, *values: str | int) -> str:
    return hmac_hex("sha256", key, "|".join(str(value) for value in values))


def sign_create(key1: str, body: dict[str, str]) -> str:
    names = ("app_id", "app_trans_id", "app_user", "amount", "app_time", "embed_data", "item")
    return sign(key1, *(body[name] for name in names))


def sign_order(key1: str, app_id: int, app_trans_id: str) -> str:
    """For a query or a cancellation: the key itself is part of the text."""
    return sign(key1, app_id, app_trans_id, key1)


def sign_refund(key1: str, body: dict[str, str]) -> str:
    names = ["app_id", "zp_trans_id", "amount", "description", "timestamp"]
    if "refund_fee_amount" in body:
        names.insert(3, "refund_fee_amount")
    return sign(key1, *(body[name] for name in names))


def trans_id(order: Order) -> str:
    """`app_trans_id`: begins with the day, in Vietnam, on which the order was made."""
    return f"{_day(order.created_at)}_{order.key}"


def find_order_key(app_trans_id: str) -> str | None:
    """None: no order of ours is named so."""
    key = app_trans_id[_DAY_CHARS:]
    return key if is_order_key(key) else None


def refund_id(refund: RefundOrder, app_id: int) -> str:
    return f"{_day(refund.created_at)}_{app_id}_{refund.key}"


def _day(moment: datetime) -> str:
    return moment.astimezone(_VIETNAM).strftime("%y%m%d")
