from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from backend.domain.identity.models import BirthDate
from backend.domain.priority import DEFAULT_GROUPS, find_declared, judge_age

TODAY = date(2026, 11, 21)


@pytest.mark.parametrize(
    ("birth_date", "group", "ask"),
    [
        ("1951-11-21", "from_75", False),
        ("1951-11-22", None, False),
        ("1946-11-21", "from_80", False),
        ("1951", None, True),
        ("1951-10", "from_75", False),
        ("1950", "from_75", False),
        ("1946", "from_75", False),  # certainly 75; 80 perhaps, which changes no lane
        ("2020-11-22", "under_6", False),
        ("2020-11-21", None, False),
        ("2020", None, True),
    ],
)
def test_groups_by_birth_date(birth_date: str, group: str | None, ask: bool) -> None:
    verdict = judge_age(BirthDate.from_iso(birth_date), DEFAULT_GROUPS, on=TODAY)
    assert (verdict.group.code if verdict.group else None, verdict.ask_staff) == (group, ask)


def test_no_birth_date_asks() -> None:
    assert judge_age(None, DEFAULT_GROUPS, on=TODAY).ask_staff


def test_a_group_counts_from_and_until_its_days() -> None:
    groups = [
        replace(group, valid_from=date(2026, 1, 1), valid_to=date(2026, 11, 20))
        for group in DEFAULT_GROUPS
    ]
    old = BirthDate.from_iso("1940-01-01")
    assert judge_age(old, groups, on=TODAY).group is None
    assert judge_age(old, groups, on=date(2026, 11, 20)).group is not None
    assert judge_age(old, groups, on=date(2025, 12, 31)).group is None


def test_only_self_declared_groups_can_be_declared() -> None:
    declared = {
        group.code
        for group in DEFAULT_GROUPS
        if find_declared(group.code, DEFAULT_GROUPS, on=TODAY)
    }
    assert declared == {"disabled", "pregnant", "merit"}
    assert find_declared("vip", DEFAULT_GROUPS, on=TODAY) is None
