from __future__ import annotations

from backend.domain.identity.provinces import BIRTH_PROVINCES


def test_the_63_provinces_before_the_mergers() -> None:
    assert len(BIRTH_PROVINCES) == len(set(BIRTH_PROVINCES.values())) == 63
    assert BIRTH_PROVINCES["001"] == "Hà Nội"
    assert BIRTH_PROVINCES["079"] == "TP. Hồ Chí Minh"
    assert "003" not in BIRTH_PROVINCES
