from __future__ import annotations

import pytest

from backend.domain.identity.codes import ErrorCode, Kind, Refused
from backend.domain.identity.typed import find_kind, read_number


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("079 085 000 000", Kind.ID12),
        ("07908500000A", Kind.ID12),
        ("020000000", Kind.CMND9),
        ("7900000000", Kind.AMBIGUOUS),
        ("DN4 79 7900000000", Kind.BHYT15),
        ("abcdefghijkl", None),  # letters alone are no number
        ("07-08-500000", None),
        ("07908500000", None),
        ("", None),
    ],
)
def test_kind_by_length(text: str, kind: Kind | None) -> None:
    assert find_kind(text) is kind


@pytest.mark.parametrize(
    ("kind", "text", "error"),
    [
        (Kind.ID12, "07908500000A", ErrorCode.ID_CHARSET),
        (Kind.CMND9, "02000000A", ErrorCode.ID_CHARSET),
        (Kind.AMBIGUOUS, "790000000A", ErrorCode.ID_CHARSET),
        (Kind.BHYT15, "079085000000123", ErrorCode.BHYT_NUMBER),
    ],
)
def test_refused(kind: Kind, text: str, error: ErrorCode) -> None:
    with pytest.raises(Refused) as refusal:
        read_number(kind, text)
    assert refusal.value.code is error
