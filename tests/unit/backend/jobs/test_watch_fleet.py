"""Kiosks that go away are noticed in time, once, and once on return."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from backend.domain.alerts import AlertKind
from backend.domain.settings import Words
from backend.errors import StorageUnavailable
from backend.jobs.watch_fleet import FleetWatch
from backend.services.change_kiosk import pause_kiosk, resume_kiosk
from backend.services.enrol_kiosk import enrol_kiosk, invite_kiosk, revoke_kiosk
from backend.services.keep_figures import Figures
from backend.services.order_kiosk import order_kiosk, take_result
from backend.services.resources import Resources
from backend.services.show_kiosk import show_kiosk
from backend.services.take_report import take_report
from backend.storage.database import Database
from backend.storage.fleet_tables import AlertNotice, KioskAbsence, KioskCommand
from tests.conftest import SettableClock
from tests.factories.fleet import list_alerts, make_report
from tests.factories.hospital import Hospital

EVERY_S = 10
Wait = Callable[..., None]


@pytest.fixture
def wait(resources: Resources, clock: SettableClock, database: Database) -> Wait:
    """`wait(seconds, *kiosks)`: the watch looks every ten seconds, these beat every thirty."""
    watch, web = FleetWatch(), Figures(database, kind="web")

    def wait(seconds: int, *beating: str, served: bool = True) -> None:
        for second in range(0, seconds, EVERY_S):
            if second % 30 == 0:
                for kiosk_id in beating:
                    take_report(database, kiosk_id=kiosk_id, report=make_report(clock.now))
            if served:
                web.hand_in()
            with contextlib.suppress(StorageUnavailable):
                watch.run(resources)
            clock.advance(seconds=EVERY_S)

    return wait


def add(database: Database, *names: str) -> list[str]:
    hospital = Hospital(database)
    return [hospital.add_kiosk(name)[0].id for name in names]


def list_absences(database: Database) -> list[tuple[datetime, datetime | None]]:
    with database.read() as connection:
        rows = connection.execute(
            select(KioskAbsence.began_at, KioskAbsence.ended_at).order_by(KioskAbsence.began_at)
        )
        return [(row.began_at, row.ended_at) for row in rows]


def count_notices(database: Database) -> int:
    with database.read() as connection:
        return len(connection.execute(select(AlertNotice.id)).all())


def test_away_is_noticed_within_two_minutes_once_and_once_on_return(
    wait: Wait, database: Database, clock: SettableClock
) -> None:
    one, other = add(database, "K1", "K2")
    wait(120, one, other)
    last_beat = clock.now - timedelta(seconds=30)
    wait(90, other)
    assert list_alerts(database) == [(AlertKind.KIOSK_AWAY, True)]
    wait(300, other)
    assert (list_absences(database), count_notices(database)) == ([(last_beat, None)], 1)
    back = clock.now
    wait(60, one, other)
    assert list_alerts(database) == [(AlertKind.KIOSK_AWAY, False)]
    assert (list_absences(database), count_notices(database)) == ([(last_beat, back)], 2)
    assert show_kiosk(database, one).absences[0].ended_at == back


def test_a_server_that_was_down_accuses_nobody(
    wait: Wait, resources: Resources, database: Database, clock: SettableClock
) -> None:
    (kiosk,) = add(database, "K1")
    wait(120, kiosk)
    clock.advance(minutes=20)
    fresh, web = FleetWatch(), Figures(database, kind="web")
    for _ in range(9):
        web.hand_in()
        fresh.run(resources)
        clock.advance(seconds=EVERY_S)
    assert list_alerts(database) == []
    take_report(database, kiosk_id=kiosk)
    wait(60, kiosk)
    assert list_alerts(database) == []


def test_a_database_that_was_away_accuses_nobody(
    wait: Wait, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    (kiosk,) = add(database, "K1")
    wait(120, kiosk)

    def away() -> None:
        raise StorageUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(database, "read", away)
        wait(200, served=False)
    wait(100)
    assert list_alerts(database) == []
    wait(10)
    assert list_alerts(database) == [(AlertKind.KIOSK_AWAY, True)]


def test_web_processes_that_were_away_accuse_nobody(wait: Wait, database: Database) -> None:
    (kiosk,) = add(database, "K1")
    wait(120, kiosk)
    wait(200, served=False)
    wait(90)
    assert list_alerts(database) == []
    wait(10)
    assert list_alerts(database) == [(AlertKind.KIOSK_AWAY, True)]


def test_a_kiosk_out_of_service_may_be_switched_off(
    wait: Wait, database: Database, clock: SettableClock
) -> None:
    (kiosk,) = add(database, "K1")
    wait(120, kiosk)
    words = Words(vi="Đang sửa.", en="Being mended.")
    pause_kiosk(database, kiosk, words, actor="staff:x")
    wait(300)
    assert list_alerts(database) == []
    assert len(list_absences(database)) == 1
    assert resume_kiosk(database, kiosk, actor="staff:x")
    assert not resume_kiosk(database, kiosk, actor="staff:x")
    wait(10)
    assert list_alerts(database) == [(AlertKind.KIOSK_AWAY, True)]
    pause_kiosk(database, kiosk, words, actor="staff:x")
    assert list_alerts(database) == [(AlertKind.KIOSK_AWAY, False)]


def test_a_revoked_kiosk_is_missed_by_nobody(wait: Wait, database: Database) -> None:
    (kiosk,) = add(database, "K1")
    wait(120, kiosk)
    wait(120)
    revoke_kiosk(database, name="K1")
    wait(120)
    assert list_alerts(database) == [(AlertKind.KIOSK_AWAY, False)]
    assert all(ended_at for _, ended_at in list_absences(database))


def test_one_name_in_use_twice_is_told(wait: Wait, database: Database) -> None:
    codes = [invite_kiosk(database, name="Sảnh A") for _ in range(2)]
    one, other = (
        enrol_kiosk(database, untrusted_code=code, name="x", demo=False).kiosk_id for code in codes
    )
    wait(120, one, other)
    assert list_alerts(database) == [(AlertKind.KIOSK_NAME_TWICE, True)]
    wait(180, one)
    assert (AlertKind.KIOSK_NAME_TWICE, False) in list_alerts(database)


def test_a_name_in_use_twice_stands_while_nobody_is_heard(wait: Wait, database: Database) -> None:
    codes = [invite_kiosk(database, name="Sảnh A") for _ in range(2)]
    both = [
        enrol_kiosk(database, untrusted_code=code, name="x", demo=False).kiosk_id for code in codes
    ]
    wait(120, *both)
    wait(200, served=False)
    wait(120, *both)
    assert list_alerts(database) == [(AlertKind.KIOSK_NAME_TWICE, True)]


def test_an_order_nobody_took_expires(wait: Wait, database: Database, clock: SettableClock) -> None:
    (kiosk,) = add(database, "K1")
    wait(60, kiosk)
    late = order_kiosk(database, kiosk, "test_print", actor="staff:x")
    wait(15 * 60 + 20)
    assert show_kiosk(database, kiosk).orders[0].state == "expired"
    # It was done all the same, and the answer was long on its way.
    take_result(database, kiosk, late, state="done", reason=None, untrusted_file=None)
    assert show_kiosk(database, kiosk).orders[0].state == "done"


def test_a_picture_is_gone_after_a_day(
    wait: Wait, database: Database, clock: SettableClock
) -> None:
    (kiosk,) = add(database, "K1")
    order = order_kiosk(database, kiosk, "send_logs", actor="staff:x")
    take_result(
        database, kiosk, order, state="done", reason=None, untrusted_file=b"\x1f\x8b" + bytes(9)
    )
    wait(20, kiosk)
    assert show_kiosk(database, kiosk).orders[0].has_file
    clock.advance(hours=24)
    wait(20, kiosk)
    with database.read() as connection:
        assert connection.scalar(select(KioskCommand.attachment)) is None
