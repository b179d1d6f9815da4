"""Pages of incidents and of requests about data."""

from __future__ import annotations

import csv
import io
import re
import zipfile

import pytest
from flask.testing import FlaskClient

from backend.domain.roles import StaffRole
from backend.events import Event
from backend.services.resources import Resources
from backend.web.staff import incidents
from tests.conftest import SettableClock
from tests.factories.accounts import Accounts, post_form, sign_in
from tests.factories.reception import audited

BOARD, REGISTER = "/staff/incidents", "/staff/data-requests"
INCIDENT = {
    "kind": "data_leak",
    "noticed_at": "2026-11-23T07:30",
    "span_from": "2026-11-22T18:00",
    "span_to": "2026-11-23T07:30",
    "about": "Tờ danh sách bị chụp",
}
REQUEST = {
    "kind": "view",
    "channel": "desk",
    "received_on": "2026-11-23",
    "name": "Trần Thị Hỏi",
    "reach": "0900000000",
    "about": "Muốn xem lượt ngày 20/11",
}


@pytest.fixture
def auditor(browser: FlaskClient, accounts: Accounts) -> FlaskClient:
    accounts.add("kiem", StaffRole.AUDITOR, display_name="Ngô Văn Kiểm")
    sign_in(browser, "kiem")
    return browser


def test_from_opening_to_closing(
    auditor: FlaskClient, clock: SettableClock, accounts: Accounts
) -> None:
    assert "Không có sự cố nào" in auditor.get(BOARD).text
    place = post_form(auditor, BOARD, **INCIDENT).headers["Location"]
    page = auditor.get(place).text
    for words in (
        "Tờ danh sách bị chụp",
        "trước 24/11 07:30",
        "trước 26/11 07:30",
        "còn thời gian",
    ):
        assert words in page
    clock.advance(hours=19)
    sign_in(auditor, "kiem")
    assert "sắp hết giờ" in auditor.get(BOARD).text
    post_form(auditor, f"{place}/told", page=place, duty="first_notice", words="CV 12/BV")
    post_form(auditor, f"{place}/note", page=place, words="Đã thu lại tờ giấy")
    refused = post_form(auditor, f"{place}/close", page=place, words="Không ai bị hại")
    assert (refused.status_code, "Chưa ghi là đã báo" in refused.text) == (409, True)
    assert f'action="{place}/close"' not in refused.text
    post_form(auditor, f"{place}/told", page=place, duty="report", words="CV 13/BV")
    assert f'action="{place}/close"' in auditor.get(place).text
    post_form(auditor, f"{place}/close", page=place, words="Không ai bị hại")
    page = auditor.get(place).text
    for words in (
        "CV 12/BV",
        "CV 13/BV",
        "Đã thu lại tờ giấy",
        "Không ai bị hại",
        "Ngô Văn Kiểm",
        "Đã đóng",
    ):
        assert words in page
    assert "<textarea" not in page


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kind": "nonsense"}, "chưa đúng"),
        ({"noticed_at": "2026-11-25T07:30"}, "chưa đúng"),
        ({"span_from": ""}, "chưa đúng"),
        ({"about": " "}, "Mời ghi rõ"),
        ({"kind": "\0"}, "chưa đúng"),
    ],
)
def test_what_was_filled_in_wrong_is_kept_and_told(
    auditor: FlaskClient, changes: dict[str, str], words: str
) -> None:
    reply = post_form(auditor, BOARD, **INCIDENT | changes)
    assert (reply.status_code, words in reply.text) == (422, True)
    assert 'value="2026-11-23T07:30"' in reply.text


def test_the_pack_comes_whole(auditor: FlaskClient, resources: Resources) -> None:
    place = post_form(auditor, BOARD, **INCIDENT).headers["Location"]
    reply = post_form(auditor, f"{place}/pack.zip", page=place)
    assert reply.headers["Cache-Control"] == "no-store"
    assert "filename=su-co-1.zip" in reply.headers["Content-Disposition"]
    archive = zipfile.ZipFile(io.BytesIO(reply.get_data()))
    assert archive.testzip() is None
    assert "affected.sealed" in archive.namelist()
    reply.close()
    (row,) = audited(resources, Event.INCIDENT_EXPORTED)
    assert row.origin == "127.0.0.1"


def test_a_pack_that_takes_too_long_is_sent_to_the_command(
    auditor: FlaskClient, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = post_form(auditor, BOARD, **INCIDENT | {"span_to": "2026-11-23T09:00"}).headers[
        "Location"
    ]
    monkeypatch.setattr(incidents, "MOST_ROWS", 2)
    reply = post_form(auditor, f"{place}/pack.zip", page=place)
    assert (reply.status_code, "tiepdon incident export" in reply.text) == (409, True)
    assert audited(resources, Event.INCIDENT_EXPORTED) == []
    monkeypatch.setattr(incidents, "MOST_ROWS", 1_000)
    reply = post_form(auditor, f"{place}/pack.zip", page=place)
    assert reply.status_code == 200
    reply.close()


@pytest.mark.parametrize("address", [f"{BOARD}/x", f"{BOARD}/{'0' * 32}", f"{REGISTER}/{'0' * 32}"])
def test_what_is_not_there(auditor: FlaskClient, address: str) -> None:
    assert auditor.get(address).status_code == 404


def test_a_duty_that_is_none(auditor: FlaskClient) -> None:
    place = post_form(auditor, BOARD, **INCIDENT).headers["Location"]
    assert post_form(auditor, f"{place}/told", page=place, duty="closing").status_code == 404


def test_a_request_from_coming_in_to_its_end(auditor: FlaskClient) -> None:
    place = post_form(auditor, REGISTER, **REQUEST).headers["Location"]
    assert "Trần Thị Hỏi" in auditor.get(place).text
    board = auditor.get(REGISTER).text
    assert "Trần Thị Hỏi" not in board
    assert "25/11/2026" in board
    post_form(auditor, f"{place}/answer", page=place)
    assert "03/12/2026" in auditor.get(REGISTER).text
    wrong = post_form(auditor, f"{place}/end", page=place, outcome="nonsense", words="x")
    assert wrong.status_code == 422
    post_form(auditor, f"{place}/end", page=place, outcome="done", words="Đã đưa bản in")
    page = auditor.get(place).text
    assert "Đã đưa bản in" in page
    assert not re.search(r"/end\"|/answer\"", page)


def test_the_register_as_a_file(auditor: FlaskClient) -> None:
    post_form(auditor, REGISTER, **REQUEST)
    reply = post_form(auditor, f"{REGISTER}/export.csv", page=REGISTER)
    header, row = csv.reader(io.StringIO(reply.get_data().decode("utf-8-sig")))
    assert dict(zip(header, row, strict=True))["hạn trả lời"] == "2026-11-25"
    assert "Hỏi" not in reply.text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kind": "nonsense"}, "chưa đúng"),
        ({"received_on": "2026-11-24"}, "chưa đúng"),
        ({"received_on": "x"}, "chưa đúng"),
        ({"reach": ""}, "đủ các ô"),
    ],
)
def test_a_request_filled_in_wrong(
    auditor: FlaskClient, changes: dict[str, str], words: str
) -> None:
    reply = post_form(auditor, REGISTER, **REQUEST | changes)
    assert (reply.status_code, words in reply.text) == (422, True)
