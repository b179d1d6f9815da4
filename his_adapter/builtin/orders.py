"""What clinicians ask for. The port reads it; `clinic` writes it."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from his_adapter.builtin.appointments import moment_text
from his_adapter.builtin.patients import patient_ref
from his_adapter.builtin.refs import Letter, id_of, ref_of
from his_adapter.builtin.visits import visit_ref
from his_adapter.models import Order, OrderStatus, Ref, ServiceKind


def order_ref(order_id: int) -> Ref:
    return ref_of(Letter.ORDER, order_id)


def order_id_of(db: sqlite3.Connection, ref: Ref) -> int:
    """Raises NotFound."""
    return id_of(db, Letter.ORDER, ref)


def insert_order(
    db: sqlite3.Connection,
    *,
    patient_id: int,
    visit_id: int | None,
    service: Ref | None,
    kind: ServiceKind,
    code: str,
    names: tuple[str, str],
    room: Ref | None,
    preparation: tuple[str, str],
    ordered_at: datetime,
) -> int:
    cursor = db.execute(
        "INSERT INTO service_order (patient_id, visit_id, service, kind, code, name_vi, name_en,"
        " status, room, preparation_vi, preparation_en, ordered_at)"
        " VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            patient_id,
            visit_id,
            service,
            kind,
            code,
            *names,
            OrderStatus.ACTIVE,
            room,
            *preparation,
            moment_text(ordered_at),
        ),
    )
    order_id = int(cursor.lastrowid or 0)
    if kind is ServiceKind.IMAGING:
        db.execute(
            "UPDATE service_order SET accession = ? WHERE id = ?",
            (f"HA{ordered_at:%y%m%d}{order_id:05d}", order_id),
        )
    return order_id


def set_order_status(db: sqlite3.Connection, order_id: int, status: OrderStatus) -> None:
    db.execute(
        "UPDATE service_order SET status = ?, version = version + 1 WHERE id = ? AND status <> ?",
        (status, order_id, status),
    )


def read_order(db: sqlite3.Connection, order_id: int) -> Order:
    return _order(db.execute("SELECT * FROM service_order WHERE id = ?", (order_id,)).fetchone())


def list_orders(
    db: sqlite3.Connection,
    patient_id: int,
    since: datetime,
    *,
    statuses: frozenset[OrderStatus],
    limit: int,
) -> list[Order]:
    """Up to `limit` orders, the oldest first."""
    rows = db.execute(
        "SELECT * FROM service_order WHERE patient_id = ? AND ordered_at >= ?"
        " AND instr(?, status) > 0 ORDER BY ordered_at, id LIMIT ?",
        (patient_id, moment_text(since), " ".join(sorted(statuses)), limit),
    )
    return [_order(row) for row in rows]


def _order(row: sqlite3.Row) -> Order:
    return Order(
        ref=order_ref(int(row["id"])),
        version=str(row["version"]),
        patient=patient_ref(int(row["patient_id"])),
        visit=None if row["visit_id"] is None else visit_ref(int(row["visit_id"])),
        service=row["service"],
        kind=ServiceKind(row["kind"]),
        code=row["code"],
        name_vi=row["name_vi"],
        name_en=row["name_en"],
        status=OrderStatus(row["status"]),
        room=row["room"],
        preparation_vi=row["preparation_vi"],
        preparation_en=row["preparation_en"],
        accession=row["accession"],
        ordered_at=datetime.fromisoformat(row["ordered_at"]),
    )
