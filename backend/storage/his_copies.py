"""Dated copies of what the HIS said of a visit: sealed, one per kind, gone with the day."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, select, update

from backend.domain.ages import Copy, DataKind, may_keep
from backend.storage.crypto import Keys
from backend.storage.his_tables import HisCopy
from backend.storage.unit_of_work import UnitOfWork

Facts = Mapping[str, Any]


def save_copy(
    unit: UnitOfWork,
    keys: Keys,
    visit_id: str,
    kind: DataKind,
    facts: Facts,
    *,
    stale: bool = False,
) -> None:
    """Kinds that may not be shown from a copy are not stored."""
    if not may_keep(kind):
        return
    content = json.dumps(dict(facts), ensure_ascii=False).encode()
    values = {
        "sealed": keys.seal(content, context=_context(kind, visit_id)),
        "version": str(facts.get("version", "")),
        "fetched_at": unit.now,
        "stale": stale,
    }
    unit.connection.execute(
        unit.insert_into(HisCopy)
        .values(facility_id=unit.facility_id, kind=kind.value, visit_id=visit_id, **values)
        .on_conflict_do_update(index_elements=["facility_id", "kind", "visit_id"], set_=values)
    )


def list_copies(
    connection: Connection, keys: Keys, visit_id: str
) -> dict[DataKind, tuple[Copy, Facts]]:
    rows = connection.execute(select(HisCopy.__table__).where(HisCopy.visit_id == visit_id))
    return {
        DataKind(row.kind): (
            Copy(fetched_at=row.fetched_at, stale=row.stale),
            json.loads(keys.unseal(row.sealed, context=_context(DataKind(row.kind), visit_id))),
        )
        for row in rows
    }


def mark_stale(unit: UnitOfWork, visits: Collection[str], kinds: Collection[DataKind]) -> None:
    """The HIS says it changed: until it is read again the copy is known to be old."""
    if not visits or not kinds:
        return
    unit.connection.execute(
        update(HisCopy)
        .where(
            HisCopy.visit_id.in_(sorted(visits)),
            HisCopy.kind.in_(sorted(kind.value for kind in kinds)),
        )
        .values(stale=True)
    )


def list_stale(connection: Connection, visit_id: str) -> list[DataKind]:
    return [
        DataKind(kind)
        for kind in connection.scalars(
            select(HisCopy.kind)
            .where(HisCopy.visit_id == visit_id, HisCopy.stale)
            .order_by(HisCopy.kind)
        )
    ]


def _context(kind: DataKind, visit_id: str) -> str:
    return f"his_copy:{kind.value}:{visit_id}"
