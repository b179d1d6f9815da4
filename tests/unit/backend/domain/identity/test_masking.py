from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.identity.masking import masked_name, masked_number, masked_phone


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("Nguyễn Văn An", "N.V. AN"),
        ("Trần Thị Bé Năm", "T.T.B. NĂM"),
        ("H'Lan Siu", "H. SIU"),
        ("Lan", "L***"),
        ("Y Thử", "Y. THỬ"),
        ("đặng  an", "Đ. AN"),
        ("", ""),
    ],
)
def test_masked_name(name: str, masked: str) -> None:
    assert masked_name(name) == masked


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("079085000123", "•••••••••123"),
        ("DN4797900000000", "••••••••••••000"),
        ("123456", "••••••"),
        ("1234567", "••••567"),
        ("", ""),
    ],
)
def test_masked_number(number: str, masked: str) -> None:
    assert masked_number(number) == masked


@given(st.text(alphabet="0123456789", max_size=20))
def test_at_most_three_digits_show(number: str) -> None:
    assert sum(letter.isdigit() for letter in masked_number(number)) <= 3


@pytest.mark.parametrize(
    ("phone", "masked"),
    [
        ("0900000045", "••• ••• •45"),
        ("+84 900 000 045", "••• ••• •45"),
        ("123456", "••• ••• •••"),
        ("114", "••• ••• •••"),
    ],
)
def test_masked_phone(phone: str, masked: str) -> None:
    assert masked_phone(phone) == masked
