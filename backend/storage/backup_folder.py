"""Backups in a folder: each a folder of its own with sealed parts and a signed manifest.

Written under a hidden name, brought to the disk, then renamed: under its proper name a backup is
whole, whenever the machine died. One process at a time writes to a folder.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from pydantic import BaseModel, ConfigDict, ValidationError

from backend.errors import BackupDamaged
from backend.storage.backup_key import BackupKey
from backend.storage.sealed_stream import unseal_stream

PREFIX = "tiepdon-"
UNFINISHED = ".unfinished-"
LOCK = ".tiepdon-backup.lock"
MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 4 * 1024 * 1024
READ_BYTES = 1024 * 1024
FORMAT = 1


class Part(BaseModel):
    """A sealed file of a backup."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    size_bytes: int
    sha256: str


class SettingsFile(BaseModel):
    """A file the environment named. Its content is not in the backup: it may hold secrets."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    variable: str
    path: str


class Manifest(BaseModel):
    """What a backup is. Lies in clear beside the parts: it holds nothing of a person."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    format: int
    name: str
    taken_at: datetime
    version: str
    kind: str
    """sqlite or postgresql; one is not restored into the other."""
    migration: str
    rows: dict[str, int]
    parts: list[Part]
    register_rows: dict[str, int]
    keys_mark: str | None
    """Tells whether a keys file is the one that personal data were sealed with."""
    settings_files: list[SettingsFile]


def name_of(moment: datetime) -> str:
    return f"{PREFIX}{moment:%Y%m%dT%H%M%S.%fZ}"


def free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


class BackupWriter:
    """Writes one backup into one folder. After a fault it does nothing more and keeps `fault`."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.fault: str | None = None
        self._name = name
        self._lock: int | None = None
        self._file: BinaryIO | None = None
        self._unfinished = folder / f"{UNFINISHED}{name}"

    def begin(self, needed_bytes: int) -> None:
        try:
            self._lock = os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._fail("another backup is being written there")
                return
            # Nobody else writes here: what is unfinished was left by one that died.
            for left in self.folder.glob(f"{UNFINISHED}*"):
                shutil.rmtree(left)
            free = free_bytes(self.folder)
            if free < needed_bytes:
                self._fail(f"needs {needed_bytes} bytes, {free} are free")
                return
            self._unfinished.mkdir(mode=0o700)
        except OSError as error:
            self._fail(error.strerror or str(error))

    def write(self, part: str, piece: bytes) -> None:
        if self.fault is not None:
            return
        try:
            if self._file is None:
                descriptor = os.open(
                    self._unfinished / part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600
                )
                self._file = os.fdopen(descriptor, "wb")
            self._file.write(piece)
        except OSError as error:
            self._fail(error.strerror or str(error))

    def end_part(self) -> None:
        if self._file is None or self.fault is not None:
            return
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._file = None
        except OSError as error:
            self._fail(error.strerror or str(error))

    def finish(self, manifest: bytes) -> None:
        """From here on it is a backup."""
        self.write(MANIFEST, manifest)
        self.end_part()
        if self.fault is not None:
            return
        try:
            _sync(self._unfinished)
            self._unfinished.rename(self.folder / self._name)
            _sync(self.folder)
        except OSError as error:
            self._fail(error.strerror or str(error))

    def close(self) -> None:
        """Takes away what is unfinished, and lets others write."""
        if self._file is not None:
            try:
                self._file.close()
            except OSError as error:  # what was still to be written finds no room either
                self.fault = self.fault or error.strerror
            self._file = None
        if self._lock is not None:
            shutil.rmtree(self._unfinished, ignore_errors=True)
            os.close(self._lock)
            self._lock = None

    def rotate(self, key: BackupKey, keep: int) -> list[str]:
        """Removes all but the newest `keep` backups of this key; gives the names. Others stay."""
        removed = []
        try:
            for manifest in find_manifests(self.folder, key)[keep:]:
                doomed = self.folder / f"{UNFINISHED}{manifest.name}"
                (self.folder / manifest.name).rename(doomed)
                shutil.rmtree(doomed)
                removed.append(manifest.name)
        except OSError as error:
            self.fault = f"old backups were not removed: {error.strerror}"
        return removed

    def _fail(self, fault: str) -> None:
        self.fault = fault
        if self._lock is not None and fault.startswith("another backup"):
            os.close(self._lock)
            self._lock = None
        self.close()


def write_manifest(manifest: Manifest, key: BackupKey) -> bytes:
    content = manifest.model_dump(mode="json")
    document = {"manifest": content, "signature": key.sign(_canonical(content))}
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def read_manifest(folder: Path, key: BackupKey) -> Manifest:
    """Raises BackupDamaged: not signed by this key, not readable, or under another name."""
    try:
        with (folder / MANIFEST).open("rb") as file:
            document = json.loads(file.read(MAX_MANIFEST_BYTES))
        content, signature = document["manifest"], document["signature"]
        if not key.has_signed(_canonical(content), signature):
            raise BackupDamaged(f"{folder.name}: the manifest was altered or is of another key")
        manifest = Manifest.model_validate(content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ValidationError) as error:
        raise BackupDamaged(f"{folder.name}: the manifest cannot be read") from error
    if manifest.name != folder.name or manifest.format != FORMAT:
        raise BackupDamaged(f"{folder.name}: the manifest belongs to another backup")
    return manifest


def names_in(folder: Path) -> list[str]:
    """Of all backups, the newest first, good or not. Raises OSError."""
    names = [p.name for p in folder.iterdir() if p.name.startswith(PREFIX) and p.is_dir()]
    return sorted(names, reverse=True)


def find_manifests(folder: Path, key: BackupKey) -> list[Manifest]:
    """The newest first; what this key did not sign is left out. Raises OSError."""
    found = []
    for name in names_in(folder):
        try:
            found.append(read_manifest(folder / name, key))
        except BackupDamaged:
            continue
    return sorted(found, key=lambda manifest: manifest.taken_at, reverse=True)


def prove_parts(folder: Path, manifest: Manifest, key: BackupKey) -> None:
    """Reads every part to its end. Raises BackupDamaged."""
    for part in manifest.parts:
        for _piece in open_part(folder, part, key):
            pass


def open_part(folder: Path, part: Part, key: BackupKey) -> Iterator[bytes]:
    """The content; the part is the one the manifest names once this has ended.

    Raises BackupDamaged.
    """
    path = folder / part.name
    try:
        if path.stat().st_size != part.size_bytes:
            raise BackupDamaged(f"{folder.name}: {part.name} is cut or longer than it was")
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while piece := file.read(READ_BYTES):
                digest.update(piece)
            if digest.hexdigest() != part.sha256:
                raise BackupDamaged(f"{folder.name}: {part.name} was altered")
            file.seek(0)
            yield from unseal_stream(file, key)
    except OSError as error:
        raise BackupDamaged(f"{folder.name}: {part.name} cannot be read") from error


def _canonical(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
