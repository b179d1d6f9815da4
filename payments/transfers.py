"""Orders that are paid by a transfer to an account: their QR, and which credits are theirs."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict

from payments.errors import Declined, PaymentError, Unavailable
from payments.fields import VIETNAM
from payments.match_codes import LENGTH, find_match_codes
from payments.models import (
    BankAccount,
    Credit,
    Features,
    Offer,
    Order,
    OrderReport,
    OrderStatus,
    PlacedOrder,
)
from payments.vietqr import Service, VietQr, VietQrError, decode, encode
from payments.vietqr.banks import bank_name

_BIN = re.compile(r"[0-9]{6}")
_NUMBER = re.compile(r"[0-9A-Za-z]{4,19}")
_CLOCKS_APART = timedelta(minutes=5)
_MAX_DAYS = 8
_REMEMBERED = 16


def _check(pattern: re.Pattern[str], words: str) -> AfterValidator:
    def check(text: str) -> str:
        if pattern.fullmatch(text) is None:
            raise ValueError(words)
        return text

    return AfterValidator(check)


class AccountConfig(BaseModel):
    """An account of the hospital, as the settings file names it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bin: Annotated[str, _check(_BIN, "six digits")]
    account: Annotated[str, _check(_NUMBER, "4 to 19 letters and digits")]
    holder: str
    bank_name: str = ""

    def as_account(self, number: str | None = None) -> BankAccount:
        return BankAccount(
            bin=self.bin,
            number=number or self.account,
            holder=self.holder,
            bank_name=self.bank_name or bank_name(self.bin),
        )


def offer_transfer(
    order: Order, account: BankAccount, *, limits: Features, provider_ref: str | None = None
) -> Offer:
    """Decoded again before it is given. Raises Declined for an amount a transfer cannot have."""
    if not limits.min_vnd <= order.amount.amount_vnd <= limits.max_vnd:
        raise Declined("amount")
    text = encode(
        VietQr(
            bin=account.bin,
            account=account.number,
            dynamic=True,
            amount=order.amount,
            memo=order.code,
        )
    )
    check_qr(text, order, account, memo=order.code)
    return Offer(
        provider_ref=provider_ref or order.key,
        qr_text=text,
        account=account,
        memo=order.code,
        expires_at=order.expires_at,
    )


def check_qr(
    untrusted_text: str, order: Order, account: BankAccount, *, memo: str | None = None
) -> None:
    """Raises Declined for a QR that would send the money elsewhere, or another amount."""
    try:
        qr = decode(untrusted_text)
    except VietQrError as error:
        raise Declined("qr") from error
    wanted = (account.bin, account.number, order.amount, Service.TO_ACCOUNT)
    if (qr.bin, qr.account, qr.amount, qr.service) != wanted or (memo and qr.memo != memo):
        raise Declined("qr")


def is_for(credit: Credit, order: Order) -> bool:
    """By the order the provider names, or else by the code of the payment in the memo."""
    if credit.order_key is not None:
        return credit.order_key[:LENGTH] == order.code
    return order.code in find_match_codes(credit.memo, order.code[:2])


def report_transfers(order: Order, found: Iterable[Credit], now: datetime) -> OrderReport:
    """An account knows nothing of orders: they stay open until enough came or their time ends."""
    own = tuple(credit for credit in found if is_for(credit, order))
    paid_vnd = sum(credit.amount.amount_vnd for credit in own)
    if paid_vnd >= order.amount.amount_vnd:
        return OrderReport(status=OrderStatus.PAID, credits=own)
    status = OrderStatus.EXPIRED if now >= order.expires_at else OrderStatus.OPEN
    return OrderReport(status=status, credits=own)


def looked_at_since(placed: PlacedOrder) -> datetime:
    """From when on money for an order is looked for. Rounded, so that orders share a list."""
    since = placed.order.created_at - _CLOCKS_APART
    return since.replace(minute=since.minute // 10 * 10, second=0, microsecond=0)


def days_since(since: datetime, now: datetime) -> tuple[date, ...]:
    """Days in Vietnam from then to now, the last few where there are many."""
    first, last = since.astimezone(VIETNAM).date(), now.astimezone(VIETNAM).date()
    count = min(max((last - first).days, 0), _MAX_DAYS - 1)
    return tuple(last - timedelta(days=back) for back in range(count, -1, -1))


Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


@dataclass(frozen=True)
class _Fetched(Generic[Value]):
    started_at: float
    value: Value | PaymentError


class SharedFetch(Generic[Key, Value]):
    """One question at a time, its answer for all who asked before it was put.

    Many orders wait for money on one account, and providers count calls. An answer also serves
    for `fresh_s` after it was asked for; an error is everybody's who waited for it.
    """

    def __init__(
        self, fetch: Callable[[Key], Value], *, fresh_s: float = 1.0, wait_s: float = 25.0
    ) -> None:
        self._fetch = fetch
        self._fresh_s = fresh_s
        self._wait_s = wait_s
        self._lock = threading.Lock()
        self._last: dict[Key, _Fetched[Value]] = {}

    def get(self, key: Key) -> Value:
        """Raises what `fetch` raises, and Unavailable when too many wait for a slow answer."""
        asked_at = time.monotonic()
        if not self._lock.acquire(timeout=self._wait_s):
            raise Unavailable("others wait for the same answer")
        try:
            found = self._last.get(key)
            if found is None or found.started_at < self._oldest(found, asked_at):
                found = self._ask(key)
        finally:
            self._lock.release()
        if isinstance(found.value, PaymentError):
            raise found.value
        return found.value

    def _oldest(self, found: _Fetched[Value], asked_at: float) -> float:
        """Of an error nobody profits but who was waiting already."""
        return asked_at - (0.0 if isinstance(found.value, PaymentError) else self._fresh_s)

    def _ask(self, key: Key) -> _Fetched[Value]:
        started_at = time.monotonic()
        value: Value | PaymentError
        try:
            value = self._fetch(key)
        except PaymentError as error:
            value = error
        fetched = _Fetched(started_at, value)
        self._last.pop(key, None)
        self._last[key] = fetched
        while len(self._last) > _REMEMBERED:
            self._last.pop(next(iter(self._last)))
        return fetched
