from __future__ import annotations

from datetime import date

import pytest

from backend.domain.identity.codes import ErrorCode, Refused
from backend.domain.identity.dates import (
    find_compact_date,
    find_slashed_date,
    read_compact_birth_date,
    read_slashed_birth_date,
)

TODAY = date(2025, 6, 15)


@pytest.mark.parametrize(
    ("compact", "slashed", "iso"),
    [
        ("05091985", "05/09/1985", "1985-09-05"),
        ("091985", "9/1985", "1985-09"),
        ("1985", "1985", "1985"),
        ("15062025", "15/6/2025", "2025-06-15"),
    ],
)
def test_birth_dates(compact: str, slashed: str, iso: str) -> None:
    assert read_compact_birth_date(compact, today=TODAY).isoformat() == iso
    assert read_slashed_birth_date(slashed, today=TODAY).isoformat() == iso


@pytest.mark.parametrize("text", ["", "0", "131985", "32011985", "1/1/1/1985", "05/09/85", "0000"])
def test_no_birth_date(text: str) -> None:
    for read in (read_compact_birth_date, read_slashed_birth_date):
        with pytest.raises(Refused) as refusal:
            read(text, today=TODAY)
        assert refusal.value.code is ErrorCode.DOB_INVALID


def test_not_born_yet() -> None:
    with pytest.raises(Refused) as refusal:
        read_compact_birth_date("16062025", today=TODAY)
    assert refusal.value.code is ErrorCode.DOB_FUTURE


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("12082021", date(2021, 8, 12)),
        ("31022021", None),
        ("082021", None),
        ("120820211", None),
        ("", None),
    ],
)
def test_compact_date(text: str, found: date | None) -> None:
    assert find_compact_date(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [("1/7/2021", date(2021, 7, 1)), ("7/2021", None), ("1/7/20211", None), ("-", None)],
)
def test_slashed_date(text: str, found: date | None) -> None:
    assert find_slashed_date(text) == found
