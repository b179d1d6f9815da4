"""Alerts as the people at the computers see them: what is wrong, who was told, what there was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, or_, select

from backend.domain.alert_words import AlertWords, Language, words_of
from backend.domain.alerts import AlertKind, AlertPhase
from backend.services.name_alerts import name_alert_subjects
from backend.services.resources import Resources
from backend.storage.alert_tables import AlertChannel
from backend.storage.database import Database
from backend.storage.fleet_tables import Alert, AlertNotice, is_known_alert
from backend.storage.kiosk_tables import Kiosk

MAX_OPEN = 200
MAX_PAST = 100
MAX_QUERY_CHARS = 60


@dataclass(frozen=True, kw_only=True)
class Telling:
    """One channel and one phase of one alert."""

    channel: str
    phase: AlertPhase
    state: str
    settled_at: datetime | None
    error: str | None


@dataclass(frozen=True, kw_only=True)
class ShownAlert:
    id: str
    kind: AlertKind
    subject: str
    name: str
    words: AlertWords
    raised_at: datetime
    cleared_at: datetime | None
    told: Sequence[Telling]


@dataclass(frozen=True, kw_only=True)
class ShownChannel:
    """`failing_since`: nothing gets through since then. `waiting`: notices kept for it."""

    name: str
    failing_since: datetime | None
    last_error: str | None
    last_ok_at: datetime | None
    next_at: datetime | None
    waiting: int


@dataclass(frozen=True, kw_only=True)
class AlertBoard:
    open: Sequence[ShownAlert]
    past: Sequence[ShownAlert]
    channels: Sequence[ShownChannel]


@dataclass(frozen=True, kw_only=True)
class AlertQuery:
    """Of what is over. `text` is part of what it is about."""

    kind: AlertKind | None = None
    text: str = ""


def count_open_alerts(database: Database) -> Mapping[str, int]:
    """By kind, those without an open one left out. Raises StorageUnavailable."""
    query = (
        select(Alert.kind, func.count().label("alerts"))
        .where(
            Alert.facility_id == database.facility_id,
            Alert.cleared_at.is_(None),
            is_known_alert(),
        )
        .group_by(Alert.kind)
    )
    with database.read() as connection:
        return {row.kind: row.alerts for row in connection.execute(query)}


def show_alerts(resources: Resources, language: Language, query: AlertQuery) -> AlertBoard:
    """Open ones from the newest on, then what is over. Raises StorageUnavailable."""
    database = resources.database
    with database.read() as connection:
        return AlertBoard(
            open=_list(
                connection, database, language, [Alert.cleared_at.is_(None)], limit=MAX_OPEN
            ),
            past=_list(
                connection,
                database,
                language,
                [Alert.cleared_at.is_not(None), *_conditions(query, language)],
                limit=MAX_PAST,
            ),
            channels=list_channels(
                connection,
                [channel.name for channel in resources.config.alert_channels],
                facility_id=database.facility_id,
            ),
        )


def list_alerts(
    database: Database, language: Language, *, past: bool = False
) -> Sequence[ShownAlert]:
    """Those that are open, or those that are over; the newest first. Raises StorageUnavailable."""
    is_over = Alert.cleared_at.is_not(None) if past else Alert.cleared_at.is_(None)
    with database.read() as connection:
        return _list(connection, database, language, [is_over], limit=MAX_OPEN)


def list_channels(
    connection: Connection, names: Sequence[str], *, facility_id: str
) -> Sequence[ShownChannel]:
    """Those that are set up, in the order of the file."""
    rows = {
        row.channel: row
        for row in connection.execute(
            select(AlertChannel.__table__).where(AlertChannel.facility_id == facility_id)
        )
    }
    waiting = {
        row.channel: row.notices
        for row in connection.execute(
            select(AlertNotice.channel, func.count().label("notices"))
            .where(AlertNotice.facility_id == facility_id, AlertNotice.state == "waiting")
            .group_by(AlertNotice.channel)
        )
    }
    return [
        ShownChannel(
            name=name,
            failing_since=rows[name].failing_since if name in rows else None,
            last_error=rows[name].last_error if name in rows else None,
            last_ok_at=rows[name].last_ok_at if name in rows else None,
            next_at=rows[name].next_at if name in rows else None,
            waiting=waiting.get(name, 0),
        )
        for name in names
    ]


def _list(
    connection: Connection,
    database: Database,
    language: Language,
    conditions: Sequence[ColumnElement[bool]],
    *,
    limit: int,
) -> list[ShownAlert]:
    rows = connection.execute(
        select(Alert.__table__)
        .where(Alert.facility_id == database.facility_id, is_known_alert(), *conditions)
        .order_by(Alert.raised_at.desc(), Alert.id.desc())
        .limit(limit)
    ).all()
    names = name_alert_subjects(
        connection,
        [row.subject for row in rows],
        facility_id=database.facility_id,
        language=language,
        people=True,
    )
    told = _list_told(connection, [row.id for row in rows])
    return [
        ShownAlert(
            id=row.id,
            kind=AlertKind(row.kind),
            subject=row.subject,
            name=names[row.subject],
            words=words_of(AlertKind(row.kind), language, subject=row.subject),
            raised_at=row.raised_at,
            cleared_at=row.cleared_at,
            told=told.get(row.id, ()),
        )
        for row in rows
    ]


def _list_told(connection: Connection, ids: Sequence[str]) -> Mapping[str, Sequence[Telling]]:
    found: dict[str, list[Telling]] = {}
    query = (
        select(AlertNotice.__table__)
        .where(AlertNotice.alert_id.in_(ids), AlertNotice.channel != "")
        .order_by(AlertNotice.channel, AlertNotice.phase.desc())
    )
    for row in connection.execute(query) if ids else ():
        found.setdefault(row.alert_id, []).append(
            Telling(
                channel=row.channel,
                phase=AlertPhase(row.phase),
                state=row.state,
                settled_at=row.settled_at,
                error=row.last_error,
            )
        )
    return found


def _conditions(query: AlertQuery, language: Language) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if query.kind is not None:
        conditions.append(Alert.kind == query.kind)
    text = " ".join(query.text.split())[:MAX_QUERY_CHARS].lower()
    if text:
        like = {"autoescape": True}
        kiosks = select("kiosk:" + Kiosk.id).where(func.lower(Kiosk.name).contains(text, **like))
        kinds = [kind for kind in AlertKind if text in words_of(kind, language).raised.lower()]
        conditions.append(
            or_(
                func.lower(Alert.subject).contains(text, **like),
                Alert.subject.in_(kiosks),
                Alert.kind.in_(kinds),
            )
        )
    return conditions
