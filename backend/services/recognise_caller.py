"""Who calls: an enrolled kiosk or a program of a member of staff, known by a random credential."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from sqlalchemy import bindparam, select, update

from backend.domain.roles import StaffRole
from backend.storage.account_tables import ApiToken, UserAccount
from backend.storage.database import Database
from backend.storage.kiosk_tables import Kiosk

CACHED_FOR_S = 15.0
"""A revoked credential is refused after this long at the latest, in every worker."""
MAX_CACHED = 2_000
NOTED_EVERY = timedelta(hours=1)
"""The use of a token is written down this often: it shows that somebody still needs it."""

# Built once: sixty kiosks call several times a minute each.
_KIOSK = select(Kiosk.id, Kiosk.name, Kiosk.kind).where(
    Kiosk.token_hash == bindparam("digest"),
    Kiosk.facility_id == bindparam("facility_id"),
    Kiosk.revoked_at.is_(None),
)

Role = Literal["kiosk", "staff", "agent", "partner"]
"""An agent prints what staff ask for, and may do nothing else. A partner is somebody else's fleet
of kiosks: it signs its requests instead of sending a credential (services.recognise_partner)."""


@dataclass(frozen=True, kw_only=True)
class Caller:
    """`roles` and `rooms` are those of a member of staff; a kiosk has none."""

    role: Role
    id: str
    name: str
    roles: frozenset[StaffRole] = frozenset()
    rooms: frozenset[str] = frozenset()
    """Rooms a member of staff works for; none = all of the facility."""
    token_hash: str | None = None
    """Of a kiosk's credential: whether it still is this kiosk's is seen where it matters at once."""

    @property
    def actor(self) -> str:
        """As audit rows and idempotency keys name a caller."""
        return f"{self.role}:{self.id}"

    def has_any(self, allowed: frozenset[str]) -> bool:
        """Whether "kiosk", "staff" or one of the roles is among `allowed`."""
        return self.role in allowed or not self.roles.isdisjoint(allowed)

    def may_call_room(self, room_id: str) -> bool:
        """Somebody who was given rooms may call for these only."""
        return self.role == "staff" and (not self.rooms or room_id in self.rooms)


def new_credential() -> str:
    """256 random bits: not to be guessed, so a plain hash of it may be stored."""
    return secrets.token_urlsafe(32)


def credential_hash(credential: str) -> str:
    return hashlib.sha256(credential.encode()).hexdigest()


def known_roles(codes: list[str]) -> frozenset[StaffRole]:
    """Of a row; a code that a newer version gave is no right here."""
    return frozenset(role for role in StaffRole if role.value in codes)


class Callers:
    """Credentials this process met a moment ago. One for all threads of a worker."""

    def __init__(self, database: Database, *, ticks: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._ticks = ticks
        self._known: dict[str, tuple[float, Caller]] = {}
        self._lock = threading.Lock()

    def find(self, untrusted_credential: str) -> Caller | None:
        """None for unknown and for revoked ones. Raises StorageUnavailable."""
        digest = credential_hash(untrusted_credential)
        now = self._ticks()
        known = self._known.get(digest)
        if known is not None and known[0] > now:
            return known[1]
        caller = self._find_kiosk(digest) or self._find_staff(digest)
        with self._lock:
            self._known.pop(digest, None)
            if caller is not None:
                if len(self._known) >= MAX_CACHED:
                    self._known.clear()
                self._known[digest] = (now + CACHED_FOR_S, caller)
        return caller

    def _find_kiosk(self, digest: str) -> Caller | None:
        with self._database.read() as connection:
            row = connection.execute(
                _KIOSK, {"digest": digest, "facility_id": self._database.facility_id}
            ).first()
        if row is None:
            return None
        return Caller(
            role="agent" if row.kind == "agent" else "kiosk",
            id=row.id,
            name=row.name,
            token_hash=digest,
        )

    def _find_staff(self, digest: str) -> Caller | None:
        now = self._database.clock()
        with self._database.read() as connection:
            row = connection.execute(
                select(
                    UserAccount.id,
                    UserAccount.display_name,
                    UserAccount.roles,
                    UserAccount.room_ids,
                    ApiToken.id.label("token_id"),
                    ApiToken.last_used_at,
                )
                .join(ApiToken, ApiToken.user_id == UserAccount.id)
                .where(
                    ApiToken.token_hash == digest,
                    ApiToken.facility_id == self._database.facility_id,
                    ApiToken.revoked_at.is_(None),
                    ApiToken.expires_at > now,
                    UserAccount.disabled_at.is_(None),
                )
            ).first()
        if row is None:
            return None
        if row.last_used_at is None or now - row.last_used_at >= NOTED_EVERY:
            self._note_use(row.token_id)
        return Caller(
            role="staff",
            id=row.id,
            name=row.display_name,
            roles=known_roles(row.roles),
            rooms=frozenset(row.room_ids),
        )

    def _note_use(self, token_id: str) -> None:
        self._database.transact(
            lambda unit: unit.connection.execute(
                update(ApiToken).where(ApiToken.id == token_id).values(last_used_at=unit.now)
            )
        )
