"""Live events out of the database, each once and in order, soon after its commit.

Events are rows of the transaction that caused them, so they survive every process. They are read
by asking for what is new many times a second: a NOTIFY would make every commit that sends one
wait for all others (PostgreSQL holds one lock from there to the end of the commit), and tickets
are issued by the hundred. Ids are handed out before commits, so a number that is missing between
two others is asked for until its transaction must have ended.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, or_, select

from backend.storage.database import STATEMENT_TIMEOUT_S, Database
from backend.storage.outbox_tables import LiveEvent

GAP_LIFETIME_S = STATEMENT_TIMEOUT_S + 5.0
"""A transaction that has not committed by then was undone: its numbers stay empty."""
MAX_AT_ONCE = 1_000
MAX_GAPS = 5_000

TOPIC_LISTS = ("rooms", "queues", "visits")


@dataclass(frozen=True, kw_only=True)
class LiveMessage:
    """`topics` are the ids it concerns; `detail` carries ids and the public number only."""

    id: int
    event: str
    subject: str
    detail: dict[str, Any]
    topics: frozenset[str]


class EventFeed:
    """What one reader has not seen yet. Not for several threads."""

    def __init__(self, database: Database, *, ticks: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._ticks = ticks
        self._last: int | None = None
        self._gaps: dict[int, float] = {}

    def start(self) -> int:
        """Begins with what is committed from now on. Raises StorageUnavailable."""
        with self._database.read() as connection:
            self._last = connection.scalar(select(func.max(LiveEvent.id))) or 0
        self._gaps.clear()
        return self._last

    def read(self) -> list[LiveMessage]:
        """New events, late commits among them. Raises StorageUnavailable, and then loses none."""
        if self._last is None:
            self.start()
            return []
        now = self._ticks()
        self._gaps = {id_: until for id_, until in self._gaps.items() if until > now}
        wanted = LiveEvent.id > self._last
        if self._gaps:
            wanted = or_(wanted, LiveEvent.id.in_(sorted(self._gaps)))
        query = (
            select(LiveEvent.id, LiveEvent.event, LiveEvent.subject, LiveEvent.detail)
            .where(LiveEvent.facility_id == self._database.facility_id, wanted)
            .order_by(LiveEvent.id)
            .limit(MAX_AT_ONCE)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        for row in rows:
            self._pass(row.id, until=now + GAP_LIFETIME_S)
        return [
            LiveMessage(
                id=row.id,
                event=row.event,
                subject=row.subject,
                detail=row.detail,
                topics=_list_topics(row.event, row.subject, row.detail),
            )
            for row in rows
        ]

    def _pass(self, id_: int, *, until: float) -> None:
        """Notes that this id was seen, and which smaller ones were not."""
        last = self._last or 0
        if id_ <= last:
            self._gaps.pop(id_, None)
            return
        missing = range(max(last + 1, id_ - MAX_GAPS), id_)
        self._gaps.update(dict.fromkeys(missing, until))
        self._last = id_


def _list_topics(event: str, subject: str, detail: dict[str, Any]) -> frozenset[str]:
    """Ids of rooms, queues and visits it concerns, its subject's id, and the kind of the event."""
    topics = {subject.partition(":")[2], event.partition("_")[0]}
    for name in TOPIC_LISTS:
        topics.update(detail.get(name, ()))
    return frozenset(topics)
