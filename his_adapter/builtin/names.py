"""Names as the register searches and masks them."""

from __future__ import annotations

import unicodedata

_ETH_TO_DD = str.maketrans("Ðð", "Đđ")  # look-alikes from other code pages
_DD_TO_D = str.maketrans("đð", "dd")
_UNHEARD = str.maketrans("", "", "'’‘ʼ-.,~`")


def normal_form(text: str) -> str:
    """NFC, Đ as Vietnamese writes it, single spaces."""
    return " ".join(unicodedata.normalize("NFC", text).translate(_ETH_TO_DD).split())


def search_key(text: str) -> str:
    """Without case, marks and apostrophes: `H'Mẫu Niê` → `hmau nie`, `Hòa` and `Hoà` alike."""
    folded = unicodedata.normalize("NFD", text).casefold().translate(_DD_TO_D)
    decomposed = unicodedata.normalize("NFD", folded)
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return " ".join(plain.translate(_UNHEARD).split())


def masked_name(full_name: str) -> str:
    """Initials and given name: `Nguyễn Văn An` → `N.V. AN`, `Lan` → `L***`."""
    *others, given = normal_form(full_name).upper().split() or [""]
    if not others:
        return given and f"{given[0]}***"
    return "".join(f"{word[0]}." for word in others) + f" {given}"
