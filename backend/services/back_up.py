"""Makes one sealed backup of the running service and writes it to one or two folders at once."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from backend.errors import BackupFailed, ConfigError
from backend.storage.backup_folder import (
    FORMAT,
    BackupWriter,
    Manifest,
    Part,
    SettingsFile,
    name_of,
    write_manifest,
)
from backend.storage.backup_key import BackupKey
from backend.storage.crypto import load_keys
from backend.storage.database_copies import copy_sqlite, open_copy, size_of, sqlite_size
from backend.storage.sealed_stream import seal_stream

DATABASE_PART = "database.sealed"
REGISTER_PART = "register.sealed"
SPARE_BYTES = 64 * 1024 * 1024
SETTINGS_VARIABLES = (
    "TIEPDON_KEYS_FILE",
    "TIEPDON_HIS_CONFIG",
    "TIEPDON_INSURER_CONFIG",
    "TIEPDON_PAYMENTS_CONFIG",
    "TIEPDON_ALERTS_CONFIG",
    "TIEPDON_OIDC_CLIENT_SECRET_FILE",
    "TIEPDON_METRICS_TOKEN_FILE",
    "TIEPDON_DATA",
)


@dataclass(frozen=True, kw_only=True)
class Written:
    """What became of the backup in one folder; without `fault` it is there and whole."""

    folder: str
    fault: str | None = None
    removed: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Backup:
    name: str
    manifest: Manifest | None
    """None: it was written nowhere."""
    targets: list[Written]

    @property
    def ok(self) -> bool:
        return all(target.fault is None for target in self.targets)


def back_up(
    url: str,
    folders: Sequence[Path],
    key: BackupKey,
    *,
    now: datetime,
    environ: Mapping[str, str],
    register: Path | None = None,
    keep: int,
) -> Backup:
    """One folder's fault does not lose the other. Raises BackupFailed: the source cannot be read.

    The register of patients is copied after the database: it may know of somebody the database
    does not, never the other way round.
    """
    register = register if register is not None and register.is_file() else None
    needed = size_of(url) + (sqlite_size(register) if register else 0)
    name = name_of(now)
    writers = [BackupWriter(folder, name) for folder in folders]
    try:
        for writer in writers:
            writer.begin(needed + needed // 20 + SPARE_BYTES)
        manifest = _write(writers, url, key, name, now, environ, register)
        return Backup(
            name=name,
            manifest=manifest,
            targets=[
                Written(
                    folder=str(writer.folder),
                    removed=writer.rotate(key, keep) if writer.fault is None else [],
                    fault=writer.fault,
                )
                for writer in writers
            ],
        )
    finally:
        for writer in writers:
            writer.close()


def _write(
    writers: Sequence[BackupWriter],
    url: str,
    key: BackupKey,
    name: str,
    now: datetime,
    environ: Mapping[str, str],
    register: Path | None,
) -> Manifest | None:
    if _all_failed(writers):
        return None
    with open_copy(url) as copy:
        if copy.migration is None:
            raise BackupFailed("the database has no tables of this program yet")
        parts = [_write_part(writers, DATABASE_PART, copy.pieces, key)]
    register_rows: dict[str, int] = {}
    if register is not None and not _all_failed(writers):
        with copy_sqlite(register) as second:
            register_rows = second.rows
            parts.append(_write_part(writers, REGISTER_PART, second.pieces, key))
    if _all_failed(writers):
        return None
    manifest = Manifest(
        format=FORMAT,
        name=name,
        taken_at=now,
        version=version("tiepdon"),
        kind=copy.kind,
        migration=copy.migration,
        rows=copy.rows,
        parts=parts,
        register_rows=register_rows,
        keys_mark=mark_keys(environ),
        settings_files=[
            SettingsFile(variable=variable, path=environ[variable])
            for variable in SETTINGS_VARIABLES
            if environ.get(variable)
        ],
    )
    content = write_manifest(manifest, key)
    for writer in writers:
        writer.finish(content)
    return None if _all_failed(writers) else manifest


def _write_part(
    writers: Sequence[BackupWriter], name: str, pieces: Iterator[bytes], key: BackupKey
) -> Part:
    digest, size = hashlib.sha256(), 0
    with closing(_as_generator(pieces)) as content:
        for sealed in seal_stream(content, key):
            digest.update(sealed)
            size += len(sealed)
            for writer in writers:
                writer.write(name, sealed)
            if _all_failed(writers):
                break
    for writer in writers:
        writer.end_part()
    return Part(name=name, size_bytes=size, sha256=digest.hexdigest())


def _as_generator(pieces: Iterator[bytes]) -> Generator[bytes, None, None]:
    """Closing it ends what makes the pieces, pg_dump too."""
    yield from pieces


def _all_failed(writers: Sequence[BackupWriter]) -> bool:
    return all(writer.fault is not None for writer in writers)


def mark_keys(environ: Mapping[str, str]) -> str | None:
    """Sixteen hex digits that say which keys these are and nothing about them; None: none set."""
    path = environ.get("TIEPDON_KEYS_FILE")
    if not path:
        return None
    try:
        return load_keys(Path(path)).hash("backup keys mark")[:16]
    except ConfigError:
        return None
