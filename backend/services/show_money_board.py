"""The day of QR money at a glance: what came, what waits, what somebody has to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, func, select

from backend.domain.money_figures import Figures, Tally, span_of
from backend.domain.outbox import DEAD_LETTERS, UNDER_WAY, Breaker
from backend.services.apply_transaction import POST_PAYMENT
from backend.services.count_money import count_figures, within
from backend.services.list_payments import GROUPS, ListedPayment, list_payments
from backend.services.list_suspense import count_suspense
from backend.services.payment_methods import party_of
from backend.services.resources import Resources
from backend.services.show_money_day import list_unsigned_days
from backend.services.show_shifts import Shift, find_open_shift
from backend.storage.outbox_tables import OutboxMessage
from backend.storage.parties import list_party_states
from backend.storage.payment_tables import Payment, PaymentRefund

NEWEST = 8
HIS = "his"


@dataclass(frozen=True, kw_only=True)
class ProviderView:
    """`away_since` None: it answers, as far as anybody has asked."""

    name: str
    offered: bool
    received: Tally
    away_since: datetime | None


@dataclass(frozen=True, kw_only=True)
class Posting:
    """Telling the HIS: `waiting` goes by itself, `dead` needs somebody."""

    waiting: int
    dead: int
    oldest_at: datetime | None
    away_since: datetime | None


@dataclass(frozen=True, kw_only=True)
class MoneyBoard:
    day: date
    figures: Figures
    providers: Sequence[ProviderView]
    groups: dict[str, Tally]
    """Payments begun today by how they stand; names of list_payments.GROUPS."""
    newest: Sequence[ListedPayment]
    held: Tally
    refunds_to_approve: int
    refunds_to_pay_out: int
    posting: Posting
    shift: Shift | None
    unsigned: Sequence[date]
    """Days that are over and nobody has signed."""


def show_money_board(resources: Resources) -> MoneyBoard:
    """Raises StorageUnavailable."""
    database = resources.database
    catalogue = resources.catalogue.get()
    now = database.clock()
    today = catalogue.today(now)
    span = span_of(today, catalogue.zone)
    with database.read() as connection:
        figures = count_figures(connection, within(database.facility_id, span))
        states = connection.execute(
            select(Payment.state, func.count(), func.sum(Payment.amount_vnd))
            .where(
                Payment.facility_id == database.facility_id,
                Payment.created_at >= span.since,
                Payment.created_at < span.until,
            )
            .group_by(Payment.state)
        ).all()
        refunds = connection.execute(
            select(PaymentRefund.state, PaymentRefund.by_provider, func.count())
            .where(
                PaymentRefund.facility_id == database.facility_id,
                PaymentRefund.state.in_(("requested", "approved")),
            )
            .group_by(PaymentRefund.state, PaymentRefund.by_provider)
        ).all()
        away = {
            row.party: row.opened_at
            for row in list_party_states(connection, facility_id=database.facility_id)
            if row.breaker != Breaker.CLOSED
        }
        posting = _look_at_posting(connection, database.facility_id, away.get(HIS))
    received = figures.by_provider()
    configured = {entry.name: entry.offered for entry in resources.config.payments}
    names = [*configured, *sorted(received.keys() - configured.keys())]
    return MoneyBoard(
        day=today,
        figures=figures,
        providers=[
            ProviderView(
                name=name,
                offered=configured.get(name, False),
                received=received.get(name, Tally()),
                away_since=away.get(party_of(name)),
            )
            for name in names
        ],
        groups={
            group: sum(
                (
                    Tally(count=count, amount_vnd=int(amount))
                    for state, count, amount in states
                    if state in members
                ),
                Tally(),
            )
            for group, members in GROUPS.items()
        },
        newest=list_payments(database)[:NEWEST],
        held=count_suspense(database),
        refunds_to_approve=sum(row[2] for row in refunds if row.state == "requested"),
        refunds_to_pay_out=sum(
            row[2] for row in refunds if row.state == "approved" and not row.by_provider
        ),
        posting=posting,
        shift=find_open_shift(database),
        unsigned=list_unsigned_days(database, catalogue),
    )


def _look_at_posting(
    connection: Connection, facility_id: str, away_since: datetime | None
) -> Posting:
    message = OutboxMessage
    rows = connection.execute(
        select(message.state, func.count(), func.min(message.created_at))
        .where(
            message.facility_id == facility_id,
            message.kind == POST_PAYMENT,
            message.settled_at.is_(None),
        )
        .group_by(message.state)
    ).all()
    waiting = [row for row in rows if row.state in UNDER_WAY]
    return Posting(
        waiting=sum(row[1] for row in waiting),
        dead=sum(row[1] for row in rows if row.state in DEAD_LETTERS),
        oldest_at=min((row[2] for row in waiting), default=None),
        away_since=away_since,
    )
