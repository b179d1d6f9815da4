"""Where releases lie on a machine.

    ROOT/releases/VERSION/   .venv and the files of deploy/, whole once release.json is in it
    ROOT/current             a link to the one that runs
    ROOT/state.json          a change that is under way, and what did not get ready

A change is written down before it is made: whoever comes after a power cut knows what to do.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from backend.errors import ReleaseRefused

RELEASE_FILE = "release.json"
ENVIRONMENT = ".venv"
KEPT = 3
"""Releases that stay on the disk: the one that runs, the one before, and one more."""


class Release(BaseModel):
    """One that was installed whole. `digest` is the hash of its bundle's manifest."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: str
    migrations: tuple[str, ...]
    digest: str
    installed_at: datetime

    @property
    def schema_revision(self) -> str:
        return self.migrations[0]


class Change(BaseModel):
    """From the moment the service is stopped until a release is known to be ready."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: str
    before: str | None
    backup_folder: str | None = None
    backup_name: str | None = None
    """Made while nothing ran, when the new release changes the shape of the database."""


class State(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    change: Change | None = None
    failed: dict[str, str] = {}
    """Digests of bundles that did not get ready, and why: nobody tries them again unasked."""


@dataclass(frozen=True, kw_only=True)
class Root:
    folder: Path

    @property
    def current(self) -> Path:
        return self.folder / "current"

    def release_folder(self, version: str) -> Path:
        return self.folder / "releases" / version

    def command(self, version: str) -> str:
        return str(self.release_folder(version) / ENVIRONMENT / "bin/tiepdon")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Raises ReleaseRefused while another process changes releases here, or for no rights."""
        try:
            (self.folder / "releases").mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise ReleaseRefused(f"{self.folder} cannot be written: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError as error:
            raise ReleaseRefused("another release is being installed here") from error
        finally:
            os.close(descriptor)

    @property
    def state(self) -> State:
        try:
            return State.model_validate_json((self.folder / "state.json").read_bytes())
        except FileNotFoundError:
            return State()
        except (OSError, ValidationError) as error:
            raise ReleaseRefused(f"{self.folder / 'state.json'} cannot be read") from error

    def write_state(self, state: State) -> None:
        write_durably(self.folder / "state.json", state.model_dump_json(indent=1))

    def find_release(self, version: str) -> Release | None:
        """None: not there, or its installation never ended."""
        try:
            content = (self.release_folder(version) / RELEASE_FILE).read_bytes()
            return Release.model_validate_json(content)
        except (OSError, ValidationError):
            return None

    def find_current(self) -> Release | None:
        try:
            target = self.current.readlink()
        except OSError:
            return None
        return self.find_release(target.name)

    def list_releases(self) -> list[Release]:
        """Newest installation first."""
        folders = (self.folder / "releases").glob(f"*/{RELEASE_FILE}")
        found = [self.find_release(path.parent.name) for path in folders]
        whole = [each for each in found if each is not None]
        return sorted(whole, key=lambda each: each.installed_at, reverse=True)

    def switch(self, version: str | None) -> None:
        """At no moment is there no link: the new one takes the place of the old one."""
        if version is None:
            self.current.unlink(missing_ok=True)
        else:
            fresh = self.folder / ".current.new"
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(Path("releases") / version)
            fresh.replace(self.current)
        _sync(self.folder)

    def prune(self) -> list[str]:
        """Removes all but the newest few and what is in use; what was removed."""
        current = self.find_current()
        change = self.state.change
        used = {current.version if current else None}
        used |= {change.version, change.before} if change else set()
        spare = [each for each in self.list_releases() if each.version not in used]
        removed = []
        for release in spare[max(KEPT - 1, 0) :]:
            self.remove(release.version)
            removed.append(release.version)
        return removed

    def remove(self, version: str) -> None:
        """First what makes it count as whole, so that half of one is never taken for one."""
        folder = self.release_folder(version)
        (folder / RELEASE_FILE).unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)


def write_durably(path: Path, text: str) -> None:
    """Whole or not at all, also when the power goes."""
    fresh = path.with_name(f".{path.name}.new")
    with fresh.open("w", encoding="utf-8") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_environment(path: Path) -> dict[str, str]:
    """An EnvironmentFile of systemd: NAME=value lines. Raises ReleaseRefused."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise ReleaseRefused(f"{path} cannot be read") from error
    pairs = [line.strip().partition("=") for line in lines if not line.strip().startswith("#")]
    return {name.strip(): value.strip().strip("\"'") for name, sign, value in pairs if sign}
