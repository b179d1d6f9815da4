"""What staff did today, by whom, why and when: the log a head of department answers from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from backend.domain.catalogue import Catalogue
from backend.services.show_hall import day_start
from backend.storage.halls import find_names, find_numbers, list_acts

MAX_ACTS = 100


@dataclass(frozen=True, kw_only=True)
class ActFilter:
    """`before` is the last act of the page before; None starts with the newest."""

    room_id: str | None = None
    kinds: Sequence[str] = ()
    with_reason: bool = False
    before: tuple[datetime, str] | None = None
    limit: int = 50


@dataclass(frozen=True, kw_only=True)
class ListedAct:
    """`number` of the one ticket it was about; `people` counts them when there were more."""

    id: str
    at: datetime
    kind: str
    reason: str | None
    room_id: str | None
    actor: str
    number: str | None
    people: int
    undone_at: datetime | None
    undone_by: str | None


def list_todays_acts(
    connection: Connection, catalogue: Catalogue, wish: ActFilter, *, now: datetime
) -> tuple[list[ListedAct], bool]:
    """The newest first, and whether that is all."""
    limit = min(wish.limit, MAX_ACTS)
    rows = list_acts(
        connection,
        catalogue.facility_id,
        since=day_start(catalogue, catalogue.today(now)),
        before=wish.before,
        room_id=wish.room_id,
        kinds=wish.kinds,
        with_reason=wish.with_reason,
        limit=limit + 1,
    )
    page = rows[:limit]
    singles = {row.steps[0]["id"] for row in page if len(row.steps) == 1}
    numbers = find_numbers(connection, singles)
    names = find_names(
        connection, {who for row in page for who in (row.actor, row.undone_by or "")}
    )
    acts = [
        ListedAct(
            id=row.id,
            at=row.at,
            kind=row.kind,
            reason=row.reason,
            room_id=row.room_id,
            actor=names.get(row.actor, row.actor.partition(":")[0]),
            number=numbers.get(row.steps[0]["id"]) if len(row.steps) == 1 else None,
            people=len(row.steps),
            undone_at=row.undone_at,
            undone_by=names.get(row.undone_by or ""),
        )
        for row in page
    ]
    return acts, len(rows) <= limit
