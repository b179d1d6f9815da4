"""What banks and wallets do to the text of a transfer on its way to the hospital.

A style is one word or several joined by `+`, applied from left to right:
`upper`, `lower`, `strip_accents`, `cut(N)`, `prefix`, `suffix`, `punct_removed`, `noise`,
`replaced` (nothing of the payer's text arrives).
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Callable

Rewrite = Callable[[str, random.Random], str]

_CUT = re.compile(r"cut[(:](\d{1,3})\)?")
_NAMES = ("NGUYEN VAN MAU", "TRAN THI THU", "LE VAN VI DU", "PHAM THI DEMO")
_PREFIXES = ("MBVCB.{n}.", "IBFT ", "CT DEN:{n} ", "NHAN TU {n} TRACE {n} ", "QR - ")
_SUFFIXES = (
    ".CT tu 0000000000 {name} toi 1200000000001",
    " -{n}-{name}",
    "; tai iPay",
    " FT{n}",
    ". TU: {name}",
)


def strip_accents(text: str) -> str:
    """`Nguyễn Đức` → `Nguyen Duc`."""
    plain = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(sign for sign in plain if not unicodedata.combining(sign))


def rewrite_memo(memo: str, style: str, chance: random.Random) -> str:
    """Raises ValueError for a style nobody knows."""
    for step in parse_style(style):
        memo = step(memo, chance)
    return memo


def parse_style(style: str) -> list[Rewrite]:
    """Raises ValueError. The empty style leaves everything as it is."""
    return [_parse_step(word.strip()) for word in style.split("+") if word.strip()]


def _parse_step(word: str) -> Rewrite:
    cut = _CUT.fullmatch(word)
    if cut is not None:
        length = int(cut[1])
        return lambda memo, _: memo[:length]
    if word not in _STYLES:
        raise ValueError(f"no memo style {word[:20]!r}")
    return _STYLES[word]


def _text_of_a_bank(patterns: tuple[str, ...], chance: random.Random) -> str:
    return chance.choice(patterns).format(
        n=chance.randrange(10**7, 10**8), name=chance.choice(_NAMES)
    )


def _prefix(memo: str, chance: random.Random) -> str:
    return _text_of_a_bank(_PREFIXES, chance) + memo


def _suffix(memo: str, chance: random.Random) -> str:
    return memo + _text_of_a_bank(_SUFFIXES, chance)


def _noise(memo: str, chance: random.Random) -> str:
    """As one of many banks has it, another each time; the payer's text stays whole within."""
    if chance.random() < 0.6:
        memo = _prefix(memo, chance)
    if chance.random() < 0.6:
        memo = _suffix(memo, chance)
    if chance.random() < 0.5:
        memo = strip_accents(memo)
    return chance.choice((str, str.upper, str.lower))(memo)


_STYLES: dict[str, Rewrite] = {
    "upper": lambda memo, _: memo.upper(),
    "lower": lambda memo, _: memo.lower(),
    "strip_accents": lambda memo, _: strip_accents(memo),
    "prefix": _prefix,
    "suffix": _suffix,
    "punct_removed": lambda memo, _: re.sub(r"[^\w ]|_", "", memo),
    "noise": _noise,
    "replaced": lambda _, chance: f"CHUYEN TIEN {chance.choice(_NAMES)}",
}
