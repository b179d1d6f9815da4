"""Signatures of payOS (HMAC-SHA256 over sorted `name=value`), and our orders as its numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from payments.match_codes import ALPHABET, LENGTH, is_match_code
from payments.models import Order
from payments.signatures import hmac_hex

MAX_ATTEMPTS = 64
_CREATE = ("amount", "cancelUrl", "description", "orderCode", "returnUrl")


def sign_create(key: str, body: Mapping[str, str | int]) -> str:
    return hmac_hex("sha256", key, "&".join(f"{name}={body[name]}" for name in _CREATE))


def sign_data(key: str, data: Mapping[str, Any]) -> str:
    """Of `data` in a reply or a callback. Raises ValueError for what payOS never signs."""
    return hmac_hex("sha256", key, "&".join(f"{name}={_text(data[name])}" for name in sorted(data)))


def order_code(order: Order) -> int:
    """The whole key as one number below 2^53. Raises ValueError for an attempt too many."""
    if not 0 < order.attempt < MAX_ATTEMPTS:
        raise ValueError("too many attempts")
    return int(order.code, 36) * MAX_ATTEMPTS + order.attempt


def find_order_key(number: int) -> str | None:
    """None: no order of ours has this number."""
    rest, attempt = divmod(number, MAX_ATTEMPTS)
    code = ""
    while rest > 0 and len(code) <= LENGTH:
        rest, digit = divmod(rest, 36)
        code = ALPHABET[digit] + code
    return f"{code}-{attempt}" if attempt and is_match_code(code) else None


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    if type(value) is float:  # written differently by every language, and no money
        raise ValueError("a fraction")
    return str(value)
