"""Whose number is printed and called: ours, or that of the HIS where it answers in time. Pure.

Where the HIS numbers, a number of ours is the exception, and its letter is one the HIS never uses:
two people never hold the same number, whoever was faster.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from backend.domain.offline_numbers import list_letters
from backend.domain.setting_kinds import say

MAX_HIS_NUMBER = 99_999
_PREFIX = re.compile(r"[A-Z]{1,3}")


class Numbering(StrEnum):
    OWN = "own"
    HIS = "his"


class WhyOurs(StrEnum):
    """Why a number of the HIS is not the one that is called; staff are told."""

    PREFIX = "prefix"
    """Without letters of its own two rooms would hand out the same number."""
    OUR_LETTER = "our_letter"
    """The HIS uses a letter that was set apart for us, or for kiosks without their server."""
    RANGE = "range"
    TAKEN = "taken"
    """Somebody holds that number today."""


@dataclass(frozen=True, kw_only=True)
class HisNumber:
    letter: str
    number: int


def judge_his_number(prefix: str, number: int, *, our_letter: str) -> HisNumber | WhyOurs:
    """The number as it can be printed and called, or why it cannot."""
    letter = prefix.strip().upper()
    if not _PREFIX.fullmatch(letter):
        return WhyOurs.PREFIX
    if letter == our_letter or letter in set(list_letters()):
        return WhyOurs.OUR_LETTER
    if not 0 < number <= MAX_HIS_NUMBER:
        return WhyOurs.RANGE
    return HisNumber(letter=letter, number=number)


def find_numbering_fault(
    numbering: str, our_letter: str, his_letters: Iterable[str | None]
) -> str | None:
    """Why these settings cannot stand, in words for who runs the server; None when they can."""
    if numbering not in set(Numbering):
        return say("numbering is own or his")
    if numbering == Numbering.OWN:
        return None
    if not _PREFIX.fullmatch(our_letter):
        return say("letter_beside_his is one to three capital letters")
    if our_letter in set(list_letters()):
        return say(
            "letter_beside_his is {letter}, which kiosks without their server use",
            letter=our_letter,
        )
    if our_letter in set(his_letters):
        return say(
            "letter_beside_his is {letter}, which the HIS uses for its own numbers",
            letter=our_letter,
        )
    return None
