from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from backend.domain.alerts import AlertKind
from backend.domain.incidents import IncidentKind
from backend.domain.roles import StaffRole
from backend.errors import (
    AlreadyDone,
    BackupDamaged,
    DutyOpen,
    IncidentNotFound,
    ReasonMissing,
    ValidationFailed,
)
from backend.events import Event
from backend.jobs.remind import remind
from backend.services.export_incident import (
    MANIFEST,
    SEALED,
    export_incident,
    find_incident,
    open_pack,
)
from backend.services.keep_incidents import (
    IncidentWish,
    NoteKind,
    list_incidents,
    note_incident,
    open_incident,
    read_incident,
)
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.storage.crypto import Keys
from backend.storage.database import Database
from backend.storage.fleet_tables import Alert
from backend.storage.trace_tables import Incident, IncidentNote
from backend.storage.visit_tables import Visit
from tests.conftest import SettableClock
from tests.factories.desk import Desk
from tests.factories.reception import audited

STAFF = Caller(role="staff", id="it1", name="Máy", roles=frozenset({StaffRole.IT}))
WORDS = "Mất một máy ở sảnh, người cầm tên Lê Văn Nhặt"


def wish(clock: SettableClock, **changes: Any) -> IncidentWish:
    facts: dict[str, Any] = {
        "kind": IncidentKind.LOST_MACHINE,
        "noticed_at": clock.now,
        "span_from": clock.now - timedelta(hours=8),
        "span_to": clock.now + timedelta(hours=1),
        "about": WORDS,
    }
    return IncidentWish(**facts | changes)


@pytest.fixture
def incident_id(resources: Resources, clock: SettableClock) -> str:
    return open_incident(resources, wish(clock), actor=STAFF.actor)


def open_alerts(database: Database) -> list[tuple[str, str]]:
    with database.read() as connection:
        query = select(Alert.kind, Alert.subject).where(Alert.cleared_at.is_(None))
        return [(row.kind, row.subject) for row in connection.execute(query)]


def test_numbered_in_their_order_and_their_words_are_sealed(
    resources: Resources, incident_id: str, clock: SettableClock, database: Database
) -> None:
    second = open_incident(resources, wish(clock), actor=STAFF.actor)
    assert [each.number for each in list_incidents(database)] == [2, 1]
    assert find_incident(database, 2) == second
    with database.read() as connection:
        sealed = connection.execute(select(Incident.sealed_about)).scalars().all()
    assert all(b"Nh" not in each for each in sealed)
    assert "Nhặt" not in str([row.detail for row in audited(resources, Event.INCIDENT_OPENED)])
    read = read_incident(resources, incident_id, actor=STAFF.actor)
    assert read.about == WORDS
    assert [row.actor for row in audited(resources, Event.INCIDENT_READ)] == ["staff:it1"]


@pytest.mark.parametrize(
    "changes",
    [
        {"span_to": timedelta(hours=-9)},
        {"span_to": timedelta(days=120)},
        {"noticed_at": timedelta(hours=1)},
    ],
)
def test_what_cannot_have_been(
    resources: Resources, clock: SettableClock, changes: dict[str, timedelta]
) -> None:
    moved = {name: clock.now + span for name, span in changes.items()}
    with pytest.raises(ValidationFailed):
        open_incident(resources, wish(clock, **moved), actor="x")


@pytest.mark.parametrize("words", ["", "  \n ", "x" * 4_001])
def test_words_are_needed(resources: Resources, clock: SettableClock, words: str) -> None:
    with pytest.raises(ReasonMissing):
        open_incident(resources, wish(clock, about=words), actor="x")


def test_the_alarm_before_each_time_limit_and_its_end(
    resources: Resources, incident_id: str, clock: SettableClock, database: Database
) -> None:
    mine = [(AlertKind.INCIDENT_DUE, f"incident:{incident_id}")]
    assert (remind(resources), open_alerts(database)) == (0, [])
    clock.advance(hours=18)
    assert (remind(resources), remind(resources)) == (1, 1)
    assert open_alerts(database) == mine
    note_incident(resources, incident_id, "first_notice", words="CV 12", actor=STAFF.actor)
    assert open_alerts(database) == []
    clock.advance(hours=48)
    remind(resources)
    assert open_alerts(database) == mine
    note_incident(resources, incident_id, "report", words="CV 13", actor=STAFF.actor)
    assert (remind(resources), open_alerts(database)) == (0, [])


