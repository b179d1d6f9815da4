"""Which visits are to be read from the HIS, and how far its changes were followed: as rows.

A change is noted in the transaction that moves the cursor on, and is over in the transaction that
applied what was read. Whatever dies in between leaves the visit on the list.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, case, exists, func, or_, select, update

from backend.domain.visit import OPEN_STATES, HoldReason, StepKind, StepState
from backend.storage.his_tables import HisFeed, HisWatch
from backend.storage.queue_tables import Step
from backend.storage.unit_of_work import UnitOfWork
from backend.storage.visit_tables import Person, Visit

KEPT_LAGS = 200


@dataclass(frozen=True, kw_only=True)
class Watched:
    """A visit of today whose patient the HIS knows. `hot`: its next step depends on the HIS."""

    visit_id: str
    person_id: str
    patient: str
    noticed: int
    changed_at: datetime | None
    read_at: datetime | None
    hot: bool


def take_lease(unit: UnitOfWork, *, for_s: float) -> Any | None:
    """The feed's row when it is ours to read on now; None while somebody else reads, or the HIS
    is left alone for a while.
    """
    feed = HisFeed
    unit.connection.execute(
        unit.insert_into(feed)
        .values(facility_id=unit.facility_id, failures=0, lags_ms=[])
        .on_conflict_do_nothing(index_elements=["facility_id"])
    )
    return unit.connection.execute(
        update(feed)
        .where(
            feed.facility_id == unit.facility_id,
            or_(feed.leased_until.is_(None), feed.leased_until <= unit.now),
            or_(feed.pause_until.is_(None), feed.pause_until <= unit.now),
        )
        .values(leased_until=unit.now + timedelta(seconds=for_s))
        .returning(feed.__table__)
    ).one_or_none()


def change_feed(unit: UnitOfWork, **values: Any) -> None:
    unit.connection.execute(
        update(HisFeed).where(HisFeed.facility_id == unit.facility_id).values(**values)
    )


def move_cursor(unit: UnitOfWork, *, seen: str | None, cursor: str) -> bool:
    """False when another worker has moved it since `seen`."""
    feed = HisFeed
    same = feed.cursor.is_(None) if seen is None else feed.cursor == seen
    moved = update(feed).where(feed.facility_id == unit.facility_id, same).values(cursor=cursor)
    return unit.connection.execute(moved).rowcount == 1


def find_feed(connection: Connection, facility_id: str) -> Any | None:
    return connection.execute(
        select(HisFeed.__table__).where(HisFeed.facility_id == facility_id)
    ).one_or_none()


def count_unread(connection: Connection, facility_id: str) -> int:
    """Visits the HIS has told of a change of, and that were not read since."""
    watch = HisWatch
    return (
        connection.scalar(
            select(func.count())
            .select_from(watch)
            .where(watch.facility_id == facility_id, watch.noticed > watch.applied)
        )
        or 0
    )


# --- which visits a change is about ----------------------------------------------------------------


def list_visits_today(connection: Connection, facility_id: str, *, day: date) -> list[str]:
    """Those that are not over, and those that were today: a doctor orders when they leave."""
    visit = Visit
    return list(
        connection.scalars(
            select(visit.id).where(
                visit.facility_id == facility_id, visit.day == day, visit.person_id.is_not(None)
            )
        )
    )


def list_visits_of(
    connection: Connection,
    facility_id: str,
    *,
    day: date,
    patients: Collection[str],
    visit_refs: Collection[str] = (),
) -> list[str]:
    """Visits of today of these patients, or that the HIS knows by these references."""
    visit, person, step = Visit, Person, Step
    found: set[str] = set()
    if patients:
        found |= set(
            connection.scalars(
                select(visit.id)
                .join(person, person.id == visit.person_id)
                .where(
                    person.facility_id == facility_id,
                    person.his_ref.in_(sorted(patients)),
                    visit.day == day,
                )
            )
        )
    if visit_refs:
        found |= set(
            connection.scalars(
                select(step.visit_id).where(
                    step.facility_id == facility_id,
                    step.day == day,
                    step.his_ref.in_(sorted(visit_refs)),
                )
            )
        )
    return sorted(found)


def note_changes(unit: UnitOfWork, changed: Iterable[tuple[str, datetime]]) -> None:
    """Visits with the time of their oldest change that is not applied."""
    watch = HisWatch
    for visit_id, at in sorted(changed):
        statement = unit.insert_into(watch).values(
            visit_id=visit_id,
            facility_id=unit.facility_id,
            noticed=1,
            applied=0,
            changed_at=at,
            failures=0,
        )
        unit.connection.execute(
            statement.on_conflict_do_update(
                index_elements=["visit_id"],
                set_={
                    "noticed": watch.noticed + 1,
                    "changed_at": func.coalesce(watch.changed_at, at),
                    "next_at": None,
                },
            )
        )


# --- which visit to read next ----------------------------------------------------------------------


def list_watched(
    connection: Connection,
    facility_id: str,
    *,
    day: date,
    now: datetime,
    limit: int,
    only_changed: bool,
) -> Sequence[Watched]:
    """Changed visits first, the oldest change first; then those never read, then those read
    longest ago. `only_changed`: what was read once is not read again before it changes.
    """
    visit, person, watch, step = Visit, Person, HisWatch, Step
    changed = func.coalesce(watch.noticed > watch.applied, False)
    of_visit = and_(step.visit_id == visit.id)
    is_open = exists().where(of_visit, step.state.in_(sorted(OPEN_STATES)))
    hot = exists().where(
        of_visit,
        or_(
            step.state == StepState.SERVING.value,
            step.hold_reason == HoldReason.RESULTS.value,
            and_(
                step.kind.in_([StepKind.LABORATORY.value, StepKind.IMAGING.value]),
                step.state.in_(sorted(OPEN_STATES)),
            ),
        ),
    )
    statement = (
        select(
            visit.id,
            visit.person_id,
            person.his_ref,
            watch.noticed,
            watch.changed_at,
            watch.read_at,
            case((hot, 1), else_=0).label("hot"),
        )
        .join(person, person.id == visit.person_id)
        .outerjoin(watch, watch.visit_id == visit.id)
        .where(
            visit.facility_id == facility_id,
            visit.day == day,
            person.his_ref.is_not(None),
            or_(watch.next_at.is_(None), watch.next_at <= now),
            or_(changed, and_(watch.read_at.is_(None), is_open) if only_changed else is_open),
        )
        .order_by(
            case((changed, 0), else_=1),
            watch.changed_at.asc().nulls_last(),
            watch.read_at.asc().nulls_first(),
            visit.id,
        )
        .limit(limit)
    )
    return [
        Watched(
            visit_id=row.id,
            person_id=row.person_id,
            patient=row.his_ref,
            noticed=row.noticed or 0,
            changed_at=row.changed_at,
            read_at=row.read_at,
            hot=bool(row.hot),
        )
        for row in connection.execute(statement)
    ]


def is_changed_since(connection: Connection, watched: Watched) -> bool:
    """Whether the HIS has told of another change since this visit was chosen to be read."""
    noticed = connection.scalar(
        select(HisWatch.noticed).where(HisWatch.visit_id == watched.visit_id)
    )
    return (noticed or 0) > watched.noticed


def note_read(unit: UnitOfWork, watched: Watched) -> None:
    """It was read and applied as of the changes that were known before it was read."""
    watch = HisWatch
    statement = unit.insert_into(watch).values(
        visit_id=watched.visit_id,
        facility_id=unit.facility_id,
        noticed=watched.noticed,
        applied=watched.noticed,
        read_at=unit.now,
        failures=0,
    )
    unit.connection.execute(
        statement.on_conflict_do_update(
            index_elements=["visit_id"],
            set_={
                "applied": watched.noticed,
                "changed_at": case(
                    (watch.noticed <= watched.noticed, None), else_=watch.changed_at
                ),
                "read_at": unit.now,
                "failures": 0,
                "next_at": None,
            },
        )
    )


def note_failure(unit: UnitOfWork, watched: Watched, *, next_at: datetime) -> None:
    """Reading this visit failed in a way that has nothing to do with the others."""
    watch = HisWatch
    statement = unit.insert_into(watch).values(
        visit_id=watched.visit_id,
        facility_id=unit.facility_id,
        noticed=watched.noticed,
        applied=0,
        failures=1,
        next_at=next_at,
    )
    unit.connection.execute(
        statement.on_conflict_do_update(
            index_elements=["visit_id"],
            set_={"failures": watch.failures + 1, "next_at": next_at},
        )
    )


_REFS = select(Step.visit_id, Step.his_ref, Visit.created_at).join(Visit, Visit.id == Step.visit_id)


def list_refs_of_person(
    connection: Connection, person_id: str, *, day: date
) -> tuple[dict[str, frozenset[str]], str | None]:
    """What the HIS calls each visit this person has today, and which of ours is the newest."""
    visit = Visit
    rows = connection.execute(
        _REFS.where(visit.person_id == person_id, visit.day == day).order_by(
            visit.created_at, visit.id
        )
    ).all()
    refs: dict[str, set[str]] = {}
    for row in rows:
        refs.setdefault(row.visit_id, set()).update(filter(None, [row.his_ref]))
    return {visit_id: frozenset(theirs) for visit_id, theirs in refs.items()}, (
        rows[-1].visit_id if rows else None
    )
