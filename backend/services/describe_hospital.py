"""The hospital's own departments, rooms and services as a file that a practice HIS offers.

Doctors and opening hours stay out: names of real people have no place in a lesson, and lessons
are given when the rooms are closed. Nothing of a patient is read.
"""

from __future__ import annotations

from datetime import time
from typing import Any

from backend.domain.catalogue import Catalogue, Service
from backend.storage.catalogue import load_catalogue
from backend.storage.database import Database

WEEKDAYS = range(7)
DAY_BEGINS, DAY_ENDS = time(0, 0), time(23, 59)
SLOT_MINUTES, SLOT_CAPACITY, SLOT_DAYS = 30, 3, 7


def describe_hospital(database: Database) -> dict[str, Any]:
    """In the shape of `his_adapter.builtin.catalogue`. Raises CatalogueUnavailable before set-up,
    StorageUnavailable.
    """
    with database.read() as connection:
        catalogue = load_catalogue(connection, database.facility_id)
    return {
        "facility": {
            "code": "99000",
            "name_vi": catalogue.facility_name.vi,
            "name_en": catalogue.facility_name.en,
            "hotline": catalogue.hotline,
        },
        "timezone": catalogue.zone.key,
        "departments": [
            {"ref": each.id, "code": each.code, "name_vi": each.name.vi, "name_en": each.name.en}
            for each in sorted(catalogue.departments.values(), key=lambda each: each.position)
        ],
        "rooms": _rooms(catalogue),
        "services": [_service(each, catalogue) for each in catalogue.services.values()],
        "practitioners": [],
        "sessions": [
            {
                "ref": f"{room_id}-{weekday}",
                "room": room_id,
                "weekday": weekday,
                "name": "morning",
                "opens_at": DAY_BEGINS.isoformat(),
                "closes_at": DAY_ENDS.isoformat(),
                "limit": None,
            }
            for room_id in catalogue.rooms
            for weekday in WEEKDAYS
        ],
        "slot_rules": [
            {
                "service": each.id,
                "minutes": SLOT_MINUTES,
                "capacity": SLOT_CAPACITY,
                "days_ahead": SLOT_DAYS,
            }
            for each in catalogue.services.values()
            if each.by_hour and each.room_ids
        ],
    }


def _rooms(catalogue: Catalogue) -> list[dict[str, Any]]:
    return [
        {
            "ref": room.id,
            "code": room.code,
            "name_vi": room.name.vi,
            "name_en": room.name.en,
            "department": room.department_id,
            "floor": room.floor,
            "landmark_vi": room.landmark.vi,
            "landmark_en": room.landmark.en,
        }
        for room in catalogue.rooms.values()
    ]


def _service(service: Service, catalogue: Catalogue) -> dict[str, Any]:
    return {
        "ref": service.id,
        "code": service.code,
        "name_vi": service.name.vi,
        "name_en": service.name.en,
        "kind": service.kind,
        "department": service.department_id,
        "rooms": [room for room in service.room_ids if room in catalogue.rooms],
        "price_vnd": service.price_vnd,
        "insurance_price_vnd": service.insurance_price_vnd,
        "pooled": service.pooled,
        "by_doctor": False,
        "by_hour": service.by_hour,
        "minutes": service.minutes,
        "gender": service.gender,
        "age_min_years": service.age_min_years,
        "age_max_years": service.age_max_years,
        "sensitive": service.sensitive,
        "series_letter": service.series_letter,
        "visit_kinds": list(service.visit_kinds),
    }