@pytest.mark.parametrize("told", [[], ["first_notice"]])
def test_closing_does_not_end_a_time_limit_that_nobody_met(
    resources: Resources,
    incident_id: str,
    clock: SettableClock,
    database: Database,
    told: list[NoteKind],
) -> None:
    for kind in told:
        note_incident(resources, incident_id, kind, words="CV 12", actor=STAFF.actor)
    clock.advance(hours=70)
    remind(resources)
    with pytest.raises(DutyOpen):
        note_incident(resources, incident_id, "closing", words="Xong", actor=STAFF.actor)
    assert open_alerts(database) == [(AlertKind.INCIDENT_DUE, f"incident:{incident_id}")]
    assert "Xong" not in str(read_incident(resources, incident_id, actor=STAFF.actor).diary)
    note_incident(resources, incident_id, "report", words="CV 13", actor=STAFF.actor)
    note_incident(resources, incident_id, "closing", words="Xong", actor=STAFF.actor)
    assert (remind(resources), open_alerts(database)) == (0, [])


def test_opened_late_it_is_due_at_once(
    resources: Resources, clock: SettableClock, database: Database
) -> None:
    noticed_at = clock.now - timedelta(days=4)
    late = wish(clock, noticed_at=noticed_at)
    open_incident(resources, late, actor=STAFF.actor)
    assert len(open_alerts(database)) == 1


def test_a_closed_incident_stays_as_it_is(resources: Resources, incident_id: str) -> None:
    note_incident(resources, incident_id, "note", words="Đã khóa máy", actor=STAFF.actor)
    note_incident(resources, incident_id, "report", words="CV 13", actor=STAFF.actor)
    with pytest.raises(AlreadyDone):
        note_incident(resources, incident_id, "report", words="CV 14", actor=STAFF.actor)
    note_incident(resources, incident_id, "closing", words="Xong", actor=STAFF.actor)
    with pytest.raises(AlreadyDone):
        note_incident(resources, incident_id, "note", words="Thêm", actor=STAFF.actor)
    diary = read_incident(resources, incident_id, actor=STAFF.actor).diary
    assert [(line.kind, line.words) for line in diary] == [
        ("note", "Đã khóa máy"),
        ("report", "CV 13"),
        ("closing", "Xong"),
    ]
    with pytest.raises(IncidentNotFound):
        note_incident(resources, "0" * 32, "note", words="x", actor="x")
    with pytest.raises(IncidentNotFound):
        find_incident(resources.database, 99)


def test_a_note_moved_to_another_incident_does_not_open(
    resources: Resources, incident_id: str, clock: SettableClock, database: Database
) -> None:
    note_incident(resources, incident_id, "note", words="a", actor="x")
    note_incident(resources, incident_id, "note", words="b", actor="x")
    with database.write() as unit:
        first, second = unit.connection.execute(select(IncidentNote.__table__)).all()
        unit.connection.execute(
            update(IncidentNote)
            .where(IncidentNote.id == first.id)
            .values(sealed_text=second.sealed_text)
        )
    with pytest.raises(Exception, match="cannot be opened"):
        read_incident(resources, incident_id, actor="x")


# --- the pack --------------------------------------------------------------------------------------


@pytest.fixture
def visit_id(desk: Desk, resources: Resources) -> str:
    """Somebody came, and somebody looked at them."""
    visit = desk.take("NOI").id
    with resources.database.write() as unit:
        unit.audit(
            Event.PERSON_READ, actor="staff:nosy", subject=f"visit:{visit}", detail={"why": "x"}
        )
    return visit


def make_pack(resources: Resources, incident_id: str, **more: Any) -> tuple[io.BytesIO, Any]:
    file = io.BytesIO()
    summary = export_incident(resources, incident_id, file, actor=STAFF.actor, **more)
    file.seek(0)
    return file, summary


