"""The audit chain: every sealed row carries a hash over itself and over the row sealed before it.

Whoever changes, removes or moves a sealed row would have to make all hashes after it anew, and
then the head no longer is the one that was copied off the host.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

FORM = "tiepdon.audit.1"
"""Stands in every hash. Another canonical form gets another name."""
FORM_WITH_ORIGIN = "tiepdon.audit.2"
"""Rows that say where from. A row that had its origin taken away does not fit `FORM` either."""
FORM_OF_BREAK = "tiepdon.audit.break.1"
HASH_CHARS = 64
MAX_HEAD_CHARS = 1_000


@dataclass(frozen=True, kw_only=True)
class AuditRow:
    """What an audit row says, as it is read back from the database."""

    id: str
    facility_id: str
    at: datetime
    actor: str
    event: str
    subject: str
    detail: dict[str, Any]
    origin: str | None = None


@dataclass(frozen=True, kw_only=True)
class Link:
    """A place in the chain: the first sealed row has 1, `genesis` is 0."""

    sequence: int
    chain_hash: str


@dataclass(frozen=True, kw_only=True)
class Head:
    """The newest link at a time, as it is copied off the host."""

    facility_id: str
    at: datetime
    link: Link


def genesis(facility_id: str) -> Link:
    """What the first row of a facility is chained to: chains cannot be swapped between them."""
    return Link(sequence=0, chain_hash=_digest([FORM, "genesis", facility_id]))


def seal(row: AuditRow, *, after: Link) -> Link:
    """The link of a row that is sealed next after `after`."""
    sequence = after.sequence + 1
    return Link(
        sequence=sequence, chain_hash=_digest(canonical_form(row, sequence, after.chain_hash))
    )


def canonical_form(row: AuditRow, sequence: int, previous_hash: str) -> list[Any]:
    """Everything that is hashed, in an order that never changes. Times are UTC to the microsecond,
    as both databases keep them.
    """
    at = row.at.astimezone(UTC).isoformat(timespec="microseconds")
    said = [row.id, at, row.actor, row.event, row.subject, row.detail]
    if row.origin is None:
        return [FORM, row.facility_id, sequence, previous_hash, *said]
    return [FORM_WITH_ORIGIN, row.facility_id, sequence, previous_hash, *said, row.origin]


def fingerprint(kind: str, row: AuditRow, link: Link, *, after: Link) -> str:
    """Of one break: what stands there now, and what it stands behind. Any further change at the
    same place gives another one.
    """
    said = canonical_form(row, link.sequence, link.chain_hash)
    return _digest([FORM_OF_BREAK, kind, after.sequence, after.chain_hash, *said])


def canonical_bytes(form: list[Any]) -> bytes:
    """JSON without spaces, keys in order, ASCII only: two forms that differ never look the same."""
    return json.dumps(form, sort_keys=True, separators=(",", ":")).encode("ascii")


def _digest(form: list[Any]) -> str:
    return hashlib.sha256(canonical_bytes(form)).hexdigest()


def write_head(head: Head) -> str:
    """One line of JSON, without its end."""
    return json.dumps(
        {
            "facility_id": head.facility_id,
            "at": head.at.astimezone(UTC).isoformat(timespec="seconds"),
            "sequence": head.link.sequence,
            "chain_hash": head.link.chain_hash,
        }
    )


def find_head(untrusted_line: str) -> Head | None:
    """The head in a line of a copied file; None when it holds none, such as half a line.

    A log server writes when and where it came from in front of it.
    """
    if len(untrusted_line) > MAX_HEAD_CHARS:
        return None
    _, brace, rest = untrusted_line.partition("{")
    try:
        said = json.loads(brace + rest)
        sequence, chain_hash = said["sequence"], said["chain_hash"]
        facility_id, at = said["facility_id"], datetime.fromisoformat(said["at"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    is_hash = isinstance(chain_hash, str) and len(chain_hash) == HASH_CHARS
    is_count = isinstance(sequence, int) and not isinstance(sequence, bool) and sequence >= 0
    if not (is_hash and is_count and isinstance(facility_id, str) and at.tzinfo is not None):
        return None
    return Head(facility_id=facility_id, at=at, link=Link(sequence=sequence, chain_hash=chain_hash))


def read_heads(untrusted_lines: Iterable[str], *, facility_id: str) -> tuple[list[Head], int]:
    """The heads of a facility in a copied file, and how many lines could not be read."""
    heads, unreadable = [], 0
    for line in untrusted_lines:
        if not line.strip():
            continue
        head = find_head(line)
        if head is None:
            unreadable += 1
        elif head.facility_id == facility_id:
            heads.append(head)
    return heads, unreadable
