"""Somebody of the finance office answers for a reconciliation by name. It never changes after."""

from __future__ import annotations

from sqlalchemy import update

from backend.errors import ChangedMeanwhile, ReasonMissing, ReconciliationSigned
from backend.events import Event
from backend.services.recognise_caller import Caller
from backend.services.show_reconciliations import get_row
from backend.storage.database import Database
from backend.storage.reconciliation_tables import Reconciliation
from backend.storage.unit_of_work import UnitOfWork

MAX_NOTE_CHARS = 200


def sign_off_reconciliation(
    database: Database, reconciliation_id: str, *, version: int, note: str = "", staff: Caller
) -> None:
    """`version` is the one that was read. Differences are signed with a note that tells why.
    Signed twice by the same person is signed once.

    Raises ReconciliationNotFound, ReconciliationSigned (by somebody else), ChangedMeanwhile,
    ReasonMissing, StorageUnavailable.
    """
    note = note.strip()
    if len(note) > MAX_NOTE_CHARS:
        raise ReasonMissing

    def sign(unit: UnitOfWork) -> None:
        row = get_row(unit.connection, unit.facility_id, reconciliation_id)
        if row.signed_by == staff.actor:
            return
        if row.signed_by is not None:
            raise ReconciliationSigned
        if row.version != version:
            raise ChangedMeanwhile
        if row.differences and not note:
            raise ReasonMissing
        signed = unit.connection.execute(
            update(Reconciliation)
            .where(
                Reconciliation.id == reconciliation_id,
                Reconciliation.version == version,
                Reconciliation.signed_at.is_(None),
            )
            .values(
                signed_at=unit.now,
                signed_by=staff.actor,
                signed_name=staff.name,
                note=note or None,
            )
        )
        if signed.rowcount != 1:
            raise ChangedMeanwhile
        subject = f"reconciliation:{reconciliation_id}"
        unit.audit(
            Event.PAYMENT_RECONCILIATION_SIGNED,
            actor=staff.actor,
            subject=subject,
            detail={"differences": row.differences},
        )
        unit.publish(Event.PAYMENT_RECONCILIATION_SIGNED, subject=subject, detail={})

    database.transact(sign)
