"""A bank's statement, or a provider's own list of a day, laid beside the books.

Every credit of it goes through the one door for money (`apply_transaction`): what is in the books
already changes nothing, what fits a payment exactly pays it, anything else is held for the
cashier. What does not agree is listed to the đồng; sums are never corrected. The same file again
is the same reconciliation, and changes nothing unless the books have changed meanwhile.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Row, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from backend.domain.catalogue import Catalogue
from backend.domain.ids import new_id
from backend.domain.ledger import Cause
from backend.domain.reconciling import (
    BankMove,
    BookedMove,
    Figures,
    Item,
    Kind,
    Pair,
    Standing,
    Way,
    add_up,
    judge_line,
    judge_missing,
    judge_refunds,
    match,
)
from backend.errors import StatementNotAccepted, StorageUnavailable
from backend.events import Event
from backend.services.apply_transaction import Source
from backend.services.check_payment import LOST_RACES, WAIT_S, book_credit
from backend.services.payment_methods import ask_provider, find_entry
from backend.services.resources import Resources
from backend.storage.payment_tables import Credit as CreditRow
from backend.storage.payment_tables import (
    JournalEntry,
    Payment,
    PaymentAttempt,
    PaymentRefund,
    SuspenseItem,
)
from backend.storage.reconciliation_tables import Reconciliation, ReconciliationItem
from backend.storage.unit_of_work import UnitOfWork
from payments.match_codes import find_match_codes
from payments.models import Credit, RefundState
from payments.models import Outcome as Applying
from payments.ports import PaymentProvider
from payments.statements import Debit, Layout, Statement, StatementRefused, read_statement
from payments.states import TO_POST

AT_ONCE = 400
"""Ids in one question: databases bound how many."""
AROUND = timedelta(days=1)
"""A movement near midnight may have another day at the bank."""
LIST_WAIT_S = 5 * WAIT_S
ALL_ACCOUNTS = "*"
"""A list of a provider that takes money for several."""
_SOURCES: dict[str, Source] = {"statement": "statement", "list": "query"}
_ACCOUNT_SETTINGS = ("account", "partner_code", "tmn_code", "app_id")
"""What a hospital's account or merchant number is called, by provider."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """`was_new` False: this file or list was reconciled before."""

    id: str
    was_new: bool
    signed: bool
    figures: Figures
    differences: int


Movement = TypeVar("Movement", Credit, Debit)


@dataclass(frozen=True)
class _Line(Generic[Movement]):
    row: int | None
    time_known: bool
    named: bool
    movement: Movement


@dataclass(frozen=True, kw_only=True)
class _Told:
    """What the other side says of some days. `content` is kept sealed."""

    provider: str
    account: str
    source: str
    layout: str
    content_key: str
    content: bytes
    first_day: date
    last_day: date
    credits: Sequence[_Line[Credit]]
    debits: Sequence[_Line[Debit]] = ()
    tells_debits: bool
    notes: Sequence[Item] = ()

    def covers(self, move: BookedMove) -> bool:
        """Whether it would have to tell of that credit."""
        if self.source == "list":
            return move.provider == self.provider
        return move.account == self.account


# --- what is laid beside ---------------------------------------------------------------------------


def reconcile_statement(
    resources: Resources,
    content: bytes,
    *,
    provider: str,
    account: str | None = None,
    layout: str | Layout = "auto",
    actor: str,
) -> Outcome:
    """`account`: the hospital's; without one that of the settings, or the only one money came to.

    Raises StatementNotAccepted, StorageUnavailable.
    """
    if find_entry(resources, provider) is None:
        raise StatementNotAccepted("statement-provider", "no bank or wallet of that name is set up")
    account = account or find_account(resources, provider)
    if account is None:
        raise StatementNotAccepted("statement-account", "it is not known whose account this is")
    try:
        statement = read_statement(content, layout=layout, provider=provider, account=account)
    except StatementRefused as error:
        raise StatementNotAccepted(error.code, str(error)) from error
    if statement.first_day is None or statement.last_day is None:
        raise StatementNotAccepted("statement-days", "it says neither its days nor any movement")
    return _reconcile(resources, _from_statement(statement, content), actor=actor)


