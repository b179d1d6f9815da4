"""Money of the demo hospital as it lies there on an ordinary morning: for pictures.

It comes in by the one door, as any money does; what the HIS would have entered is entered here,
so that the pictures do not wait for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select, update

from backend.domain.ids import new_id
from backend.domain.ledger import Cause
from backend.domain.money_figures import span_of
from backend.domain.roles import StaffRole
from backend.services.apply_transaction import apply_transaction
from backend.services.approve_refund import approve_refund
from backend.services.close_day import close_day
from backend.services.open_shift import open_shift
from backend.services.recognise_caller import Caller
from backend.services.staff_sessions import DEMO_ID
from backend.storage import payment_tables as tables
from backend.storage.catalogue import load_catalogue
from backend.storage.crypto import demo_keys
from backend.storage.database import Database
from backend.storage.number_tables import Ticket
from backend.storage.outbox_tables import OutboxMessage
from backend.storage.payments import list_lines, lock_payment, move_payment, write_journal
from backend.storage.unit_of_work import UnitOfWork
from payments.match_codes import new_match_code
from payments.models import Credit, Money, Payer
from payments.statements import StatementLine
from payments.statements.writing import write_statement
from payments.states import PaymentState
from tiepdon.demo.hall import open_records

CONFIG = """\
[[provider]]
name = "bidv"
kind = "sandbox"
settings = { account = "1200000000001", lists_credits = false }
label_vi = "Ngân hàng (VietQR)"
label_en = "Bank app (VietQR)"
[[provider]]
name = "momo"
kind = "sandbox"
settings = { account = "MOMOBINHAN", lists_credits = false }
label_vi = "Ví MoMo"
label_en = "MoMo wallet"
[[provider]]
name = "zalopay"
kind = "sandbox"
settings = { account = "2553", lists_credits = false }
label_vi = "Ví ZaloPay"
label_en = "ZaloPay wallet"
"""
"""For TIEPDON_PAYMENTS_CONFIG: three ways of paying that never leave the house."""

ACCOUNTS = {"bidv": "1200000000001", "momo": "MOMOBINHAN", "zalopay": "2553"}
LONG = timedelta(days=2)
PAYING_S = 42
MORNING = (
    ("bidv", 150_000), ("momo", 86_500), ("bidv", 312_000), ("bidv", 36_500), ("zalopay", 97_000),
    ("bidv", 540_000), ("momo", 150_000), ("bidv", 75_000),
)  # fmt: skip
YESTERDAY = (("bidv", 210_000), ("bidv", 36_500), ("momo", 125_000), ("bidv", 1_480_000))


def staff_of(name: str, display_name: str, role: StaffRole) -> Caller:
    """A demo account, as its session would name it."""
    return Caller(role="staff", id=f"{DEMO_ID}{name}", name=display_name, roles=frozenset({role}))


CASHIER = staff_of("thungan", "Vũ Thị Ngân", StaffRole.CASHIER)
OFFICE = staff_of("ketoan", "Đặng Thị Toán", StaffRole.ACCOUNTANT)


@dataclass(kw_only=True)
class Story:
    """Ids that pictures open."""

    payment_id: str
    unknown_id: str
    held_id: str
    refund_item_id: str
    shift_id: str
    yesterday: str
    """ISO 8601."""
    statement: bytes
    """Of the bank for yesterday: one payment is missing, one transfer the books do not have."""


@dataclass
class StoryClock:
    """Stands still until it is set."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now

    def set(self, at: datetime) -> None:
        self.now = at.astimezone(UTC)

    def advance(self, *, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Purse:
    """Brings money in at the time of its clock."""

    database: Database
    clock: StoryClock
    _serials: Iterator[int] = field(default_factory=lambda: count(101))

    def pay(
        self, amount_vnd: int, provider: str, *, visit_id: str | None = None, **more: Any
    ) -> str:
        """A payment that was paid, and entered in the HIS unless `posted` is False."""
        posted = more.pop("posted", True)
        payment_id = self.begin(amount_vnd, provider, visit_id=visit_id, **more)
        self.receive(amount_vnd, provider, payment_id=payment_id, posted=posted)
        return payment_id

    def begin(
        self,
        amount_vnd: int,
        provider: str,
        *,
        visit_id: str | None = None,
        kind: str = "fees",
        state: str = "waiting",
    ) -> str:
        payment_id, serial = new_id(), next(self._serials)
        code = new_match_code("VP")
        is_fees = kind == "fees"
        with self.database.write() as unit:
            unit.add(
                tables.Payment,
                id=payment_id,
                code=code,
                kind=kind,
                state=state,
                amount_vnd=amount_vnd,
                visit_id=visit_id,
                patient_ref=f"BN{2_600_000 + serial}",
                language="vi",
                method=provider,
                created_at=unit.now,
                expires_at=unit.now + LONG,
                fee_checked_at=unit.now + LONG,
            )
            trail = [("created", 0, "kiosk"), ("waiting", 1, "kiosk")]
            trail += [("expired", 600, "time")] if state == "expired" else []
            for reached, after_s, cause in trail:
                unit.add(
                    tables.PaymentChange,
                    id=new_id(),
                    payment_id=payment_id,
                    at=unit.now + timedelta(seconds=after_s),
                    state=reached,
                    cause=cause,
                    actor="kiosk:demo" if cause == "kiosk" else "job:pursue_payments",
                    reason="timed_out" if cause == "time" else None,
                )
            unit.add(
                tables.PaymentLine,
                id=new_id(),
                payment_id=payment_id,
                position=0,
                invoice_ref=f"HD-26-{serial}" if is_fees else None,
                invoice_code=f"HD-26-{serial}" if is_fees else None,
                title_vi="Công khám, xét nghiệm" if is_fees else "Tạm ứng",
                amount_vnd=amount_vnd,
                is_open=state == "waiting",
            )
            unit.add(
                tables.PaymentAttempt,
                id=new_id(),
                payment_id=payment_id,
                attempt=1,
                key=f"{code}-1",
                provider=provider,
                state="open" if state == "waiting" else "expired",
                amount_vnd=amount_vnd,
                provider_ref=f"{code}-1",
                created_at=unit.now,
                expires_at=unit.now + LONG,
            )
        return payment_id

    def receive(
        self,
        amount_vnd: int,
        provider: str,
        *,
        payment_id: str | None = None,
        memo: str = "",
        posted: bool = False,
    ) -> str:
        """The id of the credit."""
        serial = next(self._serials)
        self.clock.advance(seconds=PAYING_S)
        with self.database.read() as connection:
            catalogue = load_catalogue(connection, self.database.facility_id)
            code = connection.scalar(
                select(tables.Payment.code).where(tables.Payment.id == payment_id)
            )

        def take(unit: UnitOfWork) -> str:
            credit = Credit(
                provider=provider,
                account=ACCOUNTS[provider],
                transaction_id=f"{provider.upper()}-{26_110_000 + serial}",
                bank_reference=f"FT26330{serial:06d}" if provider == "bidv" else "",
                amount=Money(amount_vnd),
                paid_at=unit.now - timedelta(seconds=1),
                memo=memo or (code or ""),
                order_key=f"{code}-1" if code and not memo else None,
                payer=Payer(name="TRAN VAN TRA", account="0071000123456", bank="VCB"),
            )
            applied = apply_transaction(
                unit,
                demo_keys(),
                catalogue,
                credit,
                source="callback",
                actor=f"provider:{provider}",
            )
            unit.flush()
            if posted and applied.payment_id is not None:
                _enter(unit, applied.payment_id, provider, applied.credit_id)
            return applied.credit_id

        return self.database.transact(take)

    def find_item(self, credit_id: str) -> str:
        with self.database.read() as connection:
            found = connection.scalar(
                select(tables.SuspenseItem.id)
                .where(tables.SuspenseItem.credit_id == credit_id)
                .order_by(tables.SuspenseItem.id.desc())
                .limit(1)
            )
        return str(found)

    def ask_refund(self, item_id: str, amount_vnd: int, reason: str, *, by_hand: bool) -> str:
        """A wish of the cashier, as its page would write it."""
        refund_id = new_id()
        with self.database.write() as unit:
            credit_id = unit.connection.scalar(
                select(tables.SuspenseItem.credit_id).where(tables.SuspenseItem.id == item_id)
            )
            unit.connection.execute(
                update(tables.SuspenseItem)
                .where(tables.SuspenseItem.id == item_id)
                .values(state="refunding", version=tables.SuspenseItem.version + 1)
            )
            unit.add(
                tables.PaymentRefund,
                id=refund_id,
                item_id=item_id,
                credit_id=credit_id,
                serial=1,
                amount_vnd=amount_vnd,
                by_provider=not by_hand,
                state="requested",
                reason=reason,
                requested_by=CASHIER.actor,
                requested_at=unit.now,
            )
        return refund_id


def bring_money(url: str) -> Story:
    """Yesterday and this morning: paid, held, to be given back, a day to be closed."""
    now = datetime.now(UTC)
    with _records(url, now) as (database, clock):
        with database.read() as connection:
            catalogue = load_catalogue(connection, database.facility_id)
            visits = list(
                connection.scalars(select(Ticket.visit_id).order_by(Ticket.id.desc()).limit(9))
            )
        zone = catalogue.zone
        today = catalogue.today(now)
        purse = Purse(database, clock)
        for back, amounts in ((2, YESTERDAY[:2]), (1, YESTERDAY)):
            noon = datetime.combine(today - timedelta(days=back), time(9), tzinfo=zone)
            for number, (provider, amount_vnd) in enumerate(amounts):
                clock.set(noon + timedelta(minutes=17 * number))
                purse.pay(amount_vnd, provider)
        purse.receive(65_000, "bidv", memo="gui tien thuoc")
        clock.set(datetime.combine(today - timedelta(days=1), time(8), tzinfo=zone))
        close_day(database, catalogue, today - timedelta(days=2), staff=OFFICE, note="đã đối chiếu")
        start = now - timedelta(minutes=95)
        clock.set(start)
        shift_id = open_shift(database, staff=CASHIER)
        paid = []
        for number, (provider, amount_vnd) in enumerate(MORNING):
            clock.set(start + timedelta(minutes=2 + 9 * number))
            visit_id = visits[number] if number < len(visits) else None
            paid.append(purse.pay(amount_vnd, provider, visit_id=visit_id))
        clock.set(now - timedelta(minutes=16))
        purse.pay(1_000_000, "bidv", kind="advance", visit_id=visits[0] if visits else None)
        late = purse.begin(118_000, "bidv", state="expired")
        clock.set(now - timedelta(minutes=11))
        twice = purse.find_item(purse.receive(312_000, "bidv", payment_id=paid[2]))
        clock.set(now - timedelta(minutes=9))
        unknown = purse.find_item(purse.receive(118_000, "bidv", memo="chuyen tien vien phi"))
        clock.set(now - timedelta(minutes=7))
        momo = purse.find_item(purse.receive(86_500, "momo", payment_id=paid[1]))
        clock.set(now - timedelta(minutes=4))
        by_hand = purse.ask_refund(momo, 86_500, "ví báo trả hai lần", by_hand=True)
        approve_refund(database, by_hand, staff=OFFICE)
        purse.ask_refund(twice, 312_000, "trả hai lần, người nhà quét thêm", by_hand=False)
        clock.set(now - timedelta(minutes=2))
        purse.begin(64_000, "momo", kind="advance", visit_id=visits[1] if len(visits) > 1 else None)
        return Story(
            payment_id=paid[2],
            unknown_id=unknown,
            held_id=late,
            refund_item_id=twice,
            shift_id=shift_id,
            yesterday=(today - timedelta(days=1)).isoformat(),
            statement=_write_statement(database, today - timedelta(days=1), zone),
        )


def _write_statement(database: Database, day: date, zone: ZoneInfo) -> bytes:
    span = span_of(day, zone)
    credit = tables.Credit
    with database.read() as connection:
        rows = connection.execute(
            select(credit.__table__)
            .where(credit.provider == "bidv", credit.paid_at.between(span.since, span.until))
            .order_by(credit.paid_at)
        ).all()
    told = [
        Credit(
            provider=row.provider,
            account=row.account,
            transaction_id=row.transaction_id,
            bank_reference=row.bank_reference,
            amount=Money(row.amount_vnd),
            paid_at=row.paid_at.astimezone(zone),
            memo="THANH TOAN QR",
        )
        for row in rows
    ]
    unknown = replace(
        told[0],
        transaction_id="FT26329000777",
        bank_reference="FT26329000777",
        amount=Money(45_000),
        paid_at=told[0].paid_at + timedelta(hours=5),
        memo="CHUYEN TIEN",
    )
    lines = [StatementLine(row=1, credit=each) for each in (*told[:1], *told[2:], unknown)]
    return write_statement(
        lines, layout="bidv", account=ACCOUNTS["bidv"], opening=Money(12_500_000), days=(day, day)
    )


def _enter(unit: UnitOfWork, payment_id: str, provider: str, credit_id: str) -> None:
    """As the HIS would have answered a moment later."""
    unit.connection.execute(delete(OutboxMessage).where(OutboxMessage.kind == "his.post_payment"))
    payment = lock_payment(unit, payment_id)
    for line in list_lines(unit.connection, payment_id):
        unit.now += timedelta(seconds=2)
        unit.connection.execute(
            update(tables.PaymentLine)
            .where(tables.PaymentLine.id == line.id)
            .values(posted_at=unit.now, is_open=False, his_ref=f"PT-{line.id[-5:]}")
        )
        write_journal(
            unit,
            Cause.POSTED,
            Money(line.amount_vnd),
            provider=provider,
            actor="job:post_payment",
            credit_id=credit_id,
            payment_id=payment_id,
            line_id=line.id,
        )
    move_payment(
        unit,
        payment,
        PaymentState.POSTED,
        cause="his",
        actor="job:post_payment",
        posted_at=unit.now,
    )


@contextmanager
def _records(url: str, now: datetime) -> Iterator[tuple[Database, StoryClock]]:
    with open_records(url) as records:
        clock = StoryClock(now)
        yield Database(records.engine, facility_id=records.facility_id, clock=clock), clock
