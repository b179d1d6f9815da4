"""The signature of a request: HMAC-SHA256 over `value1|value2|…`, in lower-case hex."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from his_adapter.json_kiosk.contract import BODY


def text_to_sign(values: Iterable[object]) -> str:
    """Null is empty; true and false are written as JSON writes them."""
    return "|".join(_text(value) for value in values)


def sign(secret: bytes, text: str) -> str:
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()


def is_signed_by(secret: bytes, text: str, untrusted_signature: str) -> bool:
    """Compared in constant time; whatever was sent, no error."""
    return hmac.compare_digest(sign(secret, text).encode(), untrusted_signature.lower().encode())


def request_text(
    signed: Iterable[str],
    *,
    merchant_id: str,
    timestamp: str,
    parameters: Mapping[str, Any],
    body: bytes,
) -> str:
    """What is signed of one request. Names with dots reach into the parts of a JSON body."""
    values = (
        hashlib.sha256(body).hexdigest() if name == BODY else _dig(parameters, name)
        for name in signed
    )
    return text_to_sign([merchant_id, timestamp, *values])


def epoch_ms(moment: datetime) -> str:
    return str(round(moment.timestamp() * 1000))


def _dig(parameters: Mapping[str, Any], name: str) -> object:
    found: Any = parameters
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
