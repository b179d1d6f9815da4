"""The desk over HTTP: who may, what is answered, going on where a kiosk gave up."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from backend.domain.roles import StaffRole
from backend.events import Event
from backend.services.resources import Resources
from backend.storage.queue_tables import StepChange
from tests.conftest import SettableClock
from tests.factories.accounts import Accounts, sign_in
from tests.factories.his import ScriptedHis
from tests.factories.hospital import Hospital
from tests.factories.identity_payloads import cccd2021
from tests.factories.reception import add_agent, audited
from tests.unit.backend.web.conftest import NOTICE, ApiCaller

PERSON = {
    "full_name": "  trần thị   Bé ",
    "birth_date": "1950",
    "gender": "female",
    "notice": NOTICE,
}


@pytest.fixture
def desk(client: FlaskClient, accounts: Accounts) -> ApiCaller:
    accounts.add("lan", StaffRole.RECEPTION, display_name="Lê Thị Lan")
    return ApiCaller(client, accounts.token("lan"))


def start(caller: ApiCaller, hospital: Hospital, scan_id: str, **more: Any) -> Any:
    wish = {"scan_id": scan_id, "service_id": hospital.services["NOI"]} | more
    return caller.post("/visits", wish)


ROUTES: list[tuple[str, str, Any]] = [
    ("GET", "/visits", None),
    ("POST", "/visits/search", {"text": "A001"}),
    ("GET", "/visits/x/desk", None),
    ("POST", "/visits/x/priority", {"version": 0, "reason": "papers_seen"}),
    ("POST", "/visits/x/identity", {"version": 0, "reason": "id_card"}),
    ("POST", "/visits/x/coverage", {"version": 0, "decision": "valid"}),
    ("POST", "/visits/x/category", {"version": 0, "code": "1.1", "reason": "as_proposed"}),
    ("POST", "/visits/x/person", {"version": 0, "phone": "0912345678"}),
    ("POST", "/visits/x/history", {"version": 0, "allergies": "Tôm"}),
    ("POST", "/visits/x/resume", {"version": 0, "step_id": "x"}),
    ("POST", "/people/merge", {"keep": {"visit_id": "x", "version": 0}, "other": {"visit_id": "y", "version": 0}}),
    ("POST", "/people/describe", PERSON),
    ("POST", "/help-calls/x/continue", None),
    ("GET", "/desk/rooms", None),
    ("GET", "/print-agents", None),
    ("POST", "/visits/x/print-requests", {"agent_id": "x"}),
    ("POST", "/visits/x/print-requests/y/cancel", None),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
def test_only_the_desk_may(
    kiosk: ApiCaller, client: FlaskClient, accounts: Accounts, method: str, path: str, body: Any
) -> None:
    accounts.add("kho", StaffRole.CONTENT_EDITOR)
    others = [kiosk, ApiCaller(client, accounts.token("kho"))]
    for caller in others:
        reply = caller.get(path) if method == "GET" else caller.post(path, body)
        assert (reply.status_code, reply.json["code"]) == (403, "not_allowed")
    assert client.open(f"/api/v1{path}", method=method).status_code == 401


@pytest.mark.parametrize(("method", "path", "body"), [r for r in ROUTES if "/x/" in r[1]])
def test_ids_that_never_were_are_not_found(
    desk: ApiCaller, method: str, path: str, body: Any
) -> None:
    reply = desk.get(path) if method == "GET" else desk.post(path, body)
    assert reply.status_code == 404, reply.text


def test_an_agent_prints_and_may_do_nothing_else(
    client: FlaskClient, resources: Resources, desk: ApiCaller, kiosk: ApiCaller
) -> None:
    add_agent(resources, "Q1")
    agent = ApiCaller(client, "agent-Q1")
    assert agent.post("/print-requests/take").json == {"items": []}
    assert agent.post("/kiosks/heartbeat").status_code == 204
    assert agent.scan(cccd2021()).status_code == 403
    assert agent.get("/services").status_code == 403
    for other in (desk, kiosk):
        assert other.post("/print-requests/take").status_code == 403


def test_somebody_without_papers_is_registered(
    desk: ApiCaller, hospital: Hospital, resources: Resources
) -> None:
    scan = desk.post("/people/describe", PERSON | {"phone": "0912 345 678"}).json
    assert (scan["outcome"], scan["person"]["full_name"]) == ("identified", "trần thị Bé")
    assert scan["person"]["verified"] is False
    visit = start(desk, hospital, scan["scan_id"])
    assert visit.status_code == 201
    (item,) = desk.get("/visits").json["items"]
    assert (item["number"], item["kiosk"]) == (visit.json["number"], None)
    assert "identity" in item["needs"]
    found = desk.post("/visits/search", {"text": "+84 912345678"}).json
    assert [each["visit"]["id"] for each in found["items"]] == [visit.json["id"]]
    assert found["items"][0]["person"]["masked_phone"] == "••• ••• •78"
    with resources.database.read() as connection:
        change = connection.execute(select(StepChange.source)).scalar_one()
    assert change == "reception"
    started = audited(resources, Event.VISIT_STARTED)
    assert started[0].actor.startswith("staff:")


def test_a_child_under_six_has_priority_by_age(desk: ApiCaller, hospital: Hospital) -> None:
    child = PERSON | {
        "birth_date": "2023-05-03",
        "on_behalf": {"relation": "parent", "phone": "0900000001"},
    }
    scan = desk.post("/people/describe", child).json
    assert scan["priority"]["group"] == "under_6"
    visit = start(desk, hospital, scan["scan_id"]).json
    opened = desk.get(f"/visits/{visit['id']}/desk").json
    assert opened["guardian"] == {"relation": "parent", "masked_phone": "••• ••• •01"}
    assert visit["lane"] == "P"


def test_papers_that_were_seen_verify(desk: ApiCaller) -> None:
    passport = PERSON | {"number": "b1234567", "papers_seen": True}
    scan = desk.post("/people/describe", passport).json
    assert (scan["person"]["verified"], scan["person"]["masked_number"]) == (True, "•••••567")


@pytest.mark.parametrize(
    "change",
    [
        {"birth_date": "1850"},
        {"birth_date": "2020-02-30"},
        {"full_name": "..."},
        {"full_name": "a\x00b"},
        {"full_name": "x" * 101},
        {"number": "zzzz"},
        {"phone": "abc"},
        {"gender": "?"},
        {"papers": True},
    ],
)
def test_what_cannot_be_is_refused(desk: ApiCaller, change: dict[str, Any]) -> None:
    assert desk.post("/people/describe", PERSON | change).status_code in {400, 422}


def test_the_notice_comes_first(desk: ApiCaller, his: ScriptedHis) -> None:
    silent = {key: value for key, value in PERSON.items() if key != "notice"}
    scan = desk.post("/people/describe", silent).json
    assert (scan["outcome"], scan["person"]) == ("ask_notice", None)
    assert desk.scan(cccd2021(), notice=None).json["outcome"] == "ask_notice"


def test_a_scan_of_staff_is_theirs_alone(
    desk: ApiCaller, kiosk: ApiCaller, hospital: Hospital
) -> None:
    scan = desk.scan(cccd2021()).json
    assert start(kiosk, hospital, scan["scan_id"]).status_code == 410
    assert start(desk, hospital, scan["scan_id"]).status_code == 201


# --- going on where a kiosk gave up ----------------------------------------------------------------


@pytest.fixture
def call(kiosk: ApiCaller, hospital: Hospital) -> dict[str, Any]:
    """A call from a kiosk that had recognised somebody; with the scan's id."""
    scan_id = kiosk.scan(cccd2021()).json["scan_id"]
    chosen = {"visit_kind": "new", "service_id": hospital.services["NOI"], "use_insurance": False}
    body = {"kind": "help", "screen": "service", "scan_id": scan_id, "chosen": chosen}
    made: dict[str, Any] = kiosk.post("/help-calls", body).json
    return made | {"scan_id": scan_id, "chosen": chosen}


