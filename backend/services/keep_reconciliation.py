"""Writes a reconciliation down, or anew where something has changed; what is signed stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from backend.domain.ids import new_id
from backend.domain.reconciling import Figures, Item, Way
from backend.events import Event
from backend.services.told_money import ToldMoney
from backend.storage.crypto import Keys
from backend.storage.reconciliation_tables import Reconciliation, ReconciliationItem
from backend.storage.unit_of_work import UnitOfWork


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """`was_new` False: this file or list was reconciled before."""

    id: str
    was_new: bool
    signed: bool
    figures: Figures
    differences: int


def find_reconciliation(
    connection: Connection, facility_id: str, told: ToldMoney, *, lock: bool = False
) -> Row[Any] | None:
    """The one of the same file or list."""
    query = select(
        *(column for column in Reconciliation.__table__.c if column.name != "sealed")
    ).where(
        Reconciliation.facility_id == facility_id,
        Reconciliation.provider == told.provider,
        Reconciliation.account == told.account,
        Reconciliation.content_key == told.content_key,
    )
    return connection.execute(query.with_for_update() if lock else query).one_or_none()


def list_brought_in(connection: Connection, before: Row[Any] | None) -> set[str]:
    """Credits that came into the books by this very statement, when it was laid down first."""
    if before is None:
        return set()
    item = ReconciliationItem
    return set(
        connection.scalars(
            select(item.credit_id).where(
                item.reconciliation_id == before.id,
                item.way == Way.BOOKED.value,
                item.credit_id.is_not(None),
            )
        )
    )


def keep_reconciliation(
    unit: UnitOfWork,
    keys: Keys,
    told: ToldMoney,
    items: Sequence[Item],
    figures: Figures,
    *,
    actor: str,
) -> Outcome:
    """Raises IntegrityError when the same file is laid down twice at the same moment."""
    before = find_reconciliation(unit.connection, unit.facility_id, told, lock=True)
    if before is not None and before.signed_at is not None:
        return as_outcome(before)
    rows = [_row(position, item) for position, item in enumerate(items)]
    if before is not None and _is_same(unit.connection, before, rows, figures):
        _update(unit, before.id, checked_at=unit.now)
        return as_outcome(before)
    reconciliation_id = before.id if before else new_id()
    differences = sum(item.is_difference for item in items)
    values = {
        "figures": figures.to_json(),
        "differences": differences,
        "sealed": keys.seal(told.content, context=f"reconciliation:{reconciliation_id}"),
        "checked_at": unit.now,
    }
    if before is None:
        _insert(unit, reconciliation_id, told, values, actor=actor)
    else:
        unit.connection.execute(
            delete(ReconciliationItem).where(
                ReconciliationItem.reconciliation_id == reconciliation_id
            )
        )
        _update(unit, reconciliation_id, **values, version=Reconciliation.version + 1)
    if rows:
        common = {"facility_id": unit.facility_id, "reconciliation_id": reconciliation_id}
        unit.connection.execute(
            insert(ReconciliationItem), [{"id": new_id(), **common, **row} for row in rows]
        )
    subject = f"reconciliation:{reconciliation_id}"
    unit.audit(
        Event.PAYMENT_RECONCILED,
        actor=actor,
        subject=subject,
        detail={"source": told.source, "lines": len(told.credits), "differences": differences},
    )
    unit.publish(Event.PAYMENT_RECONCILED, subject=subject, detail={})
    return Outcome(
        id=reconciliation_id,
        was_new=before is None,
        signed=False,
        figures=figures,
        differences=differences,
    )


def as_outcome(row: Row[Any]) -> Outcome:
    """Of one that was there before."""
    return Outcome(
        id=row.id,
        was_new=False,
        signed=row.signed_at is not None,
        figures=Figures.from_json(row.figures),
        differences=row.differences,
    )


def _insert(
    unit: UnitOfWork, reconciliation_id: str, told: ToldMoney, values: dict[str, Any], *, actor: str
) -> None:
    unit.connection.execute(
        insert(Reconciliation).values(
            id=reconciliation_id,
            facility_id=unit.facility_id,
            provider=told.provider,
            account=told.account,
            source=told.source,
            content_key=told.content_key,
            layout=told.layout,
            first_day=told.first_day,
            last_day=told.last_day,
            created_at=unit.now,
            created_by=actor,
            **values,
        )
    )


def _update(unit: UnitOfWork, reconciliation_id: str, **values: Any) -> None:
    unit.connection.execute(
        update(Reconciliation).where(Reconciliation.id == reconciliation_id).values(**values)
    )


def _row(position: int, item: Item) -> dict[str, Any]:
    return {
        "position": position,
        "kind": item.kind.value,
        "way": item.way and item.way.value,
        "row": item.row,
        "at": item.at,
        "transaction_id": item.transaction_id or None,
        "expected_vnd": item.expected_vnd,
        "found_vnd": item.found_vnd,
        "credit_id": item.credit_id,
        "payment_id": item.payment_id,
        "refund_id": item.refund_id,
        "detail": item.detail or None,
    }


def _is_same(
    connection: Connection, before: Row[Any], rows: Sequence[dict[str, Any]], figures: Figures
) -> bool:
    kept = connection.execute(
        select(ReconciliationItem.__table__)
        .where(ReconciliationItem.reconciliation_id == before.id)
        .order_by(ReconciliationItem.position)
    ).all()
    return (
        before.figures == figures.to_json()
        and len(kept) == len(rows)
        and all(
            getattr(old, name) == value
            for old, new in zip(kept, rows, strict=True)
            for name, value in new.items()
        )
    )
