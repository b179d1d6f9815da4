"""VNPAY's notices (IPN): a GET whose arguments are signed together.

The signature covers decoded arguments, so they are bounded and taken as plain text first; nothing
of them is understood before it was checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from payments.errors import BadSignature, MalformedCallback, NotOurs
from payments.match_codes import is_order_key
from payments.models import CallbackRequest, Credit, Money, Notice, NoticeKind, OrderStatus
from payments.providers.vnpay.config import VnpayConfig
from payments.providers.vnpay.signing import form_text, read_time, sign
from payments.signatures import check_signature, check_window

WINDOW = timedelta(hours=2)
"""Repeats carry the time of the payment and come for fifty minutes; whatever is later is found
by asking.
"""
PAID = "00"
UNDECIDED = frozenset({"01", "04", "07"})
"""Open; debited at the bank and not at VNPAY; looked at for fraud: asked again later."""
_CANCELLED, _EXPIRED = "24", "11"
_MAX_ARGUMENTS = 40
_MAX_CHARS = 8_000


def read_notice(name: str, config: VnpayConfig, request: CallbackRequest) -> Notice:
    fields = _checked_fields(config, request.arguments)
    if fields.get("vnp_TmnCode") != config.tmn_code:
        raise NotOurs("another terminal")
    reference = fields.get("vnp_TxnRef", "")
    response, status = fields.get("vnp_ResponseCode", ""), fields.get("vnp_TransactionStatus", "")
    if not 0 < len(reference) <= 100 or not response or not status:
        raise MalformedCallback("no order or no state")
    order_key = reference if is_order_key(reference) else None
    paid_at = _pay_date(fields.get("vnp_PayDate", ""))
    if paid_at is not None:
        check_window(paid_at, request.received_at, window=WINDOW)
    if response == PAID and status == PAID:
        if paid_at is None:
            raise MalformedCallback("paid, without a time")
        credit = read_credit(name, config, fields, reference, paid_at)
        return Notice(
            kind=NoticeKind.CREDIT, credits=(credit,), order_key=order_key, sent_at=paid_at
        )
    if PAID in {response, status} or {response, status} & UNDECIDED:
        return Notice(kind=NoticeKind.OTHER, order_key=order_key, sent_at=paid_at)
    return Notice(
        kind=NoticeKind.STATUS, order_key=order_key, status=ended(response), sent_at=paid_at
    )


def read_credit(
    name: str, config: VnpayConfig, fields: Mapping[str, str], reference: str, paid_at: datetime
) -> Credit:
    """Of a notice or a signed answer that says paid. Raises MalformedCallback."""
    number = fields.get("vnp_TransactionNo", "")
    if not _is_number(number):
        raise MalformedCallback("no number")
    return Credit(
        provider=name,
        account=config.tmn_code,
        transaction_id=number,
        amount=read_amount(fields.get("vnp_Amount", "")),
        paid_at=paid_at,
        order_key=reference if is_order_key(reference) else None,
        memo="" if is_order_key(reference) else reference,
    )


def read_amount(text: str) -> Money:
    """VNPAY writes hundredths of a đồng. Raises MalformedCallback."""
    if not _is_number(text) or int(text) % 100:
        raise MalformedCallback("no money")
    return Money(int(text) // 100)


def ended(response_code: str) -> OrderStatus:
    if response_code == _CANCELLED:
        return OrderStatus.CANCELLED
    return OrderStatus.EXPIRED if response_code == _EXPIRED else OrderStatus.FAILED


def _checked_fields(config: VnpayConfig, untrusted: Mapping[str, str]) -> dict[str, str]:
    size = sum(len(name) + len(value) for name, value in untrusted.items())
    if len(untrusted) > _MAX_ARGUMENTS or size > _MAX_CHARS:
        raise BadSignature("too large")
    fields = {name: value for name, value in untrusted.items() if name.startswith("vnp_")}
    given = fields.get("vnp_SecureHash", "")
    try:
        text = form_text(fields)
    except UnicodeEncodeError as error:
        raise BadSignature("not text") from error
    check_signature(given.lower(), sign(config.hash_secret.reveal(), text))
    return fields


def _pay_date(text: str) -> datetime | None:
    if not text:
        return None
    try:
        return read_time(text)
    except ValueError as error:
        raise MalformedCallback("no time") from error


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 18 and int(text) > 0
