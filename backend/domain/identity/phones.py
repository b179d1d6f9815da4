"""Phone numbers as people write them, in one form to find them by."""

from __future__ import annotations

import re

_WRITTEN = re.compile(r"\+?[0-9][0-9 .-]{6,18}")


def phone_key(written: str) -> str | None:
    """Digits as dialled inside Vietnam: `+84 912 345 678` → `0912345678`. None for other text."""
    text = written.strip()
    if not _WRITTEN.fullmatch(text):
        return None
    digits = "".join(letter for letter in text if letter.isdigit())
    if text.startswith("+84") or (digits.startswith("84") and len(digits) == 11):
        digits = f"0{digits[2:]}"
    return digits if 8 <= len(digits) <= (15 if text.startswith("+") else 11) else None
