"""Casso's list of transactions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from payments.errors import BrokenReply
from payments.fields import VIETNAM
from payments.http import HttpClient
from payments.models import Credit
from payments.providers.casso.callback import listed_at, read_listed
from payments.providers.casso.config import ApiConfig, CassoConfig

_PAGE = 100
_MAX_PAGES = 300


class CassoClient:
    def __init__(self, provider: str, config: CassoConfig, api: ApiConfig) -> None:
        self._provider = provider
        self._config = config
        self._key = api.key
        self._http = HttpClient(api.base_url, ca_file=api.ca_file)

    def list_credits(self, since: datetime, until: datetime) -> tuple[Credit, ...]:
        """Newest first from the list, which is read until it is older than `since`."""
        found: dict[str, Credit] = {}
        for page in range(1, _MAX_PAGES + 1):
            records, is_last = self._read_page(since, page)
            try:
                moments = [listed_at(record) for record in records]
                listed = [
                    read_listed(record, self._config, provider=self._provider)
                    for record, moment in zip(records, moments, strict=True)
                    if since <= moment < until
                ]
            except (ValueError, TypeError, OverflowError) as error:
                raise BrokenReply("a list of another shape") from error
            found.update((each.transaction_id, each) for each in listed if each is not None)
            if is_last or (moments and max(moments) < since):
                return tuple(reversed(found.values()))
        raise BrokenReply("too many pages")

    def check(self, now: datetime) -> None:
        self._read_page(now, 1)

    def close(self) -> None:
        self._http.close()

    def _read_page(self, since: datetime, page: int) -> tuple[list[dict[str, Any]], bool]:
        """The records, and whether there are no more."""
        query = {
            "fromDate": since.astimezone(VIETNAM).date().isoformat(),
            "page": str(page),
            "pageSize": str(_PAGE),
            "sort": "DESC",
        }
        headers = {"Authorization": f"Apikey {self._key.reveal()}"}
        reply = self._http.ask("GET", "/transactions", writes=False, query=query, headers=headers)
        if reply.status in {401, 403}:
            raise BrokenReply("Casso refuses our key")
        if reply.status != 200:
            raise BrokenReply(f"status {reply.status}")
        content = reply.read_json()
        data = content.get("data")
        if content.get("error") != 0 or not isinstance(data, dict):
            raise BrokenReply("no list")
        records, pages = data.get("records"), data.get("totalPages")
        if not isinstance(records, list) or not all(isinstance(each, dict) for each in records):
            raise BrokenReply("no list")
        if type(pages) is not int:
            raise BrokenReply("no pages")
        return records, page >= pages
