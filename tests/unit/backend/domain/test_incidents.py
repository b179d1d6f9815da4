from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from backend.domain.incidents import is_due, list_duties

NOTICED = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


def urgencies(hours: float, **done: datetime) -> tuple[str, str]:
    duties = list_duties(
        NOTICED, first_notice_at=done.get("first_notice"), report_at=done.get("report")
    )
    now = NOTICED + timedelta(hours=hours)
    first, report = (duty.urgency(now) for duty in duties)
    assert is_due(duties, now=now) == bool({first, report} & {"soon", "late"})
    return first, report


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        (0, ("calm", "calm")),
        (17.9, ("calm", "calm")),
        (18, ("soon", "calm")),
        (24, ("late", "calm")),
        (66, ("late", "soon")),
        (72, ("late", "late")),
    ],
)
def test_the_clocks_of_the_law(hours: float, expected: tuple[str, str]) -> None:
    assert urgencies(hours) == expected


def test_what_was_told_is_done() -> None:
    assert urgencies(30, first_notice=NOTICED) == ("done", "calm")
    assert urgencies(80, first_notice=NOTICED, report=NOTICED) == ("done", "done")


def test_a_full_report_within_a_day_is_the_first_notice_too() -> None:
    assert urgencies(30, report=NOTICED) == ("done", "done")
