"""Signatures of the bank feed: one over the time and the bytes of each push and each list."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from payments.errors import BadSignature
from payments.secrets import Secret
from payments.signatures import check_signature, hmac_hex

TIMESTAMP_HEADER = "x-feed-timestamp"
SIGNATURE_HEADER = "x-feed-signature"
_SCHEME = "sha256="


def sign(secret: Secret, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 over `timestamp.body`, hexadecimal, after the name of the scheme."""
    return _SCHEME + hmac_hex("sha256", secret.reveal_bytes(), timestamp.encode() + b"." + body)


def check(headers: Mapping[str, str], body: bytes, secrets: tuple[Secret, ...]) -> datetime:
    """When it was signed, by any of the secrets. Header names in lower case. Raises BadSignature."""
    timestamp = headers.get(TIMESTAMP_HEADER, "")
    given = headers.get(SIGNATURE_HEADER, "").lower()
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 11):
        raise BadSignature("no time of the signature")
    wrong = BadSignature("no secret is set")
    for secret in secrets:
        try:
            check_signature(given, sign(secret, timestamp, body))
        except BadSignature as error:
            wrong = error
            continue
        return datetime.fromtimestamp(int(timestamp), UTC)
    raise wrong
