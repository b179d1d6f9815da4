from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest

from his_adapter.errors import (
    BrokenReply,
    Duplicate,
    Forbidden,
    GatewayMisconfigured,
    InvalidData,
    KeyReused,
    LoginFailed,
    MultipleMatches,
    NotFound,
    NotSupported,
    OutcomeUnknown,
    Unavailable,
)
from his_adapter.events import HisEvent
from his_adapter.models import (
    BirthDate,
    Feature,
    Gender,
    HealthState,
    Identifier,
    IdentifierKind,
    PatientDraft,
    PatientQuery,
    Ref,
    WriteKey,
)
from his_adapter.ports import HisGateway
from his_adapter.sql_views.gateway import open_gateway
from tests.postgres import PostgresServer

TABLES = """
CREATE TABLE patient (ref TEXT, version TEXT DEFAULT '1', full_name TEXT, birth_date TEXT,
    gender TEXT, id12 TEXT, cmnd9 TEXT, bhyt15 TEXT, bhxh10 TEXT, mrn TEXT, passport TEXT,
    phone TEXT, address TEXT, guardian TEXT);
CREATE TABLE written (key TEXT PRIMARY KEY, content TEXT, kind TEXT, ref TEXT);
CREATE TABLE visit (ref TEXT, version TEXT, patient TEXT, status TEXT, record_code TEXT,
    service TEXT, practitioner TEXT, appointment TEXT, number INT, prefix TEXT, room TEXT,
    provisional INT, own_number TEXT, fee_due_vnd INT, created_at TEXT);
"""
READS = {
    "patient": "SELECT * FROM patient WHERE ref = :ref",
    "patients_by_identifier": (
        "SELECT * FROM patient WHERE :value IN (id12, cmnd9) AND :kind <> '' LIMIT :limit"
    ),
    "patients_by_birth": "SELECT * FROM patient LIMIT :limit",
    "visits": "SELECT * FROM visit LIMIT :limit",
    "written": "SELECT key, kind, ref FROM written WHERE key = :key",
}
# One statement is enough for a HIS without procedures: an upsert on the key.
WRITES = {
    "create_patient": (
        "INSERT INTO written (key, content, kind, ref) VALUES (:key, :content, 'create_patient',"
        " '1') ON CONFLICT (key) DO UPDATE SET ref = ref"
        " RETURNING iif(content = :content, NULL, 'key-reused') AS problem, NULL AS existing, ref"
    )
}
FACILITY = {"code": "99020", "name_vi": "Bệnh viện Khung Nhìn"}
DRAFT = PatientDraft(full_name="Trần Văn Một", gender=Gender.MALE)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "his.sqlite3"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(TABLES)
    return path


def run(file: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(file)) as db:
        db.execute(statement, values)
        db.commit()


def add(file: Path, ref: str = "1", **columns: object) -> None:
    values = {"ref": ref, "full_name": "Trần Văn Một", "gender": "1", **columns}
    names = ", ".join(values)
    marks = ", ".join("?" for _ in values)
    run(file, f"INSERT INTO patient ({names}) VALUES ({marks})", *values.values())


def settings(file: Path, **more: Any) -> dict[str, Any]:
    return {
        "url": f"sqlite:///{file}",
        "facility": FACILITY,
        "genders": {"1": "male", "2": "female"},
        "reads": READS,
        "writes": WRITES,
        **more,
    }


@pytest.fixture
def his(file: Path) -> Iterator[HisGateway]:
    gateway = open_gateway(settings(file))
    yield gateway
    gateway.close()


def query(value: str, kind: IdentifierKind = IdentifierKind.ID12, **more: Any) -> PatientQuery:
    return PatientQuery(identifiers=(Identifier(kind=kind, value=value),), **more)


def test_it_declares_what_is_configured(his: HisGateway) -> None:
    assert his.capabilities().features == {
        Feature.FIND_PATIENTS,
        Feature.READ_PATIENT,
        Feature.CREATE_PATIENT,
        Feature.LIST_VISITS,
        Feature.FIND_BY_KEY,
    }
    assert his.health().state is HealthState.OK
    with pytest.raises(NotSupported):
        his.list_rooms()


def test_texts_of_the_his_are_composed(his: HisGateway, file: Path) -> None:
    add(file, full_name="Nguye\u0302\u0303n Thi\u0323 Mô\u0323t", gender="2")
    patient = his.read_patient(Ref("1"))
    assert (patient.full_name, patient.gender) == ("Nguyễn Thị Một", Gender.FEMALE)


@pytest.mark.parametrize(
    "columns",
    [
        {"full_name": None},
        {"birth_date": "04/03/1950"},
        {"gender": "nam"},
        {"version": None},
        {"full_name": "x" * 30_000},
    ],
)
def test_a_row_that_is_not_as_agreed(
    his: HisGateway, file: Path, columns: dict[str, object]
) -> None:
    add(file, **columns)
    with pytest.raises(BrokenReply) as caught:
        his.read_patient(Ref("1"))
    assert "Trần" not in str(caught.value)


