"""Orders of the HIS as rows: which step each of them led to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select

from backend.domain.orders import KnownOrder, OrderStatus, PlacedOrder
from backend.domain.settings import Words
from backend.storage.his_tables import HisOrder
from backend.storage.unit_of_work import UnitOfWork

_LIST = (
    select(HisOrder.__table__)
    .where(HisOrder.visit_id == bindparam("visit_id"))
    .order_by(HisOrder.ordered_at, HisOrder.ref)
)


def list_orders(connection: Connection, visit_id: str) -> list[KnownOrder]:
    """As they were seen last."""
    return [
        KnownOrder(
            ref=row.ref,
            version=row.version,
            status=OrderStatus(row.status),
            step_id=row.step_id,
            released=row.released,
        )
        for row in connection.execute(_LIST, {"visit_id": visit_id})
    ]


_PREPARATIONS = (
    select(HisOrder.step_id, HisOrder.preparation_vi, HisOrder.preparation_en)
    .where(
        HisOrder.step_id.in_(bindparam("steps", expanding=True)),
        HisOrder.status == OrderStatus.ACTIVE.value,
        HisOrder.preparation_vi != "",
    )
    .order_by(HisOrder.ordered_at, HisOrder.ref)
)


def find_preparations(connection: Connection, steps: Sequence[str]) -> Mapping[str, list[Words]]:
    """What patients must do before these steps, each sentence once; steps without are missing."""
    found: dict[str, list[Words]] = {}
    for row in connection.execute(_PREPARATIONS, {"steps": list(steps)}):
        words = Words(vi=row.preparation_vi, en=row.preparation_en or row.preparation_vi)
        known = found.setdefault(row.step_id, [])
        if words not in known:
            known.append(words)
    return found


def find_taken_back(connection: Connection, steps: Sequence[str]) -> set[str]:
    """Those of these steps that an order led to: cancelled, they were taken back by a doctor."""
    found = select(HisOrder.step_id).where(
        HisOrder.step_id.in_(list(steps)),
        HisOrder.status == OrderStatus.CANCELLED.value,
    )
    return {step_id for step_id in connection.scalars(found) if step_id is not None}


def save_order(unit: UnitOfWork, order: PlacedOrder, *, visit_id: str, step_id: str | None) -> None:
    """Adds the order or brings it up to date."""
    seen: dict[str, Any] = {
        "visit_id": visit_id,
        "step_id": step_id,
        "version": order.version,
        "kind": order.kind,
        "status": order.status.value,
        "released": order.released,
        "preparation_vi": order.preparation.vi,
        "preparation_en": order.preparation.en,
        "ordered_at": order.ordered_at,
        "seen_at": unit.now,
    }
    unit.connection.execute(
        unit.insert_into(HisOrder)
        .values(facility_id=unit.facility_id, ref=order.ref, **seen)
        .on_conflict_do_update(index_elements=["facility_id", "ref"], set_=seen)
    )
