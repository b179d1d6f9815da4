"""Which passwords are good enough. Pure: hashing is elsewhere."""

from __future__ import annotations

import unicodedata
from enum import StrEnum

from zxcvbn import zxcvbn

from backend.domain.identity.names import search_key

MIN_CHARS = 14
MIN_CHARS_WITH_SECOND_FACTOR = 8
MAX_CHARS = 128
ALL_KINDS = 4
LEAST_GUESSES_LOG10 = 10.0
"""As zxcvbn counts them. An account takes five wrong ones in a quarter of an hour."""
LEAST_GUESSES_LOG10_WITH_SECOND_FACTOR = 7.5
LEAST_OWN_LETTERS = 5
"""Letters and digits beside the words that everybody here would try first."""
_LOOKED_AT_CHARS = 72  # zxcvbn refuses more, and a good beginning is good enough

# What everybody in a Vietnamese hospital would try first; zxcvbn knows the lists of the world.
_LOCAL_WORDS = (
    "tiepdon", "matkhau", "benhvien", "bacsi", "trungtamyte", "phongkham", "khambenh", "letan", "dieuduong", "bhyt", "cccd", "vneid",
    "vietnam", "hanoi", "saigon", "hochiminh", "anhyeuem", "emyeuanh", "demo", "kiosk",
)  # fmt: skip


class PasswordFault(StrEnum):
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    KINDS_MISSING = "kinds_missing"
    TOO_COMMON = "too_common"
    SAME_AS_BEFORE = "same_as_before"


def normalise_password(untrusted_password: str) -> str:
    """One form for the same letters: keyboards write Vietnamese letters in two ways."""
    return unicodedata.normalize("NFC", untrusted_password)


def find_password_fault(
    password: str, *, second_factor: bool, personal_words: tuple[str, ...] = ()
) -> PasswordFault | None:
    """None for a password that may be used. `personal_words` are names the owner goes by."""
    least = MIN_CHARS_WITH_SECOND_FACTOR if second_factor else MIN_CHARS
    if len(password) > MAX_CHARS:
        return PasswordFault.TOO_LONG
    if len(password) < least:
        return PasswordFault.TOO_SHORT
    if not second_factor and _count_kinds(password) < ALL_KINDS:
        return PasswordFault.KINDS_MISSING
    words = [*_LOCAL_WORDS, *(word for phrase in personal_words for word in phrase.split())]
    guesses_log10 = zxcvbn(password[:_LOOKED_AT_CHARS], user_inputs=words)["guesses_log10"]
    enough = LEAST_GUESSES_LOG10_WITH_SECOND_FACTOR if second_factor else LEAST_GUESSES_LOG10
    if guesses_log10 < enough or _count_own_letters(password, words) < LEAST_OWN_LETTERS:
        return PasswordFault.TOO_COMMON
    return None


def _count_own_letters(password: str, words: list[str]) -> int:
    rest = _plain(password)
    for word in sorted(map(_plain, words), key=len, reverse=True):
        if len(word) > 2:
            rest = rest.replace(word, "")
    return len(rest)


def _plain(text: str) -> str:
    """Without accents, capitals and signs."""
    return "".join(letter for letter in search_key(text) if letter.isalnum())


def _count_kinds(password: str) -> int:
    """Small letters, capital letters, digits, anything else."""
    return sum(
        (
            any(letter.islower() for letter in password),
            any(letter.isupper() for letter in password),
            any(letter.isdigit() for letter in password),
            any(not letter.isalnum() for letter in password),
        )
    )
