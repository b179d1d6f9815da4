"""Signatures of MoMo v2: HMAC-SHA256 over `name=value` in a-z order, raw values, joined by `&`.

The access key stands in the signed text and never in a body.
"""

from __future__ import annotations

from collections.abc import Mapping

from payments.signatures import hmac_hex

CREATE = (
    "accessKey",
    "amount",
    "extraData",
    "ipnUrl",
    "orderId",
    "orderInfo",
    "partnerCode",
    "redirectUrl",
    "requestId",
    "requestType",
)
NOTICE = (
    "accessKey",
    "amount",
    "extraData",
    "message",
    "orderId",
    "orderInfo",
    "orderType",
    "partnerCode",
    "payType",
    "requestId",
    "responseTime",
    "resultCode",
    "transId",
)
QUERY = ("accessKey", "orderId", "partnerCode", "requestId")
REFUND = (
    "accessKey",
    "amount",
    "description",
    "orderId",
    "partnerCode",
    "requestId",
    "transId",
)


def sign(secret_key: str, names: tuple[str, ...], values: Mapping[str, str | int]) -> str:
    """Raises KeyError for a field that is missing."""
    return hmac_hex("sha256", secret_key, "&".join(f"{name}={values[name]}" for name in names))
