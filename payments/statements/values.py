"""Amounts and times as Vietnamese statements write them. Pure; what is not sure is not read."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")

Cell = str | int | float | datetime | date | time | None
"""What a table holds; text from CSV, also numbers and times from XLSX."""

MAX_VND = 10**15


class Unreadable(ValueError):
    """A cell that cannot be read with certainty."""


_UNIT = re.compile(r"(vnd|vnđ|đồng|đ)$", re.IGNORECASE)
_PLAIN = re.compile(r"[0-9]+")
# One kind of sign between groups of three; what follows the other kind are hundredths.
_GROUPED = re.compile(r"[0-9]{1,3}(?:([.,' ])[0-9]{3})(?:\1[0-9]{3})*(?:([.,])([0-9]{1,2}))?")
_UNGROUPED = re.compile(r"([0-9]+)[.,]([0-9]{1,2})")
_EXCEL_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - spreadsheets know no zone
_EXCEL_DAYS = (36_526, 73_050)
"""2000 to 2099: a number in a column of dates that is outside is no date."""

_TIME = r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:\.[0-9]{1,6})?)?"
_DAY_FIRST = r"(?P<day>[0-9]{1,2})[/.-](?P<month>[0-9]{1,2})[/.-](?P<year>[0-9]{4})"
_YEAR_FIRST = r"(?P<year>[0-9]{4})[/.-](?P<month>[0-9]{1,2})[/.-](?P<day>[0-9]{1,2})"
_COMPACT = r"(?P<year>20[0-9]{2})(?P<month>[0-9]{2})(?P<day>[0-9]{2})"
_COMPACT_TIME = r"(?P<hour>[0-9]{2})(?P<minute>[0-9]{2})(?P<second>[0-9]{2})"
_ZONE = r"(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})?"
_FORMS = tuple(
    re.compile(form)
    for form in (
        rf"{_DAY_FIRST}(?:[ T-]+{_TIME})?",
        rf"{_YEAR_FIRST}(?:[ T]{_TIME} ?{_ZONE})?",
        rf"{_TIME}[ -]+{_DAY_FIRST}",
        rf"{_COMPACT}(?:{_COMPACT_TIME})?",
    )
)


def squeeze(text: str) -> str:
    """Composed, one blank for any run of blanks and line ends, none around."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def fold(text: str) -> str:
    """For comparing headings: no marks, no case, no punctuation."""
    plain = unicodedata.normalize("NFD", text.lower().replace("đ", "d"))
    kept = "".join(sign for sign in plain if not unicodedata.combining(sign))
    return " ".join(re.sub(r"[^a-z0-9+-]+", " ", kept).split())


def read_vnd(cell: Cell) -> int | None:
    """Whole đồng, negative with a minus or in brackets. None for nothing, or "-".

    `350.000`, `350,000`, `350 000`, `350000.00` and `350,000.00` are all 350000. Raises
    Unreadable for hundredths that are not zero, mixed signs, and whatever else is not sure.
    """
    if cell is None or isinstance(cell, str):
        return _read_vnd_text(squeeze(cell or ""))
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        raise Unreadable("not an amount")
    if isinstance(cell, float) and not cell.is_integer():
        raise Unreadable("a part of a đồng")
    return _within(int(cell))


def _read_vnd_text(text: str) -> int | None:
    text = _UNIT.sub("", text.removeprefix("VND")).strip()
    if text in {"", "-"}:
        return None
    negative = text.startswith("-") or (text.startswith("(") and text.endswith(")"))
    text = (
        text[1:-1]
        if text.startswith("(") and negative
        else text.removeprefix("-").removeprefix("+")
    ).strip()
    if _PLAIN.fullmatch(text):
        amount_vnd = _within(int(text[:20]))
    elif grouped := _GROUPED.fullmatch(text):
        between, point, hundredths = grouped.groups()
        if point == between or (hundredths and int(hundredths)):
            raise Unreadable("not whole đồng")
        whole = text[: grouped.start(2)] if point else text
        amount_vnd = _within(int(whole.replace(between, "")))
    elif ungrouped := _UNGROUPED.fullmatch(text):
        if int(ungrouped[2]):
            raise Unreadable("not whole đồng")
        amount_vnd = _within(int(ungrouped[1][:20]))
    else:
        raise Unreadable("not an amount")
    return -amount_vnd if negative else amount_vnd


def _within(amount_vnd: int) -> int:
    if abs(amount_vnd) >= MAX_VND:
        raise Unreadable("more than anybody's account holds")
    return amount_vnd


def read_time(cell: Cell, clock: Cell = None) -> tuple[datetime, bool] | None:
    """When, in Vietnam, and whether the hour is told; `clock` is a column of its own for it.

    None for nothing. The day comes before the month, as everywhere in Vietnam. Raises Unreadable.
    """
    found = _read_day(cell)
    if found is None:
        return None
    when, has_time = found
    at = _read_clock(clock)
    if at is None or has_time:
        return when, has_time
    return when.replace(hour=at.hour, minute=at.minute, second=at.second), True


def _read_day(cell: Cell) -> tuple[datetime, bool] | None:
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        return None
    if isinstance(cell, datetime):
        return _in_vietnam(cell), cell.time() != time()
    if isinstance(cell, date):
        return datetime(cell.year, cell.month, cell.day, tzinfo=VIETNAM), False
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        if not _EXCEL_DAYS[0] <= cell < _EXCEL_DAYS[1]:
            raise Unreadable("not a date")
        # Spreadsheets count days; binary fractions of one are off by microseconds.
        moment = _EXCEL_EPOCH + timedelta(seconds=round(cell * 86_400))
        return _in_vietnam(moment), cell != int(cell)
    if not isinstance(cell, str):
        raise Unreadable("not a date")
    return _read_day_text(squeeze(cell))


def _read_day_text(text: str) -> tuple[datetime, bool]:
    for form in _FORMS:
        match = form.fullmatch(text)
        if match is None:
            continue
        parts = match.groupdict()
        names = ("year", "month", "day", "hour", "minute", "second")
        year, month, day, hour, minute, second = (int(parts.get(name) or 0) for name in names)
        when = _moment(year, month, day, hour, minute, second)
        zone = parts.get("zone")
        if zone:
            hours, minutes = (0, 0) if zone == "Z" else (int(zone[1:3]), int(zone[-2:]))
            offset = timedelta(hours=hours, minutes=minutes) * (-1 if zone[0] == "-" else 1)
            when = when - offset + timedelta(hours=7)
        return when, parts.get("hour") is not None
    raise Unreadable("not a date")


def _read_clock(cell: Cell) -> time | None:
    if isinstance(cell, datetime):
        return cell.time()
    if isinstance(cell, time):
        return cell
    if isinstance(cell, float) and 0 <= cell < 1:
        return (_EXCEL_EPOCH + timedelta(seconds=round(cell * 86_400))).time()
    if not isinstance(cell, str) or not cell.strip():
        return None
    match = re.fullmatch(_TIME, squeeze(cell))
    if match is None:
        raise Unreadable("not a time of day")
    hour, minute, second = (int(match[name] or 0) for name in ("hour", "minute", "second"))
    return _moment(2000, 1, 1, hour, minute, second).time()


def _moment(year: int, month: int, day: int, hour: int, minute: int, second: int) -> datetime:
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=VIETNAM)
    except ValueError:
        raise Unreadable("no such day or hour") from None


def _in_vietnam(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        return moment.replace(tzinfo=VIETNAM)
    return moment.astimezone(VIETNAM)
