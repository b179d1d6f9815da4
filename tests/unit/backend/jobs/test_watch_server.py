from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import insert, select, update

from backend.domain.alerts import AlertKind
from backend.domain.ids import new_id
from backend.domain.roles import StaffRole
from backend.jobs.seal_audit import seal_rows
from backend.jobs.watch_server import watch_server
from backend.services import watch_server as module
from backend.services.raise_alert import raise_alert
from backend.services.resources import Resources
from backend.services.watch_server import find_last_backup, is_low
from backend.storage.account_tables import UserAccount
from backend.storage.alert_tables import ProcessFigure
from backend.storage.backup_folder import name_of
from backend.storage.database import Database
from backend.storage.fleet_tables import Alert
from backend.storage.outbox_tables import OutboxMessage
from tests.conftest import SettableClock
from tests.factories.accounts import Accounts
from tests.factories.audit import write_events
from tests.factories.outbox import add_message, set_party


class Usage(NamedTuple):
    total: int
    used: int
    free: int


GIB = 1024**3


def open_alerts(database: Database) -> set[tuple[str, str]]:
    query = select(Alert.kind, Alert.subject).where(Alert.cleared_at.is_(None))
    with database.read() as connection:
        return {(row.kind, row.subject) for row in connection.execute(query)}


def seal(database: Database) -> None:
    while seal_rows(database):
        pass


def test_all_is_well(resources: Resources, database: Database) -> None:
    seal(database)
    assert watch_server(resources) == 0
    assert open_alerts(database) == set()


def test_dead_letters_until_they_are_settled(resources: Resources, database: Database) -> None:
    message_id = add_message(database, state="dead")
    add_message(database)
    seal(database)
    assert watch_server(resources) == 1
    assert watch_server(resources) == 0
    assert open_alerts(database) == {("dead_letters", "party:his")}
    with database.write() as unit:
        unit.connection.execute(
            update(OutboxMessage)
            .where(OutboxMessage.id == message_id)
            .values(state="discarded", settled_at=unit.now)
        )
    assert watch_server(resources) == 1
    assert open_alerts(database) == set()


def test_a_party_is_away_after_two_minutes(
    resources: Resources, database: Database, clock: SettableClock
) -> None:
    set_party(database, breaker="open", opened_at=clock.now)
    seal(database)
    clock.advance(seconds=119)
    assert watch_server(resources) == 0
    clock.advance(seconds=1)
    assert watch_server(resources) == 1
    assert open_alerts(database) == {("party_away", "party:his")}


def test_a_sealer_that_stands_still(
    resources: Resources, database: Database, clock: SettableClock
) -> None:
    seal(database)
    write_events(database, 1)
    clock.advance(seconds=30)
    assert watch_server(resources) == 0
    clock.advance(seconds=31)
    assert watch_server(resources) == 1
    assert open_alerts(database) == {("audit_unsealed", "audit")}
    seal(database)
    assert watch_server(resources) == 1


def test_an_account_that_is_locked(
    resources: Resources, database: Database, clock: SettableClock
) -> None:
    user_id = Accounts(database).add("truc", StaffRole.RECEPTION)
    seal(database)
    until = clock.now + timedelta(minutes=15)
    with database.write() as unit:
        unit.connection.execute(update(UserAccount).values(locked_until=until))
    assert watch_server(resources) == 1
    assert open_alerts(database) == {("account_locked", f"user:{user_id}")}
    clock.advance(minutes=15)
    assert watch_server(resources) == 1


def test_a_backup_that_did_not_come(
    resources: Resources, database: Database, clock: SettableClock, tmp_path: Path
) -> None:
    seal(database)
    usb, other = tmp_path / "usb", tmp_path / "other"
    watched = replace(resources, config=replace(resources.config, backups=(usb, other)))
    other.mkdir()
    (other / name_of(clock.now - timedelta(hours=3))).mkdir()
    assert watch_server(watched) == 1, "a disk that is not there"
    assert open_alerts(database) == {("backup_overdue", f"backup:{usb}")}
    usb.mkdir()
    (usb / "tiepdon-of-somebody").mkdir()
    assert find_last_backup(usb) is None
    assert watch_server(watched) == 0
    (usb / name_of(clock.now)).mkdir()
    assert watch_server(watched) == 1
    clock.advance(hours=23, minutes=1)
    seal(database)
    watch_server(watched)
    assert ("backup_overdue", f"backup:{other}") in open_alerts(database)
    assert ("backup_overdue", f"backup:{usb}") not in open_alerts(database)


def test_what_the_units_of_the_machine_told_is_not_told_again(
    resources: Resources, database: Database, tmp_path: Path
) -> None:
    seal(database)
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    watched = replace(resources, config=replace(resources.config, backups=(first,)))
    assert watch_server(watched) == 1
    told = ("backup_overdue", "server:may-chu")
    with database.write() as unit:
        raise_alert(unit, AlertKind.BACKUP_OVERDUE, subject=told[1], detail={})
    both = replace(resources, config=replace(resources.config, backups=(first, second)))
    assert watch_server(both) == 0, "the one that stands is not over, the other is not told anew"
    assert open_alerts(database) == {told, ("backup_overdue", f"backup:{first}")}


def test_a_disk_fills_and_is_cleared(
    resources: Resources, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal(database)
    free = 40 * GIB

    def usage(_: Path) -> Usage:
        return Usage(total=100 * GIB, used=0, free=free)

    monkeypatch.setattr(module.shutil, "disk_usage", usage)
    assert watch_server(resources) == 0
    free = 4 * GIB
    assert watch_server(resources) == 1
    ((kind, subject),) = open_alerts(database)
    assert (kind, subject.partition(":")[0]) == ("disk_low", "disk")
    free = 6 * GIB
    assert watch_server(resources) == 0, "not at one byte more"
    free = 8 * GIB
    assert watch_server(resources) == 1


@pytest.mark.parametrize(
    ("free", "total", "low"),
    [(1, 100, True), (6 * GIB, 100 * GIB, False), (GIB // 2, 4 * GIB, False), (GIB // 2, 6 * GIB, True), (0, 0, True)],
)  # fmt: skip
def test_what_is_low(free: int, total: int, low: bool) -> None:
    assert is_low(free, total) is low


def test_lines_of_a_log_that_were_lost(
    resources: Resources, database: Database, clock: SettableClock
) -> None:
    seal(database)
    with database.write() as unit:
        unit.connection.execute(
            insert(ProcessFigure).values(
                facility_id="main", id=new_id(), kind="web", host="h1", version="1",
                seen_at=clock.now, live_streams=0, pool_size=8, pool_in_use=0,
                logs_lost_at=clock.now,
            )
        )  # fmt: skip
    assert watch_server(resources) == 1
    assert open_alerts(database) == {("logs_unwritable", "server:h1")}
    clock.advance(minutes=6)
    assert watch_server(resources) == 1


def test_alerts_of_others_are_left_alone(resources: Resources, database: Database) -> None:
    with database.write() as unit:
        raise_alert(unit, AlertKind.DISK_LOW, subject="kiosk:1")
        raise_alert(unit, AlertKind.PAPER_OUT, subject="kiosk:1")
        raise_alert(unit, AlertKind.AUDIT_BROKEN, subject="audit")
    seal(database)
    assert watch_server(resources) == 0
    assert len(open_alerts(database)) == 3
