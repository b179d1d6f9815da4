from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.ages import Copy, DataKind, may_keep, may_show, tell_age

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NEVER = (DataKind.RESULTS, DataKind.EINVOICE, DataKind.PAYMENT)


@given(kind=st.sampled_from(NEVER), seconds=st.integers(0, 10_000), stale=st.booleans())
def test_results_and_money_never_come_from_a_copy(
    kind: DataKind, seconds: int, stale: bool
) -> None:
    copy = Copy(fetched_at=NOW - timedelta(seconds=seconds), stale=stale)
    assert not may_show(kind, copy, now=NOW)
    assert not may_keep(kind)


@pytest.mark.parametrize(
    ("kind", "hours", "stale", "shown"),
    [
        (DataKind.PATIENT, 23, True, True),
        (DataKind.PATIENT, 25, False, False),
        (DataKind.REGISTRATION, 11, False, True),
        (DataKind.ORDERS, 1, False, True),
        (DataKind.ORDERS, 1, True, False),
        (DataKind.ORDERS, 3, False, False),
    ],
)
def test_the_rest_does_for_a_while(kind: DataKind, hours: int, stale: bool, shown: bool) -> None:
    copy = Copy(fetched_at=NOW - timedelta(hours=hours), stale=stale)
    assert may_show(kind, copy, now=NOW) is shown
    assert not may_show(kind, None, now=NOW)


def test_the_age_in_words() -> None:
    assert tell_age(datetime(2026, 11, 23, 1, 12, tzinfo=UTC), now=NOW, zone=ZONE) == "08:12"
    assert tell_age(datetime(2026, 11, 22, 1, 12, tzinfo=UTC), now=NOW, zone=ZONE) == "08:12 22/11"
