from __future__ import annotations

from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest

from backend.domain.alert_channels import LONGEST_PAUSE_S, TellingRules, pause_s
from backend.domain.alerts import AlertKind

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-{text}:00").replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("now", "told"),
    [
        ("23T20:59", "23T20:59"),
        ("23T21:00", "24T05:30"),
        ("24T00:10", "24T05:30"),
        ("24T05:30", "24T05:30"),
    ],
)
def test_the_night_waits_for_the_morning(now: str, told: str) -> None:
    rules = TellingRules(quiet=(time(21), time(5, 30)), always=frozenset({AlertKind.AUDIT_BROKEN}))
    assert rules.tell_at(AlertKind.PAPER_OUT, at(now), ZONE) == at(told)
    assert rules.tell_at(AlertKind.AUDIT_BROKEN, at(now), ZONE) == at(now)


def test_quiet_hours_may_lie_within_a_day() -> None:
    rules = TellingRules(quiet=(time(11, 30), time(13)))
    assert rules.tell_at(AlertKind.PAPER_OUT, at("23T12:00"), ZONE) == at("23T13:00")
    assert rules.tell_at(AlertKind.PAPER_OUT, at("23T14:00"), ZONE) == at("23T14:00")


def test_without_kinds_all_are_wanted() -> None:
    assert TellingRules().wants(AlertKind.TOO_HOT)
    only = TellingRules(only=frozenset({AlertKind.TOO_HOT}))
    assert only.wants(AlertKind.TOO_HOT)
    assert not only.wants(AlertKind.PAPER_OUT)


def test_pauses_grow_to_half_an_hour_and_differ() -> None:
    assert 3.75 <= pause_s(1, chance=0) < pause_s(1, chance=1) <= 5
    assert pause_s(4, chance=1) == 40
    assert pause_s(500, chance=1) == LONGEST_PAUSE_S
