"""The audit page: who did what where, found by name, taken out on record, its chain shown."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
from flask.testing import FlaskClient

from backend.domain.audit_groups import FAILED, GROUPS, REFUSED
from backend.domain.roles import StaffRole
from backend.events import Event
from backend.jobs.check_audit import check_audit
from backend.jobs.seal_audit import seal_rows
from backend.services.resources import Resources
from backend.services.search_audit import MAX_ACTORS
from backend.storage.database import Database
from backend.web.page_texts import LANGUAGES, texts
from tests.conftest import SettableClock
from tests.factories.accounts import Accounts, post_form, sign_in, try_sign_in
from tests.factories.audit import remove_row, sealed_rows, write_events
from tests.factories.hospital import Hospital
from tests.factories.identity_payloads import cccd2021
from tests.factories.reception import audited
from tests.unit.backend.web.conftest import ApiCaller

PAGE = "/staff/audit"


@pytest.fixture
def auditor(browser: FlaskClient, accounts: Accounts) -> FlaskClient:
    accounts.add("kiem", StaffRole.AUDITOR, display_name="Ngô Văn Kiểm")
    sign_in(browser, "kiem")
    return browser


def search(browser: FlaskClient, **fields: str) -> str:
    return post_form(browser, PAGE, **fields).text


def rows_of(page: str) -> list[str]:
    return re.findall(r"<tr>\s*<td.*?</tr>", page, re.DOTALL)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_event_has_its_word(language: str) -> None:
    words = texts(language, "audit")  # type: ignore[arg-type]  # one of LANGUAGES
    missing = {event.value for event in Event} - set(words["audit_events"])
    assert missing == set(), "words of these are missing in locales/*/audit.json, audit_events"
    assert set(words["audit_groups"]) == set(GROUPS)
    assert not REFUSED & FAILED


def test_who_did_what_when_where_and_how_it_ended(
    auditor: FlaskClient, client: FlaskClient
) -> None:
    try_sign_in(client, "kiem", "wrong", follow="")
    (row,) = rows_of(search(auditor, event="login_failed"))
    for part in ("23/11/2026 08:00:00 +07", "Đăng nhập sai", "127.0.0.1", "bị từ chối"):
        assert part in row
    (row,) = rows_of(search(auditor, event="logged_in"))
    assert "Ngô Văn Kiểm" in row
    assert "đã làm" in row


def test_reads_of_a_person_are_found_by_the_number_of_the_ticket(
    auditor: FlaskClient, kiosk: ApiCaller, staff: ApiCaller, hospital: Hospital
) -> None:
    scan_id = kiosk.scan(cccd2021()).get_json()["scan_id"]
    wish = {"scan_id": scan_id, "service_id": hospital.services["NOI"]}
    reply = kiosk.post("/visits", wish)
    visit = reply.get_json()
    assert reply.status_code == 201, reply.text
    staff.get(f"/visits/{visit['id']}/desk")
    number = visit["number"]
    page = search(auditor, subject=number, event="group:reads")
    (row,) = rows_of(page)
    assert "Xem thông tin người bệnh" in row
    assert "Lê Thị Trực" in row
    assert number in row
    assert "Nguyễn" not in row
    assert "Không có số phiếu ấy" in search(auditor, subject="Z999")


def test_people_and_machines_are_found_by_their_names(
    auditor: FlaskClient, kiosk: ApiCaller
) -> None:
    kiosk.scan(cccd2021())
    (row,) = rows_of(search(auditor, who="k1", event="person_identified"))
    assert "<b>K1</b>" in row
    assert "Nhận diện người bệnh" in row
    assert rows_of(search(auditor, who="ngo van", event="logged_in"))
    assert "Không có ai" in search(auditor, who="zzz")


def test_a_name_that_too_many_have_is_told_and_none_of_them_left_out(
    auditor: FlaskClient, accounts: Accounts
) -> None:
    for number in range(MAX_ACTORS):
        accounts.add(f"nv{number:02}", StaffRole.HEAD, display_name=f"Nguyễn Thị {number:02}")
    assert "hơn 20" not in search(auditor, who="nguyen")
    accounts.add("cuoi", StaffRole.HEAD, display_name="Nguyễn Thị Cuối")
    found = search(auditor, who="nguyen")
    assert "Có hơn 20 người hay máy tên như vậy" in found
    assert 'class="trail-table"' not in found
    assert "hơn 20" not in search(auditor, who="cuoi")


def test_whatever_leaves_the_house_is_in_the_group_of_it() -> None:
    exported = {event for event in Event if event.value.endswith("_exported")}
    assert exported | {Event.KIOSK_FILE_READ} <= set(GROUPS["exports"])


def test_a_span_of_time(
    browser: FlaskClient, accounts: Accounts, database: Database, clock: SettableClock
) -> None:
    accounts.add("kiem", StaffRole.AUDITOR)
    clock.advance(hours=1)
    write_events(database, 2)
    clock.advance(hours=1)
    sign_in(browser, "kiem")
    auditor = browser
    assert len(rows_of(search(auditor, since="2026-11-23T09:00", until="2026-11-23T10:00"))) == 2
    assert len(rows_of(search(auditor, since="2026-11-23T10:00"))) == 1
    assert "phải trước" in search(auditor, since="2026-11-23T10:00", until="2026-11-23T09:00")
    assert rows_of(search(auditor, since="nonsense'--", until="0001-01-01T00:00"))


def test_page_after_page_every_row_once(
    auditor: FlaskClient, database: Database, clock: SettableClock
) -> None:
    write_events(database, 60)  # all at one time
    clock.advance(seconds=1)
    write_events(database, 60, actor="job:test")
    seen: list[str] = []
    page = search(auditor, event="visit_started")
    while True:
        seen += re.findall(r"title=\"(visit:\d+)\"", page)
        key = re.search(r'name="before" value="([^"]+)"', page)
        if key is None:
            break
        page = search(auditor, event="visit_started", before=key[1])
    assert len(seen) == 120
    assert sorted(seen) == sorted([f"visit:{index}" for index in range(60)] * 2)


@pytest.mark.parametrize("key", ["x", "2026-99-99T00:00:00+00:00 a", "2026-11-23T01:00:00+00:00"])
def test_a_key_nobody_gave_is_the_first_page(auditor: FlaskClient, key: str) -> None:
    assert rows_of(search(auditor, before=key))


@pytest.mark.parametrize(
    "text", ["\0", "%' OR 1=1 --", "<script>", "visit:\0x", "x" * 5_000, "ế\u0301"]
)
def test_hostile_words_find_nothing_and_break_nothing(auditor: FlaskClient, text: str) -> None:
    for field in ("since", "until", "who", "event", "subject", "before"):
        reply = post_form(auditor, PAGE, **{field: text})
        assert reply.status_code == 200, field
        assert "<script>" not in reply.text


def test_taking_it_out_is_on_record_first(
    auditor: FlaskClient, database: Database, resources: Resources
) -> None:
    with database.write() as unit:
        unit.audit("help_called", actor="kiosk:x", subject="=1+1", detail={"why": "@cmd"})
    reply = post_form(auditor, f"{PAGE}/export.csv", page=PAGE, event="help_called")
    assert reply.headers["Content-Disposition"].startswith("attachment")
    assert reply.headers["Cache-Control"] == "no-store"
    header, row = csv.reader(io.StringIO(reply.get_data().decode("utf-8-sig")))
    facts = dict(zip(header, row, strict=True))
    assert facts["việc"] == "Gọi giúp đỡ"
    assert facts["đối tượng"] == "'=1+1"
    assert facts["lúc"] == "2026-11-23T08:00:00.000+07:00"
    (noted,) = audited(resources, Event.AUDIT_EXPORTED)
    assert noted.detail == {"form": "csv", "events": ["help_called"]}


def test_lines_of_json(auditor: FlaskClient, database: Database) -> None:
    write_events(database, 1_100)
    reply = post_form(auditor, f"{PAGE}/export.jsonl", page=PAGE, event="visit_started")
    lines = [json.loads(line) for line in reply.text.splitlines()]
    assert len({line["id"] for line in lines}) == 1_100
    assert lines[0]["at"].endswith("+07:00")
    assert lines[0]["detail"] == {"n": 1_099}


def test_who_is_refused_stands_in_the_trail(
    auditor: FlaskClient, resources: Resources, kiosk: ApiCaller
) -> None:
    assert auditor.get("/staff/reception").status_code == 403
    assert kiosk.get("/visits?day=secret").status_code == 403
    page, api = audited(resources, Event.ACCESS_REFUSED)
    assert (page.subject, page.origin) == ("address:/staff/reception", "127.0.0.1")
    assert api.subject == "address:/api/v1/visits"
    assert api.actor.startswith("kiosk:")


def test_who_is_refused_again_and_again_fills_no_table(
    kiosk: ApiCaller, resources: Resources
) -> None:
    for _ in range(70):
        assert kiosk.get("/visits").status_code == 403
    assert len(audited(resources, Event.ACCESS_REFUSED)) == 60


def test_the_phone_of_a_patient_leaves_no_address(client: FlaskClient, database: Database) -> None:
    client.get("/t/whatever")
    with database.write() as unit:
        unit.audit("help_called", actor="x", subject="y")
    seal_rows(database)
    assert sealed_rows(database)[-1].origin is None


def test_the_chain_is_shown_and_checked_in_the_background(
    auditor: FlaskClient, database: Database, resources: Resources, clock: SettableClock
) -> None:
    write_events(database, 5)
    assert "Chưa kiểm lần nào" in auditor.get(PAGE).text
    post_form(auditor, f"{PAGE}/check", page=PAGE)
    assert "Đang kiểm cả chuỗi" in auditor.get(PAGE).text
    seal_rows(database)
    assert check_audit(resources)
    page = auditor.get(PAGE).text
    assert "Chuỗi nguyên vẹn" in page
    assert "Đang kiểm" not in page
    clock.advance(seconds=61)
    page = auditor.get(PAGE).text
    assert "chờ niêm phong quá một phút" in page


def test_a_break_is_shown_and_acknowledged_by_an_auditor(
    auditor: FlaskClient, database: Database, resources: Resources
) -> None:
    write_events(database, 5)
    seal_rows(database)
    remove_row(database, 3)
    post_form(auditor, f"{PAGE}/check", page=PAGE)
    check_audit(resources)
    page = auditor.get(PAGE).text
    assert "Có dòng bị xóa ở dòng số 3" in page
    mark = re.search(r'name="fingerprint" value="(\w+)"', page)
    assert mark is not None
    path = f"{PAGE}/acknowledge"
    for wrong in (
        {"fingerprint": "0" * 64, "reason": "x"},
        {"fingerprint": mark[1], "reason": " "},
    ):
        assert post_form(auditor, path, page=PAGE, **wrong).status_code in {409, 422}
    reason = "Phục hồi sao lưu, biên bản 12"
    post_form(auditor, path, page=PAGE, fingerprint=mark[1], reason=reason)
    check_audit(resources)
    page = auditor.get(PAGE).text
    assert "Nguyên vẹn, trừ chỗ đứt đã ghi nhận" in page
    assert reason in page