def reconcile_list(resources: Resources, provider: str, day: date, *, actor: str) -> Outcome:
    """Asks the provider for all money of a day, whichever accounts it came to.

    Raises NoAnswer, PaymentError, StorageUnavailable.
    """

    def ask(it: PaymentProvider) -> tuple[Credit, ...]:
        return it.list_credits(day)

    listed = ask_provider(resources, provider, ask, wait_s=LIST_WAIT_S)
    told = _Told(
        provider=provider,
        account=find_account(resources, provider) or ALL_ACCOUNTS,
        source="list",
        layout="list",
        content_key=hashlib.sha256(f"list:{day.isoformat()}".encode()).hexdigest(),
        content=json.dumps([_as_json(credit) for credit in listed], ensure_ascii=False).encode(),
        first_day=day,
        last_day=day,
        credits=[_Line(None, True, True, credit) for credit in listed],
        tells_debits=False,
    )
    return _reconcile(resources, told, actor=actor)


def find_account(resources: Resources, provider: str) -> str | None:
    """Of the settings of a provider, or the only one that money came to."""
    entry = find_entry(resources, provider)
    settings = entry.settings if entry else {}
    named = next((settings[name] for name in _ACCOUNT_SETTINGS if settings.get(name)), None)
    if named is not None:
        return str(named)
    with resources.database.read() as connection:
        accounts = connection.scalars(
            select(CreditRow.account)
            .where(
                CreditRow.facility_id == resources.database.facility_id,
                CreditRow.provider == provider,
            )
            .distinct()
            .limit(2)
        ).all()
    return accounts[0] if len(accounts) == 1 else None


def _from_statement(statement: Statement, content: bytes) -> _Told:
    first_day, last_day = statement.first_day, statement.last_day
    if first_day is None or last_day is None:
        raise ValueError("a statement of no days")
    notes = [
        Item(kind=kind, row=note.row, detail=note.reason.value)
        for kind, group in ((Kind.UNREADABLE, statement.refused), (Kind.DOUBT, statement.doubts))
        for note in group
    ]
    return _Told(
        provider=statement.provider,
        account=statement.account,
        source="statement",
        layout=statement.layout,
        content_key=statement.sha256,
        content=content,
        first_day=first_day,
        last_day=last_day,
        credits=[
            _Line(line.row, line.time_known, line.named, line.credit)
            for line in statement.lines
            if line.credit
        ],
        debits=[
            _Line(line.row, line.time_known, line.named, line.debit)
            for line in statement.lines
            if line.debit
        ],
        tells_debits=True,
        notes=notes,
    )


def _as_json(credit: Credit) -> dict[str, Any]:
    return {
        "account": credit.account,
        "transaction_id": credit.transaction_id,
        "bank_reference": credit.bank_reference,
        "amount_vnd": credit.amount.amount_vnd,
        "paid_at": credit.paid_at.isoformat(),
        "memo": credit.memo,
        "order_key": credit.order_key,
        "payer": [credit.payer.name, credit.payer.account, credit.payer.bank],
    }


# --- laying it beside the books ----------------------------------------------------------------------


def _reconcile(resources: Resources, told: _Told, *, actor: str) -> Outcome:
    for _ in range(LOST_RACES):
        try:
            return _lay_beside(resources, told, actor=actor)
        except IntegrityError:
            continue  # somebody else has laid the same file down at this moment
    raise StorageUnavailable


def _lay_beside(resources: Resources, told: _Told, *, actor: str) -> Outcome:
    catalogue, facility_id = resources.catalogue.get(), resources.database.facility_id
    with resources.database.read() as connection:
        before = _find(connection, facility_id, told)
        if before is not None and before.signed_at is not None:
            return _outcome(before, was_new=False)
        brought_in = _list_brought_in(connection, before)
        booked = _list_booked(connection, facility_id, told, catalogue)
    lines = [_as_move(index, line, catalogue) for index, line in enumerate(told.credits)]
    pairs = []
    for pair in match(lines, booked):
        if pair.booked is None:
            credit = told.credits[pair.line.index].movement
            applied = book_credit(resources, credit, source=_SOURCES[told.source], actor=actor)
            if applied.outcome is not Applying.REPEATED:
                brought_in.add(applied.credit_id)
            pairs.append(
                replace(pair, booked=_as_booked(applied.credit_id, credit), way=Way.REFERENCE)
            )
        else:
            pairs.append(pair)
    with resources.database.read() as connection:
        items = _judge(connection, facility_id, told, catalogue, pairs, booked, brought_in)
        debits, refunds, about_refunds = _judge_refunds(connection, facility_id, told, catalogue)
    items += [*about_refunds, *told.notes]
    figures = add_up(lines, debits, refunds, items, day_of=catalogue.today)
    return resources.database.transact(
        lambda unit: _keep(unit, resources, told, items, figures, actor=actor)
    )


