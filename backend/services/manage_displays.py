"""Displays are added, changed and revoked by staff; a display is known by the key in its address."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection, select, update
from sqlalchemy.exc import IntegrityError

from backend.domain.catalogue import Catalogue
from backend.domain.displays import DisplayKind, DisplayWish, find_fault
from backend.domain.ids import new_id
from backend.errors import DisplayExists, DisplayNotFound, ValidationFailed, ZoneHasVoice
from backend.events import Event
from backend.services.recognise_caller import credential_hash
from backend.storage.database import Database
from backend.storage.hall_tables import Display
from backend.storage.unit_of_work import UnitOfWork

MAX_LISTED = 500
SEEN_EVERY = timedelta(minutes=1)
"""How old the last sign of life of a display that runs may be."""
_ALPHABET = "23456789abcdefghjkmnpqrstvwxyz"  # typed with a TV's remote control: no look-alikes
_KEY_CHARS = 26
_KEY = re.compile(f"[{_ALPHABET}]{{{_KEY_CHARS}}}")
_LOST_RACES = 3

Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class KnownDisplay(DisplayWish):
    id: str
    created_at: datetime
    revoked_at: datetime | None
    last_seen_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class AddedDisplay:
    """`key` is told once: only its hash is kept."""

    display: KnownDisplay
    key: str


def add_display(
    database: Database, catalogue: Catalogue, wish: DisplayWish, *, actor: str
) -> AddedDisplay:
    """Raises ValidationFailed, DisplayExists, ZoneHasVoice."""
    _check(wish, catalogue)
    display_id = new_id()
    # 127 random bits: not to be guessed, so a plain hash of it may be stored.
    key = "".join(secrets.choice(_ALPHABET) for _ in range(_KEY_CHARS))

    def add(unit: UnitOfWork) -> KnownDisplay:
        _check_others(unit, wish, display_id)
        unit.add(
            Display,
            id=display_id,
            key_hash=credential_hash(key),
            created_at=unit.now,
            revoked_at=None,
            last_seen_at=None,
            **_values(wish),
        )
        unit.flush()
        _trace(unit, Event.DISPLAY_ADDED, display_id, actor)
        return _get(unit, display_id)

    return AddedDisplay(display=_write(database, add), key=key)


def change_display(
    database: Database, catalogue: Catalogue, display_id: str, wish: DisplayWish, *, actor: str
) -> KnownDisplay:
    """The display keeps its address. Raises as `add_display`, and DisplayNotFound."""
    _check(wish, catalogue)

    def change(unit: UnitOfWork) -> KnownDisplay:
        _get(unit, display_id)
        _check_others(unit, wish, display_id)
        unit.connection.execute(
            update(Display).where(Display.id == display_id).values(**_values(wish))
        )
        _trace(unit, Event.DISPLAY_CHANGED, display_id, actor)
        return _get(unit, display_id)

    return _write(database, change)


def revoke_display(database: Database, display_id: str, *, actor: str) -> None:
    """Its page is empty within 15 s, for good. Raises DisplayNotFound, also the second time."""

    def revoke(unit: UnitOfWork) -> None:
        _get(unit, display_id)
        unit.connection.execute(
            update(Display).where(Display.id == display_id).values(revoked_at=unit.now)
        )
        _trace(unit, Event.DISPLAY_REVOKED, display_id, actor)

    database.transact(revoke)


def list_displays(database: Database, *, revoked: bool = False) -> list[KnownDisplay]:
    """By name; `revoked` adds those that were ended, to the end."""
    standing = () if revoked else (Display.revoked_at.is_(None),)
    with database.read() as connection:
        rows = connection.execute(
            select(Display.__table__)
            .where(Display.facility_id == database.facility_id, *standing)
            .order_by(Display.revoked_at.is_not(None), Display.name, Display.id)
            .limit(MAX_LISTED)
        ).all()
    return [_known(row) for row in rows]


def find_display(
    connection: Connection, untrusted_key: str, *, facility_id: str
) -> KnownDisplay | None:
    """None for a wrong and for a revoked key. Asked anew at every request: one row by its index."""
    if not _KEY.fullmatch(untrusted_key):
        return None
    row = connection.execute(
        select(Display.__table__).where(
            Display.key_hash == credential_hash(untrusted_key),
            Display.facility_id == facility_id,
            Display.revoked_at.is_(None),
        )
    ).one_or_none()
    return _known(row) if row else None


def record_sight(database: Database, display: KnownDisplay) -> None:
    """Keeps when the display was last seen, as seldom as staff can use it."""
    now = database.clock()
    if display.last_seen_at is not None and now - display.last_seen_at < SEEN_EVERY:
        return
    with database.write() as unit:
        unit.connection.execute(
            update(Display).where(Display.id == display.id).values(last_seen_at=now)
        )


def _check(wish: DisplayWish, catalogue: Catalogue) -> None:
    fault = find_fault(wish, catalogue)
    if fault is not None:
        raise ValidationFailed(f"A display cannot be like this: {fault.value}")


def _check_others(unit: UnitOfWork, wish: DisplayWish, display_id: str) -> None:
    others = select(Display.id).where(
        Display.facility_id == unit.facility_id,
        Display.revoked_at.is_(None),
        Display.id != display_id,
    )
    if unit.connection.scalar(others.where(Display.name == wish.name)):
        raise DisplayExists
    if wish.speaks and unit.connection.scalar(
        others.where(Display.zone == wish.zone, Display.speaks)
    ):
        raise ZoneHasVoice


def _write(database: Database, work: Callable[[UnitOfWork], Result]) -> Result:
    """Two at once: the index lets one in, and the other one is told so when it looks again."""
    for _ in range(_LOST_RACES):
        try:
            return database.transact(work)
        except IntegrityError:
            continue
    return database.transact(work)


def _get(unit: UnitOfWork, display_id: str) -> KnownDisplay:
    row = unit.connection.execute(
        select(Display.__table__)
        .where(
            Display.id == display_id,
            Display.facility_id == unit.facility_id,
            Display.revoked_at.is_(None),
        )
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise DisplayNotFound
    return _known(row)


def _trace(unit: UnitOfWork, event: Event, display_id: str, actor: str) -> None:
    unit.audit(event, actor=actor, subject=f"display:{display_id}")
    unit.publish(event, subject=f"display:{display_id}")


def _values(wish: DisplayWish) -> dict[str, Any]:
    return {
        "name": wish.name,
        "kind": wish.kind.value,
        "room_ids": list(wish.room_ids),
        "zone": wish.zone,
        "speaks": wish.speaks,
        "languages": "vi+en" if wish.english else "vi",
        "show_names": wish.show_names,
        "distance_m": wish.distance_m,
        "screen_in": wish.screen_in,
    }


def _known(row: Any) -> KnownDisplay:
    return KnownDisplay(
        id=row.id,
        name=row.name,
        kind=DisplayKind(row.kind),
        room_ids=tuple(row.room_ids),
        zone=row.zone,
        speaks=row.speaks,
        english=row.languages == "vi+en",
        show_names=row.show_names,
        distance_m=row.distance_m,
        screen_in=row.screen_in,
        created_at=row.created_at,
        revoked_at=row.revoked_at,
        last_seen_at=row.last_seen_at,
    )
