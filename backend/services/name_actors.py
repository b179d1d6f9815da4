"""Who an actor of a trail was, for people who read it."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, select

from backend.storage.account_tables import UserAccount

_STAFF = "staff:"


def name_actors(connection: Connection, actors: Iterable[str | None]) -> dict[str, str]:
    """Actor → the name of the account; actors that are no account are missing."""
    ids = sorted({each.removeprefix(_STAFF) for each in actors if each and _STAFF in each})
    if not ids:
        return {}
    rows = connection.execute(
        select(UserAccount.id, UserAccount.display_name).where(UserAccount.id.in_(ids))
    )
    return {f"{_STAFF}{row.id}": row.display_name for row in rows}
