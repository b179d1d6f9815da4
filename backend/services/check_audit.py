"""How the audit chain stands: what is sealed, and what the last look at all of it said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select

from backend.domain.ids import new_id
from backend.services.verify_audit import AuditVerdict, Break
from backend.storage.audit_chain import COLUMNS, read_checkpoint
from backend.storage.audit_tables import AuditCheck
from backend.storage.database import Database
from backend.storage.unit_of_work import UnitOfWork

COUNTED = 1_000


@dataclass(frozen=True, kw_only=True)
class ChainState:
    """`unsealed` counts to a thousand. `verdict` is what the newest check that ended said."""

    sequence: int
    unsealed: int
    oldest_unsealed_at: datetime | None
    is_asked: bool
    checked_at: datetime | None
    checked_by: str | None
    verdict: dict[str, Any] | None


def show_chain(database: Database) -> ChainState:
    """Raises StorageUnavailable."""
    unsealed = (
        select(COLUMNS.at)
        .where(COLUMNS.sequence.is_(None), COLUMNS.facility_id == database.facility_id)
        .limit(COUNTED)
    )
    with database.read() as connection:
        head = read_checkpoint(connection, database.facility_id).head
        waiting = list(connection.scalars(unsealed))
        checks = connection.execute(newest_checks(database)).all()
    ended = next((check for check in checks if check.finished_at is not None), None)
    return ChainState(
        sequence=head.sequence,
        unsealed=len(waiting),
        oldest_unsealed_at=min(waiting, default=None),
        is_asked=any(check.finished_at is None for check in checks),
        checked_at=ended.finished_at if ended else None,
        checked_by=ended.asked_by if ended else None,
        verdict=ended.verdict if ended else None,
    )


def ask_check(database: Database, *, actor: str) -> bool:
    """False when one is under way already: it will do. Raises StorageUnavailable."""
    with database.write() as unit:
        return write_wish(unit, actor)


def to_json(verdict: AuditVerdict, *, now: datetime) -> dict[str, Any]:
    """What a check says, in the shape in which it is kept and printed."""
    oldest_at = verdict.oldest_unsealed_at
    return {
        "ok": verdict.ok,
        "rows": verdict.rows,
        "first_sequence": verdict.first_sequence,
        "sequence": verdict.head.sequence,
        "chain_hash": verdict.head.chain_hash,
        "unsealed": verdict.unsealed,
        "oldest_unsealed_age_s": None
        if oldest_at is None
        else round(max((now - oldest_at).total_seconds(), 0), 1),
        "break": None if verdict.broken is None else _tell(verdict.broken),
        "fingerprint": None if verdict.broken is None else verdict.broken.fingerprint,
        "known": [
            _tell(each.broken)
            | {
                "acknowledged_at": each.by.at.isoformat(),
                "acknowledged_by": each.by.actor,
                "reason": each.by.reason,
            }
            for each in verdict.known
        ],
    }


def _tell(broken: Break) -> dict[str, Any]:
    return {
        "kind": broken.kind,
        "sequence": broken.sequence,
        "id": broken.row_id,
        "at": broken.at.isoformat() if broken.at else None,
    }


def write_wish(unit: UnitOfWork, actor: str) -> bool:
    """False when there is an open one."""
    done = unit.connection.execute(
        unit.insert_into(AuditCheck)
        .values(id=new_id(), facility_id=unit.facility_id, asked_by=actor, asked_at=unit.now)
        .on_conflict_do_nothing()
    )
    return bool(done.rowcount)


def newest_checks(database: Database) -> Select[Any]:
    """An open one and the one before, as far as there are."""
    return (
        select(AuditCheck.__table__)
        .where(AuditCheck.facility_id == database.facility_id)
        .order_by(AuditCheck.asked_at.desc(), AuditCheck.id.desc())
        .limit(2)
    )
