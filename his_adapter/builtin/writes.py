"""One intent, one record: what each write key has left behind."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from datetime import datetime
from typing import Any

from his_adapter.builtin.records import RecordKind
from his_adapter.errors import KeyReused
from his_adapter.models import WriteKey


def write_once(
    db: sqlite3.Connection,
    *,
    key: WriteKey,
    content: tuple[object, ...],
    kind: RecordKind,
    now: datetime,
    write: Callable[[], int],
) -> int:
    """The id of the record: written now, or by an earlier call with this key and content.

    Runs inside a write transaction, so that two calls at once cannot both write. Raises KeyReused
    for other content, and whatever `write` raises.
    """
    digest = _digest((kind, *content))
    row = db.execute("SELECT * FROM write_key WHERE key = ?", (key,)).fetchone()
    if row is not None:
        if row["content_sha256"] != digest:
            raise KeyReused("this key named another write")
        return int(row["record_id"])
    record_id = write()
    db.execute(
        "INSERT INTO write_key VALUES (?, ?, ?, ?, ?)",
        (key, digest, kind, record_id, now.isoformat()),
    )
    return record_id


def find_written(db: sqlite3.Connection, key: WriteKey) -> tuple[RecordKind, int] | None:
    row = db.execute("SELECT kind, record_id FROM write_key WHERE key = ?", (key,)).fetchone()
    return None if row is None else (RecordKind(row["kind"]), int(row["record_id"]))


def _digest(content: tuple[object, ...]) -> str:
    text = json.dumps(content, default=_plain, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _plain(value: object) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return str(value)
