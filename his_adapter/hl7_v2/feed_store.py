"""What the HIS has sent, in one SQLite file that several processes read.

Orders and results of people lie here for `keep_days`: the file is readable by its owner alone.
A message counts once: its sender and its number are kept with what it changed, in one transaction.
"""

from __future__ import annotations

import os
import re
import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from his_adapter.errors import BrokenReply, GatewayMisconfigured, NotFound, Unavailable
from his_adapter.models import (
    Change,
    ChangeKind,
    ChangePage,
    Order,
    OrderStatus,
    Ref,
    Report,
    ReportContent,
    ReportKind,
    ResultValue,
)

_BUSY_FOR_S = 5.0
_CURSOR = re.compile(r"([0-9a-f]{12})\.([0-9]{1,17})")
_ORDER, _REPORT = TypeAdapter(Order), TypeAdapter(Report)
_VALUES = TypeAdapter(tuple[ResultValue, ...])

_TABLES = """
CREATE TABLE IF NOT EXISTS note (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS message (
    sender TEXT, control_id TEXT, received_at TEXT NOT NULL, PRIMARY KEY (sender, control_id)
);
CREATE TABLE IF NOT EXISTS change_log (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, ref TEXT NOT NULL, patient TEXT,
    at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS service_order (
    ref TEXT PRIMARY KEY, patient TEXT NOT NULL, ordered_at TEXT NOT NULL, status TEXT NOT NULL,
    document BLOB NOT NULL, sent_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS merged (dropped TEXT PRIMARY KEY, kept TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS report (
    ref TEXT PRIMARY KEY, patient TEXT, issued_at TEXT NOT NULL, kind TEXT, document BLOB
);
CREATE TABLE IF NOT EXISTS part (
    report TEXT REFERENCES report ON DELETE CASCADE, name TEXT, media_type TEXT NOT NULL,
    body BLOB NOT NULL, PRIMARY KEY (report, name)
);
CREATE INDEX IF NOT EXISTS order_of_patient ON service_order (patient, ordered_at);
CREATE INDEX IF NOT EXISTS report_of_patient ON report (patient, issued_at);
"""


