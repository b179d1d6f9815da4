"""Casso's webhook v2: `X-Casso-Signature: t=<ms>,v1=<hex>`, HMAC-SHA512 over `t.JSON`.

The JSON is the body again, keys sorted at every depth, without blanks. Casso's own samples write
it in different ways once a memo has an accent or a slash, so each of their ways is taken.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from payments.errors import BadSignature
from payments.secrets import Secret
from payments.signatures import check_signature, check_window, hmac_hex
from payments.untrusted_json import time_of_ms

HEADER = "x-casso-signature"
_FORM = re.compile(r"t=([0-9]{1,15}),\s*v1=([0-9a-fA-F]{128})")


def write_ways(content: Any) -> tuple[str, ...]:
    """As JavaScript, PHP and Python write the same content, each once."""
    plain = _write(_whole_numbers(content), ascii_only=False)
    escaped = _write(content, ascii_only=True)
    php = escaped.replace("/", "\\/")
    return tuple(dict.fromkeys((plain, php, escaped)))


def check(
    headers: Mapping[str, str], content: Mapping[str, Any], secret: Secret, received_at: datetime
) -> datetime:
    """When it was signed. Raises BadSignature, StaleCallback."""
    found = _FORM.fullmatch(headers.get(HEADER, "").strip())
    if found is None:
        raise BadSignature("no signature of Casso")
    stamp, given = found[1], found[2].lower()
    try:
        ways = write_ways(content)
    except RecursionError:
        raise BadSignature("too deep") from None
    for way in ways:
        try:
            check_signature(given, hmac_hex("sha512", secret.reveal_bytes(), f"{stamp}.{way}"))
        except BadSignature:
            continue
        break
    else:
        raise BadSignature("the signature is wrong")
    try:
        sent_at = time_of_ms(int(stamp))
    except ValueError:
        raise BadSignature("no time of the signature") from None
    check_window(sent_at, received_at)
    return sent_at


def _write(content: Any, *, ascii_only: bool) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=ascii_only)


def _whole_numbers(content: Any) -> Any:
    """JavaScript writes 350000.0 as 350000."""
    if isinstance(content, dict):
        return {key: _whole_numbers(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_whole_numbers(value) for value in content]
    if isinstance(content, float) and content.is_integer() and abs(content) < 1e21:
        return int(content)
    return content
