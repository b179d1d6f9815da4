"""Brings a backup back: everything is checked before anything is touched."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, func, inspect, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import InstrumentedAttribute

from backend.errors import BackupDamaged, BackupFailed, RestoreRefused
from backend.services.back_up import DATABASE_PART, REGISTER_PART, mark_keys
from backend.services.verify_payments import verify_payments
from backend.storage import payment_tables
from backend.storage.account_tables import UserAccount
from backend.storage.audit_tables import AuditEvent
from backend.storage.backup_folder import (
    Manifest,
    Part,
    names_in,
    open_part,
    prove_parts,
    read_manifest,
)
from backend.storage.backup_key import BackupKey
from backend.storage.cashier_tables import CashierShift, DayClose
from backend.storage.clear_folder import clear_folder
from backend.storage.database import Database, open_engine
from backend.storage.database_copies import (
    check_sqlite,
    count_rows,
    is_sqlite,
    path_of,
    restore_postgres,
    restore_sqlite,
    temporary_postgres,
)
from backend.storage.insurance_tables import CheckinDocument
from backend.storage.kiosk_tables import Kiosk
from backend.storage.migrate import knows_migration, migrate
from backend.storage.number_tables import Ticket
from backend.storage.outbox_tables import OutboxMessage
from backend.storage.queue_tables import Call, StaffAct, StepChange
from backend.storage.reconciliation_tables import Reconciliation
from backend.storage.visit_tables import Person, Visit

WHEN: tuple[InstrumentedAttribute[datetime], ...] = (
    Person.last_seen_at,
    Visit.created_at,
    StepChange.at,
    Ticket.issued_at,
    Call.called_at,
    StaffAct.at,
    CheckinDocument.created_at,
    OutboxMessage.created_at,
    Kiosk.enrolled_at,
    UserAccount.created_at,
    AuditEvent.at,
    payment_tables.Payment.created_at,
    payment_tables.PaymentChange.at,
    payment_tables.Credit.received_at,
    payment_tables.JournalEntry.at,
    payment_tables.PaymentRefund.requested_at,
    CashierShift.opened_at,
    DayClose.closed_at,
    Reconciliation.created_at,
)
"""Columns that date a row, of tables whose newer rows nobody may lose unasked."""
REGISTER = "register"


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A backup whose every byte was proven, and the newer ones that were not."""

    folder: Path
    manifest: Manifest
    damaged: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    name: str
    taken_at: str
    rows: int
    lost: dict[str, int]
    """Rows by table that the database had and the backup has not."""
    damaged: dict[str, str]
    """Newer backups that were passed over, and why."""
    faults: list[str]
    keys_match: bool | None
    """Whether personal data open with this machine's keys; None: not known."""

    @property
    def ok(self) -> bool:
        return not self.faults


def choose_backup(folder: Path, key: BackupKey, *, name: str | None = None) -> Chosen:
    """The newest good one, or the one of that name. Raises BackupDamaged, BackupFailed."""
    if name is not None:
        if "/" in name or not (folder / name).is_dir():
            raise BackupFailed(f"there is no backup {name}")
        return Chosen(folder=folder / name, manifest=_prove(folder / name, key))
    try:
        names = names_in(folder)
    except OSError as error:
        raise BackupFailed(f"{folder} cannot be read: {error.strerror}") from error
    damaged: dict[str, str] = {}
    for each in names:
        try:
            manifest = _prove(folder / each, key)
        except BackupDamaged as error:
            damaged[each] = error.detail
        else:
            return Chosen(folder=folder / each, manifest=manifest, damaged=damaged)
    if damaged:
        raise BackupDamaged("; ".join(damaged.values()))
    raise BackupFailed(f"{folder} holds no backup")


def restore(
    chosen: Chosen,
    url: str,
    key: BackupKey,
    *,
    facility_id: str,
    environ: Mapping[str, str],
    register: Path | None = None,
    overwrite: bool = False,
) -> Verdict:
    """Overwrites the database at `url`, migrates it forward, then proves it.

    Raises RestoreRefused when rows would be lost and `overwrite` is not given, BackupDamaged,
    BackupFailed; then nothing was touched, or what was begun was undone. The register comes second:
    when only that fails the command may simply be run again.
    """
    manifest = chosen.manifest
    _require_fitting(manifest, url)
    if _find_part(manifest, REGISTER_PART) and register is None:
        raise RestoreRefused(
            "the backup holds a register of patients: set TIEPDON_HIS=builtin, as it was"
        )
    lost = find_losses(manifest, url, register)
    if lost and not overwrite:
        words = ", ".join(f"{table} {count}" for table, count in sorted(lost.items()))
        raise RestoreRefused(
            f"newer than the backup of {manifest.taken_at:%Y-%m-%d %H:%M} UTC and lost by this:"
            f" {words}. Back up first; --yes overwrites"
        )
    with _staged(chosen, key, REGISTER_PART, register) as register_file:
        _fill(chosen, url, key)
        if register_file is not None and register is not None:
            restore_sqlite(register_file, register)
    return Verdict(
        name=manifest.name,
        taken_at=manifest.taken_at.isoformat(),
        rows=sum(manifest.rows.values()),
        lost=lost,
        damaged=chosen.damaged,
        faults=_prove_database(manifest, url, facility_id),
        keys_match=_match_keys(manifest, environ),
    )


