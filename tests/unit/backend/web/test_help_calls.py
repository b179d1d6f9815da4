from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import func, select

from backend.storage.database import Database
from backend.storage.kiosk_tables import HelpCall
from tests.conftest import SettableClock
from tests.factories.hospital import Hospital
from tests.unit.backend.web.conftest import ApiCaller

HELP = {"kind": "help", "screen": "scan"}
EMERGENCY = {"kind": "emergency", "screen": "scan"}


def test_a_call_waits_until_somebody_says_they_come(kiosk: ApiCaller, staff: ApiCaller) -> None:
    call = kiosk.post("/help-calls", HELP)
    assert call.status_code == 201
    assert call.json["state"] == "waiting"
    assert call.json["kiosk"] == "K1"
    call_id = call.json["id"]
    assert staff.post(f"/help-calls/{call_id}/acknowledge").status_code == 200
    seen = kiosk.get(f"/help-calls/{call_id}").json
    assert seen["state"] == "acknowledged"
    assert seen["acknowledged_by"] == "Lê Thị Trực"


def test_the_first_who_answers_stands(
    kiosk: ApiCaller, staff: ApiCaller, clock: SettableClock
) -> None:
    call_id = kiosk.post("/help-calls", HELP).json["id"]
    first = staff.post(f"/help-calls/{call_id}/acknowledge").json
    clock.advance(minutes=1)
    assert staff.post(f"/help-calls/{call_id}/acknowledge").json == first
    assert staff.post("/help-calls/unknown/acknowledge").status_code == 404


def test_taps_within_seconds_are_one_call(kiosk: ApiCaller, clock: SettableClock) -> None:
    first = kiosk.post("/help-calls", HELP)
    clock.advance(seconds=5)
    second = kiosk.post("/help-calls", HELP)
    assert (second.status_code, second.json["id"]) == (200, first.json["id"])
    clock.advance(seconds=60)
    assert kiosk.post("/help-calls", HELP).status_code == 201


def test_taps_at_the_same_moment_are_one_call(kiosk: ApiCaller, database: Database) -> None:
    app = kiosk.client.application
    with ThreadPoolExecutor(8) as pool:
        callers = [
            ApiCaller(app.test_client(), kiosk.headers["Authorization"].removeprefix("Bearer "))
            for _ in range(8)
        ]
        ids = {
            reply.json["id"]
            for reply in pool.map(lambda caller: caller.post("/help-calls", HELP), callers)
        }
    assert len(ids) == 1
    with database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(HelpCall)) == 1


def test_an_emergency_takes_the_place_of_a_call_for_help(
    kiosk: ApiCaller, staff: ApiCaller
) -> None:
    help_id = kiosk.post("/help-calls", HELP).json["id"]
    emergency = kiosk.post("/help-calls", EMERGENCY)
    assert (emergency.status_code, emergency.json["id"]) == (201, help_id)
    assert emergency.json["kind"] == "emergency"
    assert kiosk.post("/help-calls", HELP).json["kind"] == "emergency"
    assert [each["kind"] for each in staff.get("/help-calls").json["items"]] == ["emergency"]


def test_emergencies_come_first_then_the_oldest(
    kiosk: ApiCaller, staff: ApiCaller, hospital: Hospital, client: FlaskClient, clock: Any
) -> None:
    others = [ApiCaller(client, hospital.add_kiosk(name)[1]) for name in ("K2", "K3")]
    kiosk.post("/help-calls", HELP)
    clock.advance(seconds=10)
    others[0].post("/help-calls", HELP)
    clock.advance(seconds=10)
    others[1].post("/help-calls", EMERGENCY)
    listed = staff.get("/help-calls").json
    assert [each["kiosk"] for each in listed["items"]] == ["K3", "K1", "K2"]
    page = staff.get("/help-calls?limit=2&state=waiting").json
    assert (len(page["items"]), page["complete"]) == (2, False)


def test_a_kiosk_sees_its_own_calls_only(
    kiosk: ApiCaller, hospital: Hospital, client: FlaskClient
) -> None:
    call_id = kiosk.post("/help-calls", HELP).json["id"]
    other = ApiCaller(client, hospital.add_kiosk("K2")[1])
    assert other.get(f"/help-calls/{call_id}").status_code == 404
    assert other.get("/help-calls").json["items"] == []


def test_a_call_without_a_key_or_with_a_strange_visit_is_not_refused(kiosk: ApiCaller) -> None:
    reply = kiosk.client.post(
        "/api/v1/help-calls", headers=kiosk.headers, json=HELP | {"visit_id": "gone"}
    )
    assert reply.status_code == 201
    assert reply.json["number"] is None


def test_a_call_is_not_refused_for_what_is_missing_or_too_much(kiosk: ApiCaller) -> None:
    bare = kiosk.post("/help-calls", {})
    assert (bare.status_code, bare.json["kind"]) == (201, "help")
    more = kiosk.post("/help-calls", {"kind": "emergency", "reason": "ngã"})
    assert (more.status_code, more.json["kind"]) == (201, "emergency")


def test_a_key_gives_the_first_answer_again(kiosk: ApiCaller, clock: SettableClock) -> None:
    first = kiosk.post("/help-calls", HELP, key="tap-1")
    clock.advance(minutes=5)
    again = kiosk.post("/help-calls", HELP, key="tap-1")
    assert (again.status_code, again.json) == (201, first.json)
    other = kiosk.post("/help-calls", EMERGENCY, key="tap-1")
    assert (other.status_code, other.json["code"]) == (409, "idempotency_key_reused")
    assert kiosk.post("/help-calls", HELP, key="tap-2").json["id"] != first.json["id"]


def test_a_call_keeps_no_number_of_a_paper(kiosk: ApiCaller, database: Database) -> None:
    papers = {"transfer_slip": True, "transfer_number": "99002/GCT/26-0003"}
    kiosk.post("/help-calls", HELP | {"chosen": {"visit_kind": "new", "papers": papers}})
    with database.read() as connection:
        (chosen,) = connection.scalars(select(HelpCall.chosen)).all()
    assert chosen is not None
    assert chosen["papers"]["transfer_slip"] is True
    assert "99002" not in str(chosen)
