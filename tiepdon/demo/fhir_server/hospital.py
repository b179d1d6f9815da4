"""An invented hospital as its FHIR server holds it, written down by hand.

Not by our own mapping: what another vendor's server stores must be understood, so half of it uses
plain FHIR only, without any extension of ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from his_adapter.models import Ref

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
HOURLY, WALK_IN = Ref("kham-noi"), Ref("kham-ngoai")
OWN = "urn:tiepdon:ext:"

SETTINGS: dict[str, Any] = {
    "facility": {"code": "99002", "name_vi": "Bệnh viện Mẫu Suối Ngọc"},
    "systems": {
        "mrn": "https://his.example.vn/sid/ma-bn",
        "number": "https://his.example.vn/sid/stt",
        "appointment": "https://his.example.vn/sid/lich-hen",
        "service": "https://his.example.vn/sid/dich-vu",
    },
    "code_lists": {"province": "https://his.example.vn/ValueSet/tinh"},
}


def department(ref: str, code: str, name: str) -> dict[str, Any]:
    return {
        "resourceType": "Organization",
        "id": ref,
        "identifier": [{"system": "https://his.example.vn/sid/khoa", "value": code}],
        "active": True,
        "type": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/organization-type",
                        "code": "dept",
                    }
                ]
            }
        ],
        "name": name,
        "partOf": {"reference": "Organization/benh-vien"},
    }


OFFICE_HOURS: list[dict[str, Any]] = [
    {
        "daysOfWeek": ["mon", "tue", "wed", "thu", "fri"],
        "openingTime": "07:00:00",
        "closingTime": "11:30:00",
    },
    {
        "daysOfWeek": ["mon", "tue", "wed", "thu"],
        "openingTime": "13:00:00",
        "closingTime": "16:30:00",
    },
]
ALWAYS: list[dict[str, Any]] = [{"allDay": True}]
"""So that a demonstration works in the evening and on Sunday."""


def room(ref: str, name: str, of: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Location",
        "id": ref,
        "identifier": [{"system": "https://his.example.vn/sid/phong", "value": ref.upper()}],
        "status": "active",
        "name": name,
        "managingOrganization": {"reference": f"Organization/{of}"},
        "hoursOfOperation": OFFICE_HOURS,
        **more,
    }


def service(
    ref: str, code: str, name: str, of: str, rooms: list[str], **more: Any
) -> dict[str, Any]:
    return {
        "resourceType": "HealthcareService",
        "id": ref,
        "identifier": [{"system": "https://his.example.vn/sid/dich-vu", "value": code}],
        "active": True,
        "providedBy": {"reference": f"Organization/{of}"},
        "name": name,
        "location": [{"reference": f"Location/{place}"} for place in rooms],
        **more,
    }


def seed(
    *, hours_from: tuple[datetime, ...], always_open: bool = False
) -> Iterator[dict[str, Any]]:
    """Everything but people; free hours on the two days from each of these moments."""
    open_at: dict[str, Any] = {"hoursOfOperation": ALWAYS} if always_open else {}
    yield {
        "resourceType": "Organization",
        "id": "benh-vien",
        "active": True,
        "type": [{"coding": [{"code": "prov"}]}],
        "name": "Bệnh viện Mẫu Suối Ngọc",
    }
    yield department("noi", "K01", "Khoa Nội")
    yield department("ngoai", "K02", "Khoa Ngoại")
    yield department("cdha", "K03", "Khoa Chẩn đoán hình ảnh")
    yield room("p101", "Phòng khám Nội 1", "noi", **open_at)
    yield room("p102", "Phòng khám Nội 2", "noi", **open_at)
    yield room(
        "p201",
        "Phòng khám Ngoại",
        "ngoai",
        description="nhà B, cạnh cầu thang",
        extension=[{"url": OWN + "floor", "valueString": "2"}],
        **open_at,
    )
    yield room("xq", "Phòng X-quang", "cdha", **open_at)
    yield service(HOURLY, "KB01", "Khám Nội", "noi", ["p101", "p102"], appointmentRequired=True)
    yield service(
        WALK_IN,
        "KB02",
        "Khám Ngoại",
        "ngoai",
        ["p201"],
        extension=[
            {"url": OWN + "price", "valueMoney": {"value": 120000, "currency": "VND"}},
            {"url": OWN + "minutes", "valueInteger": 8},
        ],
    )
    yield service(
        "x-quang",
        "XQ01",
        "Chụp X-quang",
        "cdha",
        ["xq"],
        category=[{"coding": [{"code": "imaging"}]}],
    )
    yield {
        "resourceType": "ChargeItemDefinition",
        "id": "gia-kb01",
        "url": "https://his.example.vn/gia/KB01",
        "status": "active",
        "code": {"coding": [{"system": "https://his.example.vn/sid/dich-vu", "code": "KB01"}]},
        "propertyGroup": [
            {"priceComponent": [{"type": "base", "amount": {"value": 150000, "currency": "VND"}}]}
        ],
    }
    yield {
        "resourceType": "ValueSet",
        "id": "tinh",
        "url": "https://his.example.vn/ValueSet/tinh",
        "status": "active",
        "expansion": {
            "timestamp": "2026-01-01T00:00:00+07:00",
            "contains": [
                {
                    "system": "https://his.example.vn/tinh",
                    "code": "79",
                    "display": "TP. Hồ Chí Minh",
                },
                {"system": "https://his.example.vn/tinh", "code": "01", "display": "Hà Nội"},
            ],
        },
    }
    yield {
        "resourceType": "Practitioner",
        "id": "bs-mau",
        "active": True,
        "name": [{"family": "Trần", "given": ["Văn", "Mẫu"], "prefix": ["BSCKI."]}],
    }
    yield {
        "resourceType": "PractitionerRole",
        "id": "bs-mau-noi",
        "active": True,
        "practitioner": {"reference": "Practitioner/bs-mau"},
        "healthcareService": [{"reference": f"HealthcareService/{HOURLY}"}],
        "location": [{"reference": "Location/p101"}],
    }
    yield {
        "resourceType": "Schedule",
        "id": "lich-bs-mau",
        "active": True,
        "actor": [
            {"reference": f"HealthcareService/{HOURLY}"},
            {"reference": "Practitioner/bs-mau"},
            {"reference": "Location/p101"},
        ],
    }
    for start in hours_from:
        yield from _hours(start)


def _hours(start: datetime) -> Iterator[dict[str, Any]]:
    """Every half hour, whatever the time of day, on that local day and the next."""
    first = start.astimezone(VIETNAM).replace(minute=0, second=0, microsecond=0)
    for number in range(48):
        opens = first + timedelta(hours=1, minutes=30 * number)
        closes = opens + timedelta(minutes=30)
        yield {
            "resourceType": "Slot",
            "id": f"g-{opens:%Y%m%d%H%M}",
            "schedule": {"reference": "Schedule/lich-bs-mau"},
            "status": "free",
            "start": opens.isoformat(),
            "end": closes.astimezone(UTC).isoformat(),
        }
