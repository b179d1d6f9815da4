"""Every payload a kiosk may meet, read in one order.

Size → charset → normal form → class → structure → fields → warnings. The size is looked at
before anything else is, and no later step takes more than linear time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from backend.domain.identity import bhyt_qr, card_qr, mrz, typed
from backend.domain.identity.codes import ErrorCode, Kind, Refused, WarningCode
from backend.domain.identity.hospital_codes import (
    DEFAULT_HOSPITAL_CODES,
    HospitalCode,
    find_hospital_code,
)
from backend.domain.identity.models import Identity, ParseResult
from backend.domain.identity.personal_number import is_personal_number
from backend.domain.identity.text import is_url, read_text

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_CONTROL_BUT_BREAKS = re.compile(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]")
_EMVCO_START = "000201"
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CARD_KINDS = frozenset({Kind.CCCD2021, Kind.CAN_CUOC2024})
_TYPED_KINDS = frozenset({Kind.ID12, Kind.CMND9, Kind.BHYT15, Kind.AMBIGUOUS})


def parse(
    untrusted_payload: bytes | str,
    *,
    today: date,
    lenient: bool = False,
    patterns: Sequence[HospitalCode] = DEFAULT_HOSPITAL_CODES,
) -> ParseResult:
    """Whatever comes in, a result comes out: nothing is raised for any payload.

    `today` is the day at the facility. `lenient` accepts a card without issue date.
    """
    kind = Kind.UNKNOWN
    try:
        text = _read_line(untrusted_payload)
        kind, reference = _classify(text, patterns)
        identity, warnings = _read(kind, text, today=today, lenient=lenient)
    except Refused as refusal:
        return ParseResult(kind=kind, error=refusal.code)
    return ParseResult(kind=kind, warnings=warnings, identity=identity, reference=reference)


def describe(
    untrusted_payload: bytes, *, patterns: Sequence[HospitalCode] = DEFAULT_HOSPITAL_CODES
) -> tuple[Kind, str]:
    """Class and readable text of a payload, without judging its fields. Raises nothing."""
    text = untrusted_payload.decode("utf-8", errors="replace")
    try:
        return _classify(_read_line(untrusted_payload), patterns)[0], text
    except Refused:
        return Kind.UNKNOWN, text


def check_typed_number(
    untrusted_text: str, *, patterns: Sequence[HospitalCode] = DEFAULT_HOSPITAL_CODES
) -> ParseResult:
    """A number from the keypad: of a person, or one that the hospital gave. Raises nothing.

    Digits of a length that no kind has are E_ID_LENGTH here, where a person can mend them.
    """
    kind = Kind.UNKNOWN
    try:
        text = typed.without_spaces(_read_line(untrusted_text))
        kind, reference = find_hospital_code(text, patterns) or _classify_typed(text)
        identity, warnings = _read_number(kind, text)
    except Refused as refusal:
        return ParseResult(kind=kind, error=refusal.code)
    return ParseResult(kind=kind, warnings=warnings, identity=identity, reference=reference)


def keep_number(untrusted_payload: bytes) -> ParseResult:
    """The number at the front of a card whose letters a keyboard-mode scanner lost.

    Its names and dates are not trusted: the result is that of a typed number.
    """
    front = untrusted_payload[:64].split(b"|", 1)[0]
    return check_typed_number(front.decode("ascii", errors="replace"), patterns=())


def _read_line(untrusted_payload: bytes | str) -> str:
    text = read_text(untrusted_payload)
    forbidden = _CONTROL_BUT_BREAKS if mrz.looks_like_mrz(text) else _CONTROL
    if forbidden.search(text):
        raise Refused(ErrorCode.CONTROL_CHARS)
    return text


def _fields(text: str) -> list[str]:
    return [field.strip() for field in text.split("|")]


def _classify(text: str, patterns: Sequence[HospitalCode]) -> tuple[Kind, str | None]:
    """First match wins. A nine-digit CMND is also hex: nothing is told by looking like hex."""
    found = find_hospital_code(text, patterns)
    if found is not None:
        return found
    if is_url(text):
        raise Refused(ErrorCode.QR_IS_URL)
    if text.startswith(_EMVCO_START):
        raise Refused(ErrorCode.QR_IS_PAYMENT)
    if mrz.looks_like_mrz(text):
        return Kind.MRZ, None
    if "|" in text:
        return _classify_fields(_fields(text)), None
    if typed.find_kind(text) is None:
        raise Refused(ErrorCode.UNKNOWN_QR)
    return _classify_typed(text)


def _classify_typed(text: str) -> tuple[Kind, str | None]:
    kind = typed.find_kind(text)
    if kind is None:
        raise Refused(ErrorCode.ID_LENGTH if text.isalnum() else ErrorCode.ID_CHARSET)
    return kind, typed.without_spaces(text) if kind is Kind.AMBIGUOUS else None


def _classify_fields(fields: Sequence[str]) -> Kind:
    if is_personal_number(fields[0]):
        # The personal QR of 2021: number, name, ISO date, …
        if _ISO_DATE.fullmatch("".join(fields[2:3])):
            raise Refused(ErrorCode.QR_LEGACY_COVID)
        return card_qr.find_kind(fields)
    if bhyt_qr.looks_like_bhyt(fields):
        return Kind.BHYT
    raise Refused(ErrorCode.ID_CHARSET if len(fields[0]) == 12 else ErrorCode.ID_LENGTH)


def _read(
    kind: Kind, text: str, *, today: date, lenient: bool
) -> tuple[Identity | None, set[WarningCode]]:
    if kind in _CARD_KINDS:
        return card_qr.read_card(_fields(text), today=today, lenient=lenient)
    if kind is Kind.BHYT:
        return bhyt_qr.read_bhyt(_fields(text), today=today)
    if kind is Kind.MRZ:
        return mrz.read_mrz(text, today=today)
    return _read_number(kind, text)


def _read_number(kind: Kind, text: str) -> tuple[Identity | None, set[WarningCode]]:
    return typed.read_number(kind, text) if kind in _TYPED_KINDS else (None, set())
