from __future__ import annotations

import pytest

from backend.domain.passwords import MAX_CHARS, PasswordFault, find_password_fault

GOOD = "Lua-chin-vang-dong-88"


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        (GOOD, None),
        ("Mèo Tam Thể ngủ 3 giờ trưa", None),
        ("aB3-" * 32 + "x", PasswordFault.TOO_LONG),
        (GOOD[:13], PasswordFault.TOO_SHORT),
        ("luachinvangdong88", PasswordFault.KINDS_MISSING),
        ("Luachinvangdong88", PasswordFault.KINDS_MISSING),
        ("Lua-chin-vang-dong", PasswordFault.KINDS_MISSING),
        ("Password-123456", PasswordFault.TOO_COMMON),
        ("Tiepdon-matkhau-1", PasswordFault.TOO_COMMON),
        ("Aaaaaaaaaaaaa-1", PasswordFault.TOO_COMMON),
        ("Tiếp-Đón-Mật-Khẩu-12", PasswordFault.TOO_COMMON),
        ("Benhvien@123456", PasswordFault.TOO_COMMON),
        ("", PasswordFault.TOO_SHORT),
    ],
)
def test_fourteen_characters_of_four_kinds(password: str, fault: PasswordFault | None) -> None:
    """SE-02."""
    assert find_password_fault(password, second_factor=False) == fault


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("kqzwvbxm", None),
        ("kqzwvbx", PasswordFault.TOO_SHORT),
        ("password", PasswordFault.TOO_COMMON),
        ("12345678", PasswordFault.TOO_COMMON),
        ("Tuan2008", PasswordFault.TOO_COMMON),
        ("matkhau1", PasswordFault.TOO_COMMON),
    ],
)
def test_eight_beside_a_second_factor(password: str, fault: PasswordFault | None) -> None:
    assert find_password_fault(password, second_factor=True) == fault


def test_long_ones_are_taken() -> None:
    """At least 64 characters, up to 128."""
    long = ("Con trâu đi trước cái cày theo sau 7 lần. " * 4)[:MAX_CHARS]
    assert find_password_fault(long[:64], second_factor=False) is None
    assert find_password_fault(long, second_factor=False) is None


def test_the_owners_name_is_no_password() -> None:
    words = ("truongvanhung", "Trương Văn Hùng")
    fault = find_password_fault("Truongvanhung-1", second_factor=False, personal_words=words)
    assert fault is PasswordFault.TOO_COMMON
