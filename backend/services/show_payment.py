"""A payment as a kiosk sees it: `PaymentReply` of the OpenAPI description."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, func, select

from backend.domain.catalogue import Catalogue
from backend.domain.dues import Dues
from backend.domain.ledger import Cause
from backend.domain.receipt import PaidLine, ReceiptFacts, compose_receipt
from backend.domain.settings import Words
from backend.services.payment_methods import find_entry, list_methods, method_to_json
from backend.services.resources import Resources
from backend.storage import payment_tables as tables
from backend.storage.number_tables import Ticket
from backend.storage.payments import get_payment, list_attempts, list_lines, sum_received
from payments.match_codes import find_match_codes
from payments.models import Money
from payments.states import OPEN_PAYMENTS, PAID_PAYMENTS, AttemptState, PaymentState


def show_payment(resources: Resources, payment_id: str) -> dict[str, Any]:
    """Raises PaymentNotFound."""
    catalogue = resources.catalogue.get()
    with resources.database.read() as connection:
        payment = get_payment(connection, payment_id, facility_id=resources.database.facility_id)
        return payment_to_json(resources, catalogue, connection, payment)


def show_newer(resources: Resources, payment_id: str, version: int | None) -> dict[str, Any] | None:
    """None when there is nothing newer than `version`. Raises PaymentNotFound.

    Asked again and again while a QR shows: nothing new costs one row.
    """
    with resources.database.read() as connection:
        payment = get_payment(connection, payment_id, facility_id=resources.database.facility_id)
    if payment.version == version and not _has_lapsed(resources, payment):
        return None
    return show_payment(resources, payment_id)


def _has_lapsed(resources: Resources, payment: Row[Any]) -> bool:
    """Its QR ran out without anything being written: the screen has to hear of it."""
    return (
        PaymentState(payment.state) in OPEN_PAYMENTS
        and payment.expires_at <= resources.database.clock()
    )


def payment_to_json(
    resources: Resources, catalogue: Catalogue, connection: Connection, payment: Row[Any]
) -> dict[str, Any]:
    """The catalogue comes from outside: it is read over a connection of its own, and who holds
    one while waiting for another may wait for ever.
    """
    state = PaymentState(payment.state)
    lines = list_lines(connection, payment.id)
    attempts = list_attempts(connection, payment.id)
    is_paid = state in PAID_PAYMENTS or (state is PaymentState.REFUND_DUE)
    received = Money(payment.amount_vnd) if is_paid else sum_received(connection, payment.id)
    is_open = state in OPEN_PAYMENTS
    return {
        "id": payment.id,
        "code": payment.code,
        "version": payment.version,
        "stage": _stage(state),
        "state": state.value,
        "reason": payment.reason,
        "kind": payment.kind,
        "lines": [
            {
                "code": line.invoice_code or "",
                "amount_vnd": line.amount_vnd,
            }
            for line in lines
        ],
        "amount_vnd": payment.amount_vnd,
        "received_vnd": received.amount_vnd,
        "remaining_vnd": max(0, payment.amount_vnd - received.amount_vnd),
        "offer": _offer_to_json(resources, attempts, due=Money(payment.amount_vnd) - received)
        if is_open
        else None,
        "methods": [
            method_to_json(resources, entry) for entry in list_methods(resources, connection)
        ]
        if is_open
        else [],
        "told_hospital": _is_told(state, lines),
        "checked_at": None,
        "receipt": _compose_receipt(resources, catalogue, connection, payment, lines)
        if is_paid
        else None,
    }


def _is_told(state: PaymentState, lines: Any) -> bool:
    """The HIS has entered all of it, whether or not our own row says so already."""
    return state is PaymentState.POSTED or all(line.posted_at is not None for line in lines)


def _stage(state: PaymentState) -> str:
    if state is PaymentState.UNDERPAID:
        return "underpaid"
    if state in OPEN_PAYMENTS:
        return "waiting"
    # Money the HIS would not take all the same reached the hospital.
    return "paid" if state in PAID_PAYMENTS or state is PaymentState.REFUND_DUE else "ended"


def _offer_to_json(resources: Resources, attempts: Any, *, due: Money) -> dict[str, Any] | None:
    """None also for a code of another amount than is left: nobody is to pay that one."""
    now = resources.database.clock()
    newest = attempts[-1] if attempts else None
    if newest is None or newest.state != AttemptState.OPEN or newest.expires_at <= now:
        return None
    if newest.amount_vnd != due.amount_vnd:
        return None
    entry = find_entry(resources, newest.provider)
    if entry is None:
        return None
    method = method_to_json(resources, entry)
    return {
        "method": newest.provider,
        "kind": method["kind"],
        "label": method["label"],
        "amount_vnd": newest.amount_vnd,
        "qr_text": newest.qr_text,
        "account": newest.offer.get("account"),
        "memo": newest.offer.get("memo", ""),
        "created_at": newest.created_at.isoformat(),
        "expires_at": newest.expires_at.isoformat(),
    }


def _compose_receipt(
    resources: Resources,
    catalogue: Catalogue,
    connection: Connection,
    payment: Row[Any],
    lines: Any,
) -> dict[str, Any]:
    entry = find_entry(resources, payment.method or "")
    name = payment.method or ""
    facts = ReceiptFacts(
        code=payment.code,
        lines=[
            PaidLine(
                code=line.invoice_code or "", title=line.title_vi, amount=Money(line.amount_vnd)
            )
            for line in lines
        ],
        method=Words(vi=entry.label_vi, en=entry.label_en) if entry else Words(vi=name, en=name),
        paid_at=payment.paid_at or payment.created_at,
        reference=_find_reference(connection, payment.id),
        number=connection.scalar(select(Ticket.number).where(Ticket.visit_id == payment.visit_id)),
        told_hospital=_is_told(PaymentState(payment.state), lines),
        over=_find_over(connection, payment.id),
        invoice_url=_open_invoice(resources, payment),
        language=payment.language,
    )
    return compose_receipt(facts, catalogue)


def _open_invoice(resources: Resources, payment: Row[Any]) -> str | None:
    if payment.sealed_invoice is None:
        return None
    context = f"payment_invoice:{payment.id}"
    return resources.keys.unseal(payment.sealed_invoice, context=context).decode()


def _find_reference(connection: Connection, payment_id: str) -> str:
    """Of the credit that completed it: the bank's own number where there is one."""
    row = connection.execute(
        select(tables.Credit.bank_reference, tables.Credit.transaction_id)
        .join(tables.JournalEntry, tables.JournalEntry.credit_id == tables.Credit.id)
        .where(
            tables.JournalEntry.payment_id == payment_id,
            tables.JournalEntry.cause == Cause.APPLIED.value,
        )
        .order_by(tables.JournalEntry.id.desc())
        .limit(1)
    ).one_or_none()
    return "" if row is None else row.bank_reference or row.transaction_id


