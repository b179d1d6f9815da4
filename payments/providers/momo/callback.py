"""MoMo's notices (IPN): POST of JSON, signed over thirteen of its fields.

The signature covers parsed fields, so the body is bounded and parsed to plain values first;
nothing of it is understood before the signature was checked.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from payments.errors import BadSignature, MalformedCallback, NotOurs
from payments.match_codes import is_order_key
from payments.models import CallbackRequest, Credit, Money, Notice, NoticeKind, OrderStatus
from payments.providers.momo.codes import find_status
from payments.providers.momo.config import MomoConfig
from payments.providers.momo.signing import NOTICE, sign
from payments.signatures import check_signature, check_window
from payments.untrusted_json import is_whole, read_object, time_of_ms

WINDOW = timedelta(hours=2)
"""A repeat carries the time of the first notice, and MoMo does not publish how long it repeats.
Whatever comes later is found by asking.
"""


def read_notice(name: str, config: MomoConfig, request: CallbackRequest) -> Notice:
    fields = _checked_fields(config, request.untrusted_body)
    if fields["partnerCode"] != config.partner_code:
        raise NotOurs("another partner")
    for number in ("amount", "resultCode", "transId"):
        if not is_whole(fields[number]):
            raise MalformedCallback(f"{number} is no number")
    try:
        sent_at = time_of_ms(fields["responseTime"])
    except ValueError as error:
        raise MalformedCallback("no time") from error
    check_window(sent_at, request.received_at, window=WINDOW)
    order_id, status = fields["orderId"], find_status(int(fields["resultCode"]))
    if not isinstance(order_id, str) or not 0 < len(order_id) <= 200:
        raise MalformedCallback("no order")
    order_key = order_id if is_order_key(order_id) else None
    if status is OrderStatus.PAID:
        credit = read_credit(name, config, fields, order_id, sent_at)
        return Notice(
            kind=NoticeKind.CREDIT, credits=(credit,), order_key=order_key, sent_at=sent_at
        )
    if status in {None, OrderStatus.OPEN, OrderStatus.UNKNOWN}:
        return Notice(kind=NoticeKind.OTHER, order_key=order_key, sent_at=sent_at)
    return Notice(kind=NoticeKind.STATUS, order_key=order_key, status=status, sent_at=sent_at)


def read_credit(
    name: str,
    config: MomoConfig,
    fields: dict[str, str | int],
    order_id: str,
    paid_at: datetime,
) -> Credit:
    """Of a notice or an answer with code 0. Raises MalformedCallback."""
    if int(fields["amount"]) <= 0 or int(fields["transId"]) <= 0:
        raise MalformedCallback("no money")
    return Credit(
        provider=name,
        account=config.partner_code,
        transaction_id=str(fields["transId"]),
        amount=Money(int(fields["amount"])),
        paid_at=paid_at,
        order_key=order_id if is_order_key(order_id) else None,
        memo="" if is_order_key(order_id) else order_id,
    )


def _checked_fields(config: MomoConfig, untrusted_body: bytes) -> dict[str, str | int]:
    content = read_object(untrusted_body)
    untrusted = {name: content.get(name) for name in (*NOTICE, "signature")}
    untrusted["accessKey"] = config.access_key.reveal()
    given = untrusted.pop("signature")
    fields: dict[str, str | int] = {
        name: value
        for name, value in untrusted.items()
        if isinstance(value, str) or (type(value) is int and is_whole(value))
    }
    if len(fields) != len(untrusted) or not isinstance(given, str):
        raise BadSignature("fields are missing")
    check_signature(given, sign(config.secret_key.reveal(), NOTICE, fields))
    return fields
