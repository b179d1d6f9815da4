"""A bank or wallet calls: its signature is checked, its money is booked, it is answered.

All of it before the answer: what is answered with success is committed. What is refused changes
nothing and leaves one line in the log, so that a flood of forgeries fills no disk.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any, TypeAlias

from sqlalchemy import Row, select

from backend.domain.ids import new_id
from backend.errors import StorageUnavailable
from backend.events import Event
from backend.logging import log
from backend.services.apply_transaction import NotWanted
from backend.services.check_payment import book_credit, check_attempt, end_attempt
from backend.services.resources import Resources
from backend.storage import payment_tables as tables
from backend.storage.payments import find_attempt, find_payment_by_code, is_open, sum_received
from backend.storage.unit_of_work import UnitOfWork
from payments.errors import CallbackRefused
from payments.match_codes import is_match_code
from payments.models import (
    Bill,
    BillLookup,
    CallbackAnswer,
    CallbackRequest,
    Money,
    Notice,
    NoticeKind,
    OrderStatus,
    Outcome,
)
from payments.ports import PaymentProvider
from payments.states import AttemptState

KeepNotice: TypeAlias = Callable[[UnitOfWork, Outcome], None]
_ENDS = {
    OrderStatus.FAILED: AttemptState.FAILED,
    OrderStatus.CANCELLED: AttemptState.CANCELLED,
    OrderStatus.EXPIRED: AttemptState.EXPIRED,
}


def receive_callback(
    resources: Resources, name: str, request: CallbackRequest
) -> CallbackAnswer | None:
    """What the provider is answered; None: there is no provider of that name."""
    provider = resources.providers.get(name)
    if provider is None:
        return None
    try:
        message = provider.read_callback(request)
    except CallbackRefused as error:
        log(Event.CALLBACK_REFUSED, provider=name, code=error.code)
        return provider.answer_refusal(error)
    if isinstance(message, BillLookup):
        return provider.answer_bill(message, _find_bill(resources, message))
    try:
        outcome = _take(resources, provider, message, keep_as(resources, name, request, message))
    except StorageUnavailable as error:
        log(Event.JOB_FAILED, error=error, job="receive_callback", provider=name)
        outcome = Outcome.NOT_NOW
    return provider.answer(message, outcome)


def _take(
    resources: Resources, provider: PaymentProvider, notice: Notice, keep: KeepNotice
) -> Outcome:
    """What is said of money is kept together with what became of it."""
    last = len(notice.credits) - 1
    is_money = notice.kind is NoticeKind.CREDIT and not notice.confirm
    outcome = Outcome.RECORDED if is_money else _take_note(resources, provider.name, notice)
    is_kept = False
    for position, credit in enumerate(notice.credits if is_money else ()):
        try:
            outcome = book_credit(
                resources,
                credit,
                source="callback",
                asks=notice.asks,
                also=keep if position == last else None,
            ).outcome
            is_kept = position == last
        except NotWanted as error:
            log(Event.CALLBACK_REFUSED, provider=provider.name, code=error.outcome.value)
            outcome = error.outcome
    if not is_kept:
        resources.database.transact(lambda unit: keep(unit, outcome))
    return outcome


def _take_note(resources: Resources, name: str, notice: Notice) -> Outcome:
    if notice.kind is NoticeKind.STATUS:
        return _end(resources, name, notice)
    if notice.kind is NoticeKind.CREDIT:
        return _confirm(resources, name, notice)
    return Outcome.RECORDED


def _end(resources: Resources, name: str, notice: Notice) -> Outcome:
    """A failure or an expiry touches its own attempt, and never one that was paid."""
    if notice.order_key is None or notice.status not in _ENDS:
        return Outcome.RECORDED
    attempt = _find_own(resources, name, notice)
    if attempt is None:
        return Outcome.UNKNOWN_ORDER
    end_attempt(resources, attempt, _ENDS[notice.status])
    return Outcome.RECORDED


def _confirm(resources: Resources, name: str, notice: Notice) -> Outcome:
    """Nothing signs the content of this one: what the provider says when asked counts."""
    attempt = _find_own(resources, name, notice)
    if attempt is None:
        return Outcome.UNKNOWN_ORDER
    return Outcome.APPLIED if check_attempt(resources, attempt) else Outcome.NOT_NOW


def _find_own(resources: Resources, name: str, notice: Notice) -> Row[Any] | None:
    """The attempt it is about; what one provider signs says nothing about another's orders."""
    if notice.order_key is None:
        return None
    with resources.database.read() as connection:
        attempt = find_attempt(
            connection, notice.order_key, facility_id=resources.database.facility_id
        )
    return attempt if attempt is not None and attempt.provider == name else None


def _find_bill(resources: Resources, lookup: BillLookup) -> Bill | None:
    """What is left of a payment that is open; one that is over is known, and nothing is due."""
    if not is_match_code(lookup.code):
        return None
    facility_id = resources.database.facility_id
    with resources.database.read() as connection:
        payment_id = find_payment_by_code(connection, lookup.code, facility_id=facility_id)
        if payment_id is None:
            return None
        payment = connection.execute(
            select(tables.Payment.__table__).where(tables.Payment.id == payment_id)
        ).one()
        remaining = Money(payment.amount_vnd) - sum_received(connection, payment_id)
    return Bill(code=payment.code, due=remaining if is_open(payment) else None)


def keep_as(
    resources: Resources, name: str, request: CallbackRequest, notice: Notice
) -> KeepNotice:
    """Word for word and sealed: what was said, should anybody ever ask. Once per wording."""
    raw = json.dumps(
        {
            "method": request.method,
            "path": request.path,
            "query": request.query,
            "body": request.untrusted_body.decode("utf-8", "replace"),
        },
        ensure_ascii=False,
    ).encode()
    body_hash = hashlib.sha256(raw).hexdigest()
    table = tables.PaymentNotice

    def keep(unit: UnitOfWork, outcome: Outcome) -> None:
        notice_id = new_id()
        unit.connection.execute(
            unit.insert_into(table)
            .values(
                id=notice_id,
                facility_id=unit.facility_id,
                provider=name,
                body_hash=body_hash,
                kind=notice.kind.value,
                outcome=outcome.value,
                sealed=resources.keys.seal(raw, context=f"payment_notice:{notice_id}"),
                received_at=unit.now,
            )
            .on_conflict_do_update(
                index_elements=["facility_id", "provider", "body_hash"],
                set_={"repeats": table.repeats + 1},
            )
        )

    return keep
