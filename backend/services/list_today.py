"""Today's visits as the desk sees them: newest first, in pages, without anybody's name.

Names are shown where somebody looks for a person or opens a visit; each of those is audited.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, exists, func, select

from backend.domain.catalogue import Catalogue
from backend.domain.desk import NOT_PRINTED, Need, list_needs
from backend.domain.settings import Words
from backend.domain.visit import OPEN_STATES
from backend.services.resources import Resources
from backend.storage.kiosk_tables import Kiosk
from backend.storage.number_tables import Ticket
from backend.storage.queue_tables import OPEN_STEP_STATES, Step
from backend.storage.visit_tables import Visit

MAX_PAGE = 100


@dataclass(frozen=True, kw_only=True)
class DeskStep:
    id: str
    version: int
    kind: str
    state: str
    hold_reason: str | None
    service: Words
    room: Words | None
    room_id: str | None


@dataclass(frozen=True, kw_only=True)
class DeskVisit:
    """`version` is for whoever decides something: they say which one they saw."""

    id: str
    version: int
    number: str
    lane: str
    state: str
    created_at: datetime
    kiosk: str | None
    """None: registered at the desk."""
    print_state: str
    needs: Sequence[Need]
    steps: Sequence[DeskStep]
    his_number: str | None


@dataclass(frozen=True, kw_only=True)
class TodayPage:
    """`next` continues after the last one shown; None at the end."""

    items: Sequence[DeskVisit]
    next: str | None
    counts: Mapping[str, int]


_OPEN_STEP = exists().where(Step.visit_id == Visit.id, Step.state.in_(OPEN_STEP_STATES))
_WAITS_ASIDE = exists().where(Step.visit_id == Visit.id, Step.state == "missed")
_NAMELESS = Visit.person_id.is_(None) & Visit.handed_in_at.is_not(None)
_NEEDS: Mapping[Need, ColumnElement[bool]] = {
    Need.NAME: _NAMELESS,
    Need.COVERAGE: Visit.provisional.is_(True),
    Need.IDENTITY: Visit.verified.is_(False),
    Need.PRIORITY: Visit.priority_declared.is_(True),
    Need.PRINT: Ticket.print_state.in_(sorted(NOT_PRINTED)),
    Need.MISSED: _WAITS_ASIDE,
}


def list_today(
    resources: Resources, *, need: Need | None, before: str | None, limit: int
) -> TodayPage:
    """`before` is the `next` of the page above. Counts are of everything, whatever is shown."""
    catalogue = resources.catalogue.get()
    today = catalogue.today(resources.database.clock())
    mine = (Visit.facility_id == resources.database.facility_id, Visit.day == today)
    query = visits_query().where(*mine)
    if need is not None:
        query = query.where(_NEEDS[need], _OPEN_STEP)
    if before is not None:
        query = query.where(Visit.id < before)
    with resources.database.read() as connection:
        rows = connection.execute(query.limit(limit + 1)).all()
        items = load_desk_visits(connection, catalogue, rows[:limit])
        counts = _count(connection, mine)
    more = len(rows) > limit
    return TodayPage(items=items, next=items[-1].id if more and items else None, counts=counts)


def visits_query() -> Select[Any]:
    """Rows for `load_desk_visits`, the newest first."""
    return (
        select(Visit.__table__, Ticket.number, Ticket.print_state, Kiosk.name.label("kiosk"))
        .join(Ticket, Ticket.visit_id == Visit.id)
        .outerjoin(Kiosk, Kiosk.id == Visit.kiosk_id)
        .order_by(Visit.id.desc())
    )


def _count(connection: Connection, mine: tuple[ColumnElement[bool], ...]) -> dict[str, int]:
    counted: list[Any] = [
        func.sum(_as_int(condition & _OPEN_STEP)).label(need.value)
        for need, condition in _NEEDS.items()
    ]
    row = connection.execute(
        select(func.count().label("all"), *counted)
        .select_from(Visit)
        .join(Ticket, Ticket.visit_id == Visit.id)
        .where(*mine)
    ).one()
    return {name: int(value or 0) for name, value in row._mapping.items()}  # noqa: SLF001  # the documented way to the names


def _as_int(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return case((condition, 1), else_=0)


def load_desk_visits(
    connection: Connection, catalogue: Catalogue, rows: Sequence[Any]
) -> list[DeskVisit]:
    """With their steps, in the order of the rows."""
    steps: dict[str, list[Any]] = {row.id: [] for row in rows}
    for step in connection.execute(
        select(Step.__table__)
        .where(Step.visit_id.in_(list(steps)))
        .order_by(Step.position, Step.id)
    ):
        steps[step.visit_id].append(step)
    return [_desk_visit(catalogue, row, steps[row.id]) for row in rows]


def _desk_visit(catalogue: Catalogue, row: Any, steps: Sequence[Any]) -> DeskVisit:
    states = [step.state for step in steps]
    return DeskVisit(
        id=row.id,
        version=row.version,
        number=row.number,
        lane=row.lane,
        state=next((state for state in states if state in OPEN_STATES), states[-1]),
        created_at=row.created_at,
        kiosk=row.kiosk,
        print_state=row.print_state,
        needs=list_needs(
            nameless=row.person_id is None and row.handed_in_at is not None,
            provisional=row.provisional,
            verified=row.verified,
            priority_declared=row.priority_declared,
            print_state=row.print_state,
            states=states,
        ),
        steps=[_desk_step(catalogue, step) for step in steps],
        his_number=row.his_number,
    )


def _desk_step(catalogue: Catalogue, step: Any) -> DeskStep:
    room = catalogue.rooms.get(step.room_id) if step.room_id else None
    return DeskStep(
        id=step.id,
        version=step.version,
        kind=step.kind,
        state=step.state,
        hold_reason=step.hold_reason,
        service=catalogue.every_service[step.service_id].name,
        room=room.name if room else None,
        room_id=step.room_id,
    )
