"""SePay's API v2: lists of transactions, and orders with a virtual account each."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from payments.errors import BrokenReply, Declined, Throttled
from payments.fields import required, text_of
from payments.http import HttpClient, Reply
from payments.models import Credit, Order
from payments.providers.sepay.callback import OrderOf, listed_at, read_listed
from payments.providers.sepay.config import ApiConfig, SepayConfig

PER_SECOND = 3
"""What SePay answers one address."""
_PAGE = 100
_MAX_PAGES = 300
_PATIENCE_S = 3.0


@dataclass(frozen=True, kw_only=True)
class MadeOrder:
    id: str
    virtual_account: str

    @property
    def ref(self) -> str:
        return f"{self.id}:{self.virtual_account}"


class SepayClient:
    def __init__(self, provider: str, config: SepayConfig, api: ApiConfig) -> None:
        self._provider = provider
        self._config = config
        self._api = api
        self._http = HttpClient(api.base_url, ca_file=api.ca_file)
        self._pace = Pace(PER_SECOND)

    def list_credits(
        self, since: datetime, until: datetime, *, orders: OrderOf
    ) -> tuple[Credit, ...]:
        """Newest first from the list, which is read until it is older than `since`."""
        found: dict[str, Credit] = {}
        for page in range(1, _MAX_PAGES + 1):
            content = self._ask_patiently(page)
            items = _items(content)
            try:
                moments = [listed_at(item) for item in items]
                listed = [
                    read_listed(item, self._config, provider=self._provider, orders=orders)
                    for item, moment in zip(items, moments, strict=True)
                    if since <= moment < until
                ]
            except (ValueError, TypeError, OverflowError) as error:
                raise BrokenReply("a list of another shape") from error
            found.update((each.transaction_id, each) for each in listed if each is not None)
            if not _has_more(content) or (moments and max(moments) < since):
                return tuple(reversed(found.values()))
        raise BrokenReply("too many pages")

    def make_order(self, order: Order, *, lifetime_s: int) -> MadeOrder:
        """Raises Declined, also for an order that is known there already."""
        reply = self._ask(
            "POST",
            self._orders(),
            writes=True,
            json_body={
                "order_code": order_code(order.key),
                "amount": order.amount.amount_vnd,
                "duration": lifetime_s,
                "with_qrcode": "0",
            },
        )
        try:
            return _read_order(_read(reply, written=True).get("data"), order)
        except (ValueError, TypeError) as error:
            raise BrokenReply("an order of another shape") from error

    def order_status(self, order_id: str) -> str | None:
        """In small letters; None: SePay does not know it."""
        reply = self._ask("GET", f"{self._orders()}/{quote(order_id, safe='')}", writes=False)
        if reply.status == 404:
            return None
        data = _read(reply).get("data")
        try:
            return required(data if isinstance(data, dict) else {}, "status").lower()
        except (ValueError, TypeError) as error:
            raise BrokenReply("an order of another shape") from error

    def cancel_order(self, order_id: str) -> None:
        path = f"{self._orders()}/{quote(order_id, safe='')}"
        reply = self._ask("DELETE", path, writes=True)
        if reply.status in {404, 409, 422}:
            reply.read_json()  # closed, paid or unknown: it stays as it is
        else:
            _read(reply, written=True)

    def check(self) -> None:
        _items(_read(self._ask("GET", "/transactions", writes=False, query={"per_page": "1"})))

    def close(self) -> None:
        self._http.close()

    def _orders(self) -> str:
        return f"/bank-accounts/{quote(self._api.bank_account_id, safe='')}/orders"

    def _ask_patiently(self, page: int) -> dict[str, Any]:
        """Others may have used up what SePay answers our address."""
        query = {
            "page": str(page),
            "per_page": str(_PAGE),
            "transfer_type": "in",
            "transaction_date_sort": "desc",
        }
        for last in (False, False, True):
            try:
                return _read(self._ask("GET", "/transactions", writes=False, query=query))
            except Throttled as error:
                wait_s = 1.0 if error.retry_after_s is None else error.retry_after_s
                if last or wait_s > _PATIENCE_S:
                    raise
                time.sleep(wait_s)
        raise AssertionError("the last try returns or raises")

    def _ask(self, method: str, path: str, **options: Any) -> Reply:
        self._pace.wait()
        headers = {"Authorization": f"Bearer {self._api.token.reveal()}"}
        return self._http.ask(method, path, headers=headers, **options)


class Pace:
    """At most so many calls in any second."""

    def __init__(
        self,
        per_second: int,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._now = now
        self._sleep = sleep
        self._lock = threading.Lock()
        self._latest: deque[float] = deque(maxlen=per_second)

    def wait(self) -> None:
        """Raises Throttled at once where it would be for longer than anybody at a kiosk waits."""
        with self._lock:
            now = self._now()
            due = now
            if len(self._latest) == self._latest.maxlen:
                due = max(now, self._latest[0] + 1.05)
            if due - now > _PATIENCE_S:
                raise Throttled("too many of our own calls wait", retry_after_s=due - now)
            self._latest.append(due)
        if due > now:
            self._sleep(due - now)


def order_code(order_key: str) -> str:
    """SePay takes 6 to 50 letters and digits: `VPABCDEFG-2` → `VPABCDEFGA2`."""
    return order_key.replace("-", "A")


def _read_order(data: Any, order: Order) -> MadeOrder:
    if not isinstance(data, dict):
        raise TypeError("no order")
    if required(data, "order_code", most=50) != order_code(order.key):
        raise ValueError("another order")
    return MadeOrder(
        id=text_of(data, "order_id", most=64) or required(data, "id", most=64),
        virtual_account=required(data, "va_number", most=19),
    )


def _read(reply: Reply, *, written: bool = False) -> dict[str, Any]:
    if reply.status in {401, 403}:
        raise Declined("token") if written else BrokenReply("SePay refuses our token")
    if written and 400 <= reply.status < 500:
        raise Declined(f"status {reply.status}")
    if reply.status not in {200, 201}:
        raise BrokenReply(f"status {reply.status}")
    content = reply.read_json()
    if content.get("status") not in ("success", 200):
        raise BrokenReply("no success")
    return content


def _items(content: dict[str, Any]) -> list[dict[str, Any]]:
    items = content.get("data")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise BrokenReply("no list")
    return items


def _has_more(content: dict[str, Any]) -> bool:
    meta = content.get("meta")
    pagination = meta.get("pagination") if isinstance(meta, dict) else None
    if not isinstance(pagination, dict) or type(pagination.get("has_more")) is not bool:
        raise BrokenReply("no pages")
    return bool(pagination["has_more"])
