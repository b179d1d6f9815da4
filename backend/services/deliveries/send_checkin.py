"""One check-in table goes to the insurance gateway; its answer is kept with it.

The table is built when it leaves, from what is known then. What does not keep to the rules never
leaves: the document says why, and the message waits for a person. When no answer came nobody can
be asked whether it arrived, so a person decides about sending it again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import select, update

from backend.domain.checkin_table.states import CheckinState, check_checkin_move
from backend.errors import CheckinNotReady, VisitNotFound
from backend.events import Event
from backend.services.build_checkin import BuiltCheckin, build_checkin
from backend.services.deliveries.message import (
    CHECKIN_INVALID,
    CHECKIN_REFUSED,
    NO_INSURER,
    OUTCOME_UNTOLD,
    RECORD_GONE,
    Delivered,
    Message,
    NeedsStaff,
    asking,
)
from backend.services.resources import Resources
from backend.storage.insurance_tables import CheckinDocument
from backend.storage.unit_of_work import UnitOfWork
from his_adapter.errors import OutcomeUnknown
from his_adapter.models import SubmissionReceipt, WriteKey

TIMEOUT_S = 30.0
"""Nobody waits for it; the gateway is slow in the morning."""


def deliver(resources: Resources, message: Message) -> Delivered | None:
    """Raises NeedsStaff for a table that must not or could not leave, HisError."""
    document_id, insurer = message.payload["document"], resources.insurer
    if insurer is None:
        raise NeedsStaff(NO_INSURER)
    row, built = _build(resources, document_id)
    if message.uncertain and row.state == CheckinState.QUEUED:
        _note(resources, document_id, CheckinState.UNKNOWN)
        raise NeedsStaff(OUTCOME_UNTOLD)
    if not built.verdict.valid:
        _note(resources, document_id, CheckinState.INVALID, built)
        raise NeedsStaff(CHECKIN_INVALID)
    if not built.verdict.may_leave:
        return Delivered(save=_save(resources, document_id, CheckinState.SKIPPED, built))
    try:
        # What left and was not understood is OutcomeUnknown; whatever else is broken came before.
        with asking():
            receipt = insurer.send_checkin(
                built.document, key=WriteKey(document_id), timeout_s=TIMEOUT_S
            )
    except OutcomeUnknown as error:
        _note(resources, document_id, CheckinState.UNKNOWN, built)
        raise NeedsStaff(OUTCOME_UNTOLD) from error
    if not receipt.received:
        _note(resources, document_id, CheckinState.REFUSED, built, receipt)
        raise NeedsStaff(CHECKIN_REFUSED)
    save = _save(resources, document_id, CheckinState.RECEIVED, built, receipt)
    return Delivered(his_ref=receipt.transaction_id, save=save)


def _build(resources: Resources, document_id: str) -> tuple[Any, BuiltCheckin]:
    with resources.database.read() as connection:
        row = connection.execute(
            select(
                CheckinDocument.visit_id,
                CheckinDocument.position,
                CheckinDocument.state,
            ).where(CheckinDocument.id == document_id)
        ).one_or_none()
        if row is None:
            raise NeedsStaff(RECORD_GONE)
        try:
            return row, build_checkin(
                resources, connection, row.visit_id, correction=row.position > 0
            )
        except (CheckinNotReady, VisitNotFound) as error:
            raise NeedsStaff(RECORD_GONE) from error


def _note(
    resources: Resources,
    document_id: str,
    state: CheckinState,
    built: BuiltCheckin | None = None,
    receipt: SubmissionReceipt | None = None,
) -> None:
    with resources.database.write() as unit:
        _save(resources, document_id, state, built, receipt)(unit)


def _save(
    resources: Resources,
    document_id: str,
    state: CheckinState,
    built: BuiltCheckin | None = None,
    receipt: SubmissionReceipt | None = None,
) -> Callable[[UnitOfWork], None]:
    def save(unit: UnitOfWork) -> None:
        table = CheckinDocument
        row = unit.connection.execute(
            select(table.state, table.visit_id).where(table.id == document_id).with_for_update()
        ).one()
        check_checkin_move(CheckinState(row.state), state)
        values: dict[str, Any] = {"state": state.value}
        if built is not None:
            context = f"checkin:{document_id}"
            values |= {
                "standard": built.standard.id,
                "sealed": resources.keys.seal(built.document, context=context),
                "sent_key_hash": built.key_hash,
                "findings": [
                    {"rule": f.rule, "field": f.field, "severity": f.severity.value}
                    for f in built.verdict.findings
                ],
            }
        if state in {CheckinState.RECEIVED, CheckinState.REFUSED, CheckinState.UNKNOWN}:
            values["sent_at"] = unit.now
        if receipt is not None:
            message = receipt.message.encode()
            values |= {
                "result_code": receipt.code,
                "transaction_id": receipt.transaction_id,
                "received_at": receipt.received_at or unit.now,
                "sealed_message": resources.keys.seal(message, context=f"reply:{document_id}"),
            }
        unit.connection.execute(update(table).where(table.id == document_id).values(**values))
        unit.publish(
            Event.CHECKIN_CHANGED,
            subject=f"visit:{row.visit_id}",
            detail={"visits": [row.visit_id], "document": document_id},
        )

    return save
