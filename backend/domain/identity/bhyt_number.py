"""Numbers of health insurance cards: `GG L PP NNNNNNNNNN`, or the ten digits N alone.

15 characters by Quyết định 1351/QĐ-BHXH (2015); since Quyết định 1666/QĐ-BHXH (2020) cards print
the permanent ten-digit BHXH number. No check digit is published.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from backend.domain.identity.codes import ErrorCode, Refused, WarningCode

_TEN = re.compile(r"[0-9]{10}")
_FIFTEEN = re.compile(r"[A-Z]{2}[0-9]{13}")

# Quyết định 1351/QĐ-BHXH and later changes. Incomplete by nature: an unknown group only warns.
_KNOWN_GROUP = re.compile(
    "BT|CA|CB|CC|CH|CK|CN|CS|CT|CY|DK|DN|DT|GB|GD|HC|HD|HN|HS|HT|HX|KC|LH|NN|NO|QN|SV|TB|TC|TE|TK"
    "|TN|XB|XD|XK"
)


@dataclass(frozen=True, kw_only=True, repr=False)
class BhytNumber:
    bhxh_number: str
    card_number: str | None = None
    benefit_level: int | None = None

    def doubts(self) -> set[WarningCode]:
        known = self.card_number is None or _KNOWN_GROUP.match(self.card_number) is not None
        return set() if known else {WarningCode.BHYT_GROUP_UNKNOWN}


def read_bhyt_number(untrusted_text: str) -> BhytNumber:
    """Either form, in either case. Raises Refused."""
    number = untrusted_text.upper()
    if _TEN.fullmatch(number):
        return BhytNumber(bhxh_number=number)
    if not _FIFTEEN.fullmatch(number):
        raise Refused(ErrorCode.BHYT_NUMBER)
    if number[2] not in "12345":
        raise Refused(ErrorCode.BHYT_LEVEL)
    return BhytNumber(bhxh_number=number[5:], card_number=number, benefit_level=int(number[2]))
