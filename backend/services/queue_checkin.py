"""The check-in table of a visit is due: one row and one outbox message, in the transaction of
whatever made it due.

It is due as soon as the HIS has registered the first service of the visit (that is the first
cost; QĐ 4750/QĐ-BYT Điều 2 khoản 2: at once after it), the insurance of the patient is known, and
this system is the one that sends (exactly one may).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from backend.domain.catalogue import Catalogue
from backend.domain.checkin_table.states import MAY_BE_SENT_AGAIN, CheckinState
from backend.domain.ids import new_id
from backend.domain.settings import CheckinSender
from backend.domain.visit import StepKind, StepState
from backend.errors import ChangedMeanwhile, VisitNotFound
from backend.events import Event
from backend.services.recognise_caller import Caller
from backend.storage.insurance_tables import CheckinDocument
from backend.storage.queue_tables import Step
from backend.storage.unit_of_work import UnitOfWork
from backend.storage.visit_tables import Visit

KIND, PARTY = "bhxh.checkin", "bhxh"


def queue_checkin(unit: UnitOfWork, catalogue: Catalogue, visit_id: str) -> str | None:
    """The id of the new document; None when nothing is due, or it was queued before.

    Called by everything that may make it due: each call looks for itself.
    """
    if catalogue.settings.checkin_sender != CheckinSender.TIEPDON:
        return None
    visit = unit.connection.execute(
        select(Visit.__table__)
        .where(Visit.id == visit_id, Visit.facility_id == unit.facility_id)
        .with_for_update(key_share=True)
    ).one_or_none()
    if visit is None or not _is_due(visit, catalogue) or not _has_cost(unit, visit_id):
        return None
    is_queued = unit.connection.scalar(
        select(CheckinDocument.id).where(CheckinDocument.visit_id == visit_id).limit(1)
    )
    if is_queued is not None:
        return None
    return _insert(unit, catalogue, visit, position=0, reason=None)


def send_checkin_again(
    unit: UnitOfWork, catalogue: Catalogue, document_id: str, *, reason: str, staff: Caller
) -> str:
    """A correction: a new document built from what is known now; the id of it.

    Raises VisitNotFound; ChangedMeanwhile when a later one was queued already, or this one has
    not been tried yet.
    """
    document = unit.connection.execute(
        select(CheckinDocument.__table__)
        .where(
            CheckinDocument.id == document_id,
            CheckinDocument.facility_id == unit.facility_id,
        )
        .with_for_update()
    ).one_or_none()
    if document is None:
        raise VisitNotFound
    last = unit.connection.scalar(
        select(func.max(CheckinDocument.position)).where(
            CheckinDocument.visit_id == document.visit_id
        )
    )
    if document.position != last or CheckinState(document.state) not in MAY_BE_SENT_AGAIN:
        raise ChangedMeanwhile
    visit = unit.connection.execute(
        select(Visit.__table__).where(Visit.id == document.visit_id)
    ).one()
    again = _insert(unit, catalogue, visit, position=document.position + 1, reason=reason)
    unit.audit(
        Event.CHECKIN_SENT_AGAIN,
        actor=staff.actor,
        subject=f"visit:{visit.id}",
        detail={"document": again, "before": document_id, "reason": reason},
    )
    return again


def _is_due(visit: Any, catalogue: Catalogue) -> bool:
    if visit.his_record_code is None or visit.person_id is None:
        return False
    if visit.use_insurance:
        return not visit.provisional
    return catalogue.settings.checkin_uninsured


def _has_cost(unit: UnitOfWork, visit_id: str) -> bool:
    kinds = (StepKind.EXAMINATION, StepKind.LABORATORY, StepKind.IMAGING)
    found = unit.connection.scalar(
        select(Step.id)
        .where(
            Step.visit_id == visit_id,
            Step.kind.in_([kind.value for kind in kinds]),
            Step.state != StepState.CANCELLED.value,
        )
        .limit(1)
    )
    return found is not None


def _insert(
    unit: UnitOfWork, catalogue: Catalogue, visit: Any, *, position: int, reason: str | None
) -> str:
    document_id = new_id()
    unit.add(
        CheckinDocument,
        id=document_id,
        visit_id=visit.id,
        position=position,
        state=CheckinState.QUEUED.value,
        findings=[],
        reason=reason,
        created_at=unit.now,
        due_at=unit.now + timedelta(minutes=catalogue.settings.checkin_within_min),
    )
    unit.enqueue(
        KIND, lane=f"checkin:{visit.id}", visit_id=visit.id, party=PARTY,
        payload={"document": document_id},
    )  # fmt: skip
    unit.publish(
        Event.CHECKIN_CHANGED,
        subject=f"visit:{visit.id}",
        detail={"visits": [visit.id], "document": document_id},
    )
    return document_id
