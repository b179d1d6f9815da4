"""Transactions as SePay writes them: one shape in webhooks, another in lists. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from payments.errors import MalformedCallback, NotOurs
from payments.fields import VIETNAM, local_moment, parse_object, required, text_of, whole_vnd
from payments.match_codes import find_match_codes
from payments.models import Credit, Money, Notice, NoticeKind
from payments.providers.sepay.config import Auth, SepayConfig

_MAX_MEMO_CHARS = 500
OrderOf = Mapping[str, str]
"""Virtual account → key of the order it was made for."""


def read_notice(
    untrusted_body: bytes,
    config: SepayConfig,
    *,
    provider: str,
    orders: OrderOf,
    sent_at: datetime | None,
) -> Notice:
    """Of a webhook whose sender was checked. Raises MalformedCallback, NotOurs."""
    try:
        content = parse_object(untrusted_body)
        required(content, "id", most=40)
        if text_of(content, "transferType").lower() != "in":
            return Notice(kind=NoticeKind.OTHER, sent_at=sent_at)
        credit = make_credit(
            config,
            provider=provider,
            orders=orders,
            accounts=(text_of(content, "accountNumber", most=40), text_of(content, "subAccount")),
            reference=text_of(content, "referenceCode", most=64),
            amount_vnd=whole_vnd(content.get("transferAmount")),
            paid_at=local_moment(required(content, "transactionDate", most=40)),
            memo=text_of(content, "content", most=_MAX_MEMO_CHARS)
            or text_of(content, "description", most=_MAX_MEMO_CHARS),
        )
    except (ValueError, TypeError, OverflowError) as error:
        raise MalformedCallback("of another shape") from error
    if config.auth is Auth.HMAC:
        return Notice(
            kind=NoticeKind.CREDIT, credits=(credit,), order_key=credit.order_key, sent_at=sent_at
        )
    return Notice(
        kind=NoticeKind.CREDIT,
        credits=(credit,),
        order_key=credit.order_key or _first_attempt(credit.memo, config.code_prefix),
        confirm=True,
    )


def read_listed(
    item: Mapping[str, Any], config: SepayConfig, *, provider: str, orders: OrderOf
) -> Credit | None:
    """None: money that left, or of another account. Raises ValueError, TypeError."""
    if text_of(item, "transfer_type").lower() != "in":
        return None
    try:
        return make_credit(
            config,
            provider=provider,
            orders=orders,
            accounts=(text_of(item, "account_number", most=40), text_of(item, "va")),
            reference=text_of(item, "reference_number", most=64),
            amount_vnd=whole_vnd(item.get("amount_in")),
            paid_at=listed_at(item),
            memo=text_of(item, "transaction_content", most=_MAX_MEMO_CHARS),
        )
    except NotOurs:
        return None


def listed_at(item: Mapping[str, Any]) -> datetime:
    return local_moment(required(item, "transaction_date", most=40))


def make_credit(
    config: SepayConfig,
    *,
    provider: str,
    orders: OrderOf,
    accounts: tuple[str, str],
    reference: str,
    amount_vnd: int,
    paid_at: datetime,
    memo: str,
) -> Credit:
    """`accounts`: the account, and the virtual one where there is one. Raises NotOurs."""
    if config.account not in accounts:
        raise NotOurs("of another account")
    return Credit(
        provider=provider,
        account=config.account,
        transaction_id=transaction_id(reference, amount_vnd, paid_at, memo),
        bank_reference=reference,
        amount=Money(amount_vnd),
        paid_at=paid_at,
        memo=memo,
        order_key=orders.get(accounts[1]),
    )


def transaction_id(reference: str, amount_vnd: int, paid_at: datetime, memo: str) -> str:
    """Webhooks name a transaction by a number, lists by a UUID, and neither tells the other's:
    what both tell is the bank's reference, its time and the amount.
    """
    name = reference or hashlib.sha256(memo.encode()).hexdigest()[:16]
    return f"{name}-{paid_at.astimezone(VIETNAM):%Y%m%d%H%M%S}-{amount_vnd}"


def _first_attempt(memo: str, prefix: str) -> str | None:
    """Asking about one attempt tells of all money under the code."""
    codes = find_match_codes(memo, prefix)
    return f"{codes[0]}-1" if codes else None
