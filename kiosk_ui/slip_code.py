"""The code on slips and receipts: nine signs, the last of which tells a mistyped one. Pure."""

from __future__ import annotations

import re

SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LENGTH = 9
_CODE = re.compile(r"[A-Z]{2}[0-9A-Z]{7}")


def is_slip_code(text: str) -> bool:
    """Two letters, six signs and the check character of ISO 7064 MOD 37,36."""
    return _CODE.fullmatch(text) is not None and _check_character(text[:-1]) == text[-1]


def find_slip_code(untrusted_payload: bytes) -> str | None:
    """The code that a scanned payload consists of, and nothing else."""
    if len(untrusted_payload) > LENGTH + 2:
        return None
    text = untrusted_payload.decode("ascii", errors="replace").strip()
    return text if is_slip_code(text) else None


def _check_character(body: str) -> str:
    rest = 36
    for sign in body:
        rest = (rest + SIGNS.index(sign)) % 36 or 36
        rest = rest * 2 % 37
    return SIGNS[(37 - rest) % 36]