class FeedStore:
    """Safe from several threads and processes: every call opens the file for itself."""

    def __init__(self, file: Path, *, keep_days: int) -> None:
        """Raises GatewayMisconfigured."""
        self._file = file
        self._kept = timedelta(days=keep_days)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
            with closing(self._connect()) as db:
                db.execute("PRAGMA journal_mode = WAL")
                db.executescript(_TABLES)
                db.execute("INSERT OR IGNORE INTO note VALUES ('feed', ?)", (secrets.token_hex(6),))
        except (OSError, sqlite3.Error) as error:
            raise GatewayMisconfigured("the file of the feed cannot be opened") from error

    # --- one message

    @contextmanager
    def taking_in(self, sender: str, control_id: str, *, now: datetime) -> Iterator[Intake | None]:
        """Everything one message changes, or nothing; None when it has been taken in before.

        Raises Unavailable when the file cannot be written.
        """
        try:
            with closing(self._connect()) as db:
                db.execute("BEGIN IMMEDIATE")
                new = db.execute(
                    "INSERT OR IGNORE INTO message VALUES (?, ?, ?)",
                    (sender, control_id, _text(now)),
                ).rowcount
                yield Intake(db, now=now) if new else None
                self._forget(db, before=now - self._kept)
                db.execute("COMMIT")
        except (sqlite3.Error, ValidationError) as error:
            raise Unavailable("the file of the feed cannot be written") from error

    @staticmethod
    def _forget(db: sqlite3.Connection, *, before: datetime) -> None:
        for table, column in (
            ("message", "received_at"),
            ("change_log", "at"),
            ("service_order", "ordered_at"),
            ("report", "issued_at"),
        ):
            db.execute(f"DELETE FROM {table} WHERE {column} < ?", (_text(before),))  # noqa: S608 - names of ours

    # --- reading

    def list_orders(
        self, patient: Ref, since: datetime, *, statuses: frozenset[OrderStatus], limit: int
    ) -> list[Order]:
        """Raises Unavailable."""
        marks = ",".join("?" * len(statuses))
        with self._reading() as db:
            rows = db.execute(
                "SELECT document FROM service_order WHERE patient = ? AND ordered_at >= ?"  # noqa: S608 - marks
                f" AND status IN ({marks}) ORDER BY ordered_at, ref LIMIT ?",
                (patient, _text(since), *statuses, limit),
            ).fetchall()
            return [_ORDER.validate_json(row[0]) for row in rows]

    def list_reports(
        self, patient: Ref, since: datetime, *, kinds: frozenset[ReportKind], limit: int
    ) -> list[Report]:
        """Raises Unavailable."""
        marks = ",".join("?" * len(kinds))
        with self._reading() as db:
            rows = db.execute(
                "SELECT document FROM report WHERE patient = ? AND issued_at >= ?"  # noqa: S608 - marks
                f" AND kind IN ({marks}) ORDER BY issued_at DESC, ref LIMIT ?",
                (patient, _text(since), *kinds, limit),
            ).fetchall()
            return [_REPORT.validate_json(row[0]) for row in rows]

    def read_part(self, report: Ref, name: str, *, patient: Ref) -> ReportContent:
        """Raises NotFound, BrokenReply, Unavailable."""
        with self._reading() as db:
            row = db.execute(
                "SELECT media_type, body FROM part JOIN report ON part.report = report.ref"
                " WHERE report.ref = ? AND part.name = ? AND report.patient = ?",
                (report, name, patient),
            ).fetchone()
            if row is None:
                raise NotFound("no such part of a released result")
            if name == "values":
                return ReportContent(media_type=row[0], values=_VALUES.validate_json(row[1]))
            return ReportContent(media_type=row[0], body=row[1])

    def changes(self, untrusted_cursor: str | None, *, limit: int) -> ChangePage:
        """Raises Unavailable."""
        with self._reading() as db:
            feed = db.execute("SELECT value FROM note WHERE name = 'feed'").fetchone()[0]
            row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'change_log'").fetchone()
            last = int(row[0]) if row else 0
            if untrusted_cursor is None:
                return ChangePage(changes=(), cursor=f"{feed}.{last}", complete=True)
            match = _CURSOR.fullmatch(untrusted_cursor)
            seen = int(match[2]) if match else -1
            oldest = db.execute("SELECT min(seq) FROM change_log").fetchone()[0]
            first_kept = last + 1 if oldest is None else int(oldest)
            if match is None or match[1] != feed or not first_kept - 1 <= seen <= last:
                return ChangePage(changes=(), cursor=f"{feed}.{last}", complete=True, reset=True)
            rows = db.execute(
                "SELECT seq, kind, ref, patient, at FROM change_log WHERE seq > ? ORDER BY seq"
                " LIMIT ?",
                (seen, limit + 1),
            ).fetchall()
        shown = rows[:limit]
        return ChangePage(
            changes=tuple(
                Change(
                    kind=ChangeKind(kind),
                    ref=Ref(ref),
                    patient=Ref(patient) if patient else None,
                    at=datetime.fromisoformat(at),
                )
                for _, kind, ref, patient, at in shown
            ),
            cursor=f"{feed}.{shown[-1][0] if shown else seen}",
            complete=len(rows) <= limit,
        )

    def last_message_at(self) -> datetime | None:
        """Raises Unavailable."""
        with self._reading() as db:
            text = db.execute("SELECT max(received_at) FROM message").fetchone()[0]
        return datetime.fromisoformat(text) if text else None

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(self._connect()) as db:
                yield db
        except sqlite3.Error as error:
            raise Unavailable("the file of the feed cannot be read") from error
        except ValidationError as error:  # written by another version of ours
            raise BrokenReply("the file of the feed holds something else") from error

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._file, timeout=_BUSY_FOR_S, isolation_level=None)
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("PRAGMA secure_delete = ON")
        return db


