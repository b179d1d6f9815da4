"""The audit trail as a file, line by line: CSV for a spreadsheet, JSON lines for a program."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import tzinfo
from typing import Any, Literal, TypeAlias

from backend.events import Event
from backend.services.export_figures import tame
from backend.services.recognise_caller import Caller
from backend.services.search_audit import AuditLine
from backend.storage.audit_search import AuditWish
from backend.storage.database import Database

Form: TypeAlias = Literal["csv", "jsonl"]
COLUMNS = (
    "at",
    "actor",
    "actor_name",
    "event",
    "subject",
    "subject_name",
    "origin",
    "outcome",
    "detail",
    "sequence",
    "id",
)
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def note_export(database: Database, wish: AuditWish, *, form: Form, staff: Caller) -> None:
    """Who took the trail out of the house, and which part of it, is on record first."""
    asked: dict[str, Any] = {"form": form}
    for name in ("since", "until"):
        moment = getattr(wish, name)
        asked |= {} if moment is None else {name: moment.isoformat(timespec="seconds")}
    for name in ("actors", "events", "subjects"):
        values = getattr(wish, name)
        asked |= {} if values is None else {name: list(values)}
    with database.write() as unit:
        unit.audit(
            Event.AUDIT_EXPORTED,
            actor=staff.actor,
            subject=f"facility:{unit.facility_id}",
            detail=asked,
        )


def write_jsonl(lines: Iterable[AuditLine], *, zone: tzinfo) -> Iterator[bytes]:
    """One object a line. Times carry the offset of the hospital."""
    for line in lines:
        yield json.dumps(_to_facts(line, zone), ensure_ascii=False).encode() + b"\n"


def write_csv(
    lines: Iterable[AuditLine],
    *,
    zone: tzinfo,
    header: Sequence[str],
    name_event: Callable[[str], str],
) -> Iterator[bytes]:
    """UTF-8 with its mark, so that a spreadsheet shows Vietnamese letters."""
    yield BYTE_ORDER_MARK + _csv_line(header)
    for line in lines:
        facts = _to_facts(line, zone)
        facts |= {"event": name_event(line.event)}
        detail = json.dumps(facts["detail"], ensure_ascii=False, sort_keys=True)
        facts |= {"detail": "" if not facts["detail"] else detail}
        yield _csv_line([tame("" if facts[name] is None else facts[name]) for name in COLUMNS])


def _csv_line(cells: Sequence[Any]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerow(cells)
    return text.getvalue().encode()


def _to_facts(line: AuditLine, zone: tzinfo) -> dict[str, Any]:
    at = line.at.astimezone(zone).isoformat(timespec="milliseconds")
    return {name: getattr(line, name) for name in COLUMNS} | {"at": at}
