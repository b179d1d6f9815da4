from __future__ import annotations

import threading

import pytest
from sqlalchemy import Connection, event, func, select, text

from backend.errors import IdempotencyKeyReused, ServiceFull, StorageUnavailable
from backend.services.answer_once import answer_once
from backend.storage.audit_tables import AuditEvent
from backend.storage.base import Base
from backend.storage.database import Database
from backend.storage.number_tables import Number, Series, Ticket
from backend.storage.outbox_tables import LiveEvent, OutboxMessage
from backend.storage.queue_tables import Step
from backend.storage.repositories import Answer, Intent
from backend.storage.request_tables import IdempotencyKey
from backend.storage.unit_of_work import UnitOfWork
from backend.storage.visit_tables import Visit
from tests.factories.desk import Desk
from tests.factories.hospital import make_person, make_scan

INTENT = Intent(caller="kiosk:1", key="key-00000001", body_hash="a")
OTHER_BODY = Intent(caller="kiosk:1", key="key-00000001", body_hash="b")
OTHER_CALLER = Intent(caller="kiosk:2", key="key-00000001", body_hash="b")


def count(database: Database, table: type[Base]) -> int:
    with database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def test_one_wish_is_done_once(database: Database) -> None:
    done: list[int] = []

    def work(unit: UnitOfWork) -> Answer:
        done.append(1)
        unit.publish("visit_started", subject="s")
        return Answer(status=201, body=f"answer {len(done)}")

    assert answer_once(database, INTENT, work) == answer_once(database, INTENT, work)
    assert len(done) == count(database, LiveEvent) == 1
    with pytest.raises(IdempotencyKeyReused):
        answer_once(database, OTHER_BODY, work)
    assert answer_once(database, OTHER_CALLER, work).body == "answer 2"


def test_a_refusal_is_not_remembered(database: Database) -> None:
    def refuse(unit: UnitOfWork) -> Answer:
        unit.publish("visit_started", subject="s")
        raise ServiceFull

    with pytest.raises(ServiceFull):
        answer_once(database, INTENT, refuse)
    assert count(database, LiveEvent) == 0
    assert answer_once(database, INTENT, lambda _: Answer(status=200, body="x")).body == "x"


def test_the_same_wish_at_once_is_done_once(database: Database) -> None:
    together = threading.Barrier(6, timeout=10)
    answers: list[Answer] = []

    def wish(number: int) -> None:
        def work(unit: UnitOfWork) -> Answer:
            unit.publish("visit_started", subject="s")
            return Answer(status=201, body=str(number))

        together.wait()
        answers.append(answer_once(database, INTENT, work))

    threads = [threading.Thread(target=wish, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 6
    assert len(set(answers)) == count(database, LiveEvent) == 1


def test_full_disk_writes_nothing_half(desk: Desk) -> None:
    """SQLite may not grow any more; PostgreSQL turns read-only: what a full disk leads to."""
    database = desk.hospital.database
    wishes = [
        desk.wish(scan_id=scan_id)
        for scan_id in desk.hospital.add_scans(
            desk.kiosk, [make_scan(make_person(serial)) for serial in range(40)]
        )
    ]
    if database.engine.dialect.name == "sqlite":

        @event.listens_for(database.engine, "begin")
        def _no_room(connection: Connection) -> None:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
    else:
        with database.engine.connect() as connection:
            name = connection.execute(text("SELECT current_database()")).scalar_one()
            connection.execute(
                text(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
            )
            connection.commit()
        database.engine.dispose()
    given = 0
    for wish in wishes:
        try:
            desk.start(wish)
        except StorageUnavailable:
            break
        given += 1
    assert given < len(wishes)
    for table in (
        Visit,
        Step,
        Number,
        Ticket,
        OutboxMessage,
        AuditEvent,
        LiveEvent,
        IdempotencyKey,
    ):
        assert count(database, table) == given, table
    with database.read() as connection:
        assert (connection.scalar(select(Series.last)) or 0) == given
