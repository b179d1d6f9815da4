"""A business day as it stands, and as it was signed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, func, select
from sqlalchemy.orm import InstrumentedAttribute

from backend.domain.catalogue import Catalogue
from backend.domain.money_figures import DayFigures, Span, Tally, is_over, span_of
from backend.services.count_money import (
    count_balances,
    count_figures,
    share_among_shifts,
    within,
)
from backend.services.list_suspense import OPEN_STATES
from backend.storage.cashier_tables import DayClose
from backend.storage.database import Database
from backend.storage.payment_tables import JournalEntry, Payment, PaymentRefund, SuspenseItem
from backend.storage.queue_tables import Step
from payments.states import PAID_PAYMENTS, TO_POST

MAX_DAYS = 62
LOOKED_BACK = 14
"""Days whose signature is asked for on the board."""
PAID_LATER = timedelta(days=3)
"""A payment is paid this long after it was begun at the latest, or it counts where it came."""
OPEN_REFUNDS = ("requested", "approved", "processing")


@dataclass(frozen=True, kw_only=True)
class MoneyDay:
    """`figures` as they are counted now. Once it is closed they must be what was `signed`."""

    day: date
    is_over: bool
    figures: DayFigures
    signed: DayFigures | None = None
    closed_at: datetime | None = None
    closed_name: str | None = None
    note: str | None = None

    @property
    def is_closed(self) -> bool:
        return self.signed is not None

    @property
    def differs(self) -> bool:
        """The movements of a signed day are no longer what was signed: somebody has to look."""
        if self.signed is None:
            return False
        return (self.signed.figures.moved, self.signed.balances) != (
            self.figures.figures.moved,
            self.figures.balances,
        )


@dataclass(frozen=True, kw_only=True)
class ListedDay:
    day: date
    received: Tally
    closed_at: datetime | None
    closed_name: str | None


def show_money_day(database: Database, catalogue: Catalogue, day: date) -> MoneyDay:
    """Raises StorageUnavailable."""
    zone = catalogue.zone
    with database.read() as connection:
        figures = count_day(connection, database.facility_id, day, span_of(day, zone))
        close = connection.execute(
            select(DayClose.__table__).where(
                DayClose.facility_id == database.facility_id, DayClose.day == day
            )
        ).one_or_none()
    shown = MoneyDay(day=day, is_over=is_over(day, zone, database.clock()), figures=figures)
    if close is None:
        return shown
    return replace(
        shown,
        signed=DayFigures.from_json(close.figures),
        closed_at=close.closed_at,
        closed_name=close.closed_name,
        note=close.note,
    )


def list_money_days(database: Database, catalogue: Catalogue) -> list[ListedDay]:
    """Days on which money moved or that were closed, the newest first; today is among them."""
    zone, now = catalogue.zone, database.clock()
    today = catalogue.today(now)
    first = today - timedelta(days=MAX_DAYS - 1)
    with database.read() as connection:
        closed = {
            row.day: row
            for row in connection.execute(
                select(DayClose.day, DayClose.closed_at, DayClose.closed_name).where(
                    DayClose.facility_id == database.facility_id, DayClose.day >= first
                )
            )
        }
        oldest = connection.scalar(
            select(func.min(JournalEntry.at)).where(
                JournalEntry.facility_id == database.facility_id,
                JournalEntry.at >= span_of(first, zone).since,
            )
        )
        start = oldest.astimezone(zone).date() if oldest is not None else today
        listed = []
        for back in range((today - start).days + 1):
            day = today - timedelta(days=back)
            count, amount = connection.execute(
                select(func.count(), func.coalesce(func.sum(JournalEntry.amount_vnd), 0)).where(
                    within(database.facility_id, span_of(day, zone)),
                    JournalEntry.cause == "received",
                )
            ).one()
            close = closed.get(day)
            if count or close is not None or day == today:
                listed.append(
                    ListedDay(
                        day=day,
                        received=Tally(count=int(count), amount_vnd=int(amount)),
                        closed_at=close.closed_at if close else None,
                        closed_name=close.closed_name if close else None,
                    )
                )
    return listed


def list_unsigned_days(database: Database, catalogue: Catalogue) -> list[date]:
    """Days that are over, on which money came, and that nobody has signed; the newest first."""
    now = database.clock()
    today = catalogue.today(now)
    days = [today - timedelta(days=back) for back in range(1, LOOKED_BACK + 1)]
    with database.read() as connection:
        signed = set(
            connection.scalars(
                select(DayClose.day).where(
                    DayClose.facility_id == database.facility_id, DayClose.day.in_(days)
                )
            )
        )
        return [
            day
            for day in days
            if day not in signed
            and is_over(day, catalogue.zone, now)
            and connection.scalar(
                select(JournalEntry.id)
                .where(within(database.facility_id, span_of(day, catalogue.zone)))
                .limit(1)
            )
            is not None
        ]


def count_day(connection: Connection, facility_id: str, day: date, span: Span) -> DayFigures:
    item, refund, payment = SuspenseItem, PaymentRefund, Payment
    mine = item.facility_id == facility_id
    settled = connection.execute(
        select(item.state, func.count(), func.sum(item.amount_vnd))
        .where(mine, item.settled_at >= span.since, item.settled_at < span.until)
        .group_by(item.state)
    )
    shifts, outside = share_among_shifts(connection, facility_id, span)
    return DayFigures(
        figures=count_figures(connection, within(facility_id, span)),
        balances=count_balances(connection, facility_id, until=span.until),
        held_opened=_count(
            connection,
            item.amount_vnd,
            and_(mine, item.opened_at >= span.since, item.opened_at < span.until),
        ),
        held_settled={
            state: Tally(count=int(count), amount_vnd=int(amount))
            for state, count, amount in settled
        },
        open_held=_count(connection, item.amount_vnd, and_(mine, item.state.in_(OPEN_STATES))),
        open_refunds=_count(
            connection,
            refund.amount_vnd,
            and_(refund.facility_id == facility_id, refund.state.in_(OPEN_REFUNDS)),
        ),
        unposted=_count(
            connection,
            payment.amount_vnd,
            and_(payment.facility_id == facility_id, payment.state.in_(sorted(TO_POST))),
        ),
        shifts=shifts,
        outside=outside,
        cashless=_count(
            connection,
            payment.amount_vnd,
            and_(
                payment.facility_id == facility_id,
                payment.created_at >= span.since - PAID_LATER,
                payment.created_at < span.until,
                payment.paid_at >= span.since,
                payment.paid_at < span.until,
                payment.state.in_(sorted(PAID_PAYMENTS)),
            ),
        ),
        at_counter=connection.scalar(
            select(func.count()).where(
                Step.facility_id == facility_id,
                Step.day == day,
                Step.kind == "cashier",
                Step.state == "done",
            )
        )
        or 0,
    )


def _count(
    connection: Connection, amount: InstrumentedAttribute[int], wanted: ColumnElement[bool]
) -> Tally:
    count, total = connection.execute(
        select(func.count(), func.coalesce(func.sum(amount), 0)).where(wanted)
    ).one()
    return Tally(count=int(count), amount_vnd=int(total))
