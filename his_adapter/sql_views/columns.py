"""One row of a view, read column by column: whatever is not as agreed is a BrokenReply.

Errors name the view and the column, never what stood in it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from his_adapter.errors import BrokenReply
from his_adapter.models import MAX_PART_BYTES, BirthDate, Ref

_MAX_TEXT = 20_000
_MAX_VND = 10**12

Choice = TypeVar("Choice", bound=StrEnum)
Value = TypeVar("Value")


class Columns:
    def __init__(self, view: str, untrusted_row: Mapping[str, Any], zone: ZoneInfo) -> None:
        self._view = view
        self._row = untrusted_row
        self._zone = zone

    def find_text(self, name: str) -> str | None:
        """NFC, without blanks around; None for NULL and for nothing but blanks."""
        value = self._value(name)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if value is None:
            return None
        if not isinstance(value, str) or len(value) > _MAX_TEXT or "\x00" in value:
            raise self.broken(name)
        return unicodedata.normalize("NFC", value).strip() or None

    def text(self, name: str) -> str:
        return self._required(name, self.find_text(name))

    def find_ref(self, name: str) -> Ref | None:
        value = self.find_text(name)
        return None if value is None else Ref(value)

    def ref(self, name: str) -> Ref:
        return Ref(self.text(name))

    def refs(self, name: str) -> tuple[Ref, ...]:
        """A list in one column, with commas."""
        return tuple(Ref(part.strip()) for part in (self.find_text(name) or "").split(",") if part)

    def find_integer(self, name: str) -> int | None:
        """Whole numbers only: money with a fraction is a mistake of the view."""
        value = self._value(name)
        if value is None:
            return None
        try:
            number = int(value)
            whole = not isinstance(value, str | bool) and number == value
        except (TypeError, ValueError, ArithmeticError) as error:
            raise self.broken(name) from error
        if not whole or abs(number) > _MAX_VND:
            raise self.broken(name)
        return number

    def integer(self, name: str) -> int:
        return self._required(name, self.find_integer(name))

    def amount(self, name: str) -> int:
        value = self.integer(name)
        if value < 0:
            raise self.broken(name)
        return value

    def find_flag(self, name: str) -> bool | None:
        value = self._value(name)
        if value is not None and value not in {0, 1}:
            raise self.broken(name)
        return None if value is None else bool(value)

    def flag(self, name: str) -> bool:
        return self._required(name, self.find_flag(name))

    def moment(self, name: str) -> datetime:
        """Aware; a time without a zone is one of the hospital's own clock."""
        value = self._value(name)
        try:
            moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        except ValueError as error:
            raise self.broken(name) from error
        if not isinstance(moment, datetime):
            raise self.broken(name)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=self._zone)
        try:
            return moment.astimezone(UTC)
        except OverflowError as error:
            raise self.broken(name) from error

    def day(self, name: str) -> date:
        value = self._value(name)
        try:
            day = date.fromisoformat(value) if isinstance(value, str) else value
        except ValueError as error:
            raise self.broken(name) from error
        if isinstance(day, datetime):
            return day.date()
        if not isinstance(day, date):
            raise self.broken(name)
        return day

    def clock_time(self, name: str) -> time:
        value = self._value(name)
        try:
            moment = time.fromisoformat(value) if isinstance(value, str) else value
        except ValueError as error:
            raise self.broken(name) from error
        if not isinstance(moment, time):
            raise self.broken(name)
        return moment.replace(tzinfo=None)

    def birth_date(self, name: str) -> BirthDate | None:
        """A text of `YYYY`, `YYYY-MM` or `YYYY-MM-DD`, or a date: a view must not make one up."""
        value = self._value(name)
        try:
            if isinstance(value, date):
                return BirthDate.from_iso(value.isoformat()[:10])
            found = self.find_text(name)
            return None if found is None else BirthDate.from_iso(found)
        except ValueError as error:
            raise self.broken(name) from error

    def choice(self, name: str, kind: type[Choice]) -> Choice:
        try:
            return kind(self.text(name).lower())
        except ValueError as error:
            raise self.broken(name) from error

    def mapped(self, name: str, known: Mapping[str, Choice], *, empty: Choice) -> Choice:
        """NULL is `empty`; a code nobody mapped is a mistake, not a guess."""
        found = self.find_text(name)
        if found is not None and found not in known:
            raise self.broken(name)
        return empty if found is None else known[found]

    def body(self, name: str) -> bytes:
        value = self._value(name)
        if not isinstance(value, bytes | memoryview | bytearray) or len(value) > MAX_PART_BYTES:
            raise self.broken(name)
        return bytes(value)

    def broken(self, name: str) -> BrokenReply:
        return BrokenReply(f"view {self._view}: column {name} is not as agreed")

    def _value(self, name: str) -> Any:
        if name not in self._row:
            raise BrokenReply(f"view {self._view} has no column {name}")
        return self._row[name]

    def _required(self, name: str, value: Value | None) -> Value:
        if value is None:
            raise self.broken(name)
        return value
