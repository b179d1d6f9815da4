"""Bare numbers: typed on the keypad or read from a one-dimensional barcode."""

from __future__ import annotations

import re

from backend.domain.identity.bhyt_number import read_bhyt_number
from backend.domain.identity.codes import ErrorCode, Kind, Refused, WarningCode
from backend.domain.identity.models import Identity
from backend.domain.identity.personal_number import check_personal_number, doubts

_KINDS = {12: Kind.ID12, 9: Kind.CMND9, 10: Kind.AMBIGUOUS, 15: Kind.BHYT15}
_WRITTEN_NUMBER = re.compile(r"(?=.*[0-9])[0-9A-Za-z]+")
_DIGITS = re.compile(r"[0-9]+")


def without_spaces(text: str) -> str:
    return "".join(text.split())


def find_kind(text: str) -> Kind | None:
    """The kind that the length names, when the text can be meant as a number at all."""
    number = without_spaces(text)
    return _KINDS.get(len(number)) if _WRITTEN_NUMBER.fullmatch(number) else None


def read_number(kind: Kind, text: str) -> tuple[Identity | None, set[WarningCode]]:
    """No identity for ten digits: they may be of the person or of the hospital. Raises Refused."""
    number = without_spaces(text)
    if kind is Kind.BHYT15:
        bhyt = read_bhyt_number(number)
        return (
            Identity(
                bhyt_number=bhyt.card_number,
                bhxh_number=bhyt.bhxh_number,
                benefit_level=bhyt.benefit_level,
            ),
            bhyt.doubts(),
        )
    if kind is Kind.ID12:
        id_number = check_personal_number(number)
        return Identity(id_number=id_number), doubts(id_number)
    if not _DIGITS.fullmatch(number):
        raise Refused(ErrorCode.ID_CHARSET)
    return (Identity(old_id_number=number) if kind is Kind.CMND9 else None), set()