def test_a_view_without_a_column(file: Path) -> None:
    add(file)
    reads = {**READS, "patient": "SELECT ref, version FROM patient WHERE ref = :ref"}
    gateway = open_gateway(settings(file, reads=reads))
    with pytest.raises(BrokenReply, match="view patient has no column"):
        gateway.read_patient(Ref("1"))
    gateway.close()


def test_a_view_that_is_gone(file: Path) -> None:
    reads = {**READS, "patient": "SELECT * FROM gone WHERE ref = :ref"}
    gateway = open_gateway(settings(file, reads=reads))
    with pytest.raises(BrokenReply):
        gateway.read_patient(Ref("1"))
    gateway.close()


def test_another_patient_in_the_answer(his: HisGateway, file: Path) -> None:
    add(file)
    run(
        file,
        "INSERT INTO visit (ref, version, patient, status, record_code, service, number,"
        " provisional, created_at) VALUES ('9', '1', '2', 'arrived', 'x', 's', 1, 0,"
        " '2026-01-05T09:00:00')",
    )
    with pytest.raises(BrokenReply):
        his.list_visits(Ref("1"), date(2026, 1, 1))


def test_two_rows_for_one_record(his: HisGateway, file: Path) -> None:
    add(file)
    add(file)
    with pytest.raises(BrokenReply):
        his.read_patient(Ref("1"))


def test_a_number_that_is_not_on_the_row_finds_nobody(his: HisGateway, file: Path) -> None:
    add(file, cmnd9="099190000001")
    assert his.find_patients(query("099190000001")).items == ()


def test_a_unique_number_of_two_people_is_for_a_person(his: HisGateway, file: Path) -> None:
    add(file, "1", id12="099190000001")
    add(file, "2", id12="099190000001")
    with pytest.raises(MultipleMatches):
        his.find_patients(query("099190000001"))


def test_a_search_over_too_many_says_so(file: Path) -> None:
    for number in range(4):
        add(file, str(number), birth_date="1950-01-01")
    gateway = open_gateway(settings(file, max_limit=3))
    wanted = PatientQuery(full_name="Tran Van Mot", birth_date=BirthDate.from_iso("1950"))
    page = gateway.find_patients(wanted, limit=3)
    assert (len(page.items), page.complete) == (3, False)
    with pytest.raises(InvalidData):
        gateway.find_patients(wanted, limit=4)
    gateway.close()


def test_a_write_by_one_statement(his: HisGateway, file: Path) -> None:
    add(file)
    key = WriteKey("write-0001")
    stored = his.create_patient(DRAFT, key=key)
    assert his.create_patient(DRAFT, key=key) == stored == his.find_by_key(key)
    with pytest.raises(KeyReused):
        his.create_patient(PatientDraft(full_name="Lê Thị Hai"), key=key)


def test_a_write_that_leaves_nothing_to_read_is_taken_back(his: HisGateway) -> None:
    key = WriteKey("write-0001")
    with pytest.raises(BrokenReply):
        his.create_patient(DRAFT, key=key)
    assert his.find_by_key(key) is None


@pytest.mark.parametrize(
    ("problem", "error"),
    [
        ("'duplicate'", Duplicate),
        ("'not-found'", NotFound),
        ("'invalid:phone'", InvalidData),
        ("'forbidden'", Forbidden),
        ("'something else'", BrokenReply),
    ],
)
def test_problems_a_write_may_give(file: Path, problem: str, error: type[Exception]) -> None:
    statement = (
        f"SELECT {problem} AS problem, 'x' AS existing, NULL AS ref"
        " WHERE :key <> '' AND :content <> ''"
    )
    gateway = open_gateway(settings(file, writes={"create_patient": statement}))
    with pytest.raises(error):
        gateway.create_patient(DRAFT, key=WriteKey("write-0001"))
    gateway.close()


def test_a_slow_query_is_given_up(file: Path) -> None:
    endless = (
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)"
        " SELECT max(x) FROM n WHERE :ref <> ''"
    )
    gateway = open_gateway(settings(file, reads={**READS, "patient": endless}, read_timeout_s=0.2))
    started = time.monotonic()
    with pytest.raises(Unavailable):
        gateway.read_patient(Ref("1"))
    assert time.monotonic() - started < 3
    gateway.close()


def test_a_locked_database_is_unavailable(file: Path) -> None:
    gateway = open_gateway(settings(file, write_timeout_s=0.2))
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable):
            gateway.create_patient(DRAFT, key=WriteKey("write-0001"))
    gateway.close()


