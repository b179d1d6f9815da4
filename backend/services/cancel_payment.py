"""A patient does not want to pay now after all: the provider first, then one more look, then over."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, update

from backend.events import Event
from backend.logging import log
from backend.services.check_payment import WAIT_S, check_payment, placed_of
from backend.services.payment_methods import ask_provider
from backend.services.recognise_caller import Caller
from backend.services.remote_party import NoAnswer
from backend.services.resources import Resources
from backend.storage import payment_tables as tables
from backend.storage.payments import (
    end_payment,
    get_payment,
    is_open,
    list_attempts,
    lock_payment,
)
from backend.storage.unit_of_work import UnitOfWork
from payments.errors import NotSupported, PaymentError
from payments.states import AttemptState, PaymentState

_LIVE = {AttemptState.CREATED, AttemptState.OPEN}


def cancel_payment(resources: Resources, payment_id: str, *, reason: str, kiosk: Caller) -> None:
    """Afterwards it has ended, or is paid: money that came first counts.

    A part that came stays held for the cashier. Raises PaymentNotFound.
    """
    with resources.database.read() as connection:
        payment = get_payment(connection, payment_id, facility_id=resources.database.facility_id)
        attempts = list_attempts(connection, payment_id)
    if not is_open(payment):
        return
    for attempt in attempts:
        if attempt.state in _LIVE:
            cancel_at_provider(resources, attempt)
    check_payment(resources, payment_id)

    def cancel(unit: UnitOfWork) -> None:
        now = lock_payment(unit, payment_id)
        if is_open(now):
            end_payment(
                unit,
                now,
                PaymentState.CANCELLED,
                cause="kiosk",
                actor=kiosk.actor,
                reason=reason,
            )

    resources.database.transact(cancel)


def cancel_at_provider(resources: Resources, attempt: Row[Any]) -> bool:
    """True when there is nothing left to tell: it is closed there, or cannot be."""
    if attempt.provider not in resources.providers:
        return True
    try:
        ask_provider(
            resources, attempt.provider, lambda it: it.cancel(placed_of(attempt)), wait_s=WAIT_S
        )
    except NotSupported:
        return True
    except NoAnswer:
        return False
    except PaymentError as error:
        log(Event.JOB_FAILED, error=error, job="cancel_payment", provider=attempt.provider)
        return True
    return True


def note_cancelled(unit: UnitOfWork, attempt_id: str) -> None:
    unit.connection.execute(
        update(tables.PaymentAttempt)
        .where(tables.PaymentAttempt.id == attempt_id)
        .values(to_cancel=False)
    )
