"""Whether a signed request is from a partner, is fresh, and comes for the first time."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import select

from backend.errors import PartnerRefused
from backend.services.limit_tries import REQUESTS_PER_PARTNER, count_tries
from backend.services.recognise_caller import CACHED_FOR_S, Caller
from backend.services.resources import Resources
from backend.storage.partner_tables import Partner, PartnerSignature
from backend.storage.unit_of_work import UnitOfWork
from his_adapter.json_kiosk.contract import TIMESTAMP_TOLERANCE_S
from his_adapter.json_kiosk.signing import is_signed_by

MAX_CACHED = 200
_NOBODY = secrets.token_bytes(32)
"""Unknown merchants are compared with a secret too, so that they take as long as known ones."""


@dataclass(frozen=True, kw_only=True)
class SignedRequest:
    """What was sent, nothing of it believed. `make_text` gives what should have been signed."""

    untrusted_merchant_id: str
    untrusted_timestamp: str
    untrusted_signature: str
    make_text: Callable[[], str] = field(repr=False)
    once: bool
    """About a person: a second time is refused, even within the tolerance."""


@dataclass(frozen=True, kw_only=True)
class PartnerFacts:
    caller: Caller
    reads_cards: bool
    notice_version: str | None
    secret: bytes = field(repr=False)


class Partners:
    """Those this process met a moment ago. One for all threads of a worker."""

    def __init__(
        self, resources: Resources, *, ticks: Callable[[], float] = time.monotonic
    ) -> None:
        self._resources = resources
        self._ticks = ticks
        self._known: dict[str, tuple[float, PartnerFacts]] = {}
        self._lock = threading.Lock()

    def find(self, untrusted_merchant_id: str) -> PartnerFacts | None:
        """None for unknown and revoked ones. Raises StorageUnavailable."""
        now = self._ticks()
        known = self._known.get(untrusted_merchant_id)
        if known is not None and known[0] > now:
            return known[1]
        found = self._load(untrusted_merchant_id)
        with self._lock:
            self._known.pop(untrusted_merchant_id, None)
            if found is not None:
                if len(self._known) >= MAX_CACHED:
                    self._known.clear()
                self._known[untrusted_merchant_id] = (now + CACHED_FOR_S, found)
        return found

    def recognise(self, request: SignedRequest) -> PartnerFacts:
        """Raises PartnerRefused, RateLimited, StorageUnavailable."""
        partner = self.find(request.untrusted_merchant_id)
        secret = partner.secret if partner else _NOBODY
        try:
            signed = is_signed_by(secret, request.make_text(), request.untrusted_signature)
        except UnicodeEncodeError as error:
            raise PartnerRefused from error
        if partner is None or not signed or not self._is_fresh(request.untrusted_timestamp):
            raise PartnerRefused
        database = self._resources.database
        count_tries(database, (REQUESTS_PER_PARTNER, partner.caller.id))
        if request.once and not database.transact(lambda unit: _note(unit, partner, request)):
            raise PartnerRefused
        return partner

    def _is_fresh(self, untrusted_timestamp: str) -> bool:
        if not (untrusted_timestamp.isascii() and untrusted_timestamp.isdigit()):
            return False
        sent_s = int(untrusted_timestamp[:20]) / 1000
        now_s = self._resources.database.clock().timestamp()
        return abs(now_s - sent_s) <= TIMESTAMP_TOLERANCE_S

    def _load(self, untrusted_merchant_id: str) -> PartnerFacts | None:
        database = self._resources.database
        with database.read() as connection:
            row = connection.execute(
                select(
                    Partner.id,
                    Partner.name,
                    Partner.sealed_secret,
                    Partner.reads_cards,
                    Partner.notice_version,
                ).where(
                    Partner.merchant_id == untrusted_merchant_id,
                    Partner.facility_id == database.facility_id,
                    Partner.revoked_at.is_(None),
                )
            ).one_or_none()
        if row is None:
            return None
        keys = self._resources.keys
        return PartnerFacts(
            caller=Caller(role="partner", id=row.id, name=row.name),
            reads_cards=row.reads_cards,
            notice_version=row.notice_version,
            secret=keys.unseal(row.sealed_secret, context=f"partner:{row.id}"),
        )


def _note(unit: UnitOfWork, partner: PartnerFacts, request: SignedRequest) -> bool:
    """False for a signature that was used before: one statement, so that of two only one is first."""
    used = f"{partner.caller.id}:{request.untrusted_signature.lower()}"
    statement = (
        unit.insert_into(PartnerSignature)
        .values(
            signature_hash=hashlib.sha256(used.encode()).hexdigest(),
            facility_id=unit.facility_id,
            seen_at=unit.now,
        )
        .on_conflict_do_nothing()
    )
    return unit.connection.execute(statement).rowcount == 1