def _list_brought_in(connection: Connection, before: Row[Any] | None) -> set[str]:
    """Credits that came into the books by this very statement, when it was laid down first."""
    if before is None:
        return set()
    return set(
        connection.scalars(
            select(ReconciliationItem.credit_id).where(
                ReconciliationItem.reconciliation_id == before.id,
                ReconciliationItem.way == Way.BOOKED.value,
                ReconciliationItem.credit_id.is_not(None),
            )
        )
    )


def _as_move(index: int, line: _Line[Any], catalogue: Catalogue) -> BankMove:
    movement = line.movement
    return BankMove(
        index=index,
        row=line.row,
        provider=movement.provider,
        transaction_id=movement.transaction_id,
        reference=movement.bank_reference,
        named=line.named,
        amount_vnd=movement.amount.amount_vnd,
        at=movement.paid_at,
        time_known=line.time_known,
        codes=frozenset(find_match_codes(movement.memo, catalogue.settings.payment_prefix)),
        order_key=movement.order_key,
    )


def _as_booked(credit_id: str, credit: Credit) -> BookedMove:
    return BookedMove(
        id=credit_id,
        provider=credit.provider,
        account=credit.account,
        transaction_id=credit.transaction_id,
        reference=credit.bank_reference,
        amount_vnd=credit.amount.amount_vnd,
        at=credit.paid_at,
    )


def _list_booked(
    connection: Connection, facility_id: str, told: _Told, catalogue: Catalogue
) -> list[BookedMove]:
    """Credits to this account or by this provider, on these days and the ones around."""
    since, until = _span(told, catalogue)
    rows = connection.execute(
        select(
            CreditRow.id,
            CreditRow.provider,
            CreditRow.account,
            CreditRow.transaction_id,
            CreditRow.bank_reference,
            CreditRow.amount_vnd,
            CreditRow.paid_at,
            CreditRow.attempt_key,
            Payment.code,
        )
        .outerjoin(Payment, Payment.id == CreditRow.payment_id)
        .where(
            CreditRow.facility_id == facility_id,
            or_(CreditRow.account == told.account, CreditRow.provider == told.provider),
            CreditRow.paid_at >= since - AROUND,
            CreditRow.paid_at < until + AROUND,
        )
    )
    return [
        BookedMove(
            id=row.id,
            provider=row.provider,
            account=row.account,
            transaction_id=row.transaction_id,
            reference=row.bank_reference,
            amount_vnd=row.amount_vnd,
            at=row.paid_at,
            order_key=row.attempt_key,
            code=row.code,
        )
        for row in rows
    ]


def _span(told: _Told, catalogue: Catalogue) -> tuple[datetime, datetime]:
    since = datetime.combine(told.first_day, time(), tzinfo=catalogue.zone)
    until = datetime.combine(told.last_day + timedelta(days=1), time(), tzinfo=catalogue.zone)
    return since, until


def _judge(
    connection: Connection,
    facility_id: str,
    told: _Told,
    catalogue: Catalogue,
    pairs: Sequence[Pair],
    booked: Sequence[BookedMove],
    brought_in: set[str],
) -> list[Item]:
    paired = {pair.booked.id for pair in pairs if pair.booked}
    missing = [
        move
        for move in booked
        if move.id not in paired
        and told.covers(move)
        and told.first_day <= catalogue.today(move.at) <= told.last_day
    ]
    standings = _read_standings(connection, facility_id, [*paired, *(move.id for move in missing)])
    items = [
        judge_line(
            pair,
            replace(standings[pair.booked.id], brought_in=pair.booked.id in brought_in),
        )
        for pair in pairs
        if pair.booked
    ]
    return items + [judge_missing(move, standings[move.id]) for move in missing]


