"""Dates and times that people fill in on a page, in the hospital's own time."""

from __future__ import annotations

from datetime import date, datetime

from backend.web.api import resources

FIRST_YEAR, LAST_YEAR = 2000, 2200


def find_moment(untrusted_text: str) -> datetime | None:
    """Of a field `datetime-local`. None for what is none."""
    try:
        moment = datetime.fromisoformat(untrusted_text)
    except ValueError:
        return None
    if moment.tzinfo is not None or not FIRST_YEAR <= moment.year < LAST_YEAR:
        return None
    return moment.replace(tzinfo=resources().catalogue.get().zone)


def find_day(untrusted_text: str) -> date | None:
    """Of a field `date`. None for what is none."""
    try:
        day = date.fromisoformat(untrusted_text)
    except ValueError:
        return None
    return day if FIRST_YEAR <= day.year < LAST_YEAR else None


def to_field(moment: datetime) -> str:
    """What a field `datetime-local` shows."""
    return f"{moment.astimezone(resources().catalogue.get().zone):%Y-%m-%dT%H:%M}"
