"""`data` and `sign` on the bank's side, written apart from the client's."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any


class Unreadable(ValueError):
    """Wrong sign, or no JSON object behind it."""


def wrap(content: dict[str, Any], secret: str, *, hexadecimal: bool) -> tuple[str, str]:
    """`data` and `sign`."""
    compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode(content)
    data = base64.standard_b64encode(compact.encode("utf-8")).decode("ascii")
    return data, _mac(data, secret, hexadecimal=hexadecimal)


def unwrap(data: object, sign: object, secret: str, *, hexadecimal: bool) -> dict[str, Any]:
    """Raises Unreadable."""
    if not isinstance(data, str) or not isinstance(sign, str):
        raise Unreadable("no data or no sign")
    expected = _mac(data, secret, hexadecimal=hexadecimal)
    if not hmac.compare_digest(expected.encode(), sign.encode()):
        raise Unreadable("wrong sign")
    content = json.loads(base64.standard_b64decode(data))  # raises ValueError
    if not isinstance(content, dict):
        raise Unreadable("no object")
    return content


def _mac(data: str, secret: str, *, hexadecimal: bool) -> str:
    made = hmac.new(key=secret.encode("utf-8"), msg=data.encode("utf-8"), digestmod=hashlib.sha256)
    return made.hexdigest() if hexadecimal else base64.standard_b64encode(made.digest()).decode()
