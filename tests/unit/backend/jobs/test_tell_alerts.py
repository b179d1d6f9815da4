"""Alerts reach a real mail server and a real webhook, whatever these do."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import time, timedelta

import pytest
from sqlalchemy import Row, select, update

from backend.alerts_file import Channel, MailChannel, WebhookChannel
from backend.domain.alert_channels import GATHER_S, TellingRules
from backend.domain.alerts import AlertKind
from backend.jobs import tell_alerts as module
from backend.jobs.tell_alerts import LEASE_S, tell_alerts
from backend.services.raise_alert import clear_alert, raise_alert
from backend.services.resources import Resources
from backend.storage import alert_notices
from backend.storage.alert_tables import AlertChannel
from backend.storage.database import Database
from backend.storage.fleet_tables import Alert, AlertNotice
from backend.storage.unit_of_work import UnitOfWork
from tests.conftest import SettableClock
from tests.factories.hospital import Hospital
from tests.factories.told import MailServer, Webhook

AWAY, PAPER = AlertKind.KIOSK_AWAY, AlertKind.PAPER_OUT
SECRET = "a-secret-of-at-least-24-chars"


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    server = MailServer().start()
    yield server
    server.stop()


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    webhook = Webhook().start()
    yield webhook
    webhook.stop()


def mail_to(server: MailServer, *recipients: str) -> MailChannel:
    return MailChannel(
        host="127.0.0.1",
        port=server.port,
        security="none",
        sender="tiepdon@hospital.vn",
        recipients=recipients or ("it@hospital.vn",),
    )


def call_of(webhook: Webhook) -> WebhookChannel:
    return WebhookChannel(label="zalo", url=webhook.url, secret=SECRET)


class Desk:
    """The people who are told, and what there is to tell."""

    def __init__(self, resources: Resources, clock: SettableClock) -> None:
        self._resources = resources
        self.database = resources.database
        self.clock = clock

    def listen(self, *channels: Channel) -> None:
        self._resources = replace(
            self._resources, config=replace(self._resources.config, alert_channels=channels)
        )

    def find(self, kind: AlertKind, subject: str) -> None:
        with self.database.write() as unit:
            assert raise_alert(unit, kind, subject=subject)

    def mend(self, kind: AlertKind, subject: str) -> None:
        with self.database.write() as unit:
            assert clear_alert(unit, kind, subject=subject)

    def tell(self, *, after_s: float = GATHER_S) -> int:
        self.clock.advance(seconds=after_s)
        return tell_alerts(self._resources)

    def notices(self) -> list[Row[tuple[str, str, str, int, str | None]]]:
        query = select(
            AlertNotice.channel,
            AlertNotice.phase,
            AlertNotice.state,
            AlertNotice.attempts,
            AlertNotice.last_error,
        ).order_by(AlertNotice.channel, AlertNotice.id)
        with self.database.read() as connection:
            return list(connection.execute(query).all())

    def channel(self) -> Row[tuple[int, str | None]]:
        query = select(AlertChannel.failures, AlertChannel.last_error, AlertChannel.failing_since)
        with self.database.read() as connection:
            return connection.execute(query).one()


@pytest.fixture
def desk(database: Database, clock: SettableClock, resources: Resources) -> Desk:
    return Desk(resources, clock)


def test_told_once_and_once_on_return(desk: Desk, mail_server: MailServer) -> None:
    desk.listen(mail_to(mail_server))
    kiosk_id = add_kiosk(desk.database, "Kiosk 3")
    desk.find(AWAY, f"kiosk:{kiosk_id}")
    assert desk.tell() == 1
    assert desk.tell(after_s=600) == 0
    desk.mend(AWAY, f"kiosk:{kiosk_id}")
    assert desk.tell() == 1
    assert desk.tell(after_s=600) == 0
    raised, cleared = mail_server.mails
    assert raised["Subject"] == "[Tiếp đón] Kiosk 3: mất liên lạc"
    assert cleared["Subject"] == "[Tiếp đón] Kiosk 3: đã có lại"
    assert cleared["In-Reply-To"] == raised["Message-ID"]
    text = raised.get_content()
    assert "Từ 08:00 23/11." in text
    assert "Kiosk 3: does not answer" in text
    assert kiosk_id not in raised.as_string()


def test_it_is_told_well_within_two_minutes(desk: Desk, mail_server: MailServer) -> None:
    desk.listen(mail_to(mail_server))
    desk.find(PAPER, "kiosk:1")
    assert desk.tell(after_s=GATHER_S - 1) == 0
    assert desk.tell(after_s=1) == 1


def test_what_arises_together_is_one_mail(desk: Desk, mail_server: MailServer) -> None:
    desk.listen(mail_to(mail_server))
    for name in ("Kiosk 1", "Kiosk 2", "Kiosk 3", "Kiosk 4"):
        desk.find(AWAY, f"kiosk:{add_kiosk(desk.database, name)}")
        desk.clock.advance(seconds=4)
    desk.tell()
    (mail,) = mail_server.mails
    assert mail["Subject"] == "[Tiếp đón] Kiosk 1, Kiosk 2 (+2 nơi): mất liên lạc"
    for name in ("Kiosk 1", "Kiosk 2", "Kiosk 3", "Kiosk 4"):
        assert f"• {name}: mất liên lạc" in mail.get_content()
    desk.find(PAPER, "kiosk:x")
    desk.find(AlertKind.DISK_LOW, "disk:data")
    desk.tell()
    assert mail_server.mails[1]["Subject"] == "[Tiếp đón] Một kiosk: hết giấy in (+1 việc khác)"


def test_what_is_to_be_done_depends_on_what_it_is_about(
    desk: Desk, mail_server: MailServer
) -> None:
    desk.listen(mail_to(mail_server))
    desk.find(AlertKind.KIOSK_NAME_TWICE, "kiosk_name:Sảnh A")
    desk.tell()
    (mail,) = mail_server.mails
    assert "Đổi tên một máy ở trang Máy tiếp đón." in mail.get_content()
    assert "Thay máy" not in mail.get_content()


def test_a_server_that_is_down_hears_it_later_and_once(desk: Desk, mail_server: MailServer) -> None:
    desk.listen(mail_to(mail_server))
    mail_server.stop()
    desk.find(PAPER, "kiosk:1")
    for _ in range(30):
        assert desk.tell(after_s=60) == 0
    assert desk.channel()[:2][1] == "not_reached"
    desk.find(AlertKind.DISK_LOW, "disk:data")
    mail_server.start()
    assert desk.tell(after_s=1800) == 1
    assert desk.tell(after_s=1800) == 0
    assert len(mail_server.mails) == 1
    assert "hết giấy in" in mail_server.mails[0].get_content()
    assert "đĩa sắp đầy" in mail_server.mails[0].get_content()
    assert desk.channel() == (0, None, None)


def test_tries_become_rarer(desk: Desk, mail_server: MailServer) -> None:
    desk.listen(mail_to(mail_server))
    mail_server.stop()
    desk.find(PAPER, "kiosk:1")
    for _ in range(12 * 24):
        desk.tell(after_s=300)
    tries = desk.notices()[0].attempts
    assert 45 <= tries <= 70, "half an hour apart at most, and not every minute"


def test_what_came_and_went_meanwhile_is_told_as_one(desk: Desk, mail_server: MailServer) -> None:
    desk.listen(mail_to(mail_server))
    mail_server.stop()
    desk.find(PAPER, "kiosk:1")
    desk.tell()
    desk.mend(PAPER, "kiosk:1")
    mail_server.start()
    assert desk.tell(after_s=1800) == 1
    (mail,) = mail_server.mails
    assert mail["Subject"] == "[Tiếp đón] Một kiosk: hết giấy in; đã có giấy"
    assert "Từ 08:00 23/11 đến 08:00 23/11." in mail.get_content()
    assert "Mang cuộn giấy" not in mail.get_content(), "there is nothing to do any more"
    assert {row.state for row in desk.notices()} == {"sent"}


def test_after_three_days_it_is_given_up(desk: Desk, mail_server: MailServer) -> None:
    desk.listen(mail_to(mail_server))
    mail_server.stop()
    desk.find(PAPER, "kiosk:1")
    desk.tell()
    assert desk.tell(after_s=3 * 24 * 3600) == 0
    assert [row.state for row in desk.notices()] == ["given_up"]
    mail_server.start()
    desk.find(PAPER, "kiosk:2")
    assert desk.tell(after_s=1800) == 1
    assert len(mail_server.mails) == 1


@pytest.mark.parametrize("answer", ["451 later", "554 no", "552 too much"])
def test_a_refusal_is_kept(desk: Desk, mail_server: MailServer, answer: str) -> None:
    desk.listen(mail_to(mail_server))
    mail_server.refuse = answer
    desk.find(PAPER, "kiosk:1")
    assert desk.tell() == 0
    assert desk.channel()[:2] == (1, "refused")
    mail_server.refuse = None
    assert desk.tell() == 1


def test_one_wrong_address_keeps_nobody_else_from_hearing_it(
    desk: Desk, mail_server: MailServer
) -> None:
    desk.listen(mail_to(mail_server, "gone@hospital.vn", "it@hospital.vn"))
    mail_server.wrong = {"gone@hospital.vn"}
    desk.find(PAPER, "kiosk:1")
    assert desk.tell() == 1
    assert desk.tell(after_s=1800) == 0
    assert desk.notices()[0].last_error == "recipients_refused"
    mail_server.wrong.add("it@hospital.vn")
    desk.mend(PAPER, "kiosk:1")
    assert desk.tell() == 0
    assert desk.channel()[:2] == (1, "recipients_refused")


def test_a_mail_that_may_have_arrived_goes_again_as_the_same(
    desk: Desk, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.services.send_alerts.STEP_S", 0.2)
    desk.listen(mail_to(mail_server))
    mail_server.stall_s = 0.6
    desk.find(PAPER, "kiosk:1")
    assert desk.tell() == 0
    assert desk.channel()[:2] == (1, "no_answer")
    mail_server.stall_s = 0
    desk.mend(PAPER, "kiosk:1")
    desk.find(PAPER, "kiosk:2")
    assert desk.tell(after_s=1800) == 2, "the same message, then what is new"
    first, again, new = mail_server.mails
    assert first["Message-ID"] == again["Message-ID"] != new["Message-ID"]
    assert first["Subject"] == again["Subject"]
    assert new["In-Reply-To"] == first["Message-ID"]


def test_a_worker_killed_between_sending_and_noting_it_down(
    desk: Desk, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.listen(call_of(webhook))
    desk.find(PAPER, "kiosk:1")

    def die(*_: object, **__: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(module, "settle_sent", die)
        with pytest.raises(SystemExit):
            desk.tell()
    assert desk.tell(after_s=10) == 0, "its lease still holds"
    assert desk.tell(after_s=LEASE_S) == 1
    first, again = webhook.heard
    assert first.headers["Idempotency-Key"] == again.headers["Idempotency-Key"]
    assert first.body == again.body
    assert desk.tell(after_s=1800) == 0


def test_two_workers_tell_it_once(desk: Desk, webhook: Webhook) -> None:
    desk.listen(call_of(webhook))
    for number in range(8):
        desk.find(PAPER, f"kiosk:{number}")
    desk.clock.advance(seconds=GATHER_S)
    workers = [threading.Thread(target=desk.tell, kwargs={"after_s": 0}) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    desk.tell(after_s=60)
    told = [alert["subject"] for each in webhook.heard for alert in json.loads(each.body)["alerts"]]
    assert sorted(told) == [f"kiosk:{number}" for number in range(8)]


def test_what_another_worker_told_just_now_leaves_the_channel_free(
    desk: Desk, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.listen(call_of(webhook))
    desk.find(PAPER, "kiosk:x")
    take_lease = alert_notices._take_lease

    def take_late(unit: UnitOfWork, channel: str, lease: timedelta) -> str | None:
        unit.connection.execute(update(AlertNotice).values(state="sent"))
        return take_lease(unit, channel, lease)

    with monkeypatch.context() as patch:
        patch.setattr(alert_notices, "_take_lease", take_late)
        assert desk.tell() == 0
    desk.find(AWAY, "kiosk:x")
    assert desk.tell() == 1


def test_what_waits_for_a_channel_that_was_renamed_is_told_by_the_others(
    desk: Desk, webhook: Webhook
) -> None:
    desk.listen(call_of(webhook))
    desk.find(PAPER, "kiosk:x")
    webhook.status = 503
    assert desk.tell() == 0
    webhook.status = 200
    desk.listen(replace(call_of(webhook), label="zalo-it"))
    assert desk.tell() == 1
    assert [tuple(row)[:3] for row in desk.notices()] == [("webhook:zalo-it", "raised", "sent")]


def test_a_webhook_proves_who_calls(desk: Desk, webhook: Webhook) -> None:
    desk.listen(call_of(webhook))
    desk.find(PAPER, "kiosk:1")
    desk.tell()
    (call,) = webhook.heard
    stamp = call.headers["X-Tiepdon-Timestamp"]
    expected = hmac.new(SECRET.encode(), f"{stamp}.".encode() + call.body, hashlib.sha256)
    assert call.headers["X-Tiepdon-Signature"] == f"v1={expected.hexdigest()}"
    assert int(stamp) == int(desk.clock.now.timestamp())
    (alert,) = json.loads(call.body)["alerts"]
    assert alert["kind"] == "paper_out"
    assert alert["phases"] == ["raised"]
    assert alert["text_vi"] == "Một kiosk: hết giấy in"


@pytest.mark.parametrize(
    ("status", "code"), [(302, "status_302"), (403, "status_403"), (429, "not_reached")]
)
def test_a_webhook_that_refuses_is_tried_again(
    desk: Desk, webhook: Webhook, status: int, code: str
) -> None:
    desk.listen(call_of(webhook))
    webhook.status = status
    desk.find(PAPER, "kiosk:1")
    assert desk.tell() == 0
    assert desk.channel()[:2] == (1, code)
    webhook.status = 200
    assert desk.tell() == 1


def test_a_call_cut_off_half_way_bears_the_same_key_again(desk: Desk, webhook: Webhook) -> None:
    desk.listen(call_of(webhook))
    webhook.hang_up = True
    desk.find(PAPER, "kiosk:1")
    assert desk.tell() == 0
    desk.find(PAPER, "kiosk:2")
    webhook.hang_up = False
    assert desk.tell(after_s=60) == 2
    keys = [each.headers["Idempotency-Key"] for each in webhook.heard]
    assert keys[0] == keys[1] != keys[2]


def test_one_channel_down_does_not_hold_the_other_up(
    desk: Desk, mail_server: MailServer, webhook: Webhook
) -> None:
    desk.listen(mail_to(mail_server), call_of(webhook))
    mail_server.stop()
    desk.find(PAPER, "kiosk:1")
    assert desk.tell() == 1
    assert desk.tell(after_s=60) == 0
    assert len(webhook.heard) == 1
    mail_server.start()
    assert desk.tell(after_s=1800) == 1
    assert len(webhook.heard) == 1


def test_only_what_a_channel_wants_and_when(desk: Desk, mail_server: MailServer) -> None:
    rules = TellingRules(
        quiet=(time(7), time(9)), always=frozenset({AlertKind.DISK_LOW}), only=frozenset({
            PAPER, AlertKind.DISK_LOW,
        }),
    )  # fmt: skip
    desk.listen(replace(mail_to(mail_server), rules=rules))
    desk.find(PAPER, "kiosk:1")
    desk.find(AWAY, "kiosk:1")
    desk.find(AlertKind.DISK_LOW, "disk:data")
    assert desk.tell() == 1
    assert mail_server.mails[0]["Subject"] == "[Tiếp đón] Đĩa dữ liệu: đĩa sắp đầy"
    assert desk.tell(after_s=3000) == 0
    assert desk.tell(after_s=700) == 1, "at nine"
    assert mail_server.mails[1]["Subject"] == "[Tiếp đón] Một kiosk: hết giấy in"
    assert len(desk.notices()) == 2


def test_without_a_channel_nothing_piles_up(desk: Desk) -> None:
    desk.find(PAPER, "kiosk:1")
    assert desk.tell() == 0
    assert desk.notices() == []


def test_what_a_newer_release_found_waits_for_it(desk: Desk, webhook: Webhook) -> None:
    """It was rolled back: this one has no words for that, and tells the rest."""
    desk.listen(call_of(webhook))
    desk.find(AlertKind.TOO_HOT, "kiosk:1")
    with desk.database.write() as unit:
        unit.connection.execute(update(Alert).values(kind="of_the_future"))
    desk.find(PAPER, "kiosk:2")
    assert desk.tell() == 1
    assert [alert["kind"] for alert in json.loads(webhook.heard[0].body)["alerts"]] == ["paper_out"]
    with desk.database.write() as unit:
        unit.connection.execute(
            update(Alert).where(Alert.kind == "of_the_future").values(kind="too_hot")
        )
    assert desk.tell() == 1


def test_more_than_a_message_holds(
    desk: Desk, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.storage.alert_notices.MOST_IN_A_MESSAGE", 3)
    desk.listen(call_of(webhook))
    for number in range(7):
        desk.find(PAPER, f"kiosk:{number}")
    assert desk.tell() == 3
    assert [len(json.loads(each.body)["alerts"]) for each in webhook.heard] == [3, 3, 1]


def test_a_name_cannot_add_lines_to_a_mail(desk: Desk, mail_server: MailServer) -> None:
    desk.listen(mail_to(mail_server))
    kiosk_id = add_kiosk(desk.database, "Kiosk\r\nBcc: all@hospital.vn")
    desk.find(PAPER, f"kiosk:{kiosk_id}")
    assert desk.tell() == 1
    (mail,) = mail_server.mails
    assert mail["Bcc"] is None
    assert mail["Subject"] == "[Tiếp đón] Kiosk Bcc: all@hospital.vn: hết giấy in"


def add_kiosk(database: Database, name: str) -> str:
    return Hospital(database).add_kiosk(name)[0].id
