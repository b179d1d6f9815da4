"""Settings and calls of an invented hospital."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from payments.models import CallbackRequest
from payments.providers.bidv.config import BidvConfig
from payments.providers.bidv.signing import getbill_checksum, paybill_checksum
from payments.secrets import Secret
from payments.settings import read_settings

SECRET = "demo-bidv-secret"
NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
CODE = "VP23AB7K2"


def settings(**changes: Any) -> dict[str, Any]:
    return {
        "service_id": "123000",
        "secret": Secret(SECRET),
        "checksum": "hmac_bar",
        "merchant_name": "BENH VIEN DEMO",
        "account_prefix": "V3DEMO",
        "qr": "virtual_account",
        **changes,
    }


def config(**changes: Any) -> BidvConfig:
    return read_settings(BidvConfig, "bidv", settings(**changes))


def call(path: str, body: Any, **changes: Any) -> CallbackRequest:
    parts: dict[str, Any] = {
        "method": "POST",
        "path": path,
        "headers": {},
        "untrusted_body": json.dumps(body).encode(),
        "received_at": NOW,
    }
    return CallbackRequest(**parts | changes)


def getbill(config_: BidvConfig, customer: str = CODE, **changes: Any) -> dict[str, Any]:
    checksum = getbill_checksum(config_.checksum, SECRET, service="123000", customer=customer)
    body = {"service_id": "123000", "customer_id": customer, "checksum": checksum}
    return body | changes


def paybill(
    config_: BidvConfig, bill: str, amount: str = "350000", **changes: Any
) -> dict[str, Any]:
    checksum = paybill_checksum(
        config_.checksum, SECRET, transaction="T1", bill=bill, amount=amount
    )
    body = {
        "trans_id": "T1",
        "trans_date": "20261123080000",
        "customer_id": CODE,
        "service_id": "123000",
        "bill_id": bill,
        "amount": amount,
        "checksum": checksum,
    }
    return body | changes
