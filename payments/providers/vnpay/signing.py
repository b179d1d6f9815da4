"""Hashes of VNPAY 2.1.0 (HMAC-SHA512) and its times: wall clock of Vietnam, without a zone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote_plus
from zoneinfo import ZoneInfo

from payments.signatures import hmac_hex

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
UNSIGNED = frozenset({"vnp_SecureHash", "vnp_SecureHashType"})
QUERY = (
    "vnp_RequestId",
    "vnp_Version",
    "vnp_Command",
    "vnp_TmnCode",
    "vnp_TxnRef",
    "vnp_TransactionDate",
    "vnp_CreateDate",
    "vnp_IpAddr",
    "vnp_OrderInfo",
)
QUERY_REPLY = (
    "vnp_ResponseId",
    "vnp_Command",
    "vnp_ResponseCode",
    "vnp_Message",
    "vnp_TmnCode",
    "vnp_TxnRef",
    "vnp_Amount",
    "vnp_BankCode",
    "vnp_PayDate",
    "vnp_TransactionNo",
    "vnp_TransactionType",
    "vnp_TransactionStatus",
    "vnp_OrderInfo",
    "vnp_PromotionCode",
    "vnp_PromotionAmount",
)
REFUND = (
    "vnp_RequestId",
    "vnp_Version",
    "vnp_Command",
    "vnp_TmnCode",
    "vnp_TransactionType",
    "vnp_TxnRef",
    "vnp_Amount",
    "vnp_TransactionNo",
    "vnp_TransactionDate",
    "vnp_CreateBy",
    "vnp_CreateDate",
    "vnp_IpAddr",
    "vnp_OrderInfo",
)
_TIME = "%Y%m%d%H%M%S"


def form_text(values: Mapping[str, str]) -> str:
    """The query string that is signed: sorted by name, without empty values, a blank as `+`.

    Raises UnicodeEncodeError for text that is none.
    """
    return "&".join(
        f"{quote_plus(name)}={quote_plus(values[name])}"
        for name in sorted(values)
        if values[name] and name not in UNSIGNED
    )


def sign(secret: str, text: str) -> str:
    return hmac_hex("sha512", secret, text)


def sign_piped(secret: str, names: tuple[str, ...], values: Mapping[str, object]) -> str:
    """What is missing is empty."""
    return sign(secret, "|".join(str(values.get(name) or "") for name in names))


def write_time(moment: datetime) -> str:
    return moment.astimezone(VIETNAM).strftime(_TIME)


def read_time(text: str) -> datetime:
    """Raises ValueError."""
    if len(text) != 14 or not text.isascii():
        raise ValueError("no time")
    return datetime.strptime(text, _TIME).replace(tzinfo=VIETNAM)
