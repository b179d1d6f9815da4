"""Reconciliations as the finance office sees them. Nothing of a payer is in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, func, select

from backend.domain.ledger import Cause
from backend.domain.reconciliation_report import ShiftSum
from backend.domain.reconciling import Figures, Item, Kind, Sum, Way
from backend.errors import ReconciliationNotFound
from backend.services.resources import Resources
from backend.storage.cashier_tables import CashierShift, ShiftEntry
from backend.storage.database import Database
from backend.storage.payment_tables import JournalEntry, Payment
from backend.storage.reconciliation_tables import Reconciliation, ReconciliationItem

MAX_LISTED = 200
_FIRST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Report:
    """`version` counts up whenever it was looked at again and something had changed."""

    id: str
    provider: str
    account: str
    source: str
    layout: str
    first_day: date
    last_day: date
    figures: Figures
    differences: int
    version: int
    created_at: datetime
    created_by: str
    checked_at: datetime
    signed_at: datetime | None
    signed_by: str | None
    signed_name: str | None
    note: str | None


@dataclass(frozen=True, kw_only=True)
class ReportItem:
    """`code` is that of the payment, where it belongs to one."""

    item: Item
    code: str | None


def list_reconciliations(
    database: Database, *, day: date | None = None, limit: int = MAX_LISTED
) -> list[Report]:
    """The newest first; those that cover a day, when one is named. Raises StorageUnavailable."""
    query = select(*_COLUMNS).where(Reconciliation.facility_id == database.facility_id)
    if day is not None:
        query = query.where(Reconciliation.first_day <= day, Reconciliation.last_day >= day)
    with database.read() as connection:
        rows = connection.execute(
            query.order_by(Reconciliation.first_day.desc(), Reconciliation.id.desc()).limit(limit)
        )
        return [_report(row) for row in rows]


def get_reconciliation(database: Database, reconciliation_id: str) -> Report:
    """Raises ReconciliationNotFound, StorageUnavailable."""
    with database.read() as connection:
        return _report(get_row(connection, database.facility_id, reconciliation_id))


def list_items(
    database: Database, reconciliation_id: str, *, only_differences: bool = False
) -> list[ReportItem]:
    """In the order of the statement, then what it does not tell of."""
    table = ReconciliationItem
    query = (
        select(table.__table__, Payment.code)
        .outerjoin(Payment, Payment.id == table.payment_id)
        .where(
            table.facility_id == database.facility_id,
            table.reconciliation_id == reconciliation_id,
        )
        .order_by(table.position)
    )
    if only_differences:
        query = query.where(table.kind != Kind.OK.value)
    with database.read() as connection:
        return [ReportItem(item=_item(row), code=row.code) for row in connection.execute(query)]


def list_shift_sums(database: Database, reconciliation_id: str) -> list[ShiftSum]:
    """What the bank says came, by the closed shift that answers for it; the last: by none so far.

    What the books do not have, and what is only like something they have, is in none of them.
    """
    item, entry, shift = ReconciliationItem, JournalEntry, CashierShift
    query = (
        select(
            shift.cashier_name,
            shift.opened_at,
            func.count().label("lines"),
            func.sum(item.found_vnd).label("vnd"),
        )
        .select_from(item)
        .join(
            entry,
            and_(entry.credit_id == item.credit_id, entry.cause == Cause.RECEIVED.value),
        )
        .outerjoin(ShiftEntry, ShiftEntry.entry_id == entry.id)
        .outerjoin(shift, shift.id == ShiftEntry.shift_id)
        .where(
            item.facility_id == database.facility_id,
            item.reconciliation_id == reconciliation_id,
            item.row.is_not(None) | item.way.is_not(None),
            item.kind != Kind.TO_CONFIRM.value,
        )
        .group_by(shift.id, shift.cashier_name, shift.opened_at)
    )
    with database.read() as connection:
        rows = connection.execute(query).all()
    sums = [
        ShiftSum(
            name=row.cashier_name,
            since=row.opened_at,
            sum=Sum(count=int(row.lines), amount_vnd=int(row.vnd)),
        )
        for row in rows
    ]
    return sorted(sums, key=lambda each: (each.since is None, each.since or _FIRST))


def read_content(resources: Resources, reconciliation_id: str) -> bytes:
    """The file as it came, or the list as JSON: it names payers. Raises ReconciliationNotFound."""
    with resources.database.read() as connection:
        sealed = connection.scalar(
            select(Reconciliation.sealed).where(
                Reconciliation.id == reconciliation_id,
                Reconciliation.facility_id == resources.database.facility_id,
            )
        )
    if sealed is None:
        raise ReconciliationNotFound
    return resources.keys.unseal(sealed, context=f"reconciliation:{reconciliation_id}")


def get_row(connection: Connection, facility_id: str, reconciliation_id: str) -> Row[Any]:
    """Raises ReconciliationNotFound."""
    row = connection.execute(
        select(*_COLUMNS).where(
            Reconciliation.id == reconciliation_id, Reconciliation.facility_id == facility_id
        )
    ).one_or_none()
    if row is None:
        raise ReconciliationNotFound
    return row


_COLUMNS = [column for column in Reconciliation.__table__.c if column.name != "sealed"]


def _report(row: Row[Any]) -> Report:
    return Report(
        id=row.id,
        provider=row.provider,
        account=row.account,
        source=row.source,
        layout=row.layout,
        first_day=row.first_day,
        last_day=row.last_day,
        figures=Figures.from_json(row.figures),
        differences=row.differences,
        version=row.version,
        created_at=row.created_at,
        created_by=row.created_by,
        checked_at=row.checked_at,
        signed_at=row.signed_at,
        signed_by=row.signed_by,
        signed_name=row.signed_name,
        note=row.note,
    )


def _item(row: Row[Any]) -> Item:
    return Item(
        kind=Kind(row.kind),
        expected_vnd=row.expected_vnd,
        found_vnd=row.found_vnd,
        row=row.row,
        way=Way(row.way) if row.way else None,
        at=row.at,
        transaction_id=row.transaction_id or "",
        credit_id=row.credit_id,
        payment_id=row.payment_id,
        refund_id=row.refund_id,
        detail=row.detail or "",
    )
