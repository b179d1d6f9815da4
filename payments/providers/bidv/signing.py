"""Checksums of bills and the secureCode of virtual accounts: pure text in, text out.

Four forms of the checksum are in use; which one is the hospital's, its document from BIDV says.

| Form        | Digest                        | getbill                 | paybill                |
|-------------|-------------------------------|-------------------------|------------------------|
| sha256_plus | Base64 of SHA-256             | secret+service+customer | secret+|trans+amount   |
| sha256_bar  | Base64 of SHA-256             | secret|service|customer | secret|trans|amount    |
| hmac_bar    | Base64 of HMAC-SHA256, secret | secret|service|customer | secret|trans|amount    |
| md5         | MD5, hexadecimal              | all in one              | with the bill, in one  |

None of them covers everything that is sent: only md5 covers the bill. So a bank is also known by
where it calls from (`callback`), and what it says of a bill is held against our own books.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from enum import StrEnum


class ChecksumForm(StrEnum):
    SHA256_PLUS = "sha256_plus"
    SHA256_BAR = "sha256_bar"
    HMAC_BAR = "hmac_bar"
    MD5 = "md5"


def getbill_checksum(form: ChecksumForm, secret: str, *, service: str, customer: str) -> str:
    match form:
        case ChecksumForm.SHA256_PLUS:
            return _sha256(f"{secret}+{service}+{customer}")
        case ChecksumForm.SHA256_BAR:
            return _sha256(f"{secret}|{service}|{customer}")
        case ChecksumForm.HMAC_BAR:
            return _hmac(secret, f"{secret}|{service}|{customer}")
        case ChecksumForm.MD5:
            return _md5(f"{secret}{service}{customer}")


def paybill_checksum(
    form: ChecksumForm, secret: str, *, transaction: str, bill: str, amount: str
) -> str:
    """`amount` as it was sent: digits, maybe with a fraction."""
    match form:
        case ChecksumForm.SHA256_PLUS:
            return _sha256(f"{secret}+|{transaction}+{amount}")
        case ChecksumForm.SHA256_BAR:
            return _sha256(f"{secret}|{transaction}|{amount}")
        case ChecksumForm.HMAC_BAR:
            return _hmac(secret, f"{secret}|{transaction}|{amount}")
        case ChecksumForm.MD5:
            return _md5(f"{secret}{transaction}{bill}{amount}")


def secure_code(
    secret: str, *, interaction: str, service: str, merchant: str, merchant_name: str
) -> str:
    """Of a change of virtual accounts."""
    return _sha256(f"{interaction}|{service}|{merchant}|{merchant_name}|{secret}")


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _hmac(secret: str, text: str) -> str:
    return base64.b64encode(hmac.digest(secret.encode(), text.encode(), "sha256")).decode()


def _md5(text: str) -> str:
    """Weak, and the bank's choice; nobody can choose both texts, so a collision gains nothing."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
