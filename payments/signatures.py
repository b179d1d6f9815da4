"""Comparing signatures without telling, by the time it takes, how much of one was right."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta

from payments.errors import BadSignature, StaleCallback

REPLAY_WINDOW = timedelta(minutes=5)


def hmac_hex(algorithm: str, key: str | bytes, text: str | bytes) -> str:
    """`algorithm` such as sha256; texts as UTF-8; lower-case digits."""
    key_bytes = key.encode() if isinstance(key, str) else key
    text_bytes = text.encode() if isinstance(text, str) else text
    return hmac.new(key_bytes, text_bytes, getattr(hashlib, algorithm)).hexdigest()


def check_signature(given: str, expected: str, *, context: dict[str, str] | None = None) -> None:
    """Raises BadSignature. Upper and lower case of hexadecimal digits are for the caller."""
    if not hmac.compare_digest(given.encode(errors="replace"), expected.encode()):
        raise BadSignature("the signature is wrong", context=context)


def check_window(
    sent_at: datetime, received_at: datetime, *, window: timedelta = REPLAY_WINDOW
) -> None:
    """Raises StaleCallback for what was signed too long ago, or by a clock far ahead."""
    if abs(received_at - sent_at) > window:
        raise StaleCallback("outside the window of time")
