"""Audit rows by time, who, what and to what: the newest first, page after page by key.

Each search goes along one index from its end, so a page costs the same on the first day and
after years. Where several values of it are wanted, each is read by itself and they are merged.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, or_, select

from backend.storage.audit_tables import AuditEvent

COLUMNS = AuditEvent.__table__.c
Key: TypeAlias = tuple[datetime, str]


@dataclass(frozen=True, kw_only=True)
class AuditWish:
    """Every part narrows down; an empty tuple asks for nothing that exists, None for everything.

    `since` is in it, `until` is not.
    """

    since: datetime | None = None
    until: datetime | None = None
    actors: tuple[str, ...] | None = None
    events: tuple[str, ...] | None = None
    subjects: tuple[str, ...] | None = None


def find_rows(
    connection: Connection,
    facility_id: str,
    wish: AuditWish,
    *,
    before: Key | None = None,
    limit: int,
) -> list[Row[Any]]:
    """The newest first, after the row that `before` names."""
    parts = [
        connection.execute(query).all() for query in _queries(facility_id, wish, before, limit)
    ]
    merged = heapq.merge(*parts, key=_key_of, reverse=True)
    return list(islice(merged, limit))


def _queries(
    facility_id: str, wish: AuditWish, before: Key | None, limit: int
) -> Iterator[Select[Any]]:
    narrowing: list[ColumnElement[bool]] = [COLUMNS.facility_id == facility_id]
    if wish.since is not None:
        narrowing.append(COLUMNS.at >= wish.since)
    if wish.until is not None:
        narrowing.append(COLUMNS.at < wish.until)
    if before is not None:
        at, id_ = before
        narrowing.append(and_(COLUMNS.at <= at, or_(COLUMNS.at < at, COLUMNS.id < id_)))
    wanted = [
        (column, values)
        for column, values in (
            (COLUMNS.subject, wish.subjects),
            (COLUMNS.actor, wish.actors),
            (COLUMNS.event, wish.events),
        )
        if values is not None
    ]
    query = select(*COLUMNS).order_by(COLUMNS.at.desc(), COLUMNS.id.desc()).limit(limit)
    if not wanted:
        yield query.where(*narrowing)
        return
    (leading, values), *others = wanted
    narrowing += [column.in_(each) for column, each in others]
    for value in dict.fromkeys(values):
        yield query.where(leading == value, *narrowing)


def _key_of(row: Row[Any]) -> Key:
    return row.at, row.id
