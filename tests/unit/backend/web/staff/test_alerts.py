from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert, update

from backend.alerts_file import MailChannel, WebhookChannel
from backend.domain.alerts import AlertKind, AlertPhase
from backend.domain.ids import new_id
from backend.domain.roles import StaffRole
from backend.services.raise_alert import clear_alert, raise_alert
from backend.storage.alert_tables import AlertChannel
from backend.storage.database import Database
from backend.storage.fleet_tables import Alert, AlertNotice
from backend.web.api import EXTENSION
from tests.conftest import SettableClock
from tests.factories.accounts import Accounts, try_sign_in
from tests.factories.hospital import Hospital
from tests.unit.backend.web.staff.test_second_factor import add_phone


@pytest.fixture
def it_desk(client: FlaskClient, accounts: Accounts, clock: SettableClock) -> FlaskClient:
    accounts.add("may", StaffRole.IT, display_name="Trần Văn Máy")
    try_sign_in(client, "may")
    add_phone(client, clock)
    return client


def find(database: Database, kind: AlertKind, subject: str) -> None:
    with database.write() as unit:
        raise_alert(unit, kind, subject=subject)


def mend(database: Database, kind: AlertKind, subject: str) -> None:
    with database.write() as unit:
        clear_alert(unit, kind, subject=subject)


def test_what_is_wrong_since_when_and_what_to_do(
    it_desk: FlaskClient, hospital: Hospital, clock: SettableClock
) -> None:
    assert "Mọi thứ đang chạy tốt." in it_desk.get("/staff/alerts").text
    kiosk = hospital.add_kiosk("Kiosk 3")[0]
    find(hospital.database, AlertKind.PAPER_OUT, f"kiosk:{kiosk.id}")
    clock.advance(minutes=4)
    text = it_desk.get("/staff/alerts").text
    assert "<b>Kiosk 3</b>: hết giấy in" in text
    assert "Mang cuộn giấy mới đến thay." in text
    assert f'href="/staff/fleet/{kiosk.id}"' in text
    assert "Từ 23/11 08:00 (4 phút trước)" in text
    assert "Mọi thứ đang chạy tốt." not in text
    mend(hospital.database, AlertKind.PAPER_OUT, f"kiosk:{kiosk.id}")
    text = it_desk.get("/staff/alerts/live").text
    assert "Mọi thứ đang chạy tốt." in text
    assert "23/11 08:00 – 23/11 08:04" in text


def test_of_two_kiosks_with_one_name_none_is_given_up(
    it_desk: FlaskClient, hospital: Hospital
) -> None:
    find(hospital.database, AlertKind.KIOSK_NAME_TWICE, "kiosk_name:Sảnh A")
    text = it_desk.get("/staff/alerts").text
    assert "<b>Tên máy Sảnh A</b>: hai máy cùng dùng một tên" in text
    assert "Đổi tên một máy ở trang Máy tiếp đón." in text
    assert "Thay máy" not in text


def test_a_kind_of_a_newer_release_breaks_nothing(it_desk: FlaskClient, hospital: Hospital) -> None:
    find(hospital.database, AlertKind.DISK_LOW, "disk:data")
    with hospital.database.write() as unit:
        unit.connection.execute(update(Alert).values(kind="of_the_future"))
    assert "Mọi thứ đang chạy tốt." in it_desk.get("/staff/alerts").text
    assert it_desk.get("/staff").status_code == 200


