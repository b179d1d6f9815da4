from __future__ import annotations

from flask.testing import FlaskClient
from sqlalchemy import func, select

from backend.services.record_device_event import list_troubles
from backend.services.resources import Resources
from backend.storage.database import Database
from backend.storage.kiosk_tables import DeviceEvent
from tests.conftest import SettableClock
from tests.factories.reception import add_agent
from tests.unit.backend.web.conftest import NOTICE, ApiCaller


def test_a_kiosk_learns_what_it_needs_to_greet_people(kiosk: ApiCaller) -> None:
    settings = kiosk.get("/kiosk").json
    assert settings["facility"]["vi"] == "Trung tâm Y tế Bình An"
    assert settings["timezone"] == "Asia/Ho_Chi_Minh"
    assert settings["notice"]["version"] == NOTICE["version"]
    assert [kind["code"] for kind in settings["visit_kinds"]] == [
        "new", "follow_up", "medicine", "health_check", "results", "unsure",
    ]  # fmt: skip
    declared = {each["code"] for each in settings["priority_groups"] if each["self_declared"]}
    assert declared == {"disabled", "pregnant", "merit"}


def test_the_notice_says_everything_the_law_asks_for(kiosk: ApiCaller) -> None:
    full = kiosk.get("/kiosk").json["notice"]["full"]
    assert "Trung tâm Y tế Bình An" in full["vi"]
    assert "1900 0000" in full["vi"]
    assert "{" not in full["vi"] + full["en"]
    for heading in ("Ai chịu", "Dữ liệu nào", "Để làm gì", "Căn cứ", "Ai nhận", "Giữ bao lâu",
                    "Quyền của bạn", "Nếu bạn không đồng ý"):  # fmt: skip
        assert heading in full["vi"]
    assert full["vi"].count("\n\n") == full["en"].count("\n\n")


def event(kiosk: ApiCaller, state: str, device: str = "printer") -> None:
    reply = kiosk.post("/kiosks/device-events", {"device": device, "state": state})
    assert reply.status_code == 204


def test_staff_see_the_devices_that_do_not_work_now(
    kiosk: ApiCaller, database: Database, clock: SettableClock
) -> None:
    event(kiosk, "paper_end")
    event(kiosk, "stale", device="scanner")
    assert {(t.kiosk, t.device, t.state) for t in list_troubles(database)} == {
        ("K1", "printer", "paper_end"),
        ("K1", "scanner", "stale"),
    }
    clock.advance(minutes=1)
    event(kiosk, "ready")
    assert [trouble.device for trouble in list_troubles(database)] == ["scanner"]


def test_a_flapping_wire_fills_no_table(kiosk: ApiCaller, database: Database) -> None:
    for _ in range(5):
        event(kiosk, "offline")
    with database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(DeviceEvent)) == 1


def test_a_silent_kiosk_is_noticed_within_two_minutes(
    kiosk: ApiCaller, database: Database, clock: SettableClock
) -> None:
    assert kiosk.post("/kiosks/heartbeat").status_code == 200
    clock.advance(seconds=60)
    assert list_troubles(database) == []
    clock.advance(seconds=60)
    assert [(t.device, t.state) for t in list_troubles(database)] == [("kiosk", "silent")]
    kiosk.post("/kiosks/heartbeat")
    assert list_troubles(database) == []


def test_a_print_agent_goes_home_with_its_computer(
    client: FlaskClient, resources: Resources, clock: SettableClock
) -> None:
    add_agent(resources, "Q1")
    agent = ApiCaller(client, "agent-Q1")
    assert agent.post("/kiosks/heartbeat").status_code == 204
    clock.advance(minutes=10)
    assert list_troubles(resources.database) == []