def _read_standings(
    connection: Connection, facility_id: str, credit_ids: Sequence[str]
) -> dict[str, Standing]:
    rows = [
        row
        for part in _parts(credit_ids)
        for row in connection.execute(
            select(
                CreditRow.id,
                CreditRow.amount_vnd,
                CreditRow.payment_id,
                Payment.state,
            )
            .outerjoin(Payment, Payment.id == CreditRow.payment_id)
            .where(CreditRow.facility_id == facility_id, CreditRow.id.in_(part))
        )
    ]
    held = _ids(
        connection,
        credit_ids,
        lambda part: select(SuspenseItem.credit_id).where(
            SuspenseItem.credit_id.in_(part),
            SuspenseItem.state == "open",
            SuspenseItem.reason == "unknown",
        ),
    )
    applied = _ids(
        connection,
        credit_ids,
        lambda part: select(JournalEntry.credit_id).where(
            JournalEntry.credit_id.in_(part), JournalEntry.cause == Cause.APPLIED.value
        ),
    )
    to_post = {state.value for state in TO_POST}
    return {
        row.id: Standing(
            credit_id=row.id,
            payment_id=row.payment_id,
            amount_vnd=row.amount_vnd,
            is_held=row.id in held,
            to_post=row.state in to_post and row.id in applied,
        )
        for row in rows
    }


def _ids(
    connection: Connection, ids: Sequence[str], question: Callable[[Sequence[str]], Any]
) -> set[str]:
    return {found for part in _parts(ids) for found in connection.scalars(question(part))}


