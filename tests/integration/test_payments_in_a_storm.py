"""The small soak of payments: everything fails that can, and the books are right in the end."""

from __future__ import annotations

import pytest

from tests.soak.payments import Plan, soak

pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.timeout(600)]


@pytest.mark.parametrize(
    "postgres", [False, pytest.param(True, marks=pytest.mark.postgres)], ids=["sqlite", "postgres"]
)
def test_three_hundred_payments_with_kills(postgres: bool) -> None:
    report = soak(Plan(payments=300, kills=3, seed=42, speed=20, postgres=postgres))
    assert report.good, report.show()
    # It was a storm, and payments came through it.
    assert sum(report.kills.values()) >= 4
    assert report.states["posted"] > 100
    assert report.transactions > 200
