"""Asks a provider what became of an order, and books what it says: signed answers only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.exc import IntegrityError

from backend.domain.pursuit import find_next_query
from backend.errors import StorageUnavailable
from backend.events import Event
from backend.logging import log
from backend.services.apply_transaction import Applied, Source, apply_transaction
from backend.services.offer_payment import order_of
from backend.services.payment_methods import ask_provider
from backend.services.remote_party import NoAnswer
from backend.services.resources import Resources
from backend.storage import payment_tables as tables
from backend.storage.payments import (
    get_payment,
    is_open,
    list_attempts,
    lock_payment,
    move_payment,
)
from backend.storage.unit_of_work import UnitOfWork
from payments.errors import NotSupported, PaymentError
from payments.models import Credit, OrderReport, OrderStatus, Outcome, PlacedOrder
from payments.ports import PaymentProvider
from payments.states import AttemptState, PaymentState

LOST_RACES = 5
WAIT_S = 6.0
CLOCKS_APART = timedelta(minutes=5)
"""A minute after midnight here may be yesterday there."""
AT_ONCE = 1_000
_ENDS = {
    OrderStatus.FAILED: AttemptState.FAILED,
    OrderStatus.CANCELLED: AttemptState.CANCELLED,
    OrderStatus.EXPIRED: AttemptState.EXPIRED,
}


def check_payment(resources: Resources, payment_id: str) -> None:
    """What every provider that was asked for this payment says now. Raises PaymentNotFound."""
    with resources.database.read() as connection:
        payment = get_payment(connection, payment_id, facility_id=resources.database.facility_id)
        attempts = list_attempts(connection, payment_id) if is_open(payment) else []
    swept: set[str] = set()
    for attempt in attempts:
        provider = resources.providers.get(attempt.provider)
        if provider is not None and not provider.features().can_query:
            # One list tells of all its attempts, from the oldest on.
            if attempt.provider in swept:
                continue
            swept.add(attempt.provider)
        check_attempt(resources, attempt)


def check_attempt(resources: Resources, attempt: Row[Any]) -> bool:
    """True when the provider answered. What it said is booked."""
    provider = resources.providers.get(attempt.provider)
    if provider is None:
        return True
    try:
        if provider.features().can_query:
            report = ask_provider(
                resources, attempt.provider, lambda it: it.query(placed_of(attempt)), wait_s=WAIT_S
            )
            book_report(resources, attempt, report)
        elif provider.features().lists_credits:
            sweep_credits(resources, attempt.provider, since=attempt.created_at)
    except NoAnswer:
        return False
    except NotSupported:
        return True
    except PaymentError as error:
        log(Event.JOB_FAILED, error=error, job="check_payment", provider=attempt.provider)
        return False
    return True


def placed_of(attempt: Row[Any]) -> PlacedOrder:
    return PlacedOrder(order=order_of(attempt), provider_ref=attempt.provider_ref or attempt.key)


def sweep_credits(resources: Resources, name: str, *, since: datetime) -> None:
    """All money of the days since then: one question serves everybody who waits.

    Raises NoAnswer, PaymentError.
    """
    catalogue = resources.catalogue.get()
    today = catalogue.today(resources.database.clock())
    day = catalogue.today(since - CLOCKS_APART)
    while day <= today:
        asked = day

        def ask(provider: PaymentProvider) -> tuple[Credit, ...]:
            return provider.list_credits(asked)  # noqa: B023 - called before the day goes on

        book_credits(resources, ask_provider(resources, name, ask, wait_s=WAIT_S), source="query")
        day += timedelta(days=1)


def book_report(resources: Resources, attempt: Row[Any], report: OrderReport) -> None:
    book_credits(resources, report.credits, source="query")
    if not report.credits and report.status in _ENDS:
        end_attempt(resources, attempt, _ENDS[report.status])


def book_credits(
    resources: Resources, told: Sequence[Credit], *, source: Source, actor: str | None = None
) -> list[Applied]:
    """Each in a transaction of its own. Raises StorageUnavailable."""
    known = _known_transactions(resources, told) if source == "query" else frozenset()
    return [
        book_credit(resources, credit, source=source, actor=actor)
        for credit in told
        if (credit.provider, credit.account, credit.transaction_id) not in known
    ]


def _known_transactions(
    resources: Resources, told: Sequence[Credit]
) -> frozenset[tuple[str, str, str]]:
    """Of a list that is read again and again most are booked: they need no transaction."""
    row = tables.Credit
    ids = [credit.transaction_id for credit in told]
    known: set[tuple[str, str, str]] = set()
    with resources.database.read() as connection:
        for start in range(0, len(ids), AT_ONCE):
            found = connection.execute(
                select(row.provider, row.account, row.transaction_id).where(
                    row.facility_id == resources.database.facility_id,
                    row.transaction_id.in_(ids[start : start + AT_ONCE]),
                )
            )
            known |= {(each.provider, each.account, each.transaction_id) for each in found}
    return frozenset(known)


def book_credit(
    resources: Resources,
    credit: Credit,
    *,
    source: Source,
    actor: str | None = None,
    asks: bool = False,
    also: Callable[[UnitOfWork, Outcome], None] | None = None,
) -> Applied:
    """One credit in one transaction, run again when somebody else was at the same bill; `also`
    is done in it.

    Raises StorageUnavailable; NotWanted where the bank asked first.
    """
    catalogue = resources.catalogue.get()

    def book(unit: UnitOfWork) -> Applied:
        applied = apply_transaction(
            unit,
            resources.keys,
            catalogue,
            credit,
            source=source,
            actor=actor or f"provider:{credit.provider}",
            asks=asks,
        )
        if also is not None:
            also(unit, applied.outcome)
        return applied

    for _ in range(LOST_RACES):
        try:
            return resources.database.transact(book)
        except IntegrityError:
            continue
    raise StorageUnavailable


def end_attempt(resources: Resources, attempt: Row[Any], state: AttemptState) -> None:
    """The provider says that nobody pays this order any more. Touches this attempt alone: an
    older one's expiry says nothing about the payment.
    """

    def end(unit: UnitOfWork) -> None:
        # The payment first, as everybody does: otherwise two wait for each other.
        payment = lock_payment(unit, attempt.payment_id)
        table = tables.PaymentAttempt
        ended = unit.connection.execute(
            update(table)
            .where(
                table.id == attempt.id,
                table.state.in_((AttemptState.CREATED.value, AttemptState.OPEN.value)),
            )
            .values(state=state.value)
        )
        if ended.rowcount:
            move_payment(
                unit,
                payment,
                PaymentState(payment.state),
                cause="callback",
                actor=f"provider:{attempt.provider}",
            )

    resources.database.transact(end)


def find_next(resources: Resources, attempt: Row[Any]) -> datetime | None:
    return find_next_query(
        created_at=attempt.created_at,
        expires_at=attempt.expires_at,
        now=resources.database.clock(),
        zone=resources.catalogue.get().zone,
    )
