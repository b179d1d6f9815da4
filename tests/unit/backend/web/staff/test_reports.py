from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Mapping
from datetime import date, timedelta

import pytest
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import select

from backend.domain.roles import StaffRole
from backend.jobs.roll_up import roll_up
from backend.jobs.watch_reports import watch_reports
from backend.services.resources import Resources
from backend.storage.audit_tables import AuditEvent
from backend.storage.database import Database
from backend.storage.fleet_tables import Alert
from backend.storage.report_tables import ReportSignOff
from tests.conftest import SettableClock
from tests.factories.accounts import Accounts, csrf_token, sign_in
from tests.factories.desk import Desk
from tests.factories.hospital import Hospital

MONDAY = date(2026, 11, 23)
PAGE = "/staff/reports/day/2026-11-23"


@pytest.fixture
def desk(resources: Resources, hospital: Hospital) -> Desk:
    return Desk(resources, hospital)


@pytest.fixture
def quality(browser: FlaskClient, accounts: Accounts) -> FlaskClient:
    accounts.add("chatluong", StaffRole.QUALITY, display_name="Phạm Thị Chất")
    sign_in(browser, "chatluong")
    return browser


@pytest.fixture
def counted(desk: Desk, resources: Resources) -> None:
    for _ in range(3):
        desk.take("NOI")
    roll_up(resources)


def post(browser: FlaskClient, path: str, **fields: str) -> int:
    return send(browser, path, read_form(browser), **fields)


def read_form(browser: FlaskClient) -> dict[str, str]:
    """What the page gives along: where nothing can be signed, its token alone."""
    page = browser.get(PAGE)
    shown = re.search(r'name="shown" value="([^"]+)"', page.text)
    given = {"shown": html.unescape(shown[1])} if shown else {}
    return given | {"csrf_token": csrf_token(page)}


def send(browser: FlaskClient, path: str, form: Mapping[str, str], **fields: str) -> int:
    return browser.post(path, data={**form, **fields}).status_code


@pytest.mark.usefixtures("counted")
@pytest.mark.parametrize("span", ["day", "week", "month", "quarter", "year"])
def test_every_span_has_a_page_with_definitions(quality: FlaskClient, span: str) -> None:
    first = {"day": "2026-11-23", "week": "2026-11-23", "month": "2026-11-01"}
    day = first.get(span, "2026-10-01" if span == "quarter" else "2026-01-01")
    page = quality.get(f"/staff/reports/{span}/{day}")
    assert page.status_code == 200
    assert "Số lượt lấy số trong kỳ" in page.text
    assert ">3<" in page.text
    assert "style=" not in page.text


@pytest.mark.usefixtures("counted")
def test_any_day_leads_to_its_period(quality: FlaskClient) -> None:
    assert quality.get("/staff/reports").location == PAGE
    assert quality.get("/staff/reports/month/2026-11-23").location.endswith("/month/2026-11-01")


@pytest.mark.parametrize("day", ["2026-11-24", "1999-01-01", "2026-02-30", "x" * 40, "2026-11-1"])
def test_no_such_day_is_said(quality: FlaskClient, day: str) -> None:
    assert quality.get(f"/staff/reports/day/{day}").status_code == 404


def test_nothing_counted_yet_is_said(quality: FlaskClient) -> None:
    page = quality.get(PAGE)
    assert page.status_code == 200
    assert "chưa có số liệu" in page.text
    assert post(quality, f"{PAGE}/sign", seen="0") == 409


@pytest.mark.usefixtures("counted")
def test_signed_by_name_once_and_again_when_figures_move(
    quality: FlaskClient, desk: Desk, resources: Resources, database: Database, clock: SettableClock
) -> None:
    assert post(quality, f"{PAGE}/sign", seen="0", note="Đã xem") == 303
    page = quality.get(PAGE).text
    assert "Phạm Thị Chất ký lúc" in page
    assert "Đã xem" in page
    assert post(quality, f"{PAGE}/sign", seen="0") == 409
    clock.advance(minutes=15)
    sign_in(quality, "chatluong")
    desk.take("NOI")
    roll_up(resources)
    assert "Số liệu đã thay đổi sau khi ký" in quality.get(PAGE).text
    assert post(quality, f"{PAGE}/sign", seen="1") == 303
    with database.read() as connection:
        rows = connection.execute(select(ReportSignOff.__table__).order_by("position")).all()
    assert [row.figures["visits"] for row in rows] == [3, 4]


@pytest.mark.usefixtures("counted")
def test_what_was_on_the_page_is_signed_though_it_was_counted_again_meanwhile(
    quality: FlaskClient, desk: Desk, resources: Resources, database: Database, clock: SettableClock
) -> None:
    form, opened_at = read_form(quality), clock()
    clock.advance(minutes=15)
    sign_in(quality, "chatluong")
    desk.take("NOI")
    assert roll_up(resources) == 1
    form["csrf_token"] = read_form(quality)["csrf_token"]
    assert send(quality, f"{PAGE}/sign", form, seen="0") == 303
    with database.read() as connection:
        (row,) = connection.execute(select(ReportSignOff.__table__)).all()
    assert (row.figures["visits"], row.counted_at) == (3, opened_at)
    assert "Số liệu đã thay đổi sau khi ký" in quality.get(PAGE).text


