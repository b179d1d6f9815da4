"""Results. Only what was released is ever read; a correction is a new version of the same row."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from his_adapter.builtin.appointments import moment_text
from his_adapter.builtin.checks import checked_ref
from his_adapter.builtin.orders import order_ref
from his_adapter.builtin.patients import patient_ref
from his_adapter.builtin.refs import Letter, id_of, ref_of
from his_adapter.builtin.visits import visit_ref
from his_adapter.errors import InvalidData, NotFound
from his_adapter.models import (
    MAX_PART_BYTES,
    PartKind,
    Ref,
    Report,
    ReportContent,
    ReportKind,
    ReportPart,
    ReportStatus,
    ResultValue,
)

_VALUES_TYPE = "application/json"


@dataclass(frozen=True, kw_only=True)
class PartDraft:
    """A part before it is stored: values, or the bytes of a document or picture."""

    name: str
    kind: PartKind
    media_type: str = _VALUES_TYPE
    values: tuple[ResultValue, ...] = ()
    body: bytes = b""


def report_ref(report_id: int) -> Ref:
    return ref_of(Letter.REPORT, report_id)


def report_id_of(db: sqlite3.Connection, ref: Ref) -> int:
    """Raises NotFound."""
    return id_of(db, Letter.REPORT, ref)


def insert_report(
    db: sqlite3.Connection,
    *,
    patient_id: int,
    order_id: int | None,
    visit_id: int | None,
    kind: ReportKind,
    title_vi: str,
    signed: bool | None,
    parts: Sequence[PartDraft],
    written_at: datetime,
) -> int:
    """Not released yet."""
    cursor = db.execute(
        "INSERT INTO report (patient_id, order_id, visit_id, kind, title_vi, signed, issued_at)"
        " VALUES (?,?,?,?,?,?,?)",
        (patient_id, order_id, visit_id, kind, title_vi, signed, moment_text(written_at)),
    )
    report_id = int(cursor.lastrowid or 0)
    replace_parts(db, report_id, parts)
    return report_id


def replace_parts(db: sqlite3.Connection, report_id: int, parts: Sequence[PartDraft]) -> None:
    """Raises InvalidData for a part that is too large."""
    if any(len(part.body) > MAX_PART_BYTES for part in parts):
        raise InvalidData("parts", "Tài liệu quá lớn.")
    db.execute("DELETE FROM report_part WHERE report_id = ?", (report_id,))
    db.executemany(
        "INSERT INTO report_part VALUES (?,?,?,?,?,?,?)",
        [
            (
                report_id,
                place,
                checked_ref(part.name),
                part.kind,
                part.media_type,
                json.dumps([asdict(value) for value in part.values], ensure_ascii=False),
                part.body,
            )
            for place, part in enumerate(parts)
        ],
    )


def set_report_status(
    db: sqlite3.Connection, report_id: int, status: ReportStatus | None, at: datetime
) -> None:
    """None takes the release back."""
    db.execute(
        "UPDATE report SET status = ?, issued_at = ?, version = version + 1 WHERE id = ?",
        (status, moment_text(at), report_id),
    )


def list_reports(
    db: sqlite3.Connection,
    patient_id: int,
    since: datetime,
    *,
    kinds: frozenset[ReportKind],
    limit: int,
) -> list[Report]:
    """Up to `limit` released results, the latest first."""
    rows = db.execute(
        "SELECT * FROM report WHERE patient_id = ? AND status IS NOT NULL AND issued_at >= ?"
        " AND instr(?, kind) > 0 ORDER BY issued_at DESC, id DESC LIMIT ?",
        (patient_id, moment_text(since), " ".join(sorted(kinds)), limit),
    )
    return [_report(db, row) for row in rows.fetchall()]


def read_part(
    db: sqlite3.Connection, report_id: int, untrusted_name: str, *, patient_id: int
) -> ReportContent:
    """Raises NotFound unless it is a part of a released result of this patient."""
    row = db.execute(
        "SELECT part.* FROM report_part part JOIN report ON report.id = part.report_id"
        " WHERE report.id = ? AND part.name = ? AND report.patient_id = ?"
        " AND report.status IS NOT NULL",
        (report_id, untrusted_name, patient_id),
    ).fetchone()
    if row is None:
        raise NotFound("no such part of a released result of this patient")
    return ReportContent(
        media_type=row["media_type"],
        values=tuple(ResultValue(**line) for line in json.loads(row["lines"])),
        body=row["body"],
    )


def _report(db: sqlite3.Connection, row: sqlite3.Row) -> Report:
    parts = db.execute(
        "SELECT name, kind, media_type FROM report_part WHERE report_id = ? ORDER BY place",
        (row["id"],),
    )
    return Report(
        ref=report_ref(int(row["id"])),
        version=str(row["version"]),
        patient=patient_ref(int(row["patient_id"])),
        order=None if row["order_id"] is None else order_ref(int(row["order_id"])),
        visit=None if row["visit_id"] is None else visit_ref(int(row["visit_id"])),
        kind=ReportKind(row["kind"]),
        title_vi=row["title_vi"],
        status=ReportStatus(row["status"]),
        issued_at=datetime.fromisoformat(row["issued_at"]),
        signed=None if row["signed"] is None else bool(row["signed"]),
        parts=tuple(
            ReportPart(
                name=part["name"], kind=PartKind(part["kind"]), media_type=part["media_type"]
            )
            for part in parts
        ),
    )
