"""One invoice as the bank tells of it, by IPN and when asked: the same fields both ways. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from payments.models import Credit, Money

_MAX_VND = 10**13
_MAX_CHARS = 200


class InvoiceStatus(StrEnum):
    PAID = "00"
    UNPAID = "01"
    """Or it was tried, and failed."""
    OTHER_AMOUNT = "10"
    """Paid, with more or less than was asked."""
    UNKNOWN = "99"


class OtherShape(ValueError):
    """It breaks the document."""


@dataclass(frozen=True, kw_only=True)
class Invoice:
    invoice_id: str
    status: InvoiceStatus
    credit: Credit | None


def read_invoice(content: Mapping[str, Any], *, provider: str, account: str) -> Invoice:
    """Raises OtherShape."""
    invoice_id = _text(content, "invoiceId")
    try:
        status = InvoiceStatus(_text(content, "status"))
    except ValueError as error:
        raise OtherShape("no such status") from error
    if status not in {InvoiceStatus.PAID, InvoiceStatus.OTHER_AMOUNT}:
        return Invoice(invoice_id=invoice_id, status=status, credit=None)
    transaction = _text(content, "transactionId")
    credit = Credit(
        provider=provider,
        account=account,
        transaction_id=transaction,
        bank_reference=transaction,
        amount=_money(content.get("paidAmount")),
        paid_at=read_time(content.get("paidTime")),
        memo=_text(content, "paidDescription", needed=False),
        order_key=invoice_id,
    )
    return Invoice(invoice_id=invoice_id, status=status, credit=credit)


def read_time(value: Any) -> datetime:
    """Of `yyyyMMddHHmmss`, a number in the document; UTC. Raises OtherShape."""
    text = str(value) if type(value) is int and 0 < value < 10**14 else value
    if not isinstance(text, str) or len(text) != 14 or not (text.isascii() and text.isdigit()):
        raise OtherShape("a time of another form")
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError as error:
        raise OtherShape("no such time") from error


def write_time(now: datetime) -> int:
    return int(now.astimezone(UTC).strftime("%Y%m%d%H%M%S"))


def _money(value: Any) -> Money:
    """Of a number that may have two decimals; đồng has none."""
    if type(value) not in {int, Decimal} or not 0 < value < _MAX_VND or value != int(value):
        raise OtherShape("an amount of another form")
    return Money(int(value))


def _text(content: Mapping[str, Any], name: str, *, needed: bool = True) -> str:
    value = content.get(name)
    if value is None and not needed:
        return ""
    if not isinstance(value, str) or len(value) > _MAX_CHARS or (needed and not value):
        raise OtherShape(f"{name} of another form")
    return value
