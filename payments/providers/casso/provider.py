"""Bank QR to an account that Casso watches: told by webhook, found again in its list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from payments.errors import BadSignature, CallbackRefused, NotOurs, NotSupported
from payments.fields import VIETNAM
from payments.models import (
    CallbackAnswer,
    CallbackRequest,
    Credit,
    Features,
    MethodKind,
    Notice,
    Offer,
    Order,
    OrderReport,
    PlacedOrder,
)
from payments.partial import PartialProvider, json_answer
from payments.providers.casso import signing
from payments.providers.casso.callback import read_notice
from payments.providers.casso.client import CassoClient
from payments.providers.casso.config import CassoConfig, read_config
from payments.registry import system_clock
from payments.transfers import SharedFetch, looked_at_since, offer_transfer, report_transfers
from payments.untrusted_json import read_object


class CassoProvider(PartialProvider):
    def __init__(self, name: str, config: CassoConfig, *, clock: Callable[[], datetime]) -> None:
        super().__init__(name)
        self._config = config
        self._clock = clock
        self._client = None if config.api is None else CassoClient(name, config, config.api)
        self._lists = SharedFetch(self._fetch, fresh_s=config.list_fresh_s)

    def features(self) -> Features:
        can_ask = self._client is not None
        return Features(
            kind=MethodKind.BANK_QR,
            pushes=True,
            can_query=can_ask,
            lists_credits=can_ask,
            max_vnd=self._config.max_vnd,
            lifetime_s=self._config.lifetime_s,
        )

    def create(self, order: Order) -> Offer:
        return offer_transfer(order, self._config.as_account(), limits=self.features())

    def query(self, placed: PlacedOrder) -> OrderReport:
        found = self._lists.get(looked_at_since(placed))
        return report_transfers(placed.order, found, self._clock())

    def list_credits(self, day: date) -> tuple[Credit, ...]:
        start = datetime(day.year, day.month, day.day, tzinfo=VIETNAM)
        return self._asked().list_credits(start, start + timedelta(days=1))

    def read_callback(self, request: CallbackRequest) -> Notice:
        """The signature is over the content, not its bytes: it is parsed first, bounded."""
        if request.method != "POST":
            raise BadSignature("webhooks are posted")
        content = read_object(request.untrusted_body)
        sent_at = signing.check(request.headers, content, self._config.secret, request.received_at)
        return read_notice(content, self._config, provider=self.name, sent_at=sent_at)

    def answer_refusal(self, error: CallbackRefused) -> CallbackAnswer:
        if isinstance(error, NotOurs):
            return json_answer({"success": False, "code": error.code}, status=422)
        return super().answer_refusal(error)

    def check(self) -> None:
        if self._client is not None:
            self._client.check(self._clock())

    def close(self) -> None:
        if self._client is not None:
            self._client.close()

    def _asked(self) -> CassoClient:
        if self._client is None:
            raise NotSupported("no API of Casso is set up")
        return self._client

    def _fetch(self, since: datetime) -> tuple[Credit, ...]:
        return self._asked().list_credits(since, self._clock() + timedelta(hours=1))


def open_provider(
    name: str, settings: Mapping[str, Any], *, clock: Callable[[], datetime] = system_clock
) -> CassoProvider:
    """Raises ProviderMisconfigured."""
    return CassoProvider(name, read_config(name, settings), clock=clock)
