"""Names of people: normal form, search key, ticket form, sort order."""

from __future__ import annotations

import unicodedata

_ETH_TO_DD = str.maketrans("Ðð", "Đđ")  # look-alikes from other code pages
_DD_TO_D = str.maketrans("đð", "dd")
_UNHEARD = str.maketrans("", "", "'’‘ʼ-.,~`")

_ALPHABET = {
    letter: rank for rank, letter in enumerate("aăâbcdđeêfghijklmnoôơpqrstuưvwxyz", start=1)
}
_VOWEL_MARKS = "\u0306\u0302\u031b"  # breve, circumflex, horn: they make another letter
# Tones in dictionary order: ngang, huyền, hỏi, ngã, sắc, nặng (CLDR collation for vi).
_TONES = {mark: rank for rank, mark in enumerate("\u0300\u0309\u0303\u0301\u0323", start=1)}
_OTHER_MARK = len(_TONES) + 1

_WordKey = tuple[tuple[int, ...], tuple[int, ...]]
SortKey = tuple[_WordKey, _WordKey, tuple[_WordKey, ...]]


def normal_form(text: str) -> str:
    """NFC, Đ as Vietnamese writes it, single spaces. Idempotent."""
    return " ".join(unicodedata.normalize("NFC", text).translate(_ETH_TO_DD).split())


def search_key(text: str) -> str:
    """Without case, marks and apostrophes: `H'Mẫu Niê` → `hmau nie`, `Hòa` and `Hoà` alike."""
    folded = unicodedata.normalize("NFD", text).casefold().translate(_DD_TO_D)
    decomposed = unicodedata.normalize("NFD", folded)
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return " ".join(plain.translate(_UNHEARD).split())


def ticket_form(full_name: str) -> str:
    """Upper case with its marks."""
    return normal_form(full_name).upper()


def sort_key(full_name: str) -> SortKey:
    """Orders names as Vietnamese lists do: by tên (last word), then họ (first), then đệm."""
    words = normal_form(full_name).casefold().split() or [""]
    return (
        _word_key(words[-1]),
        _word_key(words[0] if len(words) > 1 else ""),
        tuple(_word_key(word) for word in words[1:-1]),
    )


def _word_key(word: str) -> _WordKey:
    letters: list[int] = []
    tones: list[int] = []
    for written in word:
        decomposed = unicodedata.normalize("NFD", written)
        letter = decomposed[0]
        tone = 0
        for mark in decomposed[1:]:
            joined = unicodedata.normalize("NFC", letter + mark)
            if mark in _VOWEL_MARKS and joined in _ALPHABET:
                letter = joined
            else:
                tone = _TONES.get(mark, _OTHER_MARK)
        # Anything else, such as an apostrophe, sorts before the letters.
        letters.append(_ALPHABET.get(letter, 0))
        tones.append(tone)
    return tuple(letters), tuple(tones)
