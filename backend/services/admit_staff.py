"""Named credentials of staff: made by a command, ended by a command."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select, update

from backend.domain.ids import new_id
from backend.events import Event
from backend.services.recognise_caller import credential_hash, new_credential
from backend.storage.database import Database
from backend.storage.tables import StaffCredential
from backend.storage.unit_of_work import UnitOfWork

DEMO_STAFF_CODE = "DEMO-STAFF"
DEMO_STAFF_ID = "demo-staff"
DEMO_STAFF_NAME = "Nhân viên thử nghiệm"


@dataclass(frozen=True, kw_only=True)
class KnownStaff:
    id: str
    name: str
    created_at: datetime
    revoked_at: datetime | None


def add_staff(database: Database, *, name: str) -> str:
    """The credential, once: 256 random bits, of which only the hash is kept."""
    credential = new_credential()
    database.transact(lambda unit: _insert(unit, new_id(), name, credential))
    return credential


def settle_demo_staff(database: Database, *, demo: bool) -> None:
    """Makes the code everybody knows work in a demo, and nowhere else.

    The same database may be served without the demo later: the code is taken out again.
    """

    def settle(unit: UnitOfWork) -> None:
        unit.connection.execute(delete(StaffCredential).where(StaffCredential.id == DEMO_STAFF_ID))
        if demo:
            _insert(unit, DEMO_STAFF_ID, DEMO_STAFF_NAME, DEMO_STAFF_CODE)

    database.transact(settle)


def _insert(unit: UnitOfWork, staff_id: str, name: str, credential: str) -> None:
    unit.connection.execute(
        insert(StaffCredential).values(
            id=staff_id,
            facility_id=unit.facility_id,
            name=name,
            token_hash=credential_hash(credential),
            created_at=unit.now,
        )
    )
    unit.audit(Event.STAFF_ADDED, actor="command", subject=f"staff:{staff_id}")


def revoke_staff(database: Database, *, name: str) -> int:
    """How many credentials of that name were ended."""

    def revoke(unit: UnitOfWork) -> int:
        ended = list(
            unit.connection.execute(
                update(StaffCredential)
                .where(
                    StaffCredential.facility_id == unit.facility_id,
                    StaffCredential.name == name,
                    StaffCredential.revoked_at.is_(None),
                )
                .values(revoked_at=unit.now)
                .returning(StaffCredential.id)
            ).scalars()
        )
        for staff_id in ended:
            unit.audit(Event.STAFF_REVOKED, actor="command", subject=f"staff:{staff_id}")
        return len(ended)

    return database.transact(revoke)


def list_staff(database: Database) -> list[KnownStaff]:
    with database.read() as connection:
        rows = connection.execute(
            select(
                StaffCredential.id,
                StaffCredential.name,
                StaffCredential.created_at,
                StaffCredential.revoked_at,
            )
            .where(StaffCredential.facility_id == database.facility_id)
            .order_by(StaffCredential.name, StaffCredential.id)
        ).all()
    return [
        KnownStaff(id=row.id, name=row.name, created_at=row.created_at, revoked_at=row.revoked_at)
        for row in rows
    ]
