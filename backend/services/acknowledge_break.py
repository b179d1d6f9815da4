"""A break of the audit chain that an auditor looked into and answers for, with a reason.

Whoever breaks the chain must gain nothing by it. So an acknowledgement is bound to exactly what
stands at the place now: one more change there is a new break. It carries a hash with a key of
this server, which nobody has who only gets at the database. It is a row of the trail itself,
written by an auditor who does not keep the computers, and every look at the chain tells of it
for ever. Breaks that touch more than their place cannot be acknowledged: a row that no sealer
put there, or a chain that was made anew.
"""

from __future__ import annotations

import hmac
from datetime import UTC, datetime

from sqlalchemy import Connection, select

from backend.domain.roles import ADMIN_ROLES
from backend.errors import BreakChanged, NotAllowed, ReasonMissing
from backend.events import Event
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.services.verify_audit import Acknowledgement, Break, verify_audit
from backend.storage.audit_chain import COLUMNS
from backend.storage.crypto import Keys

MAX_REASON_CHARS = 200
_PURPOSE = "audit-break"


def acknowledge_break(
    resources: Resources, untrusted_fingerprint: str, *, reason: str, staff: Caller
) -> Break:
    """The break that is known from now on.

    Raises ReasonMissing, NotAllowed for who keeps the computers, BreakChanged when the first
    break that nobody acknowledged is not the one that was looked at, StorageUnavailable.
    """
    reason = " ".join(reason.split())
    if not 0 < len(reason) <= MAX_REASON_CHARS or not reason.isprintable():
        raise ReasonMissing
    if not staff.roles.isdisjoint(ADMIN_ROLES):
        raise NotAllowed
    database, keys = resources.database, resources.keys
    with database.snapshot() as connection:
        broken = verify_audit(
            connection,
            facility_id=database.facility_id,
            now=database.clock(),
            acknowledged=find_acknowledgements(connection, database.facility_id, keys),
        ).broken
    if broken is None or broken.fingerprint is None:
        raise BreakChanged
    if not hmac.compare_digest(broken.fingerprint.encode(), untrusted_fingerprint.encode()):
        raise BreakChanged
    with database.write() as unit:
        proof = _prove(
            keys,
            unit.facility_id,
            broken.fingerprint,
            actor=staff.actor,
            at=unit.now,
            reason=reason,
        )
        unit.audit(
            Event.AUDIT_BREAK_ACKNOWLEDGED,
            actor=staff.actor,
            subject=f"audit_break:{broken.sequence}",
            detail={
                "kind": broken.kind,
                "fingerprint": broken.fingerprint,
                "reason": reason,
                "proof": proof,
            },
        )
    return broken


def find_acknowledgements(
    connection: Connection, facility_id: str, keys: Keys
) -> dict[str, Acknowledgement]:
    """By fingerprint; a row that this server did not write counts for nothing."""
    query = (
        select(COLUMNS.id, COLUMNS.at, COLUMNS.actor, COLUMNS.detail)
        .where(COLUMNS.facility_id == facility_id, COLUMNS.event == Event.AUDIT_BREAK_ACKNOWLEDGED)
        .order_by(COLUMNS.at)
    )
    found: dict[str, Acknowledgement] = {}
    for row in connection.execute(query):
        mark, reason, proof = (row.detail.get(key) for key in ("fingerprint", "reason", "proof"))
        if not all(isinstance(each, str) for each in (mark, reason, proof)):
            continue
        expected = _prove(keys, facility_id, mark, actor=row.actor, at=row.at, reason=reason)
        if hmac.compare_digest(expected.encode(), proof.encode()):
            found[mark] = Acknowledgement(row_id=row.id, at=row.at, actor=row.actor, reason=reason)
    return found


def _prove(
    keys: Keys, facility_id: str, mark: str, *, actor: str, at: datetime, reason: str
) -> str:
    moment = at.astimezone(UTC).isoformat(timespec="microseconds")
    return keys.hash(_PURPOSE, facility_id, mark, actor, moment, reason)
