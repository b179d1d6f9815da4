"""Rows of the check-in table, of invented people (bhyt.md 5.5)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from backend.domain.checkin_table.row import CardFacts, CheckinRow, CostKind, FirstCost
from his_adapter.models import BirthDate, Gender

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
ARRIVED = datetime(2026, 10, 12, 0, 12, tzinfo=UTC)  # 07:12 in Việt Nam


def make_row(**fields: Any) -> CheckinRow:
    """The sample of the fact sheet, with `fields` changed."""
    values: dict[str, Any] = {
        "record_code": "99001-261012-000017",
        "patient_code": "BN00012345",
        "full_name": "Nguyễn Văn Mẫu",
        "id_number": "099090000001",
        "birth_date": BirthDate.from_iso("1990-03-05"),
        "gender": Gender.MALE,
        "card": CardFacts(
            number="DN4990000000001",
            facility_code="99001",
            valid_from=date(2026, 1, 1),
            valid_to=date(2026, 12, 31),
        ),
        "patient_category": "1.1",
        "care_type": "01",
        "facility_code": "99001",
        "arrived_at": ARRIVED,
        "first_cost": FirstCost(kind=CostKind.SERVICE, code="99.9001", name="Khám Nội (mã giả)"),
        "ordered_at": ARRIVED,
    }
    return CheckinRow(**(values | fields))
