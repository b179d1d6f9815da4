"""QR of the health insurance card: `|` between fields, `-` for empty, `$` at the end.

Texts are the hex of their UTF-8. 17 fields on the ten-digit form of 2021, 15 or 10 on older ones.
Not one field is signed, and expiry is no ground to refuse: cards are renewed without new paper,
the insurance gateway decides.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import date

from backend.domain.identity.bhyt_number import read_bhyt_number
from backend.domain.identity.card_qr import displayed_address
from backend.domain.identity.codes import ErrorCode, Refused, WarningCode
from backend.domain.identity.dates import find_slashed_date, read_slashed_birth_date
from backend.domain.identity.models import Gender, Identity
from backend.domain.identity.names import normal_form
from backend.domain.identity.text import check_charset

_END = "$"
_EMPTY = frozenset({"", "-"})
_FEWEST_FIELDS = 9
_FULL_FIELDS = 13
_BENEFIT_LEVEL = 14  # position on the form of 2021

_GENDERS = {"1": Gender.MALE, "2": Gender.FEMALE}
_LOOKS_LIKE_NUMBER = re.compile(r"[0-9]{10}|[A-Za-z]{2}[0-9].*")
_HEX = re.compile(r"[0-9a-f]*")
_FACILITY = re.compile(r"[0-9]{2}[0-9A-Z]{3}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_CIRCUMFLEX, _GRAVE = "\u0302", "\u0300"


def looks_like_bhyt(fields: Sequence[str]) -> bool:
    return fields[-1] == _END or _LOOKS_LIKE_NUMBER.fullmatch(fields[0]) is not None


def read_bhyt(fields: Sequence[str], *, today: date) -> tuple[Identity, set[WarningCode]]:
    """Raises Refused."""
    if any(field.startswith(_END) for field in fields[:-1]):
        raise Refused(ErrorCode.DOUBLE_SCAN)
    number = read_bhyt_number(fields[0])
    if fields[-1] != _END:
        raise Refused(ErrorCode.TRUNCATED)
    if len(fields) < _FEWEST_FIELDS:
        raise Refused(ErrorCode.FIELD_COUNT)

    def field(index: int) -> str:
        value = fields[index] if index < len(fields) - 1 else ""
        return "" if value in _EMPTY else value

    warnings = number.doubts()
    full_name = normal_form(_read_hex(field(1), warnings)) or None
    birth_date = read_slashed_birth_date(field(2), today=today)
    if field(3) not in _GENDERS:
        raise Refused(ErrorCode.BHYT_SEX)
    raw_address = _read_hex(field(4), warnings)
    valid_from = find_slashed_date(field(6))
    valid_to = find_slashed_date(field(7))

    if len(fields) < _FULL_FIELDS or full_name is None or valid_from is None:
        warnings.add(WarningCode.FIELDS_MISSING)
    if valid_from is not None and valid_from > today:
        warnings.add(WarningCode.BHYT_NOT_YET_VALID)
    if valid_to is not None and valid_to < today:
        warnings.add(WarningCode.BHYT_EXPIRED)

    return (
        Identity(
            full_name=full_name,
            birth_date=birth_date,
            gender=_GENDERS[field(3)],
            address=displayed_address(raw_address) or None,
            raw_address=raw_address or None,
            issued_on=find_slashed_date(field(8)),
            bhyt_number=number.card_number,
            bhxh_number=number.bhxh_number,
            facility_code=_find_facility(field(5)),
            valid_from=valid_from,
            valid_to=valid_to,
            five_year_from=find_slashed_date(field(12)),
            benefit_level=number.benefit_level or _find_level(field(_BENEFIT_LEVEL)),
        ),
        warnings,
    )


def _find_facility(untrusted_text: str) -> str | None:
    """`48 – C54` → `48C54`; the separator differs from printer to printer."""
    code = re.sub(r"[\s\u2010-\u2015-]", "", untrusted_text.upper())
    return code if _FACILITY.fullmatch(code) else None


def _find_level(untrusted_text: str) -> int | None:
    return int(untrusted_text) if untrusted_text in {"1", "2", "3", "4", "5"} else None


def _read_hex(untrusted_hex: str, warnings: set[WarningCode]) -> str:
    """The text behind hex digits; what had to be mended goes into `warnings`. Raises Refused."""
    digits = untrusted_hex.lower()
    if not _HEX.fullmatch(digits):
        digits = "".join(_undo_telex(letter) for letter in digits)
        if not _HEX.fullmatch(digits):
            raise Refused(ErrorCode.HEX_INVALID)
        warnings.add(WarningCode.IME_REPAIRED)
    if len(digits) % 2:
        raise Refused(ErrorCode.HEX_ODD_LENGTH)
    raw = bytes.fromhex(digits)
    try:
        return _decode(raw, "utf-8")
    except Refused as refusal:
        try:
            text = _decode(raw, "utf-16-le")
        except Refused:
            raise refusal from None
    warnings.add(WarningCode.HEX_UTF16)
    return text


def _decode(raw: bytes, encoding: str) -> str:
    try:
        text = unicodedata.normalize("NFC", raw.decode(encoding))
    except UnicodeDecodeError:
        raise Refused(ErrorCode.CHARSET_GARBLED) from None
    check_charset(text)
    if _CONTROL.search(text):
        raise Refused(ErrorCode.CONTROL_CHARS)
    return text


def _undo_telex(letter: str) -> str:
    """The keys a scanner typed when Telex made this letter of them: ầ was `aaf`, đ was `dd`."""
    if letter == "đ":
        return "dd"
    decomposed = unicodedata.normalize("NFD", letter)
    keys = {_CIRCUMFLEX: decomposed[0], _GRAVE: "f"}
    return decomposed[0] + "".join(keys.get(mark, mark) for mark in decomposed[1:])
