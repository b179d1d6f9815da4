"""A QR for what is left of a payment: an attempt is kept first, then the provider is asked.

The provider is asked twice with the same key at most. Whatever becomes of that, the attempt is
pursued: a provider that made the order without telling us is found out, and so is who pays it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, func, select, update

from backend.domain.ids import new_id
from backend.domain.pursuit import find_next_query
from backend.errors import MethodUnavailable, PaymentOver
from backend.services.payment_methods import PROVIDER_WAIT_S, ask_provider, get_method
from backend.services.recognise_caller import Caller
from backend.services.remote_party import NoAnswer
from backend.services.resources import Resources
from backend.storage import payment_tables as tables
from backend.storage.payments import (
    close_attempts,
    get_payment,
    is_open,
    list_attempts,
    lock_payment,
    move_payment,
    sum_received,
)
from backend.storage.unit_of_work import UnitOfWork
from payments.errors import PaymentError
from payments.models import Money, Offer, Order
from payments.states import AttemptState, PaymentState

GRACE = timedelta(minutes=5)
"""A payment outlives its last QR by this: time to ask for another one."""
TRIES = 2
MOST_ATTEMPTS = 99


def offer_payment(resources: Resources, payment_id: str, method: str, *, kiosk: Caller) -> None:
    """A fresh QR by that method; an older one is closed. Nothing is done when the newest QR is by
    that method, good for a while and for the right amount.

    Raises PaymentNotFound, PaymentOver, MethodUnavailable (also after very many QRs).
    """
    with resources.database.read() as connection:
        payment = get_payment(connection, payment_id, facility_id=resources.database.facility_id)
        if not is_open(payment):
            raise PaymentOver
        remaining = Money(payment.amount_vnd) - sum_received(connection, payment_id)
    get_method(resources, method, remaining)
    zone = resources.catalogue.get().zone  # now: it takes a connection of its own
    attempt = resources.database.transact(
        lambda unit: begin_attempt(unit, resources, payment_id, method, zone, actor=kiosk.actor)
    )
    if attempt.state == AttemptState.CREATED:
        place_order(resources, attempt)


def begin_attempt(
    unit: UnitOfWork,
    resources: Resources,
    payment_id: str,
    method: str,
    zone: ZoneInfo,
    *,
    actor: str,
) -> Row[Any]:
    """The attempt as it is kept: the present one if it still serves. Raises PaymentOver."""
    payment = lock_payment(unit, payment_id)
    if not is_open(payment):
        raise PaymentOver
    remaining = Money(payment.amount_vnd) - sum_received(unit.connection, payment_id)
    attempts = list_attempts(unit.connection, payment_id)
    newest = attempts[-1] if attempts else None
    if newest is not None and _still_serves(newest, method, remaining, unit):
        return newest
    close_attempts(unit, payment_id, AttemptState.REPLACED)
    lifetime = timedelta(seconds=resources.providers[method].features().lifetime_s)
    expires_at = unit.now + lifetime
    number = len(attempts) + 1
    if number > MOST_ATTEMPTS:
        raise MethodUnavailable("a key takes two digits")
    attempt_id = new_id()
    unit.add(
        tables.PaymentAttempt,
        id=attempt_id,
        payment_id=payment_id,
        attempt=number,
        key=_order(payment.code, number, remaining, unit, lifetime).key,
        provider=method,
        state=AttemptState.CREATED.value,
        amount_vnd=remaining.amount_vnd,
        created_at=unit.now,
        expires_at=expires_at,
        next_query_at=_first_query(resources, method, unit, lifetime, zone),
    )
    unit.flush()
    move_payment(
        unit, payment, PaymentState(payment.state), cause="kiosk", actor=actor,
        method=method, expires_at=max(payment.expires_at, expires_at + GRACE),
    )  # fmt: skip
    return unit.connection.execute(
        select(tables.PaymentAttempt.__table__).where(tables.PaymentAttempt.id == attempt_id)
    ).one()


def _still_serves(newest: Row[Any], method: str, remaining: Money, unit: UnitOfWork) -> bool:
    return (
        newest.provider == method
        and newest.state in {AttemptState.CREATED, AttemptState.OPEN}
        and newest.amount_vnd == remaining.amount_vnd
        and newest.expires_at > unit.now + timedelta(seconds=30)
    )


def _order(code: str, number: int, amount: Money, unit: UnitOfWork, lifetime: timedelta) -> Order:
    return Order(
        code=code,
        attempt=number,
        amount=amount,
        created_at=unit.now,
        expires_at=unit.now + lifetime,
    )


def _first_query(
    resources: Resources, method: str, unit: UnitOfWork, lifetime: timedelta, zone: ZoneInfo
) -> datetime | None:
    features = resources.providers[method].features()
    if not (features.can_query or features.lists_credits):
        return None
    return find_next_query(
        created_at=unit.now, expires_at=unit.now + lifetime, now=unit.now, zone=zone
    )


def order_of(attempt: Row[Any]) -> Order:
    """As it was sent, word for word."""
    return Order(
        code=attempt.key.rpartition("-")[0],
        attempt=attempt.attempt,
        amount=Money(attempt.amount_vnd),
        created_at=attempt.created_at,
        expires_at=attempt.expires_at,
    )


def place_order(resources: Resources, attempt: Row[Any]) -> None:
    """Raises MethodUnavailable; the attempt is then closed, and pursued all the same."""
    order = order_of(attempt)
    for left in reversed(range(TRIES)):
        try:
            offer = ask_provider(
                resources,
                attempt.provider,
                lambda provider: provider.create(order),
                wait_s=PROVIDER_WAIT_S,
            )
        except NoAnswer as error:
            if left:
                continue
            resources.database.transact(_closing(attempt, AttemptState.FAILED))
            raise MethodUnavailable from error
        except PaymentError as error:
            resources.database.transact(_closing(attempt, AttemptState.FAILED))
            raise MethodUnavailable from error
        resources.database.transact(partial(_open, attempt=attempt, offer=offer))
        return


def _closing(attempt: Row[Any], state: AttemptState) -> Callable[[UnitOfWork], None]:
    def close(unit: UnitOfWork) -> None:
        unit.connection.execute(
            update(tables.PaymentAttempt)
            .where(
                tables.PaymentAttempt.id == attempt.id,
                tables.PaymentAttempt.state == AttemptState.CREATED.value,
            )
            .values(state=state.value, to_cancel=True)
        )

    return close


def _open(unit: UnitOfWork, *, attempt: Row[Any], offer: Offer) -> None:
    """The QR may be shown. Money that came before the answer did is not undone by it."""
    payment = lock_payment(unit, attempt.payment_id)
    account = offer.account
    opened = unit.connection.execute(
        update(tables.PaymentAttempt)
        .where(
            tables.PaymentAttempt.id == attempt.id,
            tables.PaymentAttempt.state == AttemptState.CREATED.value,
        )
        .values(
            state=AttemptState.OPEN.value,
            provider_ref=offer.provider_ref,
            qr_text=offer.qr_text,
            expires_at=func.coalesce(offer.expires_at, tables.PaymentAttempt.expires_at),
            offer={
                "account": None
                if account is None
                else {
                    "bank": account.bank_name,
                    "number": account.number,
                    "holder": account.holder,
                },
                "memo": offer.memo,
            },
        )
    )
    if opened.rowcount != 1:
        # Replaced or paid meanwhile: the provider still has to know its name to be asked about it.
        unit.connection.execute(
            update(tables.PaymentAttempt)
            .where(tables.PaymentAttempt.id == attempt.id)
            .values(provider_ref=offer.provider_ref)
        )
        return
    if is_open(payment):
        state = PaymentState(payment.state)
        if state is PaymentState.CREATED:
            state = PaymentState.WAITING
        move_payment(unit, payment, state, cause="kiosk", actor=f"provider:{attempt.provider}")