def _parts(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    return (ids[start : start + AT_ONCE] for start in range(0, len(ids), AT_ONCE))


def _judge_refunds(
    connection: Connection, facility_id: str, told: _Told, catalogue: Catalogue
) -> tuple[list[BankMove], list[BookedMove], list[Item]]:
    """Lines that left, refunds of the books in these days, and what is to be said of them."""
    if not told.tells_debits:
        return [], [], []
    lines = [_as_move(index, line, catalogue) for index, line in enumerate(told.debits)]
    since, until = _span(told, catalogue)
    rows = connection.execute(
        select(
            PaymentRefund.id,
            PaymentRefund.amount_vnd,
            PaymentRefund.by_provider,
            PaymentRefund.provider_ref,
            PaymentRefund.done_at,
            PaymentAttempt.key,
            PaymentRefund.serial,
            CreditRow.provider,
            Payment.code,
        )
        .join(CreditRow, CreditRow.id == PaymentRefund.credit_id)
        .outerjoin(Payment, Payment.id == CreditRow.payment_id)
        .outerjoin(PaymentAttempt, PaymentAttempt.key == CreditRow.attempt_key)
        .where(
            PaymentRefund.facility_id == facility_id,
            PaymentRefund.state == RefundState.DONE.value,
            or_(CreditRow.account == told.account, CreditRow.provider == told.provider),
            PaymentRefund.done_at >= since - AROUND,
            PaymentRefund.done_at < until + AROUND,
        )
        .order_by(PaymentRefund.id)
    ).all()
    refunds = [
        BookedMove(
            id=row.id,
            provider=row.provider,
            account=told.account,
            transaction_id=row.provider_ref or "",
            reference=row.provider_ref or "",
            amount_vnd=row.amount_vnd,
            at=row.done_at,
            order_key=row.key,
            code=row.code,
        )
        for row in rows
    ]
    # Cash at the counter leaves no line at the bank.
    told_of = {
        row.id
        for row in rows
        if row.by_provider and told.first_day <= catalogue.today(row.done_at) <= told.last_day
    }
    items = judge_refunds(match(lines, refunds, suggest=False), refunds, told_of)
    within = [
        move for move in refunds if told.first_day <= catalogue.today(move.at) <= told.last_day
    ]
    return lines, within, items


# --- keeping it ------------------------------------------------------------------------------------


def _find(connection: Connection, facility_id: str, told: _Told) -> Row[Any] | None:
    return connection.execute(
        select(*(column for column in Reconciliation.__table__.c if column.name != "sealed")).where(
            Reconciliation.facility_id == facility_id,
            Reconciliation.provider == told.provider,
            Reconciliation.account == told.account,
            Reconciliation.content_key == told.content_key,
        )
    ).one_or_none()


def _keep(
    unit: UnitOfWork,
    resources: Resources,
    told: _Told,
    items: Sequence[Item],
    figures: Figures,
    *,
    actor: str,
) -> Outcome:
    """Raises IntegrityError when the same file is laid down twice at the same moment."""
    differences = sum(item.is_difference for item in items)
    before = _find(unit.connection, unit.facility_id, told)
    if before is not None and before.signed_at is not None:
        return _outcome(before, was_new=False)
    rows = [_row(position, item) for position, item in enumerate(items)]
    if before is not None and _same(unit.connection, before, rows, figures):
        _update(unit, before.id, checked_at=unit.now)
        return _outcome(before, was_new=False)
    reconciliation_id = before.id if before else new_id()
    if before is None:
        unit.connection.execute(
            insert(Reconciliation).values(
                id=reconciliation_id,
                facility_id=unit.facility_id,
                provider=told.provider,
                account=told.account,
                source=told.source,
                content_key=told.content_key,
                layout=told.layout,
                first_day=told.first_day,
                last_day=told.last_day,
                figures=figures.to_json(),
                differences=differences,
                sealed=_seal(resources, reconciliation_id, told),
                created_at=unit.now,
                created_by=actor,
                checked_at=unit.now,
            )
        )
    else:
        unit.connection.execute(
            delete(ReconciliationItem).where(
                ReconciliationItem.reconciliation_id == reconciliation_id
            )
        )
        _update(
            unit,
            reconciliation_id,
            figures=figures.to_json(),
            differences=differences,
            sealed=_seal(resources, reconciliation_id, told),
            checked_at=unit.now,
            version=Reconciliation.version + 1,
        )
    if rows:
        unit.connection.execute(
            insert(ReconciliationItem),
            [
                {
                    "id": new_id(),
                    "facility_id": unit.facility_id,
                    "reconciliation_id": reconciliation_id,
                    **row,
                }
                for row in rows
            ],
        )
    unit.audit(
        Event.PAYMENT_RECONCILED,
        actor=actor,
        subject=f"reconciliation:{reconciliation_id}",
        detail={"source": told.source, "lines": len(told.credits), "differences": differences},
    )
    unit.publish(Event.PAYMENT_RECONCILED, subject=f"reconciliation:{reconciliation_id}", detail={})
    return Outcome(
        id=reconciliation_id,
        was_new=before is None,
        signed=False,
        figures=figures,
        differences=differences,
    )


def _seal(resources: Resources, reconciliation_id: str, told: _Told) -> bytes:
    return resources.keys.seal(told.content, context=f"reconciliation:{reconciliation_id}")


def _update(unit: UnitOfWork, reconciliation_id: str, **values: Any) -> None:
    unit.connection.execute(
        update(Reconciliation).where(Reconciliation.id == reconciliation_id).values(**values)
    )


def _row(position: int, item: Item) -> dict[str, Any]:
    return {
        "position": position,
        "kind": item.kind.value,
        "way": item.way and item.way.value,
        "row": item.row,
        "at": item.at,
        "transaction_id": item.transaction_id or None,
        "expected_vnd": item.expected_vnd,
        "found_vnd": item.found_vnd,
        "credit_id": item.credit_id,
        "payment_id": item.payment_id,
        "refund_id": item.refund_id,
        "detail": item.detail or None,
    }


def _same(
    connection: Connection, before: Row[Any], rows: Sequence[dict[str, Any]], figures: Figures
) -> bool:
    kept = connection.execute(
        select(ReconciliationItem.__table__)
        .where(ReconciliationItem.reconciliation_id == before.id)
        .order_by(ReconciliationItem.position)
    ).all()
    return (
        before.figures == figures.to_json()
        and len(kept) == len(rows)
        and all(
            all(getattr(old, name) == value for name, value in new.items())
            for old, new in zip(kept, rows, strict=True)
        )
    )


def _outcome(row: Row[Any], *, was_new: bool) -> Outcome:
    return Outcome(
        id=row.id,
        was_new=was_new,
        signed=row.signed_at is not None,
        figures=Figures.from_json(row.figures),
        differences=row.differences,
    )
