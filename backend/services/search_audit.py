"""The audit trail for people who answer for it: found by time, who, what and to what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select

from backend.domain.audit_groups import Outcome, outcome_of
from backend.domain.identity.names import search_key
from backend.storage.account_tables import UserAccount
from backend.storage.audit_search import AuditWish, Key, find_rows
from backend.storage.catalogue_tables import Room
from backend.storage.database import Database
from backend.storage.kiosk_tables import Kiosk
from backend.storage.number_tables import Ticket
from backend.storage.partner_tables import Partner

PAGE = 50
AT_ONCE = 1_000
MAX_ACTORS = 20
MAX_SUBJECTS = 20
PLAIN_ACTORS = ("command", "demo")
_NAMED = (
    ("staff", UserAccount, UserAccount.display_name),
    ("kiosk", Kiosk, Kiosk.name),
    ("agent", Kiosk, Kiosk.name),
    ("partner", Partner, Partner.name),
)
_SUBJECTS = (
    *_NAMED[:2],
    ("user", UserAccount, UserAccount.display_name),
    ("room", Room, Room.code),
)


@dataclass(frozen=True, kw_only=True)
class AuditLine:
    """`actor_name` and `subject_name` are None where nothing is known by that id any more."""

    id: str
    at: datetime
    actor: str
    actor_name: str | None
    event: str
    outcome: Outcome
    subject: str
    subject_name: str | None
    origin: str | None
    detail: Mapping[str, Any]
    sequence: int | None


@dataclass(frozen=True, kw_only=True)
class AuditPage:
    """`after` is the key of the next page; None: that was the last."""

    lines: list[AuditLine]
    after: Key | None


def find_actors(database: Database, untrusted_text: str) -> tuple[str, ...]:
    """Whom a text means: an actor as rows name it, or the names of accounts and machines.

    Nobody: an empty tuple. Marks and capitals do not matter. More than MAX_ACTORS are for the
    caller to refuse: a search looks for each by itself, and leaving some out would hide rows.
    """
    text = untrusted_text.strip()
    if ":" in text or text in PLAIN_ACTORS:
        return (text,)
    wanted = search_key(text)
    found = []
    with database.read() as connection:
        for prefix, table, name in _NAMED:
            query = select(table.id, name.label("shown")).where(
                table.facility_id == database.facility_id
            )
            if table is UserAccount:
                query = query.add_columns(UserAccount.name.label("login"))
            if table is Kiosk:
                query = query.where(Kiosk.kind == prefix)
            for row in connection.execute(query):
                names = (row.shown, getattr(row, "login", ""))
                if any(wanted in search_key(each) for each in names if each):
                    found.append(f"{prefix}:{row.id}")
    return tuple(found)


def find_subjects(database: Database, untrusted_text: str, *, day: date) -> tuple[str, ...]:
    """What a text means: a subject as rows name it, or the number of a ticket of that day."""
    text = untrusted_text.strip()
    if ":" in text:
        return (text,)
    query = (
        select(Ticket.visit_id)
        .where(
            Ticket.facility_id == database.facility_id,
            Ticket.day == day,
            Ticket.number == text.upper(),
        )
        .limit(MAX_SUBJECTS)
    )
    with database.read() as connection:
        return tuple(f"visit:{each}" for each in connection.scalars(query))


def search_audit(
    database: Database, wish: AuditWish, *, before: Key | None = None, limit: int = PAGE
) -> AuditPage:
    """Raises StorageUnavailable."""
    with database.read() as connection:
        rows = find_rows(connection, database.facility_id, wish, before=before, limit=limit + 1)
        lines = _name(connection, rows[:limit])
    last = lines[-1] if len(rows) > limit else None
    return AuditPage(lines=lines, after=None if last is None else (last.at, last.id))


def walk_audit(database: Database, wish: AuditWish) -> Iterator[AuditLine]:
    """All of them, a thousand in memory at a time; what is written meanwhile is not among them.

    Nothing is held between two thousands, however slowly they are taken.
    """
    end = database.clock() + timedelta(microseconds=1)
    bounded, before = replace(wish, until=min(wish.until or end, end)), None
    while True:
        page = search_audit(database, bounded, before=before, limit=AT_ONCE)
        yield from page.lines
        if page.after is None:
            return
        before = page.after


def _name(connection: Connection, rows: Iterable[Row[Any]]) -> list[AuditLine]:
    rows = list(rows)
    actors = _find_names(connection, _NAMED, (row.actor for row in rows))
    subjects = _find_names(connection, _SUBJECTS, (row.subject for row in rows))
    subjects |= _find_numbers(connection, (row.subject for row in rows))
    return [
        AuditLine(
            id=row.id,
            at=row.at,
            actor=row.actor,
            actor_name=actors.get(row.actor),
            event=row.event,
            outcome=outcome_of(row.event, row.detail),
            subject=row.subject,
            subject_name=subjects.get(row.subject),
            origin=row.origin,
            detail=row.detail,
            sequence=row.sequence,
        )
        for row in rows
    ]


def _find_names(
    connection: Connection, known: Iterable[tuple[str, Any, Any]], refs: Iterable[str]
) -> dict[str, str]:
    wanted = set(refs)
    names: dict[str, str] = {}
    for prefix, table, name in known:
        ids = {ref.partition(":")[2] for ref in wanted if ref.startswith(f"{prefix}:")}
        if ids:
            rows = connection.execute(select(table.id, name).where(table.id.in_(ids)))
            names |= {f"{prefix}:{id_}": shown for id_, shown in rows}
    return names


def _find_numbers(connection: Connection, subjects: Iterable[str]) -> dict[str, str]:
    """Visits are known by the number on their ticket."""
    ids = {each.partition(":")[2] for each in subjects if each.startswith("visit:")}
    if not ids:
        return {}
    query = select(Ticket.visit_id, Ticket.number).where(Ticket.visit_id.in_(ids))
    return {f"visit:{visit_id}": number for visit_id, number in connection.execute(query)}
