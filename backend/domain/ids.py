"""Ids and secrets: time-ordered where rows are looked up by them, unguessable where people are."""

from __future__ import annotations

import secrets
import time

from backend.domain.identity.hospital_codes import new_ticket_token


def new_id() -> str:
    """A UUID version 7 (RFC 9562, method 3) as 32 hex digits: ids made later sort later.

    New rows then land at the right edge of their index, so old rows cost an insert nothing, and
    rows of one transaction keep their order: the time counts in steps of a quarter microsecond.
    """
    milliseconds, rest_ns = divmod(time.time_ns(), 1_000_000)
    fraction = (rest_ns << 12) // 1_000_000
    value = milliseconds << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62 | secrets.randbits(62)
    return f"{value:032x}"


def new_token() -> str:
    """The token of a ticket: 120 random bits that the scanner knows from any other code."""
    return new_ticket_token(secrets.token_bytes)
