"""A bank's statement, or a provider's own list of a day, laid beside the books.

Every credit of it goes through the one door for money (`apply_transaction`): what is in the books
already changes nothing, what fits a payment exactly pays it, anything else is held for the
cashier. What does not agree is listed to the đồng; sums are never corrected. The same file again
is the same reconciliation, and changes nothing unless the books have changed meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from backend.domain.catalogue import Catalogue
from backend.domain.reconciling import (
    BankMove,
    BookedMove,
    Item,
    Pair,
    Way,
    add_up,
    judge_line,
    judge_missing,
    judge_refunds,
    match,
)
from backend.errors import StatementNotAccepted, StorageUnavailable
from backend.services.apply_transaction import Source
from backend.services.check_payment import LOST_RACES, WAIT_S, book_credit
from backend.services.keep_reconciliation import (
    Outcome,
    as_outcome,
    find_reconciliation,
    keep_reconciliation,
    list_brought_in,
)
from backend.services.payment_methods import ask_provider, find_entry
from backend.services.resources import Resources
from backend.services.told_money import Told, ToldMoney, as_moves, tell_list, tell_statement
from backend.storage.booked_money import list_accounts, list_booked, list_refunds, read_standings
from payments.models import Credit
from payments.models import Outcome as Applying
from payments.ports import PaymentProvider
from payments.statements import AUTO, Layout, StatementRefused, read_statement

__all__ = ["Outcome", "find_account", "reconcile_list", "reconcile_statement"]

LIST_WAIT_S = 5 * WAIT_S
ALL_ACCOUNTS = "*"
"""A list of a provider that takes money for several."""
_SOURCES: dict[Told, Source] = {"statement": "statement", "list": "query"}
_ACCOUNT_SETTINGS = ("account", "partner_code", "tmn_code", "app_id")
"""What a hospital's account or merchant number is called, by provider."""


def reconcile_statement(
    resources: Resources,
    content: bytes,
    *,
    provider: str,
    account: str | None = None,
    layout: str | Layout = AUTO,
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
    told = tell_statement(statement, content, statement.first_day, statement.last_day)
    return _reconcile(resources, told, actor=actor)


def reconcile_list(resources: Resources, provider: str, day: date, *, actor: str) -> Outcome:
    """Asks the provider for all money of a day, whichever accounts it came to.

    Raises StatementNotAccepted for one nobody set up, NoAnswer, PaymentError, StorageUnavailable.
    """
    if provider not in resources.providers:
        raise StatementNotAccepted("statement-provider", "no bank or wallet of that name is set up")

    def ask(it: PaymentProvider) -> tuple[Credit, ...]:
        return it.list_credits(day)

    listed = ask_provider(resources, provider, ask, wait_s=LIST_WAIT_S)
    account = find_account(resources, provider) or ALL_ACCOUNTS
    told = tell_list(listed, provider=provider, account=account, day=day)
    return _reconcile(resources, told, actor=actor)


def find_account(resources: Resources, provider: str) -> str | None:
    """Of the settings of a provider, or the only one that money came to."""
    entry = find_entry(resources, provider)
    settings = entry.settings if entry else {}
    named = next((settings[name] for name in _ACCOUNT_SETTINGS if settings.get(name)), None)
    if named is not None:
        return str(named)
    with resources.database.read() as connection:
        accounts = list_accounts(connection, resources.database.facility_id, provider)
    return accounts[0] if len(accounts) == 1 else None


def _reconcile(resources: Resources, told: ToldMoney, *, actor: str) -> Outcome:
    for _ in range(LOST_RACES):
        try:
            return _lay_beside(resources, told, actor=actor)
        except IntegrityError:
            continue  # somebody else has laid the same file down at this moment
    raise StorageUnavailable


def _lay_beside(resources: Resources, told: ToldMoney, *, actor: str) -> Outcome:
    catalogue, facility_id = resources.catalogue.get(), resources.database.facility_id
    where = _where(told, catalogue)
    with resources.database.read() as connection:
        before = find_reconciliation(connection, facility_id, told)
        if before is not None and before.signed_at is not None:
            return as_outcome(before)
        brought_in = list_brought_in(connection, before)
        booked = list_booked(connection, facility_id, **where)
    lines = as_moves(told.credits, catalogue)
    pairs = [
        pair if pair.booked else _bring_in(resources, told, pair, brought_in, actor=actor)
        for pair in match(lines, booked)
    ]
    with resources.database.read() as connection:
        items = _judge(connection, facility_id, told, catalogue, pairs, booked, brought_in)
        debits: list[BankMove] = []
        refunds: list[BookedMove] = []
        if told.tells_debits:
            debits = as_moves(told.debits, catalogue)
            refunds, by_provider = list_refunds(connection, facility_id, **where)
            within = [each for each in refunds if _is_within(told, catalogue, each)]
            # Cash at the counter leaves no line at the bank.
            missing = {each.id for each in within} & by_provider
            items += judge_refunds(match(debits, refunds, suggest=False), refunds, missing)
            refunds = within
    items += told.notes
    figures = add_up(lines, debits, refunds, items, day_of=catalogue.today)
    return resources.database.transact(
        lambda unit: keep_reconciliation(unit, resources.keys, told, items, figures, actor=actor)
    )


def _where(told: ToldMoney, catalogue: Catalogue) -> dict[str, Any]:
    def start(day: date) -> datetime:
        return datetime.combine(day, time(), tzinfo=catalogue.zone)

    return {
        "account": told.account,
        "provider": told.provider,
        "since": start(told.first_day),
        "until": start(told.last_day + timedelta(days=1)),
    }


def _is_within(told: ToldMoney, catalogue: Catalogue, move: BookedMove) -> bool:
    return told.first_day <= catalogue.today(move.at) <= told.last_day


def _bring_in(
    resources: Resources, told: ToldMoney, pair: Pair, brought_in: set[str], *, actor: str
) -> Pair:
    credit = told.credits[pair.line.index].movement
    applied = book_credit(resources, credit, source=_SOURCES[told.source], actor=actor)
    if applied.outcome is not Applying.REPEATED:
        brought_in.add(applied.credit_id)
    booked = BookedMove(
        id=applied.credit_id,
        provider=credit.provider,
        account=credit.account,
        transaction_id=credit.transaction_id,
        reference=credit.bank_reference,
        amount_vnd=credit.amount.amount_vnd,
        at=credit.paid_at,
    )
    return replace(pair, booked=booked, way=Way.REFERENCE)


def _judge(
    connection: Connection,
    facility_id: str,
    told: ToldMoney,
    catalogue: Catalogue,
    pairs: Sequence[Pair],
    booked: Sequence[BookedMove],
    brought_in: set[str],
) -> list[Item]:
    paired = {pair.booked.id for pair in pairs if pair.booked}
    missing = [
        move
        for move in booked
        if move.id not in paired and told.covers(move, catalogue.today(move.at))
    ]
    ids = [*sorted(paired), *(move.id for move in missing)]
    standings = {
        credit_id: replace(standing, brought_in=credit_id in brought_in)
        for credit_id, standing in read_standings(connection, facility_id, ids).items()
    }
    items = [judge_line(pair, standings[pair.booked.id]) for pair in pairs if pair.booked]
    return items + [judge_missing(move, standings[move.id]) for move in missing]
