"""ZaloPay's callbacks: `{data, mac, type}`; the mac covers the text of `data` as it came.

The envelope has to be opened to find that text. What is inside of it is parsed after the mac.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from payments.errors import BadSignature, MalformedCallback, NotOurs
from payments.models import CallbackRequest, Credit, Money, Notice, NoticeKind
from payments.providers.zalopay.config import ZalopayConfig
from payments.providers.zalopay.signing import find_order_key
from payments.signatures import check_signature, check_window, hmac_hex
from payments.untrusted_json import is_whole, read_object, time_of_ms

WINDOW = timedelta(hours=2)
"""A repeat carries the time of the payment, and comes up to three times at unpublished intervals.
Whatever comes later is found by asking.
"""


def read_notice(name: str, config: ZalopayConfig, request: CallbackRequest) -> Notice:
    """Sent for money that came, and for nothing else."""
    content = _checked_content(config, request.untrusted_body)
    if content.get("app_id") != config.app_id:
        raise NotOurs("another application")
    try:
        paid_at = time_of_ms(content.get("server_time"))
    except ValueError as error:
        raise MalformedCallback("no time") from error
    check_window(paid_at, request.received_at, window=WINDOW)
    number, amount = content.get("zp_trans_id"), content.get("amount")
    app_trans_id = content.get("app_trans_id")
    if not (type(number) is int and is_whole(number) and number > 0):
        raise MalformedCallback("no number")
    if not (type(amount) is int and is_whole(amount) and amount > 0):
        raise MalformedCallback("no money")
    if not isinstance(app_trans_id, str) or not 7 < len(app_trans_id) <= 40:
        raise MalformedCallback("no order")
    order_key = find_order_key(app_trans_id)
    credit = Credit(
        provider=name,
        account=str(config.app_id),
        transaction_id=str(number),
        amount=Money(amount),
        paid_at=paid_at,
        order_key=order_key,
        memo="" if order_key else app_trans_id,
    )
    return Notice(kind=NoticeKind.CREDIT, credits=(credit,), order_key=order_key, sent_at=paid_at)


def _checked_content(config: ZalopayConfig, untrusted_body: bytes) -> dict[str, Any]:
    envelope = read_object(untrusted_body)
    data, mac = envelope.get("data"), envelope.get("mac")
    if not isinstance(data, str) or not isinstance(mac, str):
        raise BadSignature("no mac")
    check_signature(mac, hmac_hex("sha256", config.key2.reveal(), data))
    try:
        return read_object(data.encode())
    except BadSignature as error:
        raise MalformedCallback("well signed, and no JSON") from error
