"""Transactions as Casso writes them: one shape in webhooks, another in lists. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from payments.errors import MalformedCallback, NotOurs
from payments.fields import local_moment, required, text_of, whole_vnd
from payments.models import Credit, Money, Notice, NoticeKind, Payer
from payments.providers.casso.config import CassoConfig

_MAX_MEMO_CHARS = 500
_TEST_ID = "0"


def read_notice(
    content: Mapping[str, Any], config: CassoConfig, *, provider: str, sent_at: datetime
) -> Notice:
    """The signature was checked. Raises MalformedCallback, NotOurs."""
    data = content.get("data")
    try:
        if not isinstance(data, dict):
            raise MalformedCallback("no transaction")
        if required(data, "id", most=40) == _TEST_ID:
            return Notice(kind=NoticeKind.TEST, sent_at=sent_at)
        if not moves_in(data):
            return Notice(kind=NoticeKind.OTHER, sent_at=sent_at)
        credit = _make_credit(
            data,
            config,
            provider=provider,
            accounts=(text_of(data, "accountNumber"), text_of(data, "virtualAccountNumber")),
            reference=text_of(data, "reference", most=64),
            paid_at=local_moment(required(data, "transactionDateTime", most=40)),
            payer=("counterAccountName", "counterAccountNumber", "counterAccountBankId"),
        )
    except (ValueError, TypeError, OverflowError) as error:
        raise MalformedCallback("of another shape") from error
    return Notice(kind=NoticeKind.CREDIT, credits=(credit,), sent_at=sent_at)


def read_listed(record: Mapping[str, Any], config: CassoConfig, *, provider: str) -> Credit | None:
    """None: money that left, or of another account. Raises ValueError, TypeError."""
    if not moves_in(record):
        return None
    try:
        return _make_credit(
            record,
            config,
            provider=provider,
            accounts=(text_of(record, "bankSubAccId"), text_of(record, "virtualAccount")),
            reference=text_of(record, "tid", most=64),
            paid_at=listed_at(record),
            payer=("corresponsiveName", "corresponsiveAccount", "corresponsiveBankId"),
        )
    except NotOurs:
        return None


def listed_at(record: Mapping[str, Any]) -> datetime:
    return local_moment(required(record, "when", most=40))


def moves_in(content: Mapping[str, Any]) -> bool:
    """Casso writes money that leaves with a minus. Raises TypeError."""
    amount = content.get("amount")
    if isinstance(amount, bool) or not isinstance(amount, int | float):
        raise TypeError("amount")
    return amount > 0


def _make_credit(
    content: Mapping[str, Any],
    config: CassoConfig,
    *,
    provider: str,
    accounts: tuple[str, str],
    reference: str,
    paid_at: datetime,
    payer: tuple[str, str, str],
) -> Credit:
    if config.account not in accounts:
        raise NotOurs("of another account")
    name, number, bank = (text_of(content, field) for field in payer)
    return Credit(
        provider=provider,
        account=config.account,
        transaction_id=required(content, "id", most=40),
        bank_reference=reference,
        amount=Money(whole_vnd(content.get("amount"))),
        paid_at=paid_at,
        memo=text_of(content, "description", most=_MAX_MEMO_CHARS),
        payer=Payer(name=name, account=number, bank=bank),
    )
