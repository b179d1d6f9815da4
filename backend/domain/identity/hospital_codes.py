"""Codes that the hospital itself prints: our tickets, patient numbers, appointments."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from backend.domain.identity.codes import Kind

# Crockford's alphabet: no i, l, o, u, so that a token can be read aloud and mistyped less.
_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_FROM_BASE32 = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", _CROCKFORD)
_TOKEN_BYTES = 15  # 120 bits cannot be guessed, and fill 24 characters exactly

TICKET_TOKEN_PATTERN = r"tk[0-9a-hjkmnp-tv-z]{24}"  # noqa: S105 - a pattern, not a secret
_TICKET = re.compile(rf"(?:https?://[^\s?#]+/t/)?({TICKET_TOKEN_PATTERN})/?")

_MAX_CODE_CHARS = 64


@dataclass(frozen=True, kw_only=True)
class HospitalCode:
    """One kind of code on this hospital's papers, as data.

    `pattern` matches the whole text; its first group, if any, is the reference to look up.
    """

    kind: Kind
    pattern: str

    def find_reference(self, text: str) -> str | None:
        match = re.fullmatch(self.pattern, text) if len(text) <= _MAX_CODE_CHARS else None
        return match and (match[1] if match.re.groups else match[0])


# BN: bệnh nhân; LH: lịch hẹn; HK: hẹn khám lại. Hospitals replace these by their own.
DEFAULT_HOSPITAL_CODES = (
    HospitalCode(kind=Kind.MRN, pattern=r"BN[0-9]{6,10}"),
    HospitalCode(kind=Kind.APPOINTMENT, pattern=r"(?:LH|HK)[0-9]{6,12}"),
)


def new_ticket_token(randbytes: Callable[[int], bytes]) -> str:
    """A fresh token; `randbytes` is `secrets.token_bytes` outside tests."""
    encoded = base64.b32encode(randbytes(_TOKEN_BYTES)).decode("ascii")
    return "tk" + encoded.translate(_FROM_BASE32)


def ticket_code(token: str, *, public_base: str | None) -> str:
    """What the QR of a ticket holds: a link to the phone page, or the token without one."""
    return f"{public_base.rstrip('/')}/t/{token}" if public_base else token


def find_hospital_code(
    text: str, patterns: Sequence[HospitalCode] = DEFAULT_HOSPITAL_CODES
) -> tuple[Kind, str] | None:
    """Kind and reference, when the text is one of our codes.

    The host of a ticket's link is not compared: the token alone decides, and old tickets
    outlive a change of the public address.
    """
    ticket = _TICKET.fullmatch(text)
    if ticket is not None:
        return Kind.TICKET, ticket[1]
    for code in patterns:
        reference = code.find_reference(text)
        if reference is not None:
            return code.kind, reference
    return None
