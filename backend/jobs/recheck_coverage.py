"""Asks the insurer again about visits that were taken provisionally, until the day is over.

Three tries within ten minutes, then one an hour. As with messages, a claim moves the next try
ahead: a worker that dies leaves the visit to be tried again, and no transaction is open while the
insurer thinks. While nobody may be asked, because it fails again and again, no try is counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from backend.domain.coverage_evidence import NOT_ASKED_PAUSE, STILL_OPEN, Problem, pause_before
from backend.errors import VisitNotFound
from backend.services.check_coverage import ask_insurer, coverage_query
from backend.services.keep_evidence import keep_evidence
from backend.services.resources import Resources
from backend.services.settle_coverage import end_recheck, settle_coverage
from backend.storage.database import Database
from backend.storage.insurance_tables import CoverageRecheck
from backend.storage.repositories import get_person
from backend.storage.unit_of_work import UnitOfWork
from backend.storage.visit_tables import Visit

BATCH = 10
_CLAIM = timedelta(minutes=2)


@dataclass(frozen=True, kw_only=True)
class _Due:
    visit_id: str
    person_id: str | None
    kiosk_id: str | None
    attempts: int


def recheck_coverage(resources: Resources) -> int:
    """Asks about one batch; returns how many were settled. Raises StorageUnavailable."""
    _stop_yesterdays(resources)
    settled = 0
    for due in _list_due(resources.database):
        if _claim(resources.database, due):
            settled += _recheck(resources, due)
    return settled


def _list_due(database: Database) -> list[_Due]:
    recheck, visit = CoverageRecheck, Visit
    query = (
        select(recheck.visit_id, visit.person_id, visit.kiosk_id, recheck.attempts)
        .join(visit, visit.id == recheck.visit_id)
        .where(
            recheck.facility_id == database.facility_id,
            recheck.state == "pending",
            recheck.next_at <= database.clock(),
        )
        .order_by(recheck.next_at)
        .limit(BATCH)
    )
    with database.read() as connection:
        return [_Due(**row) for row in connection.execute(query).mappings()]


def _claim(database: Database, due: _Due) -> bool:
    """False when another worker was faster or the visit was settled meanwhile."""
    recheck = CoverageRecheck
    with database.write() as unit:
        return (
            unit.connection.execute(
                update(recheck)
                .where(
                    recheck.visit_id == due.visit_id,
                    recheck.state == "pending",
                    recheck.next_at <= unit.now,
                )
                .values(next_at=unit.now + _CLAIM)
            ).rowcount
            == 1
        )


def _recheck(resources: Resources, due: _Due) -> bool:
    with resources.database.read() as connection:
        is_open = connection.scalar(
            select(Visit.provisional & Visit.use_insurance).where(Visit.id == due.visit_id)
        )
        try:
            person = get_person(connection, resources.keys, due.person_id or "")
        except VisitNotFound:
            is_open = False
    if not is_open:
        _end(resources, due, "known")
        return True
    lookup = ask_insurer(resources, coverage_query(person), asked_by=due.kiosk_id)
    answer = lookup.wait(resources.config.coverage_timeout_s + 1)
    speed = resources.config.speed
    if lookup.problem is Problem.NOT_ASKED:
        _put_off(resources, due, NOT_ASKED_PAUSE / speed, attempts=due.attempts)
        return False

    catalogue = resources.catalogue.get()

    def settle(unit: UnitOfWork) -> None:
        if answer is None or answer.outcome in STILL_OPEN:
            keep_evidence(unit, resources.keys, lookup, visit_id=due.visit_id)
        else:
            settle_coverage(unit, resources.keys, catalogue, due.visit_id, answer)
        unit.flush()

    resources.database.transact(settle)
    if answer is None or answer.outcome in STILL_OPEN:
        attempts = due.attempts + 1
        _put_off(resources, due, pause_before(attempts) / speed, attempts=attempts)
        return False
    return True


def _put_off(resources: Resources, due: _Due, pause: timedelta, *, attempts: int) -> None:
    recheck = CoverageRecheck
    with resources.database.write() as unit:
        unit.connection.execute(
            update(recheck)
            .where(recheck.visit_id == due.visit_id, recheck.state == "pending")
            .values(attempts=attempts, next_at=unit.now + pause)
        )


def _end(resources: Resources, due: _Due, state: str) -> None:
    with resources.database.write() as unit:
        end_recheck(unit, due.visit_id, state)


def _stop_yesterdays(resources: Resources) -> None:
    """What is still open at the end of the day is the desk's, with its evidence."""
    database = resources.database
    today = resources.catalogue.get().today(database.clock())
    recheck, visit = CoverageRecheck, Visit
    over: Any = select(visit.id).where(visit.facility_id == database.facility_id, visit.day < today)
    with database.write() as unit:
        unit.connection.execute(
            update(recheck)
            .where(recheck.state == "pending", recheck.visit_id.in_(over))
            .values(state="day_over", settled_at=unit.now)
        )
