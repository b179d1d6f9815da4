"""How other systems are, in rows that all processes share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, or_, select, update

from backend.domain.outbox import Breaker, CallGroup, Pace, PartyFailures
from backend.storage.outbox_tables import PartyState
from backend.storage.unit_of_work import UnitOfWork

_READ, _WRITE = CallGroup.READ, CallGroup.WRITE


def list_party_states(connection: Connection, *, facility_id: str) -> Sequence[Row[Any]]:
    return connection.execute(
        select(PartyState.__table__)
        .where(PartyState.facility_id == facility_id)
        .order_by(PartyState.party, PartyState.call_group)
    ).all()


def find_party_state(
    connection: Connection, party: str, *, facility_id: str, group: CallGroup = _WRITE
) -> Row[Any] | None:
    parameters = {"facility": facility_id, "party": party, "group": group}
    return connection.execute(_FIND, parameters).one_or_none()


_FIND = select(PartyState.__table__).where(
    PartyState.facility_id == bindparam("facility"),
    PartyState.party == bindparam("party"),
    PartyState.call_group == bindparam("group"),
)
_LOCK = _FIND.with_for_update()


def lock_party(unit: UnitOfWork, party: str, *, group: CallGroup = _WRITE) -> Row[Any]:
    """The row, made if need be. Locked last in a transaction: everybody comes by here."""
    parameters = {"facility": unit.facility_id, "party": party, "group": group}
    row = unit.connection.execute(_LOCK, parameters).one_or_none()
    if row is not None:
        return row
    unit.connection.execute(
        unit.insert_into(PartyState)
        .values(facility_id=unit.facility_id, party=party, call_group=group)
        .on_conflict_do_nothing()
    )
    return unit.connection.execute(_LOCK, parameters).one()


def take_probe(unit: UnitOfWork, party: str, pace: Pace, *, group: CallGroup = _WRITE) -> bool:
    """True for the one who may try whether a party that is away has come back."""
    return (
        unit.connection.execute(
            update(PartyState)
            .where(
                _is(unit, party, group),
                PartyState.breaker != Breaker.CLOSED,
                or_(PartyState.probe_at.is_(None), PartyState.probe_at <= unit.now),
            )
            .values(breaker=Breaker.HALF_OPEN, probe_at=unit.now + pace.span(pace.probe_s))
        ).rowcount
        == 1
    )


def note_calls(
    unit: UnitOfWork,
    party: str,
    pace: Pace,
    *,
    arrived: int,
    answered: bool,
    failed: int,
    error: str | None = None,
    too_slow: bool = False,
    group: CallGroup = _WRITE,
) -> Breaker | None:
    """Counts what became of calls; the breaker's new state when it opened or closed.

    `arrived` counts messages; any answer, a refusal too, ends the row of failures. While the
    breaker is open only the one try counts.
    """
    row = lock_party(unit, party, group=group)
    values: dict[str, Any] = {"delivered": PartyState.delivered + arrived}
    changed: Breaker | None = None
    if answered:
        values |= {"last_ok_at": unit.now, "failures": 0, "failing_since": None}
        if row.breaker == Breaker.HALF_OPEN and not too_slow:
            changed = Breaker.CLOSED
    elif failed:
        before = PartyFailures(count=row.failures, since=row.failing_since)
        after = before.add(failed, now=unit.now, pace=pace)
        values |= {
            "failures": after.count, "failing_since": after.since, "last_error": error,
        }  # fmt: skip
        if row.breaker == Breaker.HALF_OPEN:
            values["breaker"] = Breaker.OPEN
        elif row.breaker == Breaker.CLOSED and after.opens(pace):
            changed = Breaker.OPEN
    if too_slow and row.breaker == Breaker.CLOSED:
        changed = Breaker.OPEN
        values["last_error"] = "slow"
    if changed is Breaker.OPEN:
        values |= {
            "breaker": Breaker.OPEN,
            "opened_at": values.get("failing_since") or unit.now,
            "probe_at": unit.now + pace.span(pace.probe_s),
        }
    elif changed is Breaker.CLOSED:
        values |= {
            "breaker": Breaker.CLOSED, "opened_at": None, "probe_at": None, "last_error": None,
        }  # fmt: skip
    unit.connection.execute(update(PartyState).where(_is(unit, party, group)).values(**values))
    return changed


def set_answering(
    unit: UnitOfWork, party: str, *, answers: bool, group: CallGroup
) -> Breaker | None:
    """For callers who count failures themselves; the new state when it changed."""
    row = lock_party(unit, party, group=group)
    state = Breaker.CLOSED if answers else Breaker.OPEN
    values: dict[str, Any] = {"breaker": state}
    if answers:
        values |= {"last_ok_at": unit.now, "opened_at": None, "probe_at": None, "last_error": None}
    else:
        values |= {"opened_at": row.opened_at or unit.now, "probe_at": unit.now}
    unit.connection.execute(update(PartyState).where(_is(unit, party, group)).values(**values))
    return state if row.breaker != state else None


def _is(unit: UnitOfWork, party: str, group: CallGroup) -> Any:
    return (
        (PartyState.facility_id == unit.facility_id)
        & (PartyState.party == party)
        & (PartyState.call_group == group)
    )
