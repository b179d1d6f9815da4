from __future__ import annotations

from datetime import date, time

from his_adapter.builtin.slots import slots_of_day
from his_adapter.demo.hospital import Hours, demo_catalogue

CATALOGUE = demo_catalogue(Hours.OFFICE)


def test_the_size_of_an_area_medical_centre() -> None:
    assert len(CATALOGUE.departments) >= 12
    assert len(CATALOGUE.rooms) >= 25
    assert len(CATALOGUE.practitioners) >= 40


def test_every_room_is_found_by_floor_and_landmark() -> None:
    assert all(room.floor and room.landmark_vi and room.landmark_en for room in CATALOGUE.rooms)


def test_every_service_has_rooms_and_both_names() -> None:
    assert all(s.rooms and s.name_vi and s.name_en for s in CATALOGUE.services)


def test_names_of_sensitive_clinics_say_nothing_about_health() -> None:
    sensitive = [service for service in CATALOGUE.services if service.sensitive]
    assert sensitive
    rooms = {room.ref: room for room in CATALOGUE.rooms}
    for service in sensitive:
        for name in (service.name_vi, *(rooms[ref].name_vi for ref in service.rooms)):
            assert not {"tâm", "thần", "hiv", "arv"} & set(name.casefold().split())


def test_clinics_nobody_wants_to_be_seen_at_are_sensitive() -> None:
    sensitive = {service.code for service in CATALOGUE.services if service.sensitive}
    assert {"PK", "DL", "TT", "TV"} <= sensitive


def test_office_hours_end_on_saturday_noon() -> None:
    saturday = [s for s in CATALOGUE.sessions if s.weekday == 5]
    assert {session.closes_at for session in saturday} == {time(11, 30)}
    assert not [session for session in CATALOGUE.sessions if session.weekday == 6]


def test_always_open_on_every_day() -> None:
    always = demo_catalogue(Hours.ALWAYS)
    for service in always.services:
        if service.by_hour:
            assert list(slots_of_day(always, service, date(2026, 1, 4)))


def test_titles_as_on_a_door() -> None:
    assert {doctor.title for doctor in CATALOGUE.practitioners} == {
        "BS.",
        "BSCKI.",
        "BSCKII.",
        "ThS.BS.",
        "TS.BS.",
    }
