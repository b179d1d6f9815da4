"""The code of a payment as it stands in a memo: two letters, six signs, one check character.

Nine characters of A-Z and 0-9, so that it fits every provider's memo; the last is that of
ISO 7064 MOD 37,36 over the first eight. The two letters are the hospital's own.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Iterable

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LENGTH = 9
_SPOKEN = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without 0, O, 1 and I: codes are also read aloud at the counter."""
_PREFIX = re.compile(r"[A-Z]{2}")
_CODE = re.compile(r"[A-Z]{2}[0-9A-Z]{7}")
_KEY = re.compile(r"([A-Z]{2}[0-9A-Z]{7})-[1-9][0-9]{0,3}")
_MAX_MEMO_CHARS = 1_000


def new_match_code(prefix: str) -> str:
    """Random; unique only once the database took it. Raises ValueError for a wrong prefix."""
    if _PREFIX.fullmatch(prefix) is None:
        raise ValueError("the prefix of match codes is two letters A-Z")
    body = prefix + "".join(secrets.choice(_SPOKEN) for _ in range(LENGTH - 3))
    return body + check_character(body)


def check_character(body: str) -> str:
    """ISO 7064 MOD 37,36 (hybrid system, one check character). `body` in A-Z, 0-9."""
    rest = 36
    for sign in body:
        rest = (rest + ALPHABET.index(sign)) % 36 or 36
        rest = rest * 2 % 37
    return ALPHABET[(37 - rest) % 36]


def is_match_code(text: str) -> bool:
    return _CODE.fullmatch(text) is not None and check_character(text[:-1]) == text[-1]


def is_order_key(text: str) -> bool:
    """Whether this may be the key of an order of ours: a valid code and an attempt."""
    found = _KEY.fullmatch(text)
    return found is not None and is_match_code(found[1])


def find_match_codes(untrusted_memo: str, prefix: str) -> tuple[str, ...]:
    """Every valid code of this hospital in a memo, in order, each once.

    Banks and wallets add text around it, drop signs between, cut, and change case: everything
    outside A-Z and 0-9 goes first, then the code may stand anywhere.
    """
    squeezed = _squeeze(untrusted_memo)
    starts = (found.start() for found in re.finditer(f"(?={re.escape(prefix)})", squeezed))
    return _valid(squeezed[start : start + LENGTH] for start in starts)


def find_codes_of_anybody(untrusted_memo: str) -> tuple[str, ...]:
    """As above with any two letters: one sign of 36 checks, so some are codes by chance only."""
    squeezed = _squeeze(untrusted_memo)
    return _valid(found[1] for found in re.finditer(f"(?=({_CODE.pattern}))", squeezed))


def _squeeze(untrusted_memo: str) -> str:
    plain = unicodedata.normalize("NFD", untrusted_memo[:_MAX_MEMO_CHARS]).upper()
    return "".join(sign for sign in plain if sign in ALPHABET)


def _valid(candidates: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(code for code in candidates if is_match_code(code)))
