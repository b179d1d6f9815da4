"""Proves the audit chain: what is wrong first, and what is not sealed yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias

from sqlalchemy import Connection, Row, func, select

from backend.domain.audit_chain import Head, Link, fingerprint, seal
from backend.storage.audit_chain import (
    COLUMNS,
    Checkpoint,
    read_checkpoint,
    to_audit_row,
    to_link,
    walk_links,
    walk_sealed,
)

FEWEST_KEPT = timedelta(days=11 * 31)
"""The least span a setting allows, less a month: a younger row cannot have been purged."""

BreakKind: TypeAlias = Literal["removed", "changed", "reordered", "inserted", "rewritten"]


@dataclass(frozen=True, kw_only=True)
class Break:
    """Where the chain is broken first, and how.

    removed: the row is not there; changed: it, or one before it, is not what was sealed;
    reordered: it was sealed elsewhere; inserted: no sealer put it there; rewritten: it fits its
    neighbours, and is not what was sealed when the head was kept.

    `fingerprint` says what stands there now; None where nothing does, or nothing that can be read:
    such a break, and one that touches more than its place, cannot be acknowledged.
    """

    kind: BreakKind
    sequence: int
    row_id: str | None = None
    at: datetime | None = None
    fingerprint: str | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class Acknowledgement:
    """Somebody who may looked into a break and answers for it, with a reason."""

    row_id: str
    at: datetime
    actor: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class KnownBreak:
    broken: Break
    by: Acknowledgement


@dataclass(frozen=True, kw_only=True)
class AuditVerdict:
    """`rows` were sealed and looked at; after a break that nobody acknowledged no further are."""

    rows: int
    first_sequence: int | None
    head: Link
    unsealed: int
    oldest_unsealed_at: datetime | None
    broken: Break | None
    known: tuple[KnownBreak, ...] = ()
    """Breaks that were acknowledged; they are told for ever."""

    @property
    def ok(self) -> bool:
        return self.broken is None


def verify_audit(
    connection: Connection,
    *,
    facility_id: str,
    now: datetime,
    heads: Sequence[Head] = (),
    acknowledged: Mapping[str, Acknowledgement] | None = None,
) -> AuditVerdict:
    """Reads every row once, a few thousand at a time; the connection must give one view of the
    database throughout. `heads` were copied off the host and are believed, and `acknowledged`
    (by fingerprint) was proven by the caller.
    """
    checkpoint = read_checkpoint(connection, facility_id)
    known = _Known(checkpoint, heads, now=now)
    walk = _Walk(
        connection, facility_id, known, start=checkpoint.purged, acknowledged=acknowledged or {}
    )
    broken = known.find_purged_too_early() or walk.find_break() or known.find_missing(walk.last)
    unsealed, oldest_at = _count_unsealed(connection, facility_id)
    return AuditVerdict(
        rows=walk.count,
        first_sequence=checkpoint.purged.sequence + 1 if walk.count else None,
        head=walk.last,
        unsealed=unsealed,
        oldest_unsealed_at=oldest_at,
        broken=broken,
        known=tuple(walk.known_breaks),
    )


class _Walk:
    """From the oldest row to the newest, or to the first break. `last` is the last good one."""

    def __init__(
        self,
        connection: Connection,
        facility_id: str,
        known: _Known,
        *,
        start: Link,
        acknowledged: Mapping[str, Acknowledgement],
    ) -> None:
        self._connection = connection
        self._facility_id = facility_id
        self._known = known
        self._acknowledged = acknowledged
        self.known_breaks: list[KnownBreak] = []
        self.last = start
        self.count = 0

    def find_break(self) -> Break | None:
        try:
            return self._go_on(walk_sealed(self._connection, self._facility_id))
        except ValueError:
            return self._find_unreadable()

    def _find_unreadable(self) -> Break | None:
        """SQLite takes any text for a time or for JSON. One by one, to know which row it is."""
        after = self.last.sequence if self.count else None
        rows = walk_sealed(self._connection, self._facility_id, after=after, at_once=1)
        try:
            return self._go_on(rows)
        except ValueError:
            return Break(kind="changed", sequence=self.last.sequence + 1)

    def _go_on(self, rows: Iterable[Row[Any]]) -> Break | None:
        for row in rows:
            broken = self._check(row)
            if broken is not None and not self._is_known(broken, row):
                return broken
            broken = self._known.find_other(row)
            if broken is not None:
                return broken
            self.last, self.count = to_link(row), self.count + 1
        return None

    def _is_known(self, broken: Break, row: Row[Any]) -> bool:
        """Then the chain is believed again from this row on, as it stood when somebody looked."""
        found = self._acknowledged.get(broken.fingerprint or "")
        if found is None:
            return False
        self.known_breaks.append(KnownBreak(broken=broken, by=found))
        self._known.skip_to(row.sequence)
        return True

    def _check(self, row: Row[Any]) -> Break | None:
        link, expected = to_link(row), self.last.sequence + 1
        if link.sequence > expected:
            return Break(kind="removed", sequence=expected, fingerprint=self._mark("removed", row))
        if link.sequence < expected:
            return _at_row("inserted", row)
        if seal(to_audit_row(row), after=self.last) == link:
            return None
        kind: BreakKind = "reordered" if _was_sealed_elsewhere(self._connection, row) else "changed"
        return _at_row(kind, row, fingerprint=self._mark(kind, row))

    def _mark(self, kind: BreakKind, row: Row[Any]) -> str:
        return fingerprint(kind, to_audit_row(row), to_link(row), after=self.last)


class _Known:
    """What the chain has to be at some places, whoever could write into it."""

    def __init__(self, checkpoint: Checkpoint, heads: Iterable[Head], *, now: datetime) -> None:
        self._checkpoint = checkpoint
        self._now = now
        self._heads = sorted(heads, key=lambda head: head.link.sequence)
        self._next = 0

    def find_purged_too_early(self) -> Break | None:
        """Somebody who moves the checkpoint could make any row look purged."""
        purged = self._checkpoint.purged
        while (head := self._peek()) is not None and head.link.sequence <= purged.sequence:
            self._next += 1
            link = head.link
            if link.sequence > 0 and head.at > self._now - FEWEST_KEPT:
                return Break(kind="removed", sequence=link.sequence)
            if link.sequence == purged.sequence and link != purged:
                return Break(kind="rewritten", sequence=link.sequence)
        return None

    def find_other(self, row: Row[Any]) -> Break | None:
        link, end = to_link(row), self._checkpoint.head
        while (head := self._peek()) is not None and head.link.sequence <= link.sequence:
            self._next += 1
            if head.link != link:
                return _at_row("rewritten", row)
        if link.sequence > end.sequence:
            return _at_row("inserted", row)
        return _at_row("rewritten", row) if link.sequence == end.sequence and link != end else None

    def skip_to(self, sequence: int) -> None:
        """What was kept of rows that are known to be gone tells nothing."""
        while (head := self._peek()) is not None and head.link.sequence < sequence:
            self._next += 1

    def find_missing(self, last: Link) -> Break | None:
        """The newest rows are gone when something is known of later ones."""
        newest = max([self._checkpoint.head.sequence, *(h.link.sequence for h in self._heads)])
        return Break(kind="removed", sequence=last.sequence + 1) if newest > last.sequence else None

    def _peek(self) -> Head | None:
        return self._heads[self._next] if self._next < len(self._heads) else None


def _was_sealed_elsewhere(connection: Connection, row: Row[Any]) -> bool:
    """Its hash fits after another row than the one it stands behind, which may have moved too:
    by one place, when one row was taken forward, or to here, when one was put back.
    """
    said = to_audit_row(row)
    return any(
        seal(said, after=Link(sequence=place, chain_hash=link.chain_hash)).chain_hash
        == row.chain_hash
        for link in walk_links(connection, row.facility_id)
        for place in (link.sequence, link.sequence - 1, row.sequence)
    )


def _at_row(kind: BreakKind, row: Row[Any], *, fingerprint: str | None = None) -> Break:
    return Break(
        kind=kind, sequence=row.sequence, row_id=row.id, at=row.at, fingerprint=fingerprint
    )


def _count_unsealed(connection: Connection, facility_id: str) -> tuple[int, datetime | None]:
    query = select(func.count(), func.min(COLUMNS.at)).where(
        COLUMNS.sequence.is_(None), COLUMNS.facility_id == facility_id
    )
    count, oldest_at = connection.execute(query).one()
    return count, oldest_at
