"""The pack of an incident: what those who look into it need, and nothing that names a patient.

One ZIP file: the audit trail, alerts and reports of machines of the span, settings without
secrets, logs that were handed in, whom to tell. Who may be concerned, with everybody who looked
at them, and the words of the incident stand in `affected.sealed`, which opens with the keys of
this hospital only (`tiepdon incident open`).
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import IO, Any, BinaryIO

from sqlalchemy import func, select

from backend.config import Config
from backend.domain.audit_groups import GROUPS
from backend.errors import IncidentNotFound, PackTooLarge
from backend.events import Event
from backend.services.export_audit import write_jsonl
from backend.services.import_settings import export_settings
from backend.services.keep_incidents import OpenedIncident, read_incident
from backend.services.resources import Resources
from backend.services.search_audit import AuditLine, walk_audit
from backend.storage.audit_search import AuditWish
from backend.storage.audit_tables import AuditEvent
from backend.storage.backup_key import BackupKey
from backend.storage.crypto import Keys
from backend.storage.database import Database
from backend.storage.fleet_tables import Alert
from backend.storage.kiosk_tables import DeviceEvent, Kiosk
from backend.storage.number_tables import Ticket
from backend.storage.repositories import find_people
from backend.storage.sealed_stream import seal_stream, unseal_stream
from backend.storage.trace_tables import Incident
from backend.storage.visit_tables import Visit

SEALED = "affected.sealed"
MANIFEST = "MANIFEST.json"
MAX_LOG_BYTES = 200 * 1024**2
AT_ONCE = 500
READ_ME = """\
HỒ SƠ SỰ CỐ

audit.jsonl          nhật ký kiểm tra trong khoảng thời gian của sự cố, mỗi dòng một việc
alerts.jsonl         báo động trong khoảng ấy
device-events.jsonl  tình trạng máy in, máy quét, camera trong khoảng ấy
machines.json        các máy đã cho vào hệ thống, máy nào đã thu hồi
settings.json        cài đặt của cơ sở, không có mật khẩu hay khóa
server.json          cách máy chủ đang chạy, không có mật khẩu hay khóa
logs/                tệp nhật ký đã đưa vào khi xuất
contacts.txt         báo cho ai
affected.sealed      lời kể của sự cố, những lượt khám có thể liên quan, ai đã xem; đã mã hóa
MANIFEST.json        mã băm SHA-256 của từng tệp

Không tệp nào ngoài affected.sealed nói tới tên hay số của người bệnh.
Mở affected.sealed trên máy chủ của bệnh viện:

    tiepdon incident open HO-SO.zip NGUOI-LIEN-QUAN.jsonl

Nhật ký dịch vụ trên máy chủ lấy bằng:

    journalctl -u 'tiepdon*' --since '{since}' --until '{until}' -o json
"""
CONTACTS = """\
BÁO CHO AI (bệnh viện điền sẵn một lần, đặt tệp ở TIEPDON_INCIDENT_CONTACTS)

Lãnh đạo bệnh viện trực ..................................  điện thoại ..............
Phụ trách an toàn thông tin ..............................  điện thoại ..............
Phụ trách bảo vệ dữ liệu cá nhân .........................  điện thoại ..............
Sở Y tế ..................................................  điện thoại ..............
Công an tỉnh (an ninh mạng) ..............................  điện thoại ..............
Cơ quan chuyên trách bảo vệ dữ liệu cá nhân (Bộ Công an)    điện thoại ..............
Nơi cung cấp HIS .........................................  điện thoại ..............
Ngân hàng, ví ............................................  điện thoại ..............