def test_a_read_cannot_write_whatever_its_text(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("his_adapter.sql_views.queries._WRITING", __import__("re").compile("^$"))
    sneaky = "WITH x AS (SELECT 1) INSERT INTO written SELECT 'a', 'b', 'c', :ref RETURNING ref"
    gateway = open_gateway(settings(file, reads={**READS, "patient": sneaky}))
    with pytest.raises((BrokenReply, Unavailable)):
        gateway.read_patient(Ref("1"))
    assert gateway.find_by_key(WriteKey("aaaaaaaa")) is None
    gateway.close()


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"url": "postgresql://u:secret@h/d"}, "password_file"),
        ({"url": "no address"}, "url"),
        ({"url": "oracle+nothing://h/d"}, "driver"),
        ({"timezone": "Asia/Nowhere"}, "timezone"),
        ({"password_file": "/nowhere/at/all"}, "password_file"),
        ({"read_timeout_s": 0}, "read_timeout_s"),
        ({"unknown": 1}, "unknown"),
        ({"genders": {"1": "man"}}, "genders"),
    ],
)
def test_settings_are_checked_at_the_start(file: Path, change: dict[str, Any], place: str) -> None:
    with pytest.raises(GatewayMisconfigured, match=place) as caught:
        open_gateway(settings(file, **change))
    assert "secret" not in str(caught.value)


# --- a PostgreSQL that goes away


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    server = PostgresServer()
    try:
        server.start()
        server.execute(
            "CREATE TABLE patient (ref text, version text, full_name text, birth_date text,"
            " gender text, id12 text, cmnd9 text, bhyt15 text, bhxh10 text, mrn text,"
            " passport text, phone text, address text, guardian text);"
            "INSERT INTO patient (ref, version, full_name) VALUES ('1', '1', 'Lan');"
            "CREATE TABLE written (key text, kind text, ref text)"
        )
        yield server
    finally:
        server.remove()


@pytest.mark.postgres
def test_a_server_that_dies_during_a_write_and_comes_back(
    own_server: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    dying = (
        "SELECT NULL AS problem, NULL AS existing, '1' AS ref"
        " FROM pg_terminate_backend(pg_backend_pid())"
        " WHERE CAST(:key AS text) <> '' AND CAST(:content AS text) <> ''"
    )
    gateway = open_gateway(
        {
            "url": own_server.url("postgres"),
            "facility": FACILITY,
            "reads": {
                "patient": "SELECT * FROM patient WHERE ref = :ref",
                "written": "SELECT * FROM written WHERE key = :key",
            },
            "writes": {"create_patient": dying},
            "read_timeout_s": 1,
        }
    )
    assert gateway.read_patient(Ref("1")).full_name == "Lan"
    with pytest.raises(OutcomeUnknown) as caught:
        gateway.create_patient(DRAFT, key=WriteKey("write-0001"))
    assert caught.value.key == "write-0001"
    assert gateway.find_by_key(WriteKey("write-0001")) is None
    own_server.kill()
    for _ in range(2):
        with pytest.raises(Unavailable):
            gateway.read_patient(Ref("1"))
    assert gateway.health().state is HealthState.DOWN
    own_server.start()
    assert gateway.read_patient(Ref("1")).full_name == "Lan"
    told = [record.msg for record in caplog.records if record.name.startswith("his_adapter")]
    assert told == [HisEvent.HIS_LOST, HisEvent.HIS_RETURNED] * 2
    gateway.close()


@pytest.mark.postgres
def test_what_a_postgresql_refuses(own_server: PostgresServer) -> None:
    own_server.execute("CREATE ROLE nobody LOGIN")
    reads = {
        "patient": "SELECT * FROM patient WHERE ref = :ref",
        "visits": "SELECT pg_sleep(3) WHERE :patient <> '' LIMIT :limit",
        "rooms": "SELECT nextval('numbers') LIMIT :limit",
        "sessions": "SELECT * FROM no_such_view LIMIT :limit",
    }
    own_server.execute("CREATE SEQUENCE numbers")
    base = {"facility": FACILITY, "reads": reads, "read_timeout_s": 0.3}
    gateway = open_gateway({**base, "url": own_server.url("postgres")})
    with pytest.raises(Unavailable):
        gateway.list_visits(Ref("1"), date(2026, 1, 1))
    with pytest.raises(BrokenReply):  # a read that would write, in a READ ONLY transaction
        gateway.list_rooms()
    with pytest.raises(BrokenReply):
        gateway.list_sessions()
    gateway.close()
    stranger = own_server.url("postgres").replace("postgres@", "nobody@")
    other = open_gateway({**base, "url": stranger})
    with pytest.raises(Forbidden):
        other.read_patient(Ref("1"))
    other.close()
    missing = open_gateway({**base, "url": own_server.url("postgres").replace("postgres@", "x@")})
    with pytest.raises((LoginFailed, Unavailable)):
        missing.read_patient(Ref("1"))
    missing.close()
    with psycopg.connect(own_server.url("postgres")) as connection:
        row = connection.execute("SELECT is_called FROM numbers").fetchone()
        assert row == (False,)
