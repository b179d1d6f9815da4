"""The wire of the fleet: reports, orders, results, and a machine gone wild."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from backend.domain.alerts import AlertKind
from backend.domain.ids import new_id
from backend.domain.settings import Words
from backend.services.change_kiosk import pause_kiosk, set_profile
from backend.services.enrol_kiosk import revoke_one
from backend.services.order_kiosk import order_kiosk
from backend.services.show_fleet import KioskView, show_fleet
from backend.services.show_kiosk import show_kiosk
from backend.storage.database import Database
from backend.storage.fleet_tables import Alert, KioskCommand
from backend.storage.kiosk_tables import Heartbeat
from tests.conftest import SettableClock
from tests.factories.fleet import list_alerts, make_report
from tests.unit.backend.web.conftest import ApiCaller

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100_000)


@pytest.fixture
def kiosk_id(kiosk: ApiCaller) -> str:
    return str(kiosk.get("/kiosk").json["kiosk_id"])


def beat(kiosk: ApiCaller, house: SettableClock, **changes: Any) -> None:
    reply = kiosk.post("/kiosks/heartbeat", make_report(house.now, **changes))
    assert reply.status_code == 200, reply.text


def only(database: Database) -> KioskView:
    (view,) = show_fleet(database)
    return view


def test_the_newest_report_is_what_staff_see(
    kiosk: ApiCaller, database: Database, clock: SettableClock
) -> None:
    assert only(database).state == "new"
    beat(kiosk, clock, visits=3, errors=1)
    clock.advance(seconds=30)
    beat(kiosk, clock, visits=5, errors=1, disk_free_percent=61.5)
    view = only(database)
    assert (view.state, view.visits, view.errors) == ("serving", 5, 1)
    assert view.report["disk_free_percent"] == 61.5
    assert view.p95_ms == pytest.approx(1200)
    assert view.last_visit_at == clock.now - timedelta(minutes=2)


def test_what_a_newer_kiosk_tells_besides_is_passed_over(
    kiosk: ApiCaller, database: Database, clock: SettableClock
) -> None:
    steps = [{"step": "scan", "count": 3, "p95_ms": 900.0, "p99_ms": 990.0}]
    beat(kiosk, clock, fan_rpm=1_200, steps=steps, visits=2)
    view = only(database)
    assert (view.visits, view.p95_ms) == (2, pytest.approx(900))
    assert "fan_rpm" not in view.report


@pytest.mark.parametrize(
    "changes",
    [
        {"printer": "jammed", "paper": "sideways"},
        {"scanner": "cross_eyed", "touch": "wet"},
        {"version": "1.7.0+g12ab"},
    ],
)
def test_a_word_only_a_newer_kiosk_knows_costs_nothing_of_the_rest(
    kiosk: ApiCaller, database: Database, clock: SettableClock, changes: dict[str, str]
) -> None:
    beat(kiosk, clock, **changes, visits=2)
    view = only(database)
    assert (view.state, view.visits) == ("serving", 2)
    unknown = changes.keys() - {"version"}
    assert not unknown & view.report.keys()
    assert view.report["version"] == changes.get("version", "1.6.0")


def test_what_is_no_word_is_refused_all_the_same(kiosk: ApiCaller, clock: SettableClock) -> None:
    told = make_report(clock.now, printer=7)
    assert kiosk.post("/kiosks/heartbeat", told).status_code == 422


def test_what_a_newer_release_kept_is_passed_over_after_a_roll_back(
    kiosk: ApiCaller, kiosk_id: str, client: FlaskClient, database: Database, clock: SettableClock
) -> None:
    beat(kiosk, clock)
    beat(kiosk, clock, paper="out", visits=2)
    with database.write() as unit:
        kept = unit.connection.execute(select(Heartbeat.notes)).scalar_one()
        kept["standings"]["fan_stuck"] = [True, None]
        kept["hour"]["fan_stops"] = 3
        unit.connection.execute(update(Heartbeat).values(notes=kept))
        unit.add(Alert, id=new_id(), kind="fan_stuck", subject=f"kiosk:{kiosk_id}", detail={},
                 raised_at=unit.now)  # fmt: skip
    view = only(database)
    assert (view.troubles, view.visits) == ((AlertKind.PAPER_OUT,), 2)
    assert client.get("/metrics").status_code == 200
    beat(kiosk, clock, paper="out", visits=3)
    assert only(database).visits == 3
    revoke_one(database, kiosk_id, actor="staff:x")
    with database.read() as connection:
        assert connection.scalars(select(Alert.id).where(Alert.cleared_at.is_(None))).all() == []


def test_a_beat_without_a_body_is_a_sign_of_life(kiosk: ApiCaller, database: Database) -> None:
    assert kiosk.post("/kiosks/heartbeat").status_code == 200
    assert only(database).state == "serving"
    assert kiosk.post("/kiosks/heartbeat", {"version": "1"}).status_code == 422


def test_a_clock_that_lost_its_battery_is_no_reason_to_be_silent(
    kiosk: ApiCaller, database: Database, clock: SettableClock
) -> None:
    for _ in range(2):
        dead = clock.now.replace(year=1970)
        beat(kiosk, clock, clock=dead.isoformat(), started_at=dead.isoformat(),
             last_visit_at=(dead - timedelta(minutes=7)).isoformat())  # fmt: skip
        clock.advance(seconds=30)
    view = only(database)
    assert view.last_visit_at == clock.now - timedelta(minutes=7, seconds=30)
    assert view.troubles == (AlertKind.CLOCK_SKEW,)
    assert list_alerts(database) == [(AlertKind.CLOCK_SKEW, True)]


def test_what_a_device_tells_is_seen_at_once(
    kiosk: ApiCaller, database: Database, clock: SettableClock
) -> None:
    beat(kiosk, clock)
    kiosk.post("/kiosks/device-events", {"device": "printer", "state": "paper_end"})
    assert only(database).troubles == (AlertKind.PAPER_OUT,)
    assert list_alerts(database) == [(AlertKind.PAPER_OUT, True)]
    for device in ("camera", "touch"):
        reply = kiosk.post("/kiosks/device-events", {"device": device, "state": "error"})
        assert reply.status_code == 204
    assert set(only(database).troubles) == {
        AlertKind.PAPER_OUT, AlertKind.SCANNER_FAULT, AlertKind.TOUCH_SUSPECT,
    }  # fmt: skip


def test_orders_come_until_they_are_answered(
    kiosk: ApiCaller, kiosk_id: str, database: Database, clock: SettableClock
) -> None:
    assert kiosk.post("/kiosks/heartbeat").json == {
        "profile": "reception", "out_of_service": None, "commands": [],
    }  # fmt: skip
    set_profile(database, kiosk_id, "fees", actor="staff:x")
    pause_kiosk(database, kiosk_id, Words(vi="Mời sang máy 2.", en="Use 2."), actor="staff:x")
    first = order_kiosk(database, kiosk_id, "test_print", actor="staff:x")
    assert order_kiosk(database, kiosk_id, "test_print", actor="staff:y") == first
    clock.advance(seconds=1)
    second = order_kiosk(database, kiosk_id, "take_picture", actor="staff:x")
    for _ in range(2):
        orders = kiosk.post("/kiosks/heartbeat").json
        assert orders["profile"] == "fees"
        assert orders["out_of_service"] == {"vi": "Mời sang máy 2.", "en": "Use 2."}
        assert [each["id"] for each in orders["commands"]] == [first, second]
    answer = {"state": "refused", "reason": "paper_out"}
    for again in (answer, {"state": "done"}):
        reply = kiosk.post(f"/kiosk/commands/{first}/result", again)
        assert reply.status_code == 204
    assert [each["id"] for each in kiosk.post("/kiosks/heartbeat").json["commands"]] == [second]
    with database.read() as connection:
        row = connection.execute(
            select(KioskCommand.state, KioskCommand.reason).where(KioskCommand.id == first)
        ).one()
    assert tuple(row) == ("refused", "paper_out")


def test_a_picture_comes_whole_and_nothing_else_does(
    kiosk: ApiCaller, kiosk_id: str, database: Database
) -> None:
    order = order_kiosk(database, kiosk_id, "take_picture", actor="staff:x")
    path = f"/kiosk/commands/{order}/result"

    def send(content: bytes | str) -> int:
        text = content if isinstance(content, str) else base64.b64encode(content).decode()
        return kiosk.post(path, {"state": "done", "attachment_base64": text}).status_code

    assert send(b"<html>") == 422
    assert send("?" * 100) == 422
    assert send(PNG + bytes(2_000_000)) == 422
    assert send(bytes(2_500_000)) == 413
    assert not show_kiosk(database, kiosk_id).orders[0].has_file
    assert send(PNG) == 204
    assert show_kiosk(database, kiosk_id).orders[0].has_file
    assert kiosk.post("/scans", {"x": "y" * 80_000}).status_code == 413


def test_nobody_answers_for_another_kiosk(
    client: FlaskClient, kiosk: ApiCaller, kiosk_id: str, hospital: Any, database: Database
) -> None:
    order = order_kiosk(database, kiosk_id, "restart", actor="staff:x")
    other = ApiCaller(client, hospital.add_kiosk("K2")[1])
    for path in (f"/kiosk/commands/{order}/result", "/kiosk/commands/none/result"):
        assert other.post(path, {"state": "done"}).status_code == 404
    assert other.post("/kiosks/heartbeat").json["commands"] == []


def test_a_flood_is_the_floods_own_trouble(
    client: FlaskClient, kiosk: ApiCaller, hospital: Any
) -> None:
    other = ApiCaller(client, hospital.add_kiosk("K2")[1])
    answers = [kiosk.post("/kiosks/heartbeat") for _ in range(60)]
    assert [each.status_code for each in answers[:20]] == [200] * 20
    refused = [each for each in answers if each.status_code == 429]
    assert len(refused) >= 30
    assert int(refused[-1].headers["Retry-After"]) >= 1
    assert other.post("/kiosks/heartbeat").status_code == 200