Trong 24 giờ: báo ban đầu sự cố nghiêm trọng (NĐ 331/2026 Điều 31).
Trong 72 giờ: báo cáo; nếu có thể hại người bệnh thì báo cơ quan bảo vệ dữ liệu cá nhân
(Luật 91/2025/QH15 Điều 23).
"""


@dataclass(frozen=True, kw_only=True)
class PackSummary:
    """`without_person` are visits whose link to a person was purged: the HIS knows them."""

    number: int
    rows: int
    visits: int
    without_person: int
    logs: int


@dataclass(kw_only=True)
class _Counts:
    rows: int = 0
    visits: int = 0
    without_person: int = 0


def find_incident(database: Database, number: int) -> str:
    """Raises IncidentNotFound, StorageUnavailable."""
    with database.read() as connection:
        incident_id = connection.scalar(
            select(Incident.id).where(
                Incident.facility_id == database.facility_id, Incident.number == number
            )
        )
    if incident_id is None:
        raise IncidentNotFound
    return str(incident_id)


def export_incident(
    resources: Resources,
    incident_id: str,
    file: BinaryIO,
    *,
    actor: str,
    logs: Sequence[Path] = (),
    most_rows: int | None = None,
) -> PackSummary:
    """Writes the pack into `file`, a part of it in memory at a time; on record before it is made.

    `most_rows` of the trail and no more, where somebody waits: about 5,000 take a second. Raises
    IncidentNotFound, PackTooLarge, OSError for a log or the sheet of contacts that cannot be read,
    StorageUnavailable.
    """
    incident = read_incident(resources, incident_id, actor=actor)
    database, catalogue = resources.database, resources.catalogue.get()
    if most_rows is not None and _has_more(database, incident, most_rows):
        raise PackTooLarge
    with database.write() as unit:
        unit.audit(
            Event.INCIDENT_EXPORTED,
            actor=actor,
            subject=f"incident:{incident_id}",
            detail={"number": incident.listed.number, "logs": len(logs)},
        )
    zone, counts = catalogue.zone, _Counts()
    since, until = incident.span_from, incident.span_to
    span = AuditWish(since=since, until=until)
    lines = write_jsonl(_open_lines(walk_audit(database, span), counts), zone=zone)
    moments = {
        "since": f"{since.astimezone(zone):%Y-%m-%d %H:%M:%S}",
        "until": f"{until.astimezone(zone):%Y-%m-%d %H:%M:%S}",
    }
    key = _pack_key(resources.keys, incident_id)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        pack = _Pack(archive)
        pack.write("READ-ME.txt", [READ_ME.format(**moments).encode()])
        pack.write("audit.jsonl", lines)
        pack.write("alerts.jsonl", _list_alerts(database, since, until))
        pack.write("device-events.jsonl", _list_device_events(database, since, until))
        pack.write("machines.json", [_tell(_list_machines(database))])
        pack.write("settings.json", [export_settings(database).encode()])
        pack.write("server.json", [_tell(_describe_server(resources.config))])
        pack.write("contacts.txt", [_read_contacts(resources.config)])
        for path in logs:
            pack.write(f"logs/{path.name}", _read_log(path))
        affected = _list_affected(resources, incident, counts)
        pack.write(SEALED, seal_stream(affected, key))
        pack.close(incident_id)
    return PackSummary(
        number=incident.listed.number,
        rows=counts.rows,
        visits=counts.visits,
        without_person=counts.without_person,
        logs=len(logs),
    )


def open_pack(resources: Resources, file: BinaryIO) -> Iterator[bytes]:
    """What is sealed in a pack, piece by piece.

    Raises BackupDamaged: altered, cut, or made by another hospital; BadZipFile, KeyError for what
    is no pack.
    """
    with zipfile.ZipFile(file) as archive:
        incident_id = str(json.loads(archive.read(MANIFEST))["incident"])
        with archive.open(SEALED) as sealed:
            yield from unseal_stream(_as_binary(sealed), _pack_key(resources.keys, incident_id))


class _Pack:
    """Files of an archive, each hashed as it is written."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._hashes: dict[str, str] = {}

    def write(self, name: str, pieces: Iterable[bytes]) -> None:
        digest = hashlib.sha256()
        with self._archive.open(name, "w", force_zip64=True) as entry:
            for piece in pieces:
                digest.update(piece)
                entry.write(piece)
        self._hashes[name] = digest.hexdigest()

    def close(self, incident_id: str) -> None:
        facts = {"incident": incident_id, "sha256": self._hashes}
        self._archive.writestr(MANIFEST, _tell(facts))


def _pack_key(keys: Keys, incident_id: str) -> BackupKey:
    """Of this pack only, from the keys of the hospital."""
    return BackupKey(secret=bytes.fromhex(keys.hash("incident-pack", incident_id)))


def _has_more(database: Database, incident: OpenedIncident, rows: int) -> bool:
    """Whether the trail of its span is longer than so many rows; nothing beyond them is counted."""
    query = (
        select(AuditEvent.id)
        .where(
            AuditEvent.facility_id == database.facility_id,
            AuditEvent.at >= incident.span_from,
            AuditEvent.at < incident.span_to,
        )
        .limit(rows + 1)
    )
    with database.read() as connection:
        counted = connection.scalar(select(func.count()).select_from(query.subquery()))
    return (counted or 0) > rows


def _open_lines(lines: Iterable[AuditLine], counts: _Counts) -> Iterator[AuditLine]:
    """Visits by their id alone: the number of a ticket is known to who stood beside it."""
    for line in lines:
        counts.rows += 1
        yield replace(line, subject_name=None) if line.subject.startswith("visit:") else line