def test_the_card_of_the_desk_counts_what_is_open(it_desk: FlaskClient, hospital: Hospital) -> None:
    assert "count bad" not in it_desk.get("/staff").text
    find(hospital.database, AlertKind.DISK_LOW, "disk:data")
    find(hospital.database, AlertKind.PARTY_AWAY, "party:his")
    assert '<span class="count bad">2</span>' in it_desk.get("/staff").text


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", {"Kiosk 3", "HIS", "Đĩa dữ liệu"}),
        ("q=kiosk+3", {"Kiosk 3"}),
        ("q=party", {"HIS"}),
        ("q=đĩa+sắp", {"Đĩa dữ liệu"}),
        ("q=%25", set()),
        ("kind=disk_low", {"Đĩa dữ liệu"}),
        ("kind=disk_low&q=kiosk", set()),
        ("kind=fire", {"Kiosk 3", "HIS", "Đĩa dữ liệu"}),
        ("q=" + "x" * 1000, set()),
    ],
)
def test_what_is_over_is_found_by_kind_and_place(
    it_desk: FlaskClient, hospital: Hospital, query: str, shown: set[str]
) -> None:
    kiosk = hospital.add_kiosk("Kiosk 3")[0]
    found = [
        (AlertKind.KIOSK_AWAY, f"kiosk:{kiosk.id}"),
        (AlertKind.PARTY_AWAY, "party:his"),
        (AlertKind.DISK_LOW, "disk:data"),
    ]
    for kind, subject in found:
        find(hospital.database, kind, subject)
        mend(hospital.database, kind, subject)
    text = it_desk.get(f"/staff/alerts/live?{query}").text
    past = text.partition('id="past"')[2]
    assert {name for name in ("Kiosk 3", "HIS", "Đĩa dữ liệu") if f"<b>{name}</b>" in past} == shown


def test_who_was_told_and_how_the_channels_are(
    it_desk: FlaskClient, hospital: Hospital, clock: SettableClock
) -> None:
    server = it_desk.application.extensions[EXTENSION]
    mail = MailChannel(
        host="mail", port=25, security="none", sender="a@b.vn", recipients=("it@b.vn",)
    )
    hook = WebhookChannel(label="zalo", url="https://h.vn/token", secret="s" * 24)
    it_desk.application.extensions[EXTENSION] = replace(
        server, config=replace(server.config, alert_channels=(mail, hook))
    )
    assert "Chưa gửi lần nào." in it_desk.get("/staff/alerts").text
    find(hospital.database, AlertKind.DISK_LOW, "disk:data")
    with hospital.database.write() as unit:
        alert_id = unit.connection.scalar(update(AlertNotice).values(
            channel="mail", state="sent", settled_at=clock.now,
        ).returning(AlertNotice.alert_id))  # fmt: skip
        unit.connection.execute(
            insert(AlertNotice).values(
                id=new_id(), facility_id="main", alert_id=alert_id, phase=AlertPhase.RAISED,
                channel="webhook:zalo", next_at=clock.now,
            )
        )  # fmt: skip
        unit.connection.execute(
            insert(AlertChannel).values(
                [
                    {"facility_id": "main", "channel": "mail", "last_ok_at": clock.now,
                     "next_at": clock.now, "failing_since": None, "last_error": None},
                    {"facility_id": "main", "channel": "webhook:zalo", "last_ok_at": None,
                     "next_at": clock.now, "failing_since": clock.now - timedelta(minutes=5),
                     "last_error": "status_403"},
                ]
            )
        )  # fmt: skip
    text = it_desk.get("/staff/alerts").text
    assert "Báo · Thư điện tử: đã gửi 23/11 08:00" in text
    assert "Báo · zalo: chờ gửi" in text
    assert "Không gửi được từ 23/11 07:55. Webhook từ chối chữ ký." in text
    assert "1 tin chờ gửi" in text
    assert "token" not in text.partition("csrf_token")[2].partition("</form>")[2]


def test_an_account_is_named_to_who_may_unlock_it(
    it_desk: FlaskClient, hospital: Hospital, accounts: Accounts
) -> None:
    user_id = accounts.add("letan", StaffRole.RECEPTION)
    find(hospital.database, AlertKind.ACCOUNT_LOCKED, f"user:{user_id}")
    assert "<b>letan</b>" in it_desk.get("/staff/alerts").text
