"""A message that is being delivered, and what a delivery hands back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeAlias

from sqlalchemy import Update

from backend.services.resources import Resources
from backend.storage.unit_of_work import UnitOfWork
from his_adapter.errors import BrokenReply, MultipleMatches, NotSupported
from his_adapter.models import WriteKey, Written


class NeedsStaff(Exception):  # named for what happened, as all errors here
    """Nobody but a person can settle this; `code` says why (see the texts of /staff/outbox)."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class BrokenAnswer(BrokenReply):
    """To a question: whatever came back, nothing was written."""


@contextmanager
def asking() -> Iterator[None]:
    """Around a call that only reads. A broken reply anywhere else may be one to a write."""
    try:
        yield
    except BrokenReply as error:
        raise BrokenAnswer(str(error)) from error


OUTCOME_UNTOLD = "unknown-outcome"
SEVERAL_RECORDS = "several-records"
NO_MERGE = "no-merge"
RECORD_GONE = "record-gone"
NO_RECORD = "no-record"
CHECKIN_INVALID = "checkin-invalid"
CHECKIN_REFUSED = "checkin-refused"
NO_INSURER = "no-insurer"


@dataclass(frozen=True, kw_only=True)
class Message:
    id: str
    party: str
    lane: str
    kind: str
    visit_id: str | None
    payload: dict[str, Any]
    attempts: int
    """How often it was tried before."""
    uncertain: bool = False
    """The last try may have arrived: its writes are looked up before they are sent again."""
    tried_at: datetime | None = None
    """When it was tried before."""
    failed_alone: int = 0
    """How often it met a fault of its party although others had got through."""
    ask_first: bool = False
    """Only when the party says it is well: what it answered last could not be read."""


Change: TypeAlias = tuple[Update, dict[str, Any]]
"""One of the statements of a delivery's module, and the values of its parameters."""


@dataclass(frozen=True, kw_only=True)
class Delivered:
    """What the other side made of it, kept in the transaction that says it is done."""

    his_ref: str | None = None
    changes: tuple[Change, ...] = ()
    """Written first, one statement for all messages that ended together."""
    save: Callable[[UnitOfWork], None] | None = None


def save_all(unit: UnitOfWork, ends: Iterable[Delivered]) -> None:
    """Keeps what these deliveries brought; their messages are settled by the caller."""
    ends = list(ends)
    rows: dict[Update, list[dict[str, Any]]] = {}
    for end in ends:
        for statement, values in end.changes:
            rows.setdefault(statement, []).append(values)
    for statement, values_of_all in rows.items():
        unit.connection.execute(statement, values_of_all)
    for end in ends:
        if end.save is not None:
            end.save(unit)


class Deliver(Protocol):
    def __call__(self, resources: Resources, message: Message) -> Delivered | None:
        """Outside any transaction; may be called again after a crash at any point.

        Raises HisError, NeedsStaff, StorageUnavailable.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """How one kind of message is delivered.

    `waits_for`: dead letters of these kinds about the same visit hold it back; all others pass.
    """

    deliver: Deliver
    party: str = "his"
    waits_for: frozenset[str] = frozenset()


def find_written(resources: Resources, message: Message, key: WriteKey) -> Written | None:
    """What an earlier try of this write left in the HIS.

    Raises NeedsStaff when it may have arrived and the HIS cannot say, or names several records.
    """
    if not message.attempts:
        return None
    try:
        with asking():
            return resources.his.find_by_key(key)
    except NotSupported as error:
        if message.uncertain:
            raise NeedsStaff(OUTCOME_UNTOLD) from error
        return None
    except MultipleMatches as error:
        raise NeedsStaff(SEVERAL_RECORDS) from error