def test_staff_go_on_at_the_very_step(
    desk: ApiCaller, kiosk: ApiCaller, hospital: Hospital, call: Any, resources: Resources
) -> None:
    assert call["can_continue"]
    found = desk.post(f"/help-calls/{call['id']}/continue").json
    assert (found["screen"], found["chosen"]) == ("service", call["chosen"])
    assert found["scan"]["scan_id"] == call["scan_id"]
    assert found["scan"]["person"]["full_name"]
    seen = kiosk.get(f"/help-calls/{call['id']}").json
    assert (seen["state"], seen["acknowledged_by"]) == ("acknowledged", "Lê Thị Lan")
    assert start(kiosk, hospital, call["scan_id"]).status_code == 410
    assert start(desk, hospital, call["scan_id"]).status_code == 201
    (row,) = audited(resources, Event.SCAN_TAKEN_OVER)
    assert row.detail["help_call"] == call["id"]


def test_pressing_twice_gives_the_same_and_a_second_person_is_told(
    desk: ApiCaller, staff: ApiCaller, call: Any
) -> None:
    first = desk.post(f"/help-calls/{call['id']}/continue").json
    assert desk.post(f"/help-calls/{call['id']}/continue").json == first
    late = staff.post(f"/help-calls/{call['id']}/continue")
    assert (late.status_code, late.json["code"]) == (409, "changed_meanwhile")


