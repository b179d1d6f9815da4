"""Bank QR to the hospital's own account; the truth is the bank's feed, or a statement."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from payments.errors import BadSignature, CallbackRefused, MalformedCallback, NotOurs, NotSupported
from payments.fields import MAX_BODY_BYTES, VIETNAM
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
from payments.providers.vietqr_bank import signing
from payments.providers.vietqr_bank.callback import read_notice, virtual_account
from payments.providers.vietqr_bank.client import Asked, FeedClient
from payments.providers.vietqr_bank.config import VietQrBankConfig, read_config
from payments.registry import system_clock
from payments.signatures import check_window
from payments.transfers import (
    SharedFetch,
    days_since,
    looked_at_since,
    offer_transfer,
    report_transfers,
)


class VietQrBankProvider(PartialProvider):
    def __init__(
        self, name: str, config: VietQrBankConfig, *, clock: Callable[[], datetime]
    ) -> None:
        super().__init__(name)
        self._config = config
        self._clock = clock
        given = (config.secret, config.previous_secret)
        self._secrets = tuple(secret for secret in given if secret is not None)
        self._client = (
            None
            if config.feed is None
            else FeedClient(name, config, config.feed, self._secrets, clock=clock)
        )
        self._lists = SharedFetch(self._fetch, fresh_s=config.list_fresh_s)

    def features(self) -> Features:
        can_ask = self._client is not None
        return Features(
            kind=MethodKind.BANK_QR,
            pushes=bool(self._secrets),
            can_query=can_ask,
            lists_credits=can_ask,
            max_vnd=self._config.max_vnd,
            lifetime_s=self._config.lifetime_s,
        )

    def create(self, order: Order) -> Offer:
        number = None
        if self._config.virtual_prefix:
            number = virtual_account(order.key, self._config)
        return offer_transfer(order, self._config.as_account(number), limits=self.features())

    def query(self, placed: PlacedOrder) -> OrderReport:
        since = looked_at_since(placed)
        now = self._clock()
        days = days_since(since, now)
        asked = [Asked(day=day, since=since if not at else None) for at, day in enumerate(days)]
        if since.astimezone(VIETNAM).date() < days[0]:
            asked[0] = Asked(day=days[0])
        found = [credit for question in asked for credit in self._lists.get(question)]
        return report_transfers(placed.order, found, now)

    def list_credits(self, day: date) -> tuple[Credit, ...]:
        return self._fetch(Asked(day=day))

    def read_callback(self, request: CallbackRequest) -> Notice:
        if len(request.untrusted_body) > MAX_BODY_BYTES:
            raise MalformedCallback("too long")
        if request.method != "POST":
            raise BadSignature("the feed is posted")
        sent_at = signing.check(request.headers, request.untrusted_body, self._secrets)
        check_window(sent_at, request.received_at)
        return read_notice(
            request.untrusted_body, self._config, provider=self.name, sent_at=sent_at
        )

    def answer_refusal(self, error: CallbackRefused) -> CallbackAnswer:
        """What can never become right is not sent again: 400 and 422 end the repeats."""
        status = 401
        if isinstance(error, MalformedCallback):
            status = 400
        elif isinstance(error, NotOurs):
            status = 422
        return json_answer({"success": False, "code": error.code}, status=status)

    def check(self) -> None:
        if self._client is not None:
            self._client.check()

    def close(self) -> None:
        if self._client is not None:
            self._client.close()

    def _fetch(self, asked: Asked) -> tuple[Credit, ...]:
        if self._client is None:
            raise NotSupported("this account has no feed to ask")
        return self._client.list_credits(asked)


def open_provider(
    name: str, settings: Mapping[str, Any], *, clock: Callable[[], datetime] = system_clock
) -> VietQrBankProvider:
    """Raises ProviderMisconfigured."""
    return VietQrBankProvider(name, read_config(name, settings), clock=clock)