def try_backup(
    chosen: Chosen, url: str, key: BackupKey, *, facility_id: str, environ: Mapping[str, str]
) -> Verdict:
    """Restores into a database made for it, which is gone afterwards. `url` says where.

    Raises BackupDamaged, BackupFailed, RestoreRefused.
    """
    with tempfile.TemporaryDirectory(prefix="tiepdon-check-") as scratch:
        register = Path(scratch) / "register.sqlite3"
        with _empty_database(url, Path(scratch)) as empty:
            return restore(
                chosen, empty, key, facility_id=facility_id, environ=environ, register=register
            )


def find_losses(manifest: Manifest, url: str, register: Path | None) -> dict[str, int]:
    """Rows by table that are newer than the backup, or more than it has. Raises BackupFailed."""
    try:
        present = count_rows(url)
    except BackupFailed as error:
        if not is_sqlite(url):
            raise
        raise RestoreRefused(
            f"the database there cannot be read: move {path_of(url)} and its -wal away first"
        ) from error
    if present and "alembic_version" not in present:
        return {table: rows for table, rows in present.items() if rows} or {"tables": len(present)}
    lost = {}
    if present:
        engine = open_engine(url, pool_size=1)
        try:
            for column in WHEN:
                table = str(column.class_.__tablename__)
                newer = _count_newer(engine, column, manifest) if table in present else 0
                more = present.get(table, 0) - manifest.rows.get(table, 0)
                if (count := max(newer, more)) > 0:
                    lost[table] = count
        except DBAPIError as error:
            raise BackupFailed("the database does not answer") from error
        finally:
            engine.dispose()
    if register is not None and register.is_file() and register.stat().st_size:
        for table, rows in check_sqlite(register).items():
            if (more := rows - manifest.register_rows.get(table, 0)) > 0:
                lost[f"{REGISTER}.{table}"] = more
    return lost


def _count_newer(
    engine: Engine, column: InstrumentedAttribute[datetime], manifest: Manifest
) -> int:
    columns = inspect(engine).get_columns(column.class_.__tablename__)
    if column.key not in {each["name"] for each in columns}:
        return 0
    with engine.connect() as connection:
        _take_time(connection)
        query = select(func.count()).where(column > manifest.taken_at)
        return int(connection.scalar(query) or 0)


def _take_time(connection: Connection) -> None:
    """Whole tables are read, for longer than a request may take."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL statement_timeout = 0"))


def _prove(folder: Path, key: BackupKey) -> Manifest:
    manifest = read_manifest(folder, key)
    prove_parts(folder, manifest, key)
    return manifest


def _require_fitting(manifest: Manifest, url: str) -> None:
    if (manifest.kind == "sqlite") != is_sqlite(url):
        raise RestoreRefused(f"the backup is of {manifest.kind}, and the database is not")
    if not knows_migration(manifest.migration):
        raise RestoreRefused(
            f"the backup is of a newer version ({manifest.version}): install that one first"
        )


def _fill(chosen: Chosen, url: str, key: BackupKey) -> None:
    part = _find_part(chosen.manifest, DATABASE_PART)
    if part is None:
        raise BackupDamaged("the backup has no database")
    if not is_sqlite(url):
        restore_postgres(open_part(chosen.folder, part, key), url)
        return
    with _staged(chosen, key, DATABASE_PART, path_of(url)) as file:
        if file is None or check_sqlite(file) != chosen.manifest.rows:
            raise BackupDamaged("the database of the backup has other rows than its manifest")
        restore_sqlite(file, path_of(url))


@contextmanager
def _staged(chosen: Chosen, key: BackupKey, name: str, near: Path | None) -> Iterator[Path | None]:
    """The part in clear beside where it will be; None when the backup has no such part."""
    part = _find_part(chosen.manifest, name)
    if part is None or near is None:
        yield None
        return
    try:
        with clear_folder(near) as folder:
            path = folder / "part.sqlite3"
            with path.open("wb") as file:
                for piece in open_part(chosen.folder, part, key):
                    file.write(piece)
            check_sqlite(path)
            yield path
    except OSError as error:
        raise BackupFailed(f"{near.parent} cannot be written: {error.strerror}") from error


def _find_part(manifest: Manifest, name: str) -> Part | None:
    return next((part for part in manifest.parts if part.name == name), None)


def _prove_database(manifest: Manifest, url: str, facility_id: str) -> list[str]:
    found = count_rows(url)
    faults = [
        f"{table}: {found.get(table, 0)} rows instead of {rows}"
        for table, rows in sorted(manifest.rows.items())
        if found.get(table, 0) != rows
    ]
    engine = open_engine(url, pool_size=1)
    database = Database(engine, facility_id=facility_id)
    try:
        migrate(engine)
        with database.snapshot() as connection:
            _take_time(connection)
            faults += verify_payments(connection, facility_id=facility_id).faults
    finally:
        database.close()
    return faults


def _match_keys(manifest: Manifest, environ: Mapping[str, str]) -> bool | None:
    mark = mark_keys(environ)
    return None if mark is None or manifest.keys_mark is None else mark == manifest.keys_mark


@contextmanager
def _empty_database(url: str, scratch: Path) -> Iterator[str]:
    if is_sqlite(url):
        yield f"sqlite:///{scratch}/check.sqlite3"
        return
    with temporary_postgres(url) as empty:
        yield empty
