"""Asks the feed for the credits of a day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from payments.errors import (
    BadSignature,
    BrokenReply,
    CallbackRefused,
    StaleCallback,
)
from payments.fields import VIETNAM
from payments.http import HttpClient, Reply
from payments.models import Credit
from payments.providers.vietqr_bank import callback, signing
from payments.providers.vietqr_bank.config import FeedConfig, VietQrBankConfig
from payments.secrets import Secret
from payments.signatures import check_window

_MAX_PAGES = 200


@dataclass(frozen=True, kw_only=True)
class Asked:
    """`since` None: from the beginning of the day."""

    day: date
    since: datetime | None = None


class FeedClient:
    def __init__(
        self,
        provider: str,
        config: VietQrBankConfig,
        feed: FeedConfig,
        secrets: tuple[Secret, ...],
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._provider = provider
        self._config = config
        self._secrets = secrets
        self._clock = clock
        self._http = HttpClient(feed.base_url, ca_file=feed.ca_file)
        self._token = feed.token

    def list_credits(self, asked: Asked) -> tuple[Credit, ...]:
        """Each once, in the order of the bank. Raises PaymentError."""
        found: dict[str, Credit] = {}
        page: int | None = 1
        while page is not None:
            if page > _MAX_PAGES:
                raise BrokenReply("too many pages")
            listed, page = self._read_page(asked, page)
            found.update((credit.transaction_id, credit) for credit in listed)
        return tuple(found.values())

    def check(self) -> None:
        self._read_page(Asked(day=self._clock().astimezone(VIETNAM).date()), 1)

    def close(self) -> None:
        self._http.close()

    def _read_page(self, asked: Asked, page: int) -> tuple[list[Credit], int | None]:
        query = {"account": self._config.account, "day": asked.day.isoformat(), "page": str(page)}
        if asked.since is not None:
            query["since"] = asked.since.isoformat(timespec="seconds")
        headers = {"Authorization": f"Bearer {self._token.reveal()}"}
        reply = self._http.ask("GET", "/credits", writes=False, query=query, headers=headers)
        if reply.status in {401, 403}:
            raise BrokenReply("the feed refuses our token")
        if reply.status != 200:
            raise BrokenReply(f"status {reply.status}")
        content = self._read_signed(reply)
        if content.get("asked") != query:
            raise BrokenReply("the answer to another question")
        try:
            listed = [
                callback.read_credit(item, self._config, provider=self._provider)
                for item in _items(content)
            ]
            return listed, _next_page(content, page)
        except (ValueError, TypeError, OverflowError, CallbackRefused) as error:
            raise BrokenReply("a list of another shape") from error

    def _read_signed(self, reply: Reply) -> dict[str, Any]:
        headers = {name.lower(): value for name, value in reply.headers.items()}
        try:
            sent_at = signing.check(headers, reply.untrusted_body, self._secrets)
            check_window(sent_at, self._clock())
        except (BadSignature, StaleCallback) as error:
            raise BrokenReply("the signature of the list is wrong, or too old") from error
        return reply.read_json()


def _items(content: dict[str, Any]) -> list[dict[str, Any]]:
    items = content.get("credits")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise TypeError("no list")
    return items


def _next_page(content: dict[str, Any], page: int) -> int | None:
    following = content.get("next_page")
    if following is not None and following != page + 1:
        raise ValueError("pages follow each other")
    return following
