"""What alerts are about, in words: names of kiosks stand in the database, most others do not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from backend.domain.alert_words import Language, name_subject
from backend.storage.account_tables import UserAccount
from backend.storage.kiosk_tables import Kiosk


def name_alert_subjects(
    connection: Connection,
    subjects: Iterable[str],
    *,
    facility_id: str,
    language: Language,
    people: bool = False,
) -> Mapping[str, str]:
    """Subject → name on one line. `people`: accounts of staff by name; a mail never names one."""
    wanted = set(subjects)
    named = _look_up(connection, "kiosk:", wanted, Kiosk, facility_id)
    if people:
        named |= _look_up(connection, "user:", wanted, UserAccount, facility_id)
    return {each: named.get(each) or name_subject(each, language) for each in wanted}


def _look_up(
    connection: Connection,
    prefix: str,
    subjects: Iterable[str],
    table: type[Kiosk | UserAccount],
    facility_id: str,
) -> dict[str, str]:
    ids: Sequence[Any] = [each.removeprefix(prefix) for each in subjects if each.startswith(prefix)]
    if not ids:
        return {}
    query = select(table.id, table.name).where(table.facility_id == facility_id, table.id.in_(ids))
    return {f"{prefix}{row.id}": " ".join(row.name.split()) for row in connection.execute(query)}