def _list_affected(
    resources: Resources, incident: OpenedIncident, counts: _Counts
) -> Iterator[bytes]:
    """The words of the incident, then a line for each visit that somebody looked at."""
    words = {"incident": incident.listed.number, "about": incident.about}
    diary = [asdict(line) | {"at": line.at.isoformat()} for line in incident.diary]
    yield _line(words | {"diary": diary})
    reads: dict[str, list[dict[str, Any]]] = {}
    wish = AuditWish(since=incident.span_from, until=incident.span_to, events=GROUPS["reads"])
    for read in walk_audit(resources.database, wish):
        reads.setdefault(read.subject, []).append(
            {
                "at": read.at.isoformat(),
                "event": read.event,
                "actor": read.actor,
                "name": read.actor_name,
                "origin": read.origin,
            }
        )
    seen: set[str] = set()
    for ids in _parts(_find_visit_ids(resources.database, list(reads))):
        for visit in _describe_visits(resources, ids):
            mine = (f"visit:{visit['visit']}", f"scan:{visit['scan']}")
            seen.update(mine)
            counts.visits += 1
            counts.without_person += visit["person"] is None
            looked = [read for subject in mine for read in reads.get(subject, ())]
            yield _line(visit | {"reads": sorted(looked, key=lambda each: each["at"])})
    for subject in reads.keys() - seen:
        yield _line({"subject": subject, "reads": reads[subject]})


def _find_visit_ids(database: Database, subjects: Sequence[str]) -> list[str]:
    """Visits themselves, and those that came of a scan."""
    ids = {each.removeprefix("visit:") for each in subjects if each.startswith("visit:")}
    scans = [each.removeprefix("scan:") for each in subjects if each.startswith("scan:")]
    for part in _parts(scans):
        with database.read() as connection:
            ids.update(connection.scalars(select(Visit.id).where(Visit.scan_id.in_(part))))
    return sorted(ids)


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + AT_ONCE] for start in range(0, len(ids), AT_ONCE))


def _describe_visits(resources: Resources, ids: Sequence[str]) -> Iterator[dict[str, Any]]:
    query = (
        select(
            Visit.id,
            Visit.scan_id,
            Visit.day,
            Visit.person_id,
            Visit.his_record_code,
            Visit.his_number,
            Ticket.number,
        )
        .outerjoin(Ticket, Ticket.visit_id == Visit.id)
        .where(Visit.facility_id == resources.database.facility_id, Visit.id.in_(ids))
    )
    with resources.database.read() as connection:
        rows = connection.execute(query).all()
        known = [row.person_id for row in rows if row.person_id is not None]
        people = find_people(connection, resources.keys, known)
    for row in rows:
        person = people.get(row.person_id or "")
        yield {
            "visit": row.id,
            "scan": row.scan_id,
            "day": row.day.isoformat(),
            "number": row.number,
            "his_record": row.his_record_code,
            "his_number": row.his_number,
            "person": None if person is None else asdict(person),
        }


def _list_alerts(database: Database, since: datetime, until: datetime) -> Iterator[bytes]:
    query = (
        select(Alert.__table__)
        .where(
            Alert.facility_id == database.facility_id,
            Alert.raised_at >= since,
            Alert.raised_at < until,
        )
        .order_by(Alert.raised_at)
    )
    with database.read() as connection:
        rows = connection.execute(query).mappings().all()
    yield from (_line(row) for row in rows)


def _list_device_events(database: Database, since: datetime, until: datetime) -> Iterator[bytes]:
    table = DeviceEvent.__table__
    query = (
        select(table)
        .where(
            table.c.facility_id == database.facility_id,
            DeviceEvent.at >= since,
            DeviceEvent.at < until,
        )
        .order_by(DeviceEvent.at)
    )
    with database.read() as connection:
        rows = connection.execute(query).mappings().all()
    yield from (_line(row) for row in rows)


def _list_machines(database: Database) -> list[dict[str, Any]]:
    query = (
        select(Kiosk.id, Kiosk.kind, Kiosk.name, Kiosk.enrolled_at, Kiosk.revoked_at)
        .where(Kiosk.facility_id == database.facility_id)
        .order_by(Kiosk.enrolled_at)
    )
    with database.read() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def _describe_server(config: Config) -> dict[str, Any]:
    """Names and figures; addresses of databases, files of keys and settings of drivers stay out."""
    return {
        "database": config.database_url.partition(":")[0],
        "demo": config.demo,
        "his_adapter": config.his_adapter,
        "insurer": config.insurer,
        "payments": [entry.name for entry in config.payments],
        "public_base": config.public_base,
        "single_sign_on": config.single_sign_on is not None,
        "require_second_factor": config.require_second_factor,
        "password_max_days": config.password_max_days,
        "audit_heads_kept": config.audit_heads is not None,
        "threads": config.threads,
    }


def _read_contacts(config: Config) -> bytes:
    path = config.incident_contacts
    return CONTACTS.encode() if path is None else path.read_bytes()


def _read_log(path: Path) -> Iterator[bytes]:
    """The newest part of a log that is too long."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - MAX_LOG_BYTES))
        while piece := file.read(1024**2):
            yield piece


def _line(facts: Mapping[str, Any] | Any) -> bytes:
    return json.dumps(dict(facts), ensure_ascii=False, default=_to_text).encode() + b"\n"


def _tell(facts: Any) -> bytes:
    return json.dumps(facts, ensure_ascii=False, indent=2, default=_to_text).encode() + b"\n"


def _to_text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _as_binary(file: IO[bytes]) -> BinaryIO:
    return file  # type: ignore[return-value]  # only read is used, and it is there