@pytest.mark.usefixtures("counted")
def test_figures_that_were_not_shown_to_this_reader_of_this_report_are_not_signed(
    quality: FlaskClient, accounts: Accounts, database: Database, clock: SettableClock
) -> None:
    form = read_form(quality)
    for shown in (form["shown"].replace('"visits": 3', '"visits": 9'), "x" * 100, "é" * 70):
        assert send(quality, f"{PAGE}/sign", form | {"shown": shown}, seen="0") == 422
    assert send(quality, "/staff/reports/week/2026-11-23/sign", form, seen="0") == 422
    accounts.add("truong", StaffRole.HEAD, display_name="Lê Văn Trưởng")
    clock.advance(minutes=15)
    sign_in(quality, "truong")
    other = read_form(quality)
    assert send(quality, f"{PAGE}/sign", other | {"shown": form["shown"]}, seen="0") == 422
    with database.read() as connection:
        assert connection.execute(select(ReportSignOff.__table__)).all() == []


@pytest.mark.usefixtures("counted")
def test_who_only_reads_does_not_sign(browser: FlaskClient, accounts: Accounts) -> None:
    accounts.add("truong", StaffRole.HEAD, display_name="Lê Văn Trưởng")
    sign_in(browser, "truong")
    assert post(browser, f"{PAGE}/sign", seen="0") == 303
    assert post(browser, "/staff/reports/year/2026-01-01/sign", seen="0") == 409


@pytest.mark.usefixtures("counted")
def test_overdue_is_told_once_and_over_when_signed(
    quality: FlaskClient, resources: Resources, database: Database, clock: SettableClock
) -> None:
    assert watch_reports(resources) == 0
    clock.advance(hours=7, minutes=5)
    assert watch_reports(resources) == 1
    assert watch_reports(resources) == 0
    sign_in(quality, "chatluong")
    assert "Quá hạn ký" in quality.get(PAGE).text
    assert post(quality, f"{PAGE}/sign", seen="0") == 303
    with database.read() as connection:
        alerts = connection.execute(select(Alert.subject, Alert.cleared_at)).all()
    assert [alert.subject for alert in alerts] == ["report:day:2026-11-23"]
    assert alerts[0].cleared_at is not None
    assert "Ký sau hạn" in quality.get(PAGE).text


@pytest.mark.usefixtures("counted")
def test_friday_and_the_month_are_due_too(resources: Resources, clock: SettableClock) -> None:
    clock.advance(days=7)
    assert watch_reports(resources) == 2  # week and month; nobody came on that day


@pytest.mark.usefixtures("counted")
def test_the_files_say_what_the_page_says(quality: FlaskClient, database: Database) -> None:
    xlsx = quality.get(f"{PAGE}/figures.xlsx")
    book = load_workbook(io.BytesIO(xlsx.data))
    assert book.sheetnames[0] == "Số liệu chính"
    cells = {row[0].value: row[1].value for row in book["Số liệu chính"].iter_rows() if row}
    assert cells["Lượt khám"] == 3
    details = list(book["Chi tiết phòng và giờ"].iter_rows(values_only=True))
    assert sum(row[3] for row in details[1:]) == 3
    assert "Cách tính" in book.sheetnames
    text = quality.get(f"{PAGE}/figures.csv").data.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text), delimiter=";"))
    assert ["Lượt khám", "3"] in [row[:2] for row in rows]
    with database.read() as connection:
        noted = connection.scalars(
            select(AuditEvent.detail).where(AuditEvent.event == "report_exported")
        ).all()
    assert sorted(detail["form"] for detail in noted) == ["csv", "xlsx"]


def test_few_people_of_a_sensitive_clinic_are_not_told(
    browser: FlaskClient, accounts: Accounts, desk: Desk, hospital: Hospital, resources: Resources
) -> None:
    hospital.add_room("103")
    hospital.add_room("104")
    hospital.add_service("KIN", "103", sensitive=True)
    hospital.add_service("DAU", "104")
    accounts.add("chatluong", StaffRole.QUALITY)
    sign_in(browser, "chatluong")
    quality = browser
    for _ in range(6):
        desk.take("NOI")
    for _ in range(3):
        desk.take("KIN")
    for _ in range(7):
        desk.take("DAU")
    roll_up(resources)
    for path in (PAGE, "/staff/reports/month/2026-11-01"):
        page = quality.get(path).text
        assert "&lt; 5" in page
        row = page.partition("Phòng khám 103")[2].partition("</tr>")[0]
        assert ">3<" not in row
    text = quality.get(f"{PAGE}/figures.csv").data.decode("utf-8-sig")
    rows = [row for row in csv.reader(io.StringIO(text), delimiter=";") if row]
    assert all("3" not in row[2:4] for row in rows if row[0].startswith("103"))
    book = load_workbook(io.BytesIO(quality.get(f"{PAGE}/figures.xlsx").data))
    details = list(book["Chi tiết phòng và giờ"].iter_rows(values_only=True))
    assert not [row for row in details if str(row[1]).startswith("103")]


@pytest.mark.usefixtures("counted")
def test_the_period_before_and_last_year_stand_beside(
    quality: FlaskClient, desk: Desk, resources: Resources, clock: SettableClock
) -> None:
    clock.advance(days=1)
    sign_in(quality, "chatluong")
    for _ in range(6):
        desk.take("NOI")
    roll_up(resources)
    page = quality.get(f"/staff/reports/day/{MONDAY + timedelta(days=1)}").text
    assert "kỳ trước 3" in page
    assert "(+100 %)" in page
