from __future__ import annotations

from datetime import time

import pytest

from tests.conftest import SettableClock
from tests.factories.hospital import Hospital
from tests.factories.identity_payloads import cccd2021
from tests.unit.backend.web.conftest import ApiCaller


@pytest.fixture(autouse=True)
def more(hospital: Hospital) -> None:
    hospital.add_room("301", opens_at=time(7), closes_at=time(7, 30))
    hospital.add_room("302", limit=1)
    hospital.add_service("SANG", "301")
    hospital.add_service("NHO", "302")
    hospital.add_service("PHUKHOA", "101", gender="female")
    hospital.add_service("NHI", "101", age_max_years=15)
    hospital.add_service("XN", "101", kind="laboratory")
    hospital.add_service("QUAY", "101", kind="reception", pooled=True)
    hospital.add_service("CHUYENGIA", "102", by_doctor=True)
    hospital.touch_catalogue()


def offered(kiosk: ApiCaller, query: str = "") -> dict[str, dict[str, object]]:
    reply = kiosk.get(f"/services{query}")
    assert reply.status_code == 200, reply.json
    assert reply.json["complete"] is True
    return {each["code"]: each for each in reply.json["items"]}


def test_services_say_where_how_much_and_whether_now(kiosk: ApiCaller) -> None:
    services = offered(kiosk)
    assert services["NOI"]["availability"] == "open"
    assert services["NOI"]["price_vnd"] == 36_500
    rooms = services["NOI"]["rooms"]
    assert isinstance(rooms, list)
    assert [room["code"] for room in rooms] == ["101", "102"]
    assert "XN" not in services  # a doctor orders it


def test_closed_says_when_next(kiosk: ApiCaller) -> None:
    closed = offered(kiosk)["SANG"]
    assert closed["availability"] == "closed"
    assert str(closed["next_open"]).startswith("2026-11-24T07:00:00")
    assert closed["wait_min"] is None


def test_full_says_so(kiosk: ApiCaller, hospital: Hospital) -> None:
    assert offered(kiosk)["NHO"]["availability"] == "open"
    scan = kiosk.scan(cccd2021()).json
    body = {"scan_id": scan["scan_id"], "service_id": hospital.services["NHO"]}
    assert kiosk.post("/visits", body).status_code == 201
    full = offered(kiosk)["NHO"]
    assert (full["availability"], full["waiting"]) == ("full", 1)
    assert full["next_open"] is not None


def test_limits_of_sex_and_age_are_those_of_the_scanned_person(kiosk: ApiCaller) -> None:
    scan = kiosk.scan(cccd2021()).json  # a man of 41
    mine = offered(kiosk, f"?scan_id={scan['scan_id']}")
    assert mine["PHUKHOA"]["availability"] == "not_for_you"
    assert mine["NHI"]["availability"] == "not_for_you"
    assert offered(kiosk)["NHI"]["availability"] == "open"


def test_who_is_not_sure_is_sent_to_a_desk(kiosk: ApiCaller) -> None:
    assert set(offered(kiosk, "?visit_kind=unsure")) == {"QUAY"}


def test_doctors_of_a_service(kiosk: ApiCaller, hospital: Hospital) -> None:
    doctor = hospital.add_doctor("CHUYENGIA", "102", limit=1)
    hospital.touch_catalogue()
    kiosk.client.application.extensions["tiepdon"].catalogue._checked_at_s = -1e9
    service = hospital.services["CHUYENGIA"]
    (shown,) = kiosk.get(f"/doctors?service_id={service}").json["items"]
    assert (shown["id"], shown["availability"], shown["room"]["code"]) == (doctor, "open", "102")
    scan = kiosk.scan(cccd2021()).json
    body = {"scan_id": scan["scan_id"], "service_id": service, "doctor_id": doctor}
    assert kiosk.post("/visits", body).status_code == 201
    (shown,) = kiosk.get(f"/doctors?service_id={service}").json["items"]
    assert (shown["availability"], shown["waiting"]) == ("full", 1)


def test_doctors_of_all_services_each_once(kiosk: ApiCaller, hospital: Hospital) -> None:
    doctor = hospital.add_doctor("CHUYENGIA", "102")
    other = hospital.add_doctor("SANG", "301")  # closed by now
    hospital.touch_catalogue()
    kiosk.client.application.extensions["tiepdon"].catalogue._checked_at_s = -1e9
    shown = kiosk.get("/doctors").json["items"]
    assert [each["id"] for each in shown] == [doctor, other]
    services = hospital.services
    assert [each["service_id"] for each in shown] == [services["CHUYENGIA"], services["SANG"]]


@pytest.mark.parametrize("day", ["0001-01-01", "2026-11-22", "9999-12-31"])
def test_days_without_hours(day: str, kiosk: ApiCaller) -> None:
    reply = kiosk.get(f"/slots?day={day}")
    assert (reply.status_code, reply.json["items"]) == (200, [])


def test_hours_of_all_services(kiosk: ApiCaller, hospital: Hospital) -> None:
    later = hospital.add_slot("NHO", starts_in_min=60, capacity=1)
    soon = hospital.add_slot("NOI", starts_in_min=30, capacity=1)
    shown = kiosk.get("/slots").json["items"]
    assert [each["id"] for each in shown] == [soon, later]
    assert shown[0]["service_id"] == hospital.services["NOI"]


def test_hours_with_free_places(kiosk: ApiCaller, hospital: Hospital, clock: SettableClock) -> None:
    soon = hospital.add_slot("NOI", starts_in_min=30, capacity=1)
    hospital.add_slot("NOI", starts_in_min=-60, capacity=1)
    hospital.add_slot("NOI", starts_in_min=60, capacity=0)
    tomorrow = hospital.add_slot("NOI", starts_in_min=24 * 60, capacity=2)
    service = hospital.services["NOI"]
    slots = kiosk.get(f"/slots?service_id={service}").json
    assert [(slot["id"], slot["free"]) for slot in slots["items"]] == [(soon, 1)]
    day = kiosk.get(f"/slots?service_id={service}&day=2026-11-24").json
    assert [slot["id"] for slot in day["items"]] == [tomorrow]
    scan = kiosk.scan(cccd2021()).json
    body = {"scan_id": scan["scan_id"], "service_id": service, "slot_id": soon}
    assert kiosk.post("/visits", body).status_code == 201
    assert kiosk.get(f"/slots?service_id={service}").json["items"] == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/doctors?service_id=unknown", 404),
        ("/slots?service_id=unknown", 404),
        ("/doctors?service_id=", 422),
        ("/slots?service_id=x&day=2026-13-45", 422),
        ("/services?visit_kind=%00", 422),
        ("/services?scan_id=unknown", 410),
        ("/services?surprise=1", 422),
    ],
)
def test_what_cannot_be_asked(kiosk: ApiCaller, path: str, status: int) -> None:
    assert kiosk.get(path).status_code == status


def test_staff_may_look_too(staff: ApiCaller) -> None:
    assert staff.get("/services").status_code == 200