def unseal(resources: Resources, file: io.BytesIO) -> list[dict[str, Any]]:
    text = b"".join(open_pack(resources, file)).decode()
    return [json.loads(line) for line in text.splitlines()]


def test_the_pack_tells_everything_and_names_nobody(
    resources: Resources, incident_id: str, visit_id: str, tmp_path: Path
) -> None:
    log = tmp_path / "server.log"
    log.write_text('{"event": "request_served"}\n', encoding="ascii")
    file, summary = make_pack(resources, incident_id, logs=[log])
    archive = zipfile.ZipFile(file)
    names = set(archive.namelist())
    assert names >= {"audit.jsonl", "alerts.jsonl", "settings.json", "contacts.txt", SEALED}
    assert archive.read("logs/server.log") == log.read_bytes()
    manifest = json.loads(archive.read(MANIFEST))
    for name, digest in manifest["sha256"].items():
        assert hashlib.sha256(archive.read(name)).hexdigest() == digest
    assert set(manifest["sha256"]) == names - {MANIFEST}
    lines = [json.loads(line) for line in archive.read("audit.jsonl").decode().splitlines()]
    assert len(lines) == summary.rows
    assert {"person_read", "incident_exported"} <= {line["event"] for line in lines}
    (first, *visits) = unseal(resources, file)
    assert first["about"] == WORDS
    (mine,) = [each for each in visits if each.get("visit") == visit_id]
    full_name = mine["person"]["full_name"]
    for name in names - {SEALED}:
        content = archive.read(name).decode()
        assert full_name not in content
        assert f'"{mine["number"]}"' not in content
        assert "Nhặt" not in content
    assert [read["actor"] for read in mine["reads"]].count("staff:nosy") == 1
    known = [each for each in visits if "visit" in each]
    assert (summary.visits, summary.without_person) == (len(known), 0)


def test_what_is_outside_the_span_stays_out(
    resources: Resources, visit_id: str, clock: SettableClock
) -> None:
    clock.advance(days=2)
    incident_id = open_incident(resources, wish(clock), actor=STAFF.actor)
    file, summary = make_pack(resources, incident_id)
    assert summary.visits == 0
    assert visit_id not in zipfile.ZipFile(file).read("audit.jsonl").decode()


def test_a_purged_link_leaves_the_visit_without_a_name(
    resources: Resources, incident_id: str, visit_id: str
) -> None:
    with resources.database.write() as unit:
        unit.connection.execute(update(Visit).values(person_id=None))
    file, summary = make_pack(resources, incident_id)
    assert summary.without_person == summary.visits > 0
    assert {"visit", "number", "his_record"} <= unseal(resources, file)[1].keys()


def test_it_opens_with_the_keys_of_the_hospital_only(
    resources: Resources, incident_id: str, visit_id: str
) -> None:
    file, _ = make_pack(resources, incident_id)
    other = Keys(active=1, hash_key=b"x" * 32, seal_keys=resources.keys.seal_keys)
    with pytest.raises(BackupDamaged):
        unseal(replace(resources, keys=other), file)
    with pytest.raises(zipfile.BadZipFile):
        list(open_pack(resources, io.BytesIO(b"no zip")))


def test_no_secret_of_the_server_is_in_it(
    resources: Resources, incident_id: str, tmp_path: Path
) -> None:
    contacts = tmp_path / "contacts.txt"
    contacts.write_text("Trực lãnh đạo: 0123", encoding="utf-8")
    config = replace(
        resources.config,
        database_url="postgresql://u:secret-word@host/db",
        metrics_token="secret-word",
        his_settings={"password": "secret-word"},
        incident_contacts=contacts,
    )
    file, _ = make_pack(replace(resources, config=config), incident_id)
    archive = zipfile.ZipFile(file)
    assert "0123" in archive.read("contacts.txt").decode()
    for name in set(archive.namelist()) - {SEALED}:
        assert b"secret-word" not in archive.read(name)


def test_who_takes_it_is_on_record_before_it_is_made(
    resources: Resources, incident_id: str, tmp_path: Path
) -> None:
    with pytest.raises(OSError, match="gone"):
        make_pack(resources, incident_id, logs=[tmp_path / "gone.log"])
    assert len(audited(resources, Event.INCIDENT_EXPORTED)) == 1
