"""Shapes of numbers that a kiosk gives without the server."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from backend.domain.offline_numbers import LAST_NUMBER, MAX_NUMBERS_AT_ONCE
from backend.web.visit_schemas import Ticket, VisitRequest
from backend.web.wire import Id, Language, Moment, Reply, Request

JournalId = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{16,64}$")]


class OfflineGrantRequest(Request):
    """`journal_id` names the file in which the kiosk remembers its own numbers, for ever."""

    journal_id: JournalId


class OfflineTickets(Reply):
    """What is printed; `number` and `issued_at` are for the kiosk to fill in."""

    vi: Ticket
    en: Ticket


class OfflineGrant(Reply):
    letter: str
    per_hour: int
    tickets: OfflineTickets


class OfflineGrantReply(Reply):
    """`grant` is null where kiosks give no numbers by themselves."""

    grant: OfflineGrant | None


class OfflineNumber(Request):
    """A number this kiosk gave while the server was away. Nothing of a person."""

    key: Id
    number: Annotated[int, Field(ge=1, le=LAST_NUMBER)]
    taken_at: Moment
    priority: bool = False
    language: Language = "vi"
    print_state: Literal["pending", "printed", "unconfirmed", "failed", "unknown"]


class OfflineNumbersRequest(Request):
    journal_id: JournalId
    numbers: Annotated[list[OfflineNumber], Field(min_length=1, max_length=MAX_NUMBERS_AT_ONCE)]


class OfflineNumbersReply(Reply):
    safe: list[str]
    """Keys that are here now; the kiosk may forget those."""


class NameVisitRequest(VisitRequest):
    """Who a nameless number belongs to, and what they came for."""

    version: Annotated[int, Field(ge=0)]
    """Of the visit, as the page showed it."""
