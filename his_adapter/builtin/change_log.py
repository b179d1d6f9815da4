"""What changed in the register: written with the change itself, read by a cursor.

A register has one writer at a time, so the numbers of the log rise in the order of commits and a
reader who goes on from the last number he saw misses nothing.
"""

from __future__ import annotations

import re
import sqlite3
from datetime import datetime, timedelta

from his_adapter.builtin.patients import patient_ref
from his_adapter.models import Change, ChangeKind, ChangePage, Ref

KEPT = timedelta(days=14)
"""How long a change can be read back; a reader who stays away longer reads everything again."""

_CURSOR = re.compile(r"([0-9a-f]{12})\.([0-9]{1,17})")


def note_change(
    db: sqlite3.Connection, kind: ChangeKind, ref: Ref, patient_id: int | None, at: datetime
) -> None:
    """Runs in the transaction of the change; what has grown too old goes."""
    db.execute(
        "INSERT INTO change_log (kind, ref, patient_id, at) VALUES (?, ?, ?, ?)",
        (kind, ref, patient_id, at.isoformat(timespec="milliseconds")),
    )
    db.execute(
        "DELETE FROM change_log WHERE at < ?", ((at - KEPT).isoformat(timespec="milliseconds"),)
    )


def read_changes(db: sqlite3.Connection, untrusted_cursor: str | None, *, limit: int) -> ChangePage:
    feed = db.execute("SELECT value FROM note WHERE name = 'change_feed'").fetchone()[0]
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'change_log'").fetchone()
    last = int(row[0]) if row else 0
    if untrusted_cursor is None:
        return ChangePage(changes=(), cursor=f"{feed}.{last}", complete=True)
    match = _CURSOR.fullmatch(untrusted_cursor)
    seen = int(match[2]) if match else -1
    oldest = db.execute("SELECT min(id) FROM change_log").fetchone()[0]
    first_kept = last + 1 if oldest is None else int(oldest)
    if match is None or match[1] != feed or not first_kept - 1 <= seen <= last:
        return ChangePage(changes=(), cursor=f"{feed}.{last}", complete=True, reset=True)
    rows = db.execute(
        "SELECT * FROM change_log WHERE id > ? ORDER BY id LIMIT ?", (seen, limit + 1)
    ).fetchall()
    shown = rows[:limit]
    return ChangePage(
        changes=tuple(
            Change(
                kind=ChangeKind(item["kind"]),
                ref=Ref(item["ref"]),
                patient=None if item["patient_id"] is None else patient_ref(item["patient_id"]),
                at=datetime.fromisoformat(item["at"]),
            )
            for item in shown
        ),
        cursor=f"{feed}.{shown[-1]['id'] if shown else seen}",
        complete=len(rows) <= limit,
    )
