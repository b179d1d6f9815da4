"""What the sandbox remembers: orders, the money that came, and what is still going to happen.

Times are those of the clock it is given; an act happens when somebody looks after its time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from payments.errors import Declined
from payments.models import Credit, Money, Offer, Order, OrderReport, OrderStatus, Payer
from payments.providers.sandbox.scripts import Act


@dataclass(kw_only=True)
class Placed:
    order: Order
    offer: Offer
    acts: list[Act]
    credits: list[Credit] = field(default_factory=list)
    ended: OrderStatus | None = None


@dataclass(frozen=True, kw_only=True)
class Happening:
    """One thing that was due to be called back. `credit` None: the order ended without money."""

    order_key: str
    credit: Credit | None
    status: OrderStatus


class Book:
    """Safe to call from several threads."""

    def __init__(self, *, provider: str, account: str, clock: Callable[[], datetime]) -> None:
        self._provider = provider
        self._account = account
        self._clock = clock
        self._lock = threading.RLock()
        self._placed: dict[str, Placed] = {}
        self._credits: list[Credit] = []
        self._untold: list[Happening] = []

    def place(self, order: Order, offer: Offer, acts: tuple[Act, ...]) -> Offer:
        """The first offer again for an order that is known. Raises Declined for another amount."""
        with self._lock:
            known = self._placed.setdefault(
                order.key, Placed(order=order, offer=offer, acts=list(acts))
            )
            if known.order.amount != order.amount:
                raise Declined("repeated-key")
            return known.offer

    def report(self, order_key: str) -> OrderReport:
        with self._lock:
            self.play()
            placed = self._placed.get(order_key)
            if placed is None:
                return OrderReport(status=OrderStatus.UNKNOWN)
            return OrderReport(status=self._status(placed), credits=tuple(placed.credits))

    def end(self, order_key: str, status: OrderStatus) -> Happening:
        """Without money. What ended or was paid stays as it is."""
        with self._lock:
            placed = self._placed.get(order_key)
            if placed is not None and placed.ended is None and not placed.credits:
                placed.ended = status
                placed.acts.clear()
            return Happening(order_key=order_key, credit=None, status=status)

    def pay(
        self,
        order_key: str | None,
        *,
        amount_vnd: int | None = None,
        transaction_id: str | None = None,
        bank_reference: str = "",
        memo: str | None = None,
        paid_at: datetime | None = None,
        payer: Payer | None = None,
    ) -> Credit:
        """Money that came. A transaction that is known is given as it was, and books nothing.

        Raises KeyError for an order that is unknown when no amount is told.
        """
        with self._lock:
            placed = self._placed.get(order_key) if order_key is not None else None
            if amount_vnd is None:
                if placed is None:
                    raise KeyError(order_key)
                amount_vnd = placed.order.amount.amount_vnd
            before = sum(credit.order_key == order_key for credit in self._credits)
            credit = Credit(
                provider=self._provider,
                account=self._account,
                transaction_id=transaction_id or f"{order_key or 'STRAY'}-T{before + 1}",
                bank_reference=bank_reference,
                amount=Money(amount_vnd),
                paid_at=paid_at or self._clock(),
                memo=f"{(order_key or '').split('-')[0]} chuyen tien" if memo is None else memo,
                order_key=order_key,
                payer=payer or Payer(name="NGUYEN VAN DEMO", account="0000000000", bank="970436"),
            )
            known = next(
                (one for one in self._credits if one.transaction_id == credit.transaction_id), None
            )
            if known is not None:
                return known
            self._credits.append(credit)
            if placed is not None:
                placed.credits.append(credit)
            return credit

    def credits(self) -> tuple[Credit, ...]:
        with self._lock:
            self.play()
            return tuple(self._credits)

    def play(self) -> None:
        """Lets happen whatever is due."""
        now = self._clock()
        with self._lock:
            for key, placed in self._placed.items():
                while placed.acts and placed.acts[0].at <= now:
                    self._happen(key, placed.acts.pop(0))

    def take_untold(self) -> tuple[Happening, ...]:
        """What happened by itself since the last call."""
        with self._lock:
            self.play()
            untold, self._untold = self._untold, []
            return tuple(untold)

    def _happen(self, order_key: str, act: Act) -> None:
        if act.status is not None:
            self._untold.append(self.end(order_key, act.status))
            return
        credit = self.pay(order_key, amount_vnd=act.amount_vnd, paid_at=act.at)
        self._untold.append(Happening(order_key=order_key, credit=credit, status=OrderStatus.PAID))

    def _status(self, placed: Placed) -> OrderStatus:
        paid = sum(credit.amount.amount_vnd for credit in placed.credits)
        if paid >= placed.order.amount.amount_vnd:
            return OrderStatus.PAID
        if placed.ended is not None:
            return placed.ended
        return OrderStatus.EXPIRED if self._clock() >= placed.order.expires_at else OrderStatus.OPEN
