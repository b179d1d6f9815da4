"""Tells the HIS of money that came: each bill of a payment, or its advance, once.

What the HIS does not take (paid at the counter meanwhile, cancelled, another amount) goes back
into suspense: the money is the patient's until somebody has decided.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, select, update

from backend.domain.ids import new_id
from backend.domain.ledger import Cause
from backend.errors import PaymentNotFound
from backend.events import Event
from backend.services.deliveries.message import (
    RECORD_GONE,
    Delivered,
    Message,
    NeedsStaff,
    find_written,
)
from backend.services.keep_invoice import find_invoice, keep_invoice
from backend.services.resources import Resources
from backend.storage import payment_tables as tables
from backend.storage.payments import (
    close_lines,
    get_payment,
    list_lines,
    lock_payment,
    move_payment,
    write_journal,
)
from backend.storage.unit_of_work import UnitOfWork
from his_adapter.errors import Duplicate, HisError, InvalidData, NotFound, NotSupported
from his_adapter.models import (
    PaymentMethod,
    PaymentPosting,
    PaymentReceipt,
    Ref,
    WriteKey,
)
from payments.models import MethodKind, Money
from payments.states import TO_POST, HoldReason, PaymentState

ACTOR = "job:post_payment"


def deliver(resources: Resources, message: Message) -> Delivered | None:
    """Lines are posted one by one, each remembered before the next goes."""
    payment_id = str(message.payload["payment_id"])
    try:
        with resources.database.read() as connection:
            payment = get_payment(
                connection, payment_id, facility_id=resources.database.facility_id
            )
            lines = list_lines(connection, payment_id)
            share = _list_shares(connection, payment_id)
    except PaymentNotFound as error:
        raise NeedsStaff(RECORD_GONE) from error
    if PaymentState(payment.state) not in TO_POST:
        return None
    for line in lines:
        if line.posted_at is None and line.refused is None:
            _post(resources, message, payment, line, share)
    return Delivered(save=lambda unit: _finish(unit, payment_id))


def _post(
    resources: Resources, message: Message, payment: Row[Any], line: Row[Any], share: Row[Any]
) -> None:
    key = WriteKey(f"{message.id}.{line.position}")
    written = find_written(resources, message, key)
    if isinstance(written, PaymentReceipt):
        _keep(resources, payment, line, written.ref)
        return
    posting = PaymentPosting(
        patient=Ref(payment.patient_ref),
        visit=Ref(payment.visit_ref) if payment.visit_ref else None,
        invoice=Ref(line.invoice_ref) if line.invoice_ref else None,
        amount_vnd=line.amount_vnd,
        method=_method(resources, payment.method),
        provider=payment.method or "",
        provider_reference=share.bank_reference or share.transaction_id,
        paid_at=share.paid_at,
    )
    try:
        receipt = resources.his.post_payment(posting, key=key)
    except Duplicate:
        _refuse(resources, payment, line, "duplicate")
    except (InvalidData, NotFound, NotSupported) as error:
        _refuse(resources, payment, line, error.code)
    except HisError as error:
        if error.retryable or error.of_party:
            _note_trouble(resources, payment.id)
        raise
    else:
        _keep(resources, payment, line, receipt.ref)


def _method(resources: Resources, provider: str | None) -> PaymentMethod:
    known = resources.providers.get(provider or "")
    is_wallet = known is not None and known.features().kind is MethodKind.WALLET
    return PaymentMethod.WALLET if is_wallet else PaymentMethod.QR


def _list_shares(connection: Any, payment_id: str) -> Row[Any]:
    """The credit that completed the payment: what the HIS may look up at the bank."""
    row: Row[Any] = connection.execute(
        select(tables.Credit.bank_reference, tables.Credit.transaction_id, tables.Credit.paid_at)
        .join(tables.JournalEntry, tables.JournalEntry.credit_id == tables.Credit.id)
        .where(
            tables.JournalEntry.payment_id == payment_id,
            tables.JournalEntry.cause == Cause.APPLIED.value,
        )
        .order_by(tables.JournalEntry.id.desc())
        .limit(1)
    ).one()
    return row


def _keep(resources: Resources, payment: Row[Any], line: Row[Any], ref: Ref) -> None:
    invoice = find_invoice(resources, line)

    def keep(unit: UnitOfWork) -> None:
        lock_payment(unit, payment.id)
        if not _claim(unit, line, posted_at=unit.now, his_ref=str(ref)):
            return
        _move_line(unit, payment, line, Cause.POSTED)
        if invoice is not None:
            keep_invoice(unit, resources.keys, payment.id, invoice)

    resources.database.transact(keep)


def _refuse(resources: Resources, payment: Row[Any], line: Row[Any], code: str) -> None:
    """Back into suspense, credit by credit: each đồng keeps its way back to who paid it."""

    def refuse(unit: UnitOfWork) -> None:
        lock_payment(unit, payment.id)
        if not _claim(unit, line, refused=code):
            return
        for credit_id, amount in _move_line(unit, payment, line, Cause.NOT_TAKEN):
            item_id = new_id()
            unit.add(
                tables.SuspenseItem,
                id=item_id,
                credit_id=credit_id,
                payment_id=payment.id,
                line_id=line.id,
                reason=HoldReason.NOT_TAKEN_BY_HIS.value,
                state="open",
                amount_vnd=amount.amount_vnd,
                opened_at=unit.now,
            )
            unit.publish(Event.MONEY_HELD, subject=f"suspense_item:{item_id}", detail={})
            unit.audit(
                Event.MONEY_HELD,
                actor=ACTOR,
                subject=f"suspense_item:{item_id}",
                detail={"reason": HoldReason.NOT_TAKEN_BY_HIS.value, "code": code},
            )

    resources.database.transact(refuse)


def _claim(unit: UnitOfWork, line: Row[Any], **values: Any) -> bool:
    """False when another try settled this line first."""
    table = tables.PaymentLine
    return (
        unit.connection.execute(
            update(table)
            .where(table.id == line.id, table.posted_at.is_(None), table.refused.is_(None))
            .values(**values)
        ).rowcount
        == 1
    )


def _move_line(
    unit: UnitOfWork, payment: Row[Any], line: Row[Any], cause: Cause
) -> list[tuple[str, Money]]:
    """Takes the line's amount out of clearing, from the payment's credits in their order."""
    left = line.amount_vnd
    moved: list[tuple[str, Money]] = []
    for credit_id, provider, available in _list_clearing(unit, payment.id):
        part = min(left, available)
        if part <= 0:
            continue
        write_journal(
            unit,
            cause,
            Money(part),
            provider=provider,
            actor=ACTOR,
            credit_id=credit_id,
            payment_id=payment.id,
            line_id=line.id,
        )
        moved.append((credit_id, Money(part)))
        left -= part
    if left:
        raise AssertionError("a paid line without its money in clearing")
    return moved


def _list_clearing(unit: UnitOfWork, payment_id: str) -> list[tuple[str, str, int]]:
    """(credit, provider, what of it is in clearing), the oldest first."""
    entry, credit = tables.JournalEntry, tables.Credit
    rows = unit.connection.execute(
        select(entry.credit_id, credit.provider, entry.debit, entry.credit, entry.amount_vnd)
        .join(credit, credit.id == entry.credit_id)
        .where(entry.payment_id == payment_id)
        .order_by(entry.id)
    ).all()
    sums: dict[tuple[str, str], int] = {}
    for row in rows:
        key = (row.credit_id, row.provider)
        change = (row.credit == "clearing") - (row.debit == "clearing")
        sums[key] = sums.get(key, 0) + change * row.amount_vnd
    return [(credit_id, provider, amount) for (credit_id, provider), amount in sums.items()]


def _finish(unit: UnitOfWork, payment_id: str) -> None:
    payment = lock_payment(unit, payment_id)
    if PaymentState(payment.state) not in TO_POST:
        return
    lines = list_lines(unit.connection, payment_id)
    close_lines(unit, payment_id)
    posted = any(line.posted_at is not None for line in lines)
    state = PaymentState.POSTED if posted else PaymentState.REFUND_DUE
    posted_at = unit.now if posted else None
    move_payment(unit, payment, state, cause="his", actor=ACTOR, posted_at=posted_at)


def _note_trouble(resources: Resources, payment_id: str) -> None:
    """Staff see at once that money waits for the HIS; the message goes on trying."""

    def note(unit: UnitOfWork) -> None:
        payment = lock_payment(unit, payment_id)
        if payment.state in {PaymentState.PAID, PaymentState.LATE_PAID}:
            move_payment(unit, payment, PaymentState.POST_FAILED, cause="his", actor=ACTOR)

    resources.database.transact(note)
