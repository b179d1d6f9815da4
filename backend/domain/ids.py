"""Ids and secrets: time-ordered where rows are looked up by them, unguessable where people are."""

from __future__ import annotations

import secrets
import time

from backend.domain.identity.hospital_codes import new_ticket_token


def new_id() -> str:
    """A UUID version 7 (RFC 9562) as 32 hex digits: ids made later sort later.

    New rows then land at the right edge of their index, so old rows cost an insert nothing.
    """
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds << 80) | secrets.randbits(80)
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return f"{value:032x}"


def new_token() -> str:
    """The token of a ticket: 120 random bits that the scanner knows from any other code."""
    return new_ticket_token(secrets.token_bytes)