def test_a_scan_that_expired_has_to_be_taken_again(
    desk: ApiCaller, call: Any, clock: SettableClock
) -> None:
    clock.advance(hours=1)
    found = desk.post(f"/help-calls/{call['id']}/continue").json
    assert (found["scan"], found["chosen"]) == (None, call["chosen"])


def test_a_scan_of_another_kiosk_is_not_handed_out(
    desk: ApiCaller, client: FlaskClient, hospital: Hospital, call: Any
) -> None:
    other = ApiCaller(client, hospital.add_kiosk("K2")[1])
    body = {"kind": "help", "screen": "scan", "scan_id": call["scan_id"]}
    stolen = other.post("/help-calls", body).json
    assert desk.post(f"/help-calls/{stolen['id']}/continue").status_code == 409


@pytest.mark.parametrize("chosen", ["x", [], {"service_id": "<script>"}, {"papers": 3}, 7])
def test_a_call_is_not_refused_for_what_was_chosen(kiosk: ApiCaller, chosen: Any) -> None:
    reply = kiosk.post("/help-calls", {"kind": "help", "screen": "x", "chosen": chosen})
    assert reply.status_code == 201


# --- the page ----------------------------------------------------------------------------------------


def test_the_page_comes_with_its_first_list_and_nobody_in_it(
    browser: FlaskClient, accounts: Accounts, kiosk: ApiCaller, hospital: Hospital
) -> None:
    accounts.add("lan", StaffRole.RECEPTION)
    sign_in(browser, "lan")
    scan = kiosk.scan(cccd2021()).json
    visit = start(kiosk, hospital, scan["scan_id"]).json
    page = browser.get("/staff/reception").text
    assert visit["number"] in page
    assert scan["person"]["full_name"] not in page
    assert "<script>" not in page
    assert browser.get("/staff").text.count("/staff/reception") == 1


def test_rooms_say_who_changed_them(desk: ApiCaller, hospital: Hospital) -> None:
    room_id = hospital.rooms["101"]
    wish = {"state": "paused", "reason": "break"}
    assert desk.post(f"/rooms/{room_id}/state", wish).status_code == 200
    rooms = {room["code"]: room for room in desk.get("/desk/rooms").json["items"]}
    assert (rooms["101"]["state"], rooms["101"]["changed_by"]) == ("paused", "Lê Thị Lan")
    assert (rooms["102"]["state"], rooms["102"]["changed_by"]) == ("open", None)


# --- insurance ---------------------------------------------------------------------------------


def test_the_category_is_shown_and_confirmed(
    desk: ApiCaller, kiosk: ApiCaller, hospital: Hospital
) -> None:
    scan_id = kiosk.scan(cccd2021()).json["scan_id"]
    visit_id = start(kiosk, hospital, scan_id).json["id"]
    shown = desk.get(f"/visits/{visit_id}/desk").json["category"]
    assert (shown["code"], shown["confirmed"], shown["reason"]) == ("1.1", False, "registered_here")
    body = {"version": 0, "code": "1.1", "reason": "as_proposed"}
    assert desk.post(f"/visits/{visit_id}/category", body).json["version"] == 1
    assert desk.get(f"/visits/{visit_id}/desk").json["category"]["confirmed"] is True
    for wrong in ({"code": "1.8"}, {"code": "x"}, {"reason": "because"}):
        reply = desk.post(f"/visits/{visit_id}/category", body | {"version": 1} | wrong)
        assert reply.status_code == 422


