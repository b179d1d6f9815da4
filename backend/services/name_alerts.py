"""What alerts are about, in words: the name of a kiosk stands in the database, the rest does not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, select

from backend.domain.alert_words import Language, name_subject
from backend.storage.tables import Kiosk

_KIOSK = "kiosk:"


def name_alert_subjects(
    connection: Connection, subjects: Iterable[str], *, facility_id: str, language: Language
) -> Mapping[str, str]:
    """Subject → name on one line."""
    wanted = set(subjects)
    ids = [each.removeprefix(_KIOSK) for each in wanted if each.startswith(_KIOSK)]
    kiosks = {}
    if ids:
        query = select(Kiosk.id, Kiosk.name).where(
            Kiosk.facility_id == facility_id, Kiosk.id.in_(ids)
        )
        kiosks = {
            f"{_KIOSK}{row.id}": " ".join(row.name.split()) for row in connection.execute(query)
        }
    return {each: kiosks.get(each) or name_subject(each, language) for each in wanted}
