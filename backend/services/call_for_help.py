"""A person at a kiosk asks for staff, staff say who comes.

Two taps, or two people at one kiosk, are one call: the same kind from the same kiosk within
`SAME_CALL` collapses into the call that stands. An emergency is never swallowed by a call for
help; it takes the place of one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, case, insert, select, update

from backend.domain.ids import new_id
from backend.errors import HelpCallNotFound
from backend.events import Event
from backend.services.answer_once import answer_once
from backend.services.recognise_caller import Caller
from backend.storage.database import Database
from backend.storage.kiosk_tables import HelpCall, Kiosk
from backend.storage.number_tables import Ticket
from backend.storage.repositories import Answer, Intent
from backend.storage.unit_of_work import UnitOfWork
from backend.storage.visit_tables import Visit

SAME_CALL = timedelta(seconds=30)


@dataclass(frozen=True, kw_only=True)
class StandingCall:
    id: str
    kind: str
    state: str
    kiosk_id: str
    kiosk: str
    screen: str
    number: str | None
    visit_id: str | None
    can_continue: bool
    created_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None


@dataclass(frozen=True, kw_only=True)
class HelpWish:
    kind: str
    screen: str
    visit_id: str | None
    scan_id: str | None = None
    chosen: dict[str, Any] | None = None


def call_for_help(
    database: Database,
    wish: HelpWish,
    *,
    kiosk: Caller,
    intent: Intent | None,
    show: Callable[[StandingCall], str],
) -> Answer:
    """201 with the new call or 200 with the one that stands, as `show` writes it.

    With an intent the first answer to it. Raises IdempotencyKeyReused, StorageUnavailable.
    """

    def answer(unit: UnitOfWork) -> Answer:
        call, is_new = _call(unit, wish, kiosk)
        return Answer(status=201 if is_new else 200, body=show(call))

    return answer_once(database, intent, answer) if intent else database.transact(answer)


def _call(unit: UnitOfWork, wish: HelpWish, kiosk: Caller) -> tuple[StandingCall, bool]:
    """The call that now stands, and whether it is a new one."""
    _one_at_a_time(unit, kiosk)
    standing = unit.connection.execute(
        select(HelpCall.id, HelpCall.kind)
        .where(
            HelpCall.facility_id == unit.facility_id,
            HelpCall.kiosk_id == kiosk.id,
            HelpCall.state == "waiting",
            HelpCall.created_at > unit.now - SAME_CALL,
        )
        .order_by(_URGENCY, HelpCall.created_at.desc())
        .limit(1)
    ).first()
    if standing is not None and wish.kind in {standing.kind, "help"}:
        return _get(unit.connection, unit.facility_id, standing.id), False
    if standing is not None:
        unit.connection.execute(
            update(HelpCall)
            .where(HelpCall.id == standing.id)
            .values(kind=wish.kind, screen=wish.screen, scan_id=wish.scan_id, chosen=wish.chosen)
        )
        call_id = standing.id
    else:
        call_id = _insert(unit, wish, kiosk)
    subject = f"help_call:{call_id}"
    unit.audit(Event.HELP_CALLED, actor=kiosk.actor, subject=subject, detail={"kind": wish.kind})
    unit.publish(Event.HELP_CALLED, subject=subject, detail={"kind": wish.kind, "kiosk": kiosk.id})
    return _get(unit.connection, unit.facility_id, call_id), True


def _one_at_a_time(unit: UnitOfWork, kiosk: Caller) -> None:
    """Takes the kiosk's row lock, so that two taps at once see one another."""
    unit.connection.execute(select(Kiosk.id).where(Kiosk.id == kiosk.id).with_for_update())


