from __future__ import annotations

import pytest

from his_adapter.builtin.names import masked_name, normal_form, search_key


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("H'Mẫu Niê", "hmau nie"),
        ("Đặng  Thị Hòa", "dang thi hoa"),
        ("ÐẶNG THỊ HOÀ", "dang thi hoa"),
    ],
)
def test_search_keys_forget_marks_case_and_apostrophes(name: str, key: str) -> None:
    assert search_key(name) == key


@pytest.mark.parametrize(
    ("name", "masked"),
    [("Nguyễn Văn An", "N.V. AN"), ("H'Lan Siu", "H. SIU"), ("Lan", "L***"), ("", "")],
)
def test_masked_names(name: str, masked: str) -> None:
    assert masked_name(name) == masked


def test_normal_form_is_composed_and_stable() -> None:
    once = normal_form(" Nguye\u0302\u0303n   Ðức ")
    assert once == "Nguyễn Đức"
    assert normal_form(once) == once
