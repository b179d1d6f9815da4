"""`data` and `sign`: what is said, as Base64 of JSON, and HMAC-SHA256 over that Base64. Pure."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

from payments.errors import MalformedCallback
from payments.signatures import check_signature

SignForm = Literal["hex", "base64"]


def pack(content: Mapping[str, Any]) -> str:
    """As `JSON.stringify` writes it: in order, without blanks, letters as they are."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(text.encode()).decode()


def sign(data: str, secret: bytes, form: SignForm) -> str:
    digest = hmac.digest(secret, data.encode(errors="replace"), "sha256")
    return digest.hex() if form == "hex" else base64.b64encode(digest).decode()


def check(data: str, given: str, secret: bytes, form: SignForm) -> None:
    """Raises BadSignature."""
    check_signature(given.lower() if form == "hex" else given, sign(data, secret, form))


def unpack(data: str) -> dict[str, Any]:
    """Of data whose signature was checked; numbers exact. Raises MalformedCallback."""
    try:
        content = json.loads(
            base64.b64decode(data, validate=True), parse_float=Decimal, parse_constant=_refuse
        )
    except (ValueError, RecursionError, binascii.Error, ArithmeticError) as error:
        raise MalformedCallback("data is no JSON") from error
    if not isinstance(content, dict):
        raise MalformedCallback("data is no JSON object")
    return content


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no number")
