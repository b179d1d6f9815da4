"""Bank QR to an account that SePay watches: told by webhook, found again in its lists."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from payments.errors import (
    BadSignature,
    CallbackRefused,
    MalformedCallback,
    NotOurs,
    NotSupported,
    ProviderMisconfigured,
)
from payments.fields import MAX_BODY_BYTES, VIETNAM
from payments.models import (
    CallbackAnswer,
    CallbackRequest,
    Credit,
    Features,
    MethodKind,
    Notice,
    NoticeKind,
    Offer,
    Order,
    OrderReport,
    OrderStatus,
    Outcome,
    PlacedOrder,
)
from payments.partial import PartialProvider, json_answer
from payments.providers.sepay import signing
from payments.providers.sepay.callback import read_notice
from payments.providers.sepay.client import SepayClient
from payments.providers.sepay.config import Auth, SepayConfig, read_config
from payments.registry import system_clock
from payments.secrets import Secret
from payments.transfers import (
    SharedFetch,
    looked_at_since,
    offer_transfer,
    report_transfers,
)

GRANT = "token"
"""Where below the webhook's address SePay fetches its token."""
_MAX_KNOWN_ORDERS = 5_000
_ENDED = {"cancelled": OrderStatus.CANCELLED, "canceled": OrderStatus.CANCELLED}


class SepayProvider(PartialProvider):
    def __init__(self, name: str, config: SepayConfig, *, clock: Callable[[], datetime]) -> None:
        super().__init__(name)
        self._config = config
        self._clock = clock
        self._client = None if config.api is None else SepayClient(name, config, config.api)
        self._orders: dict[str, str] = {}
        """Virtual account → order, of those made here; others are found by their memo."""
        self._lock = threading.Lock()
        self._lists = SharedFetch(self._fetch, fresh_s=config.list_fresh_s)

    def features(self) -> Features:
        can_ask = self._client is not None
        return Features(
            kind=MethodKind.BANK_QR,
            pushes=True,
            can_query=can_ask,
            can_cancel=self._config.va_orders,
            lists_credits=can_ask,
            max_vnd=self._config.max_vnd,
            lifetime_s=self._config.lifetime_s,
        )

    def create(self, order: Order) -> Offer:
        config = self._config
        offer = offer_transfer(order, config.as_account(), limits=self.features())
        if not config.va_orders:
            return offer
        made = self._asked().make_order(order, lifetime_s=config.lifetime_s)
        self._remember(made.virtual_account, order.key)
        return offer_transfer(
            order,
            config.as_account(made.virtual_account),
            limits=self.features(),
            provider_ref=made.ref,
        )

    def query(self, placed: PlacedOrder) -> OrderReport:
        client = self._asked()
        order_id, _, virtual = placed.provider_ref.partition(":")
        if virtual:
            self._remember(virtual, placed.order.key)
        report = report_transfers(
            placed.order, self._lists.get(looked_at_since(placed)), self._clock()
        )
        if report.status is OrderStatus.PAID or not virtual:
            return report
        ended = _ENDED.get(client.order_status(order_id) or "")
        return report if ended is None else OrderReport(status=ended, credits=report.credits)

    def cancel(self, placed: PlacedOrder) -> None:
        if not self._config.va_orders:
            raise NotSupported("cancel")
        self._asked().cancel_order(placed.provider_ref.partition(":")[0])

    def list_credits(self, day: date) -> tuple[Credit, ...]:
        start = datetime(day.year, day.month, day.day, tzinfo=VIETNAM)
        return self._asked().list_credits(start, start + timedelta(days=1), orders=self._orders)

    def read_callback(self, request: CallbackRequest) -> Notice:
        if len(request.untrusted_body) > MAX_BODY_BYTES:
            raise MalformedCallback("too long")
        if request.method != "POST":
            raise BadSignature("webhooks are posted")
        config = self._config
        if config.allowed_addresses:
            signing.check_address(request.remote_address, config.allowed_addresses)
        headers, body, now = request.headers, request.untrusted_body, request.received_at
        sent_at = None
        if config.auth is Auth.HMAC:
            sent_at = signing.check_hmac(headers, body, self._secret(), now)
        elif config.auth is Auth.API_KEY:
            signing.check_api_key(headers, self._secret())
        elif config.auth is Auth.OAUTH2:
            if request.path == GRANT:
                signing.check_client(
                    headers, body, client_id=config.client_id, secret=self._secret()
                )
                return Notice(kind=NoticeKind.OTHER, context={GRANT: "yes"})
            signing.check_token(headers, self._secret(), now)
        return read_notice(body, config, provider=self.name, orders=self._orders, sent_at=sent_at)

    def answer(self, notice: Notice, outcome: Outcome) -> CallbackAnswer:
        if GRANT in notice.context:
            return json_answer(
                {
                    "access_token": signing.make_token(self._secret(), self._clock()),
                    "token_type": "Bearer",
                    "expires_in": int(signing.TOKEN_LIFETIME.total_seconds()),
                }
            )
        return super().answer(notice, outcome)

    def answer_refusal(self, error: CallbackRefused) -> CallbackAnswer:
        """SePay repeats itself eight times at most, and shows the failure to the hospital."""
        if isinstance(error, NotOurs):
            return json_answer({"success": False, "code": error.code}, status=422)
        return super().answer_refusal(error)

    def check(self) -> None:
        if self._client is not None:
            self._client.check()

    def close(self) -> None:
        if self._client is not None:
            self._client.close()

    def _asked(self) -> SepayClient:
        if self._client is None:
            raise NotSupported("no API of SePay is set up")
        return self._client

    def _secret(self) -> Secret:
        if self._config.secret is None:
            raise ProviderMisconfigured("no secret")
        return self._config.secret

    def _remember(self, virtual_account: str, order_key: str) -> None:
        with self._lock:
            self._orders[virtual_account] = order_key
            while len(self._orders) > _MAX_KNOWN_ORDERS:
                self._orders.pop(next(iter(self._orders)))

    def _fetch(self, since: datetime) -> tuple[Credit, ...]:
        until = self._clock() + timedelta(hours=1)
        return self._asked().list_credits(since, until, orders=self._orders)


def open_provider(
    name: str, settings: Mapping[str, Any], *, clock: Callable[[], datetime] = system_clock
) -> SepayProvider:
    """Raises ProviderMisconfigured."""
    return SepayProvider(name, read_config(name, settings), clock=clock)
