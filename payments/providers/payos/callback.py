"""payOS's webhooks: POST of JSON; the signature covers the parsed fields of `data`.

So the body is bounded and parsed to plain values first; nothing of it is understood before the
signature was checked. What stands beside `data` is not signed and not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from payments.errors import BadSignature, MalformedCallback, NotOurs
from payments.models import CallbackRequest, Credit, Money, Notice, NoticeKind, Payer
from payments.providers.payos.config import PayosConfig
from payments.providers.payos.signing import find_order_key, sign_data
from payments.signatures import check_signature, check_window
from payments.untrusted_json import is_whole, read_object

WINDOW = timedelta(hours=2)
"""A repeat carries the time of the transfer, and payOS does not publish how long it repeats.
Whatever comes later is found by asking.
"""
_VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
_MAX_CHARS = 500
_TEST = (123, "TF230204212323")
"""Order and reference of the call by which payOS tries an address before it keeps it."""


def read_notice(name: str, config: PayosConfig, request: CallbackRequest) -> Notice:
    data = _checked_data(config, request.untrusted_body)
    number = data.get("orderCode")
    if type(number) is not int or not is_whole(number):
        raise MalformedCallback("no order")
    if (number, data.get("reference")) == _TEST:
        return Notice(kind=NoticeKind.TEST)
    if data.get("currency", "VND") != "VND":
        raise NotOurs("another currency")
    if config.account is not None and data.get("accountNumber") != config.account:
        raise NotOurs("another account")
    if data.get("code", "00") != "00":
        return Notice(kind=NoticeKind.OTHER)
    credit = read_credit(name, data, find_order_key(number))
    check_window(credit.paid_at, request.received_at, window=WINDOW)
    return Notice(
        kind=NoticeKind.CREDIT,
        credits=(credit,),
        order_key=credit.order_key,
        sent_at=credit.paid_at,
    )


def read_credit(name: str, data: Mapping[str, Any], order_key: str | None) -> Credit:
    """Of `data` in a webhook, or of one of the transactions of an order. Raises MalformedCallback."""
    amount, reference = data.get("amount"), data.get("reference")
    account = data.get("accountNumber")
    if type(amount) is not int or not is_whole(amount) or amount <= 0:
        raise MalformedCallback("no money")
    if not isinstance(reference, str) or not 0 < len(reference) <= 100:
        raise MalformedCallback("no number")
    if not isinstance(account, str) or not 0 < len(account) <= 40:
        raise MalformedCallback("no account")
    return Credit(
        provider=name,
        account=account,
        transaction_id=reference,
        bank_reference=reference,
        amount=Money(amount),
        paid_at=_time(data.get("transactionDateTime")),
        memo=_short(data.get("description")),
        order_key=order_key,
        payer=Payer(
            name=_short(data.get("counterAccountName")),
            account=_short(data.get("counterAccountNumber")),
            bank=_short(data.get("counterAccountBankId")),
        ),
    )


def _checked_data(config: PayosConfig, untrusted_body: bytes) -> dict[str, Any]:
    content = read_object(untrusted_body)
    data, given = content.get("data"), content.get("signature")
    if not isinstance(data, dict) or not isinstance(given, str):
        raise BadSignature("no signed data")
    try:
        expected = sign_data(config.checksum_key.reveal(), data)
    except (ValueError, RecursionError) as error:
        raise BadSignature("no data that is ever signed") from error
    check_signature(given, expected)
    return data


def _time(text: Any) -> datetime:
    """`2026-11-20 09:15:30` in webhooks, with a zone in answers; without one it is Vietnam's."""
    try:
        moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=_VIETNAM)
        return moment.astimezone(_VIETNAM)
    except (TypeError, ValueError, OverflowError) as error:
        raise MalformedCallback("no time") from error


def _short(value: Any) -> str:
    return value[:_MAX_CHARS] if isinstance(value, str) else ""
