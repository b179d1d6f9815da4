"""Numbers, letters and codes as a voice reads them: Vietnamese of the north or south, English.

A hall listens to these words through bad loudspeakers, so each number has exactly one reading.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import groupby
from typing import Literal, TypeAlias

Language: TypeAlias = Literal["vi", "en"]
Region: TypeAlias = Literal["bac", "nam"]
LeadingZeros: TypeAlias = Literal["value", "digits"]
RoomReading: TypeAlias = Literal["digits", "cardinal"]

MAX_NUMBER = 10**12 - 1
MAX_CODE_CHARS = 24
MAX_SPELLED_LETTERS = 2
"""More letters in a room code are an abbreviation, which may tell what is treated there."""

_DIGITS = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
_TENS_ZERO = {"bac": "linh", "nam": "lẻ"}
_GROUPS = {
    "bac": ("", "nghìn", "triệu", "tỷ"),
    "nam": ("", "ngàn", "triệu", "tỷ"),
}

_LETTERS_VI = {
    "A": "a", "Ă": "á", "Â": "ớ", "B": "bê", "C": "xê", "D": "dê", "Đ": "đê", "E": "e", "Ê": "ê",
    "F": "ép", "G": "giê", "H": "hát", "I": "i", "J": "gi", "K": "ca", "L": "e-lờ", "M": "em-mờ",
    "N": "en-nờ", "O": "o", "Ô": "ô", "Ơ": "ơ", "P": "pê", "Q": "quy", "R": "e-rờ", "S": "ét-sì",
    "T": "tê", "U": "u", "Ư": "ư", "V": "vê", "W": "vê kép", "X": "ích", "Y": "i dài", "Z": "dét",
}  # fmt: skip

_ONES_EN = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
)  # fmt: skip
_TENS_EN = (
    "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
)  # fmt: skip


class UnreadableCode(ValueError):
    """A number or code no voice should try: too long, nothing in it, or an abbreviation."""


def read_number(number: int, region: Region = "bac") -> str:
    """The words of a whole number in Vietnamese.

    Groups of zeros are skipped; inside a lower group missing hundreds are said: 1005 is "một
    nghìn không trăm linh năm". Raises UnreadableCode below 0 and above MAX_NUMBER.
    """
    if not 0 <= number <= MAX_NUMBER:
        raise UnreadableCode("takes 0 to 999 999 999 999")
    if number == 0:
        return _DIGITS[0]
    words: list[str] = []
    for power in range(3, -1, -1):
        group = number // 1000**power % 1000
        if group:
            words += _read_group(group, region, is_first=not words)
            words += filter(None, [_GROUPS[region][power]])
    return " ".join(words)


def _read_group(group: int, region: Region, *, is_first: bool) -> Iterator[str]:
    hundreds, tens, unit = group // 100, group // 10 % 10, group % 10
    if hundreds or not is_first:
        yield _DIGITS[hundreds]
        yield "trăm"
        if tens == 0 and unit:
            yield _TENS_ZERO[region]
    if tens == 1:
        yield "mười"
    elif tens > 1:
        yield _DIGITS[tens]
        yield "mươi"
    if unit:
        yield _read_unit(unit, tens, region)


def _read_unit(unit: int, tens: int, region: Region) -> str:
    if unit == 5 and tens >= 1:
        return "lăm"
    if unit == 1 and tens > 1:
        return "mốt"
    if unit == 4 and tens > 1 and region == "bac":
        return "tư"
    return _DIGITS[unit]


def read_digits(digits: str, language: Language) -> str:
    """Digit by digit: "102" is "một không hai"."""
    names = _DIGITS if language == "vi" else _ONES_EN
    return " ".join(names[int(digit)] for digit in digits)


def read_number_en(number: int) -> str:
    """A cardinal to 99, digit by digit above: 105 is "one zero five"."""
    if number >= 100:
        return read_digits(str(number), "en")
    if number < 20:
        return _ONES_EN[number]
    tens, unit = divmod(number, 10)
    return _TENS_EN[tens] if unit == 0 else f"{_TENS_EN[tens]} {_ONES_EN[unit]}"


def read_letter(letter: str, language: Language) -> str:
    """The name of one letter, whatever tone it bears. English voices know "A" from the word "a"
    by its size. Raises UnreadableCode for what is no letter of either alphabet.
    """
    plain = _without_tone(letter)
    if plain not in _LETTERS_VI:
        raise UnreadableCode("holds a letter no voice has")
    if language == "vi":
        return _LETTERS_VI[plain]
    return "D" if plain == "Đ" else unicodedata.normalize("NFD", plain)[0]


def _without_tone(letter: str) -> str:
    """Ô for "ộ": the five tone marks go, hat, horn and breve belong to the letter."""
    tones = "\u0300\u0301\u0303\u0309\u0323"
    marks = unicodedata.normalize("NFD", letter.upper())
    return unicodedata.normalize("NFC", "".join(mark for mark in marks if mark not in tones))


def read_ticket_number(
    code: str,
    language: Language,
    *,
    region: Region = "bac",
    leading_zeros: LeadingZeros = "value",
) -> tuple[str, ...]:
    """A printed number such as `A007` piece by piece: letters by their names, then the number.

    Raises UnreadableCode.
    """
    match = re.fullmatch(r"([^\W\d_]{0,4})([0-9]{1,12})", _clean(code))
    if match is None:
        raise UnreadableCode("is not a number as printed on tickets")
    letters = [read_letter(letter, language) for letter in match[1]]
    return (*letters, _read_run(match[2], language, region, leading_zeros))


def read_room_code(
    code: str,
    language: Language,
    *,
    region: Region = "bac",
    rooms: RoomReading = "digits",
    leading_zeros: LeadingZeros = "value",
) -> tuple[str, ...]:
    """A room's or counter's code such as `B101`, `Q1` or `101`, piece by piece.

    From 100 up it is read digit by digit, as it stands on the door. Longer words in the code are
    left out when there is a number beside them. Raises UnreadableCode when nothing is left.
    """
    pieces: list[str] = []
    for kind, chars in groupby(_clean(code), key=_kind_of):
        run = "".join(chars)
        if kind == "letter" and len(run) <= MAX_SPELLED_LETTERS:
            pieces += [read_letter(letter, language) for letter in run]
        elif kind == "digit" and (rooms == "digits" and int(run) >= 100):
            pieces.append(read_digits(run, language))
        elif kind == "digit":
            pieces.append(_read_run(run, language, region, leading_zeros))
    if not pieces:
        raise UnreadableCode("has neither number nor short letter")
    return tuple(pieces)


def _clean(code: str) -> str:
    plain = unicodedata.normalize("NFC", code).strip()
    if not 0 < len(plain) <= MAX_CODE_CHARS:
        raise UnreadableCode(f"takes 1 to {MAX_CODE_CHARS} characters")
    return plain


def _kind_of(char: str) -> str:
    if char in "0123456789":
        return "digit"
    return "letter" if char.isalpha() else "other"


def _read_run(digits: str, language: Language, region: Region, leading_zeros: LeadingZeros) -> str:
    if len(digits) > 12:
        raise UnreadableCode("has too many digits")
    if leading_zeros == "digits" and len(digits) > 1 and digits.startswith("0"):
        return read_digits(digits, language)
    number = int(digits)
    return read_number(number, region) if language == "vi" else read_number_en(number)
