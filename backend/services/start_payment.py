"""A patient decides to pay: bills or an advance, by one way of paying.

The HIS is read once more before: what it does not confirm within a minute is not paid. The
payment is kept first, one per wish; then a QR is asked for.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import select

from backend.domain.catalogue import Catalogue
from backend.domain.dues import BillFacts, BillUnknown, Dues, choose_bills, is_fresh, still_due
from backend.domain.ids import new_id
from backend.errors import (
    AmountNotAllowed,
    BeingPaid,
    FeeChanged,
    FeesUnavailable,
    MethodUnavailable,
    PaymentOver,
)
from backend.events import Event
from backend.services.answer_once import answer_once
from backend.services.offer_payment import GRACE, offer_payment
from backend.services.payment_methods import get_method
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.services.show_dues import get_quote, list_bills, read_account
from backend.services.show_payment import show_payment
from backend.storage import payment_tables as tables
from backend.storage.repositories import Answer, Intent, find_answer
from backend.storage.unit_of_work import UnitOfWork
from payments.match_codes import new_match_code
from payments.models import Money
from payments.states import PaymentState

ADVANCE_TITLE = "Tạm ứng viện phí"


@dataclass(frozen=True, kw_only=True)
class PaymentWish:
    """Bills, or an advance: one of both."""

    dues_id: str
    bill_ids: Sequence[str]
    advance_vnd: int | None
    method: str
    language: Literal["vi", "en"]


def start_payment(
    resources: Resources, wish: PaymentWish, *, kiosk: Caller, intent: Intent
) -> Answer:
    """201 with the payment and its QR, the same for the same wish.

    Raises ScanExpired, FeeChanged, FeesUnavailable, BeingPaid, AmountNotAllowed,
    MethodUnavailable (then nothing is open).
    """
    payment_id = _begin(resources, wish, kiosk=kiosk, intent=intent)
    # Without a QR the payment stands all the same: another way may be chosen for it.
    with contextlib.suppress(MethodUnavailable, PaymentOver):
        offer_payment(resources, payment_id, wish.method, kiosk=kiosk)
    shown = show_payment(resources, payment_id)
    return Answer(status=201, body=json.dumps(shown, ensure_ascii=False))


def _begin(resources: Resources, wish: PaymentWish, *, kiosk: Caller, intent: Intent) -> str:
    first = resources.database.transact(lambda unit: find_answer(unit, intent))
    if first is not None:
        return str(json.loads(first.body)["payment_id"])
    catalogue = resources.catalogue.get()
    with resources.database.read() as connection:
        dues, as_of = get_quote(resources, connection, wish.dues_id, kiosk=kiosk)
    bills = choose(dues, wish.bill_ids, wish.advance_vnd, catalogue)
    amount = Money(wish.advance_vnd or sum(bill.due_vnd for bill in bills))
    get_method(resources, wish.method, amount)
    checked_at = confirm_fees(resources, catalogue, dues, bills, as_of=as_of)

    def begin(unit: UnitOfWork) -> Answer:
        refuse_if_being_paid(unit, bills, read_at=checked_at)
        payment_id = new_id()
        code = new_match_code(catalogue.settings.payment_prefix)
        unit.add(
            tables.Payment,
            id=payment_id,
            code=code,
            kind="advance" if wish.advance_vnd else "fees",
            state=PaymentState.CREATED.value,
            amount_vnd=amount.amount_vnd,
            person_id=dues.person_id,
            visit_id=dues.visit_id,
            patient_ref=dues.patient_ref,
            visit_ref=dues.visit_ref,
            kiosk_id=kiosk.id,
            language=wish.language,
            created_at=unit.now,
            expires_at=unit.now + GRACE,
            fee_checked_at=checked_at,
        )
        for position, line in enumerate(_lines(bills, amount)):
            unit.add(
                tables.PaymentLine,
                id=new_id(),
                payment_id=payment_id,
                position=position,
                is_open=True,
                **line,
            )
        unit.add(
            tables.PaymentChange,
            id=new_id(),
            payment_id=payment_id,
            at=unit.now,
            state=PaymentState.CREATED.value,
            cause="kiosk",
            actor=kiosk.actor,
        )
        subject = f"payment:{payment_id}"
        unit.audit(Event.PAYMENT_STARTED, actor=kiosk.actor, subject=subject)
        unit.publish(Event.PAYMENT_STARTED, subject=subject, detail={})
        return Answer(status=201, body=json.dumps({"payment_id": payment_id}))

    answer = answer_once(resources.database, intent, begin)
    return str(json.loads(answer.body)["payment_id"])


def _lines(bills: Sequence[BillFacts], amount: Money) -> list[dict[str, object]]:
    if not bills:
        return [{"title_vi": ADVANCE_TITLE, "amount_vnd": amount.amount_vnd}]
    return [
        {
            "invoice_ref": bill.ref,
            "invoice_code": bill.code,
            "invoice_version": bill.version,
            "title_vi": bill.title,
            "amount_vnd": bill.due_vnd,
        }
        for bill in bills
    ]


def choose(
    dues: Dues, bill_ids: Sequence[str], advance_vnd: int | None, catalogue: Catalogue
) -> tuple[BillFacts, ...]:
    """The bills; none for an advance. Raises AmountNotAllowed."""
    settings = catalogue.settings
    if bool(bill_ids) == (advance_vnd is not None):
        raise AmountNotAllowed("bills or an advance, one of both")
    if advance_vnd is not None:
        in_steps = advance_vnd % settings.advance_step_vnd == 0
        if not (in_steps and settings.advance_min_vnd <= advance_vnd <= settings.advance_max_vnd):
            raise AmountNotAllowed
        return ()
    try:
        return choose_bills(dues, bill_ids)
    except BillUnknown as error:
        raise AmountNotAllowed("a bill that was not shown") from error


def confirm_fees(
    resources: Resources,
    catalogue: Catalogue,
    dues: Dues,
    bills: Sequence[BillFacts],
    *,
    as_of: datetime,
) -> datetime:
    """When the HIS said last that these bills are due like this.

    Raises FeeChanged; FeesUnavailable when it said so more than a minute ago and is silent now.
    """
    now = resources.database.clock()
    if not bills:
        return now
    try:
        account = read_account(resources, catalogue, dues.patient_ref)
    except FeesUnavailable:
        if is_fresh(as_of, now):
            return as_of
        raise
    if not still_due(bills, list_bills(account)):
        raise FeeChanged
    return now


def refuse_if_being_paid(
    unit: UnitOfWork, bills: Sequence[BillFacts], *, read_at: datetime
) -> None:
    """Raises BeingPaid, or FeeChanged where the HIS was told of money after it was read. Two
    kiosks at the same moment are told apart by the database.
    """
    refs = [bill.ref for bill in bills]
    if not refs:
        return
    line = tables.PaymentLine
    rows = unit.connection.execute(
        select(line.is_open).where(
            line.facility_id == unit.facility_id,
            line.invoice_ref.in_(refs),
            line.is_open | (line.posted_at >= read_at),
        )
    ).all()
    if any(row.is_open for row in rows):
        raise BeingPaid
    if rows:
        raise FeeChanged
