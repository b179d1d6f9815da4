"""Something is wrong, or right again: said in the transaction that found it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import insert, select, update

from backend.domain.alerts import AlertKind, AlertPhase
from backend.domain.ids import new_id
from backend.events import Event
from backend.storage.fleet_tables import OPEN_ALERT, Alert, AlertNotice
from backend.storage.unit_of_work import UnitOfWork


def raise_alert(
    unit: UnitOfWork, kind: AlertKind, *, subject: str, detail: Mapping[str, Any] | None = None
) -> bool:
    """True when it is new. While one is open for this kind and subject nothing happens.

    `detail` holds ids, codes and figures, nothing of a patient. Of several who find the same at
    once one is the first.
    """
    alert_id = new_id()
    new = unit.insert_into(Alert).values(
        id=alert_id,
        facility_id=unit.facility_id,
        kind=kind,
        subject=subject,
        detail=dict(detail or {}),
        raised_at=unit.now,
    )
    raised = unit.connection.execute(
        new.on_conflict_do_nothing(
            index_elements=[Alert.facility_id, Alert.kind, Alert.subject], index_where=OPEN_ALERT
        ).returning(Alert.id)
    ).scalar_one_or_none()
    if raised is None:
        return False
    _tell(unit, alert_id, AlertPhase.RAISED)
    unit.publish(Event.ALERT_RAISED, subject=f"alert:{alert_id}", detail={"kind": kind})
    return True


def clear_alert(unit: UnitOfWork, kind: str, *, subject: str) -> bool:
    """True when one was open and is over now. `kind` as it is stored: a newer release may have
    raised it, which was rolled back since.
    """
    alert_id = unit.connection.execute(
        update(Alert)
        .where(
            Alert.facility_id == unit.facility_id,
            Alert.kind == kind,
            Alert.subject == subject,
            Alert.cleared_at.is_(None),
        )
        .values(cleared_at=unit.now)
        .returning(Alert.id)
    ).scalar_one_or_none()
    if alert_id is None:
        return False
    _tell(unit, alert_id, AlertPhase.CLEARED)
    unit.publish(Event.ALERT_CLEARED, subject=f"alert:{alert_id}", detail={"kind": kind})
    return True


def is_alerted(unit: UnitOfWork, kind: AlertKind, *, subject: str) -> bool:
    return (
        unit.connection.scalar(
            select(Alert.id).where(
                Alert.facility_id == unit.facility_id,
                Alert.kind == kind,
                Alert.subject == subject,
                Alert.cleared_at.is_(None),
            )
        )
        is not None
    )


def _tell(unit: UnitOfWork, alert_id: str, phase: AlertPhase) -> None:
    unit.connection.execute(
        insert(AlertNotice).values(
            id=new_id(),
            facility_id=unit.facility_id,
            alert_id=alert_id,
            phase=phase,
            next_at=unit.now,
        )
    )