@pytest.mark.parametrize(
    ("papers", "status"),
    [
        ({"transfer_slip": True, "transfer_number": " 99002/GCT/26-0003 "}, 201),
        ({"transfer_slip": True, "transfer_signed_on": "2026-11-20"}, 201),
        ({"revisit_slip": True, "revisit_number": "HĐ 17"}, 201),
        ({"transfer_number": "<script>"}, 422),
        ({"transfer_number": "x" * 51}, 422),
        ({"transfer_signed_on": "20/11/2026"}, 422),
        ({"diagnosis": "x"}, 422),
    ],
)
def test_slips_with_number_and_date(
    kiosk: ApiCaller, hospital: Hospital, papers: dict[str, Any], status: int
) -> None:
    scan_id = kiosk.scan(cccd2021()).json["scan_id"]
    assert start(kiosk, hospital, scan_id, papers=papers).status_code == status


def test_a_sheet_of_evidence(
    browser: FlaskClient,
    accounts: Accounts,
    kiosk: ApiCaller,
    hospital: Hospital,
    his: ScriptedHis,
    resources: Resources,
    desk: ApiCaller,
) -> None:
    his.coverage_fails = True
    scan_id = kiosk.scan(cccd2021()).json["scan_id"]
    visit_id = start(kiosk, hospital, scan_id).json["id"]
    address = f"/staff/reception/visits/{visit_id}/evidence"
    assert browser.get(address).status_code == 303
    sign_in(browser, "lan")
    page = browser.get(address)
    assert page.status_code == 200
    assert "Điều 38 khoản 2 Nghị định 188/2025/NĐ-CP" in page.text
    assert "Không trả lời trong thời gian chờ" in page.text
    assert "transient" in page.text
    assert "Lê Thị Lan" in page.text
    assert desk.get(f"/visits/{visit_id}/desk").json["evidence"] == 1
    (row,) = audited(resources, Event.COVERAGE_EVIDENCE_READ)
    assert row.detail == {"lookups": 1}
    assert browser.get("/staff/reception/visits/x/evidence").status_code == 404


def test_phone_and_address_are_corrected(desk: ApiCaller, hospital: Hospital) -> None:
    scan = desk.post("/people/describe", PERSON).json
    visit = start(desk, hospital, scan["scan_id"]).json
    path = f"/visits/{visit['id']}/person"
    for wrong in ({}, {"phone": "12-------"}, {"address": "  "}, {"phone": "0912\n345678"}):
        assert desk.post(path, {"version": 0} | wrong).status_code == 422, wrong
    wish = {"version": 0, "phone": "+84 912 345 678", "address": "12  đường Thử & Ví Dụ"}
    assert desk.post(path, wish).json == {"id": visit["id"], "version": 1}
    opened = desk.get(f"/visits/{visit['id']}/desk").json
    assert opened["address"] == "12 đường Thử & Ví Dụ"
    assert opened["person"]["masked_phone"] == "••• ••• •78"
    assert desk.post(path, wish).json["code"] == "changed_meanwhile"


def test_a_history_needs_words_and_a_his_that_takes_it(desk: ApiCaller, hospital: Hospital) -> None:
    scan = desk.post("/people/describe", PERSON).json
    visit = start(desk, hospital, scan["scan_id"]).json
    path = f"/visits/{visit['id']}/history"
    for wrong in ({}, {"allergies": " "}, {"medicines": "a\nb"}, {"illnesses": "x" * 501}):
        assert desk.post(path, {"version": 0} | wrong).status_code == 422, wrong
    refused = desk.post(path, {"version": 0, "allergies": "Tôm"})
    assert (refused.status_code, refused.json["code"]) == (409, "history_not_taken")