def _insert(unit: UnitOfWork, wish: HelpWish, kiosk: Caller) -> str:
    known_visit = (
        wish.visit_id
        and unit.connection.execute(
            select(Visit.id).where(Visit.id == wish.visit_id, Visit.facility_id == unit.facility_id)
        ).scalar_one_or_none()
    )
    call_id = new_id()
    unit.connection.execute(
        insert(HelpCall).values(
            id=call_id,
            facility_id=unit.facility_id,
            kind=wish.kind,
            state="waiting",
            kiosk_id=kiosk.id,
            screen=wish.screen,
            visit_id=known_visit,
            scan_id=wish.scan_id,
            chosen=wish.chosen,
            created_at=unit.now,
        )
    )
    return call_id


def acknowledge_help_call(database: Database, *, call_id: str, staff: Caller) -> StandingCall:
    """Says who comes. The first one stands, whoever else presses later. Raises HelpCallNotFound."""

    def acknowledge(unit: UnitOfWork) -> StandingCall:
        changed = unit.connection.execute(
            update(HelpCall)
            .where(
                HelpCall.id == call_id,
                HelpCall.facility_id == unit.facility_id,
                HelpCall.state == "waiting",
            )
            .values(state="acknowledged", acknowledged_at=unit.now, acknowledged_by=staff.name)
            .returning(HelpCall.id)
        ).first()
        if changed is not None:
            subject = f"help_call:{call_id}"
            unit.audit(Event.HELP_ACKNOWLEDGED, actor=staff.actor, subject=subject)
            unit.publish(Event.HELP_ACKNOWLEDGED, subject=subject)
        return _get(unit.connection, unit.facility_id, call_id)

    return database.transact(acknowledge)


def get_help_call(database: Database, *, call_id: str, caller: Caller) -> StandingCall:
    """A kiosk sees its own calls only. Raises HelpCallNotFound."""
    with database.read() as connection:
        call = _get(connection, database.facility_id, call_id)
    if caller.role == "kiosk" and call.kiosk_id != caller.id:
        raise HelpCallNotFound
    return call


def list_help_calls(
    database: Database, *, caller: Caller, state: str | None, limit: int
) -> list[StandingCall]:
    """Emergencies first, then the oldest that wait, then the newest that are settled.

    A kiosk sees its own calls only.
    """
    query = _calls(database.facility_id)
    if state is not None:
        query = query.where(HelpCall.state == state)
    if caller.role == "kiosk":
        query = query.where(HelpCall.kiosk_id == caller.id)
    settled = HelpCall.state == "acknowledged"
    query = query.order_by(
        settled,
        case((settled, 0), else_=_URGENCY),
        case((settled, None), else_=HelpCall.created_at),
        HelpCall.acknowledged_at.desc(),
    ).limit(limit)
    with database.read() as connection:
        return _standing_calls(connection.execute(query).mappings().all())


_URGENCY = case((HelpCall.kind == "emergency", 0), else_=1)


def _calls(facility_id: str) -> Select[tuple[str, ...]]:
    return (
        select(  # type: ignore[return-value]  # columns of several types
            HelpCall.id,
            HelpCall.kind,
            HelpCall.state,
            HelpCall.kiosk_id,
            Kiosk.name.label("kiosk"),
            HelpCall.screen,
            Ticket.number,
            HelpCall.visit_id,
            (HelpCall.scan_id.is_not(None) & HelpCall.visit_id.is_(None)).label("can_continue"),
            HelpCall.created_at,
            HelpCall.acknowledged_at,
            HelpCall.acknowledged_by,
        )
        .join(Kiosk, Kiosk.id == HelpCall.kiosk_id)
        .outerjoin(Ticket, Ticket.visit_id == HelpCall.visit_id)
        .where(HelpCall.facility_id == facility_id)
    )


def _get(connection: Connection, facility_id: str, call_id: str) -> StandingCall:
    query = _calls(facility_id).where(HelpCall.id == call_id)
    found = _standing_calls(connection.execute(query).mappings().all())
    if not found:
        raise HelpCallNotFound
    return found[0]


def _standing_calls(rows: Sequence[RowMapping]) -> list[StandingCall]:
    return [StandingCall(**row) for row in rows]
