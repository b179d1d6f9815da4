"""Payments nobody waits for any more: asked about, closed in time, given back.

Callbacks get lost; this finds out all the same. Several workers may run it at once: each row is
claimed before anybody is asked about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, or_, select, update

from backend.errors import FeesUnavailable
from backend.events import Event
from backend.logging import log
from backend.services.cancel_payment import cancel_at_provider, note_cancelled
from backend.services.check_payment import check_attempt, find_next, sweep_credits
from backend.services.pay_refund import pay_refund
from backend.services.payment_methods import ask_provider, find_away, party_of
from backend.services.remote_party import NoAnswer
from backend.services.resources import Resources
from backend.services.share_answering import share_answering
from backend.services.show_dues import list_bills, read_account
from backend.storage import payment_tables as tables
from backend.storage.payments import end_payment, is_open, list_lines, lock_payment
from backend.storage.unit_of_work import UnitOfWork
from payments.errors import PaymentError
from payments.states import OPEN_PAYMENTS, AttemptState, PaymentState

AT_ONCE = 50
RETRY_S = 30
GIVES_UP_AFTER = timedelta(days=3)
FEES_EVERY = timedelta(seconds=30)
ACTOR = "job:pursue_payments"
_OPEN_STATES = sorted(state.value for state in OPEN_PAYMENTS)


def pursue_payments(resources: Resources) -> None:
    """One round. Raises StorageUnavailable."""
    if not resources.providers:
        return
    ask_about_attempts(resources)
    tell_cancellations(resources)
    end_lapsed(resources)
    look_at_fees(resources)
    pay_refunds(resources)


def ask_about_attempts(resources: Resources) -> int:
    """Those whose turn it is; returns how many."""
    attempt = tables.PaymentAttempt
    now = resources.database.clock()
    with resources.database.read() as connection:
        due = connection.execute(
            select(attempt.__table__)
            .where(
                attempt.facility_id == resources.database.facility_id,
                attempt.next_query_at.is_not(None),
                attempt.next_query_at <= now,
            )
            .order_by(attempt.next_query_at)
            .limit(AT_ONCE)
        ).all()
    mine = [each for each in due if _claim(resources, each)]
    asked_alone = [each for each in mine if _can_query(resources, each)]
    for each in asked_alone:
        if not check_attempt(resources, each):
            _ask_again(resources, [each])
    listed = [each for each in mine if each not in asked_alone]
    for name in sorted({each.provider for each in listed if each.provider in resources.providers}):
        theirs = [each for each in listed if each.provider == name]
        try:
            sweep_credits(resources, name, since=min(each.created_at for each in theirs))
        except (NoAnswer, PaymentError) as error:
            log(Event.JOB_FAILED, error=error, job="pursue_payments", provider=name)
            _ask_again(resources, theirs)
    return len(mine)


def _can_query(resources: Resources, attempt: Row[Any]) -> bool:
    provider = resources.providers.get(attempt.provider)
    return provider is not None and provider.features().can_query


def _claim(resources: Resources, attempt: Row[Any]) -> bool:
    """Its next turn is written down first: whoever does so asks now."""
    table = tables.PaymentAttempt
    next_at = find_next(resources, attempt)
    with resources.database.write() as unit:
        return (
            unit.connection.execute(
                update(table)
                .where(table.id == attempt.id, table.next_query_at == attempt.next_query_at)
                .values(next_query_at=next_at, queries=table.queries + 1)
            ).rowcount
            == 1
        )


def _ask_again(resources: Resources, attempts: Sequence[Row[Any]]) -> None:
    """The provider was silent: sooner than planned, and also when nothing was planned any more."""
    table = tables.PaymentAttempt
    now = resources.database.clock()
    again_at = now + timedelta(seconds=RETRY_S)
    for each in attempts:
        if each.created_at < now - GIVES_UP_AFTER:
            continue  # a statement tells
        # One by one: several rows at once would be locked in another order than others lock them.
        with resources.database.write() as unit:
            unit.connection.execute(
                update(table)
                .where(
                    table.id == each.id,
                    table.state != AttemptState.PAID.value,
                    or_(table.next_query_at.is_(None), table.next_query_at > again_at),
                )
                .values(next_query_at=again_at)
            )


def tell_cancellations(resources: Resources) -> None:
    """Providers hear that nobody will pay an order; then they are asked once more about it."""
    attempt = tables.PaymentAttempt
    with resources.database.read() as connection:
        away = find_away(connection, resources.database.facility_id)
        left = connection.execute(
            select(attempt.__table__)
            .where(
                attempt.facility_id == resources.database.facility_id,
                attempt.to_cancel,
                # Those of one that is away would fill the list.
                attempt.provider.not_in(
                    [name for name in resources.providers if party_of(name) in away]
                ),
            )
            .order_by(attempt.id)
            .limit(AT_ONCE)
        ).all()
    for each in left:
        if not cancel_at_provider(resources, each):
            continue
        with resources.database.write() as unit:
            note_cancelled(unit, each.id)


def end_lapsed(resources: Resources) -> int:
    """Payments whose time is over. Money that comes later is looked at then."""
    payment = tables.Payment
    now = resources.database.clock()
    with resources.database.read() as connection:
        lapsed = connection.scalars(
            select(payment.id)
            .where(
                payment.facility_id == resources.database.facility_id,
                payment.state.in_(_OPEN_STATES),
                payment.expires_at <= now,
            )
            .limit(AT_ONCE)
        ).all()
    for payment_id in lapsed:
        resources.database.transact(_ending(payment_id, PaymentState.EXPIRED, "timed_out"))
    return len(lapsed)


def _ending(payment_id: str, state: PaymentState, reason: str) -> Any:
    def end(unit: UnitOfWork) -> None:
        payment = lock_payment(unit, payment_id)
        still = state is not PaymentState.EXPIRED or payment.expires_at <= unit.now
        if is_open(payment) and still:
            end_payment(unit, payment, state, cause="time", actor=ACTOR, reason=reason)

    return end


def look_at_fees(resources: Resources) -> None:
    """A fee that changed in the HIS while its QR shows ends the payment: the patient is asked
    again, nobody pays too little without knowing.
    """
    payment = tables.Payment
    catalogue = resources.catalogue.get()
    before = resources.database.clock() - FEES_EVERY
    with resources.database.read() as connection:
        due = connection.execute(
            select(payment.__table__)
            .where(
                payment.facility_id == resources.database.facility_id,
                payment.state.in_(_OPEN_STATES),
                payment.kind == "fees",
                payment.fee_checked_at <= before,
            )
            .order_by(payment.fee_checked_at)
            .limit(AT_ONCE)
        ).all()
        lines = {each.id: list_lines(connection, each.id) for each in due}
    for each in due:
        try:
            account = read_account(resources, catalogue, each.patient_ref)
        except FeesUnavailable:
            return
        amounts = {bill.ref: bill.due_vnd for bill in list_bills(account)}
        if all(amounts.get(line.invoice_ref) == line.amount_vnd for line in lines[each.id]):
            with resources.database.write() as unit:
                unit.connection.execute(
                    update(payment).where(payment.id == each.id).values(fee_checked_at=unit.now)
                )
        else:
            resources.database.transact(_ending(each.id, PaymentState.CANCELLED, "fee_changed"))


def pay_refunds(resources: Resources) -> None:
    """What two people agreed on is given back by the provider, once."""
    refund = tables.PaymentRefund
    now = resources.database.clock()
    with resources.database.read() as connection:
        due = connection.scalars(
            select(refund.id)
            .where(
                refund.facility_id == resources.database.facility_id,
                refund.by_provider,
                refund.state.in_(("approved", "processing")),
                or_(refund.next_try_at.is_(None), refund.next_try_at <= now),
            )
            .limit(AT_ONCE)
        ).all()
    for refund_id in due:
        pay_refund(resources, refund_id)


def probe_providers(resources: Resources) -> None:
    """One that went away is tried now and then: its way of paying comes back by itself, whichever
    process saw it go, and whether or not that one still runs.
    """
    with resources.database.read() as connection:
        away = find_away(connection, resources.database.facility_id)
    for name in resources.providers:
        if party_of(name) not in away:
            continue
        try:
            ask_provider(resources, name, lambda provider: provider.check(), wait_s=5)
        except NoAnswer:
            continue
        except PaymentError as error:
            log(Event.JOB_FAILED, error=error, job="probe_providers", provider=name)
        else:
            share_answering(resources.database, party_of(name), answers=True)
