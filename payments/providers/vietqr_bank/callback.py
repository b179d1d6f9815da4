"""A movement on the account as the bank feed writes it, pushed or listed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from payments.errors import MalformedCallback, NotOurs
from payments.fields import clean, exact_moment, parse_object, required, text_of
from payments.match_codes import LENGTH, is_match_code
from payments.models import Credit, Money, Notice, NoticeKind, Payer
from payments.providers.vietqr_bank.config import VietQrBankConfig

_MAX_MEMO_CHARS = 500


def read_notice(
    untrusted_body: bytes, config: VietQrBankConfig, *, provider: str, sent_at: datetime
) -> Notice:
    """The signature was checked. Raises MalformedCallback, NotOurs."""
    try:
        content = parse_object(untrusted_body)
        event = required(content, "event")
        if event == "test":
            return Notice(kind=NoticeKind.TEST, sent_at=sent_at)
        if event != "credit":
            return Notice(kind=NoticeKind.OTHER, sent_at=sent_at)
        credit = read_credit(content, config, provider=provider)
    except (ValueError, TypeError, OverflowError) as error:
        raise MalformedCallback(f"of another shape: {_fault(error)}") from None
    return Notice(
        kind=NoticeKind.CREDIT, credits=(credit,), order_key=credit.order_key, sent_at=sent_at
    )


def read_credit(content: Mapping[str, Any], config: VietQrBankConfig, *, provider: str) -> Credit:
    """Raises NotOurs, ValueError, TypeError, OverflowError."""
    account = required(content, "account", most=19)
    if account != config.account or text_of(content, "bin") not in {"", config.bin}:
        raise NotOurs("of another account")
    if text_of(content, "currency") not in {"", "VND"}:
        raise NotOurs("of another currency")
    amount = content.get("amount")
    if type(amount) is not int or not 0 < amount < 10**13:
        raise ValueError("amount")
    return Credit(
        provider=provider,
        account=config.account,
        transaction_id=required(content, "transaction_id", most=64),
        bank_reference=text_of(content, "bank_reference", most=64),
        amount=Money(amount),
        paid_at=exact_moment(required(content, "booked_at", most=40)),
        memo=text_of(content, "memo", most=_MAX_MEMO_CHARS),
        order_key=find_order_key(text_of(content, "virtual_account", most=19), config),
        payer=_read_payer(content.get("payer")),
    )


def virtual_account(order_key: str, config: VietQrBankConfig) -> str:
    """`V1HOSP` and the order `VPABCDEFG-2` → `V1HOSPVPABCDEFG02`."""
    code, _, attempt = order_key.partition("-")
    return f"{config.virtual_prefix}{code}{int(attempt):02d}"


def find_order_key(virtual: str, config: VietQrBankConfig) -> str | None:
    prefix = config.virtual_prefix
    if not prefix or not virtual.upper().startswith(prefix):
        return None
    code, attempt = virtual.upper()[len(prefix) :][:LENGTH], virtual[len(prefix) + LENGTH :]
    if not is_match_code(code) or not (attempt.isascii() and attempt.isdigit()):
        return None
    return f"{code}-{int(attempt)}"


def _read_payer(payer: Any) -> Payer:
    if not isinstance(payer, dict):
        return Payer()
    name, account, bank = (payer.get(field) or "" for field in ("name", "account", "bank"))
    return Payer(
        name=clean(str(name), 100), account=clean(str(account), 40), bank=clean(str(bank), 40)
    )


def _fault(error: Exception) -> str:
    """Of our own words only: texts of Python's readers repeat what they read."""
    return str(error) if type(error) is ValueError and len(str(error)) < 40 else "content"