class Intake:
    """The changes of one message, within its transaction."""

    def __init__(self, db: sqlite3.Connection, *, now: datetime) -> None:
        self._db = db
        self._now = now

    def note(self, kind: ChangeKind, ref: Ref, patient: Ref | None) -> None:
        self._db.execute(
            "INSERT INTO change_log (kind, ref, patient, at) VALUES (?, ?, ?, ?)",
            (kind, ref, patient, _text(self._now)),
        )

    def put_order(self, order: Order, sent_at: datetime) -> None:
        """Takes the place of what was known, unless that was sent later."""
        known = self._db.execute(
            "SELECT sent_at FROM service_order WHERE ref = ?", (order.ref,)
        ).fetchone()
        if known is not None and known[0] > _text(sent_at):
            return
        order = replace(order, patient=self._kept(order.patient))
        self._db.execute(
            "INSERT OR REPLACE INTO service_order VALUES (?, ?, ?, ?, ?, ?)",
            (
                order.ref,
                order.patient,
                _text(order.ordered_at),
                order.status,
                _ORDER.dump_json(order),
                _text(sent_at),
            ),
        )
        self.note(ChangeKind.ORDER, order.ref, order.patient)

    def put_report(
        self,
        report: Report | None,
        ref: Ref,
        changed_at: datetime,
        contents: Mapping[str, ReportContent],
    ) -> None:
        """Takes the place of what was known, unless that is newer; None: not released."""
        known = self._db.execute(
            "SELECT issued_at, patient FROM report WHERE ref = ?", (ref,)
        ).fetchone()
        if known is not None and known[0] > _text(changed_at):
            return
        if report is not None:
            report = replace(report, patient=self._kept(report.patient))
        self._db.execute("DELETE FROM report WHERE ref = ?", (ref,))
        # A withdrawn one stays as a mark: an older message that comes late does not bring it back.
        self._db.execute(
            "INSERT INTO report VALUES (?, ?, ?, ?, ?)",
            (
                ref,
                report and report.patient,
                _text(changed_at),
                report and report.kind,
                report and _REPORT.dump_json(report),
            ),
        )
        self._db.executemany(
            "INSERT INTO part VALUES (?, ?, ?, ?)",
            [
                (
                    ref,
                    name,
                    content.media_type,
                    _VALUES.dump_json(content.values) if content.values else content.body,
                )
                for name, content in contents.items()
            ],
        )
        patient = report.patient if report else known and known[1]
        self.note(ChangeKind.REPORT, ref, patient and Ref(patient))

    def merge(self, keep: Ref, drop: Ref) -> None:
        """What came for `drop`, and what will come, belongs to `keep`."""
        keep = self._kept(keep)
        if keep == drop:
            return
        self._db.execute("UPDATE merged SET kept = ? WHERE kept = ?", (keep, drop))
        self._db.execute("INSERT OR REPLACE INTO merged VALUES (?, ?)", (drop, keep))
        for (document,) in self._of("service_order", drop):
            order = replace(_ORDER.validate_json(document), patient=keep)
            self._db.execute(
                "UPDATE service_order SET patient = ?, document = ? WHERE ref = ?",
                (keep, _ORDER.dump_json(order), order.ref),
            )
            self.note(ChangeKind.ORDER, order.ref, keep)
        for (document,) in self._of("report", drop):
            report = replace(_REPORT.validate_json(document), patient=keep)
            self._db.execute(
                "UPDATE report SET patient = ?, document = ? WHERE ref = ?",
                (keep, _REPORT.dump_json(report), report.ref),
            )
            self.note(ChangeKind.REPORT, report.ref, keep)
        self.note(ChangeKind.PATIENT, keep, keep)
        self.note(ChangeKind.PATIENT, drop, keep)

    def _kept(self, patient: Ref) -> Ref:
        row = self._db.execute("SELECT kept FROM merged WHERE dropped = ?", (patient,)).fetchone()
        return Ref(row[0]) if row else patient

    def _of(self, table: str, patient: Ref) -> list[tuple[bytes]]:
        return self._db.execute(
            f"SELECT document FROM {table} WHERE patient = ?",  # noqa: S608 - names of ours
            (patient,),
        ).fetchall()


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")
