from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.identity.names import normal_form, search_key, sort_key, ticket_form


@given(st.text())
def test_both_forms_are_their_own(text: str) -> None:
    assert normal_form(normal_form(text)) == normal_form(text)
    assert search_key(search_key(text)) == search_key(text)


@given(st.text(alphabet="aăâđêôơưyáàảãạĐẤ '-"))
def test_composition_does_not_change_the_key(text: str) -> None:
    assert search_key(unicodedata.normalize("NFD", text)) == search_key(text)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("H'Mẫu Niê", "hmau nie"),
        ("H’Mẫu  Niê", "hmau nie"),
        ("Y-Thử", "ythu"),
        ("Đặng Ðức ðạt", "dang duc dat"),
        ("HÒA", "hoa"),
        ("Hoà", "hoa"),
        ("Mỹ", "my"),
        ("Mĩ", "mi"),
        ("K'Brŏ Ñăl", "kbro nal"),
        ("", ""),
    ],
)
def test_search_key(name: str, key: str) -> None:
    assert search_key(name) == key


def test_ticket_form() -> None:
    assert ticket_form(" Nguye\u0302\u0303n  văn đức ") == "NGUYỄN VĂN ĐỨC"
    assert normal_form("Ðặng ðức") == "Đặng đức"


@pytest.mark.parametrize(
    "ordered",
    [
        ["Ma", "Mà", "Mả", "Mã", "Má", "Mạ", "Măn", "Mân"],
        ["Da", "Đa", "Ea"],
        ["Lê Văn An", "Trần Văn An", "Lê Văn Ân", "Lê Văn Bình"],
        ["Lê Thị Hà", "Lê Văn Hà", "Phạm Anh Hà", "Đỗ Văn Hạ"],
        ["An", "Lê An", "Lê Bá An"],
        ["Ho", "Hô", "Hơ", "Hu", "Hư"],
        ["An", "An An", "Bá"],
        ["Ho", "Hò", "Họ", "Hŏ"],
        ["", "An"],
    ],
)
def test_sort_order(ordered: list[str]) -> None:
    backwards = ordered[::-1]
    assert sorted(backwards, key=sort_key) == ordered


@given(st.text(), st.text())
def test_any_names_can_be_sorted(one: str, other: str) -> None:
    assert sorted([one, other], key=sort_key)
