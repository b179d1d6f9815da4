"""What may be shown of a person where others can look on."""

from __future__ import annotations

from backend.domain.identity.names import normal_form

_HIDDEN = "•"


def masked_name(full_name: str) -> str:
    """Initials and given name: `Nguyễn Văn An` → `N.V. AN`, `Lan` → `L***`, nothing → nothing."""
    *others, given = normal_form(full_name).upper().split() or [""]
    if not others:
        return given and f"{given[0]}***"
    return "".join(f"{word[0]}." for word in others) + f" {given}"


def masked_number(number: str) -> str:
    """The last three characters: `•••••••••123`. A number of six or fewer is hidden entirely."""
    shown = 3 if len(number) > 6 else 0
    return _HIDDEN * (len(number) - shown) + number[len(number) - shown :]


def masked_phone(phone: str) -> str:
    """The last two digits, always in the same shape: `••• ••• •45`."""
    digits = [letter for letter in phone if letter in "0123456789"]
    return f"••• ••• •{''.join(digits[-2:]) if len(digits) > 6 else '••'}"
