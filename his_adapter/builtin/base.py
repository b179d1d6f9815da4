"""What all calls of the register share: the file, the catalogue, the clock, the line."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import TypeVar

from his_adapter.builtin.catalogue import Catalogue
from his_adapter.builtin.checks import checked_key, checked_limit
from his_adapter.builtin.line import CalmLine, Line
from his_adapter.builtin.records import RecordKind, note_record
from his_adapter.builtin.store import Store
from his_adapter.builtin.writes import write_once
from his_adapter.models import Page, WriteKey
from his_adapter.partial import PartialGateway

Clock = Callable[[], datetime]
Item = TypeVar("Item")
Record = TypeVar("Record")


class RegisterBase(PartialGateway):
    """Keeps no state besides the file."""

    def __init__(
        self,
        store: Store,
        catalogue: Catalogue,
        *,
        clock: Clock,
        line: Line | None = None,
        keeps_line: bool = False,
        issues_einvoices: bool = False,
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._clock = clock
        self._line = line or CalmLine()
        self._keeps_line = keeps_line
        self._issues_einvoices = issues_einvoices

    def _write(
        self,
        key: WriteKey,
        content: tuple[object, ...],
        kind: RecordKind,
        write: Callable[[sqlite3.Connection], int],
        read: Callable[[sqlite3.Connection, int], Record],
    ) -> Record:
        """Writes once per key, notes the change, and reads back what is stored then."""
        with self._line.writing(checked_key(key)), self._store.writing() as db:
            now = self._clock()

            def write_and_note() -> int:
                record_id = write(db)
                note_record(db, kind, record_id, at=now)
                return record_id

            record_id = write_once(
                db, key=key, content=content, kind=kind, now=now, write=write_and_note
            )
            return read(db, record_id)

    def _local_day(self, moment: datetime) -> date:
        return moment.astimezone(self._catalogue.zone).date()


def page(items: Sequence[Item], limit: int) -> Page[Item]:
    """What was read, cut to the limit; `items` may hold more to show that there are more."""
    checked_limit(limit)
    return Page(items=tuple(items[:limit]), complete=len(items) <= limit)
