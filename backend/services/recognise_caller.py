"""Who calls: an enrolled kiosk or a member of staff, known by the hash of a random credential."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select

from backend.storage.database import Database
from backend.storage.tables import Kiosk, StaffCredential

CACHED_FOR_S = 15.0
"""A revoked credential is refused after this long at the latest, in every worker."""
MAX_CACHED = 2_000

Role = Literal["kiosk", "staff"]


@dataclass(frozen=True, kw_only=True)
class Caller:
    role: Role
    id: str
    name: str
    rooms: frozenset[str] = frozenset()
    """Rooms a member of staff works for; none = all of the facility."""

    def may_call_room(self, room_id: str) -> bool:
        return self.role == "staff" and (not self.rooms or room_id in self.rooms)

    @property
    def actor(self) -> str:
        """As audit rows and idempotency keys name a caller."""
        return f"{self.role}:{self.id}"


def new_credential() -> str:
    """256 random bits: not to be guessed, so a plain hash of it may be stored."""
    return secrets.token_urlsafe(32)


def credential_hash(credential: str) -> str:
    return hashlib.sha256(credential.encode()).hexdigest()


class Callers:
    """Credentials this process met a moment ago. One for all threads of a worker."""

    def __init__(self, database: Database, *, ticks: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._ticks = ticks
        self._known: dict[str, tuple[float, Caller]] = {}
        self._lock = threading.Lock()

    def find(self, untrusted_credential: str) -> Caller | None:
        """None for unknown and for revoked ones. Raises StorageUnavailable."""
        return self.find_by_hash(credential_hash(untrusted_credential))

    def find_by_hash(self, digest: str) -> Caller | None:
        """For who proved the credential before, and still has it. Raises StorageUnavailable."""
        now = self._ticks()
        known = self._known.get(digest)
        if known is not None and known[0] > now:
            return known[1]
        caller = self._look_up(digest)
        with self._lock:
            self._known.pop(digest, None)
            if caller is not None:
                if len(self._known) >= MAX_CACHED:
                    self._known.clear()
                self._known[digest] = (now + CACHED_FOR_S, caller)
        return caller

    def _look_up(self, digest: str) -> Caller | None:
        tables: tuple[tuple[Role, type[Kiosk | StaffCredential]], ...] = (
            ("kiosk", Kiosk),
            ("staff", StaffCredential),
        )
        with self._database.read() as connection:
            for role, table in tables:
                row = connection.execute(
                    select(table.id, table.name).where(
                        table.facility_id == self._database.facility_id,
                        table.token_hash == digest,
                        table.revoked_at.is_(None),
                    )
                ).first()
                if row is not None:
                    return Caller(role=role, id=row.id, name=row.name)
        return None