def _find_over(connection: Connection, payment_id: str) -> Money:
    item = tables.SuspenseItem
    over = connection.scalar(
        select(func.coalesce(func.sum(item.amount_vnd), 0)).where(
            item.payment_id == payment_id,
            item.reason.in_(("over", "duplicate")),
            item.state == "open",
        )
    )
    return Money(int(over or 0))


def find_open_payment(
    connection: Connection, dues: Dues, *, facility_id: str, code: str | None
) -> Row[Any] | None:
    """One of these bills that somebody is paying now, or the one whose code was shown."""
    refs = [bill.ref for bill in dues.bills]
    line, payment = tables.PaymentLine, tables.Payment
    found = connection.execute(
        select(payment.__table__)
        .join(line, line.payment_id == payment.id)
        .where(
            line.facility_id == facility_id,
            line.is_open,
            line.invoice_ref.in_(refs),
            payment.state.in_([state.value for state in OPEN_PAYMENTS | PAID_PAYMENTS]),
        )
        .order_by(payment.id.desc())
        .limit(1)
    ).one_or_none()
    if found is not None or code is None:
        return found
    codes = find_match_codes(code, code.strip()[:2].upper()) if code.strip() else ()
    if not codes:
        return None
    return connection.execute(
        select(payment.__table__).where(
            payment.code == codes[0], payment.facility_id == facility_id
        )
    ).one_or_none()
