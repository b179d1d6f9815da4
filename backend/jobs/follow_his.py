"""Keeps the visits of today in step with the HIS: its orders open steps, its results bring back.

Where the HIS tells of changes, they are followed; the visits they are about are then read. Where
it does not, the open visits are read in turn, those whose next step depends on the HIS first.
One worker at a time: the feed's row is leased. No transaction is open while the HIS is asked, and
a HIS that fails is left alone for a growing while; what it changed meanwhile comes afterwards.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from backend.domain.ages import DataKind
from backend.domain.catalogue import Catalogue
from backend.domain.orders import choose_visit
from backend.errors import BackendError, StorageUnavailable
from backend.events import Event
from backend.logging import log
from backend.services.apply_orders import SeenOrders, apply_orders
from backend.services.ask_his_facts import READERS, Facts, Question
from backend.services.read_his_visit import read_orders
from backend.services.resources import Resources
from backend.storage.his_copies import list_stale, mark_stale, save_copy
from backend.storage.his_watch import (
    KEPT_LAGS,
    Watched,
    change_feed,
    is_changed_since,
    list_refs_of_person,
    list_visits_of,
    list_visits_today,
    list_watched,
    move_cursor,
    note_changes,
    note_failure,
    note_read,
    take_lease,
)
from backend.storage.queue_tables import Step
from backend.storage.unit_of_work import UnitOfWork
from his_adapter.errors import BrokenReply, HisError, InvalidData, MultipleMatches, NotFound
from his_adapter.models import ChangeKind, ChangePage, Feature, Ref

LEASE_S = 30.0
"""Longer than one run may take: a worker that dies is replaced after this."""
RUN_S = 0.8
"""No further visit is begun after this, so that the next look at the changes is not late."""
AT_ONCE = 4
"""Visits that are read at the same time."""
SLOW_S = 3.0
"""A HIS that answers later than this gets a pause as if it had failed."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1, 30
PAGES = 20
CHANGES_PER_PAGE = 200
LOOK_AHEAD = 200
HOT_EVERY_S, COLD_EVERY_S = 2.5, 60
"""How often a visit is read where the HIS tells of no changes."""
OF_ONE_VISIT = (NotFound, MultipleMatches, InvalidData, BrokenReply)
KIND_OF = {
    ChangeKind.PATIENT: DataKind.PATIENT,
    ChangeKind.HISTORY: DataKind.HISTORY,
    ChangeKind.VISIT: DataKind.REGISTRATION,
    ChangeKind.ORDER: DataKind.ORDERS,
    ChangeKind.REPORT: DataKind.RESULTS,
    ChangeKind.EINVOICE: DataKind.EINVOICE,
    ChangeKind.PAYMENT: DataKind.PAYMENT,
}
BROKEN_VISIT_S = 60
"""A visit the HIS has trouble with waits this long; the others go on."""


def follow_his(resources: Resources, *, ticks: Callable[[], float] = time.monotonic) -> int:
    """How many visits were read and applied. Raises StorageUnavailable."""
    catalogue = resources.catalogue.get()
    features = catalogue.his_features or frozenset()
    if Feature.LIST_ORDERS not in features:
        return 0
    with resources.database.write() as unit:
        feed = take_lease(unit, for_s=LEASE_S)
    if feed is None:
        return 0
    run = _Run(resources=resources, catalogue=catalogue, until_s=ticks() + RUN_S, ticks=ticks)
    try:
        follows = Feature.CHANGES in features
        if follows:
            run.follow_changes(feed.cursor)
        done = run.read_visits(only_changed=follows)
    except HisError as error:
        _pause(resources, feed.failures, error)
        return run.applied
    _settle(resources, failures=feed.failures, lags_ms=[*feed.lags_ms, *run.lags_ms])
    return done


def _pause(resources: Resources, failures: int, error: HisError) -> None:
    """The HIS failed: logged once, then tried again after a growing pause."""
    if failures == 0:
        log(Event.HIS_FEED_LOST, code=error.code)
    pause_s = min(FIRST_PAUSE_S * 2**failures, LONGEST_PAUSE_S)
    with resources.database.write() as unit:
        change_feed(
            unit,
            leased_until=None,
            pause_until=unit.now + timedelta(seconds=pause_s),
            failures=failures + 1,
            last_error=error.code,
            last_error_at=unit.now,
        )


def _settle(resources: Resources, *, failures: int, lags_ms: Sequence[int]) -> None:
    if failures:
        log(Event.HIS_FEED_RETURNED)
    with resources.database.write() as unit:
        change_feed(
            unit,
            leased_until=None,
            pause_until=None,
            failures=0,
            answered_at=unit.now,
            lags_ms=list(lags_ms)[-KEPT_LAGS:],
        )


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the HIS said of one visit in one turn."""

    orders: SeenOrders | None
    copies: Mapping[DataKind, Facts]


@dataclass(kw_only=True)
class _Run:
    """One turn of the job, while the lease is held."""

    resources: Resources
    catalogue: Catalogue
    until_s: float
    ticks: Callable[[], float]
    applied: int = 0

    def __post_init__(self) -> None:
        self.lags_ms: list[int] = []

    # --- what changed

    def follow_changes(self, cursor: str | None) -> None:
        """Raises HisError."""
        for _ in range(PAGES):
            page = self.resources.his.changes(cursor, limit=CHANGES_PER_PAGE)
            with self.resources.database.write() as unit:
                if not move_cursor(unit, seen=cursor, cursor=page.cursor):
                    return
                self._note(unit, page, everything=cursor is None or page.reset)
            cursor = page.cursor
            if page.complete or page.reset:
                return

    def _note(self, unit: UnitOfWork, page: ChangePage, *, everything: bool) -> None:
        day = self.catalogue.today(unit.now)
        if everything:
            log(Event.HIS_FEED_RESET)
            visits = list_visits_today(unit.connection, unit.facility_id, day=day)
            mark_stale(unit, visits, list(DataKind))
            note_changes(unit, [(visit_id, unit.now) for visit_id in visits])
            return
        at: dict[str, datetime] = {}
        for change in page.changes:
            if change.patient is not None:
                at.setdefault(change.patient, change.at)
        visit_refs = [
            change.ref
            for change in page.changes
            if change.patient is None and change.kind is ChangeKind.VISIT
        ]
        nameless = any(
            change.patient is None and change.kind is not ChangeKind.VISIT
            for change in page.changes
        )
        if nameless:
            # The HIS does not say whose it is: whoever is here may be meant.
            visits = list_visits_today(unit.connection, unit.facility_id, day=day)
        else:
            visits = list_visits_of(
                unit.connection, unit.facility_id, day=day, patients=at, visit_refs=visit_refs
            )
        mark_stale(unit, visits, {KIND_OF[change.kind] for change in page.changes})
        oldest = min((change.at for change in page.changes), default=unit.now)
        note_changes(unit, [(visit_id, oldest) for visit_id in visits])

    # --- what to read

    def read_visits(self, *, only_changed: bool) -> int:
        """A few at least, however late it is. Raises HisError when the HIS is in trouble."""
        while True:
            batch = self._next(only_changed=only_changed)
            if not batch:
                break
            with ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="his-read") as pool:
                answers = list(pool.map(self._read, batch))
            for watched, answer in zip(batch, answers, strict=True):
                self._apply(watched, answer)
            if self.ticks() >= self.until_s:
                break
        return self.applied

    def _next(self, *, only_changed: bool) -> list[Watched]:
        now = self.resources.database.clock()
        with self.resources.database.read() as connection:
            watched = list_watched(
                connection,
                self.resources.database.facility_id,
                day=self.catalogue.today(now),
                now=now,
                limit=LOOK_AHEAD,
                only_changed=only_changed,
            )
        due = [each for each in watched if only_changed or _is_due(each, now)]
        due.sort(key=lambda each: (each.changed_at is None, not each.hot))
        return due[:AT_ONCE]

    def _read(self, watched: Watched) -> Seen | HisError:
        began_s = self.ticks()
        try:
            orders = read_orders(
                self.resources.his,
                self.catalogue,
                watched.patient,
                since=self._since(),
            )
            copies = self._read_copies(watched)
        except HisError as error:
            return error
        if self.ticks() - began_s > SLOW_S:
            self.until_s = 0.0
        return Seen(orders=orders, copies=copies)

    def _read_copies(self, watched: Watched) -> Mapping[DataKind, Facts]:
        """What somebody has looked at today and has changed since. Raises HisError."""
        database = self.resources.database
        with database.read() as connection:
            stale = list_stale(connection, watched.visit_id)
            ref = connection.scalar(
                select(Step.his_ref)
                .where(Step.visit_id == watched.visit_id, Step.his_ref.is_not(None))
                .order_by(Step.position)
                .limit(1)
            )
        asked = Question(
            patient=Ref(watched.patient),
            visit=Ref(ref) if ref else None,
            now=database.clock(),
            zone=self.catalogue.zone,
        )
        return {kind: READERS[kind].read(self.resources.his, asked) for kind in stale}

    def _since(self) -> datetime:
        """The day as the facility counts it: older orders were for another visit."""
        catalogue = self.catalogue
        day = catalogue.today(self.resources.database.clock())
        start = datetime.combine(day, time_of_day(0), tzinfo=catalogue.zone)
        return start.astimezone(UTC)

    def _apply(self, watched: Watched, answer: Seen | HisError) -> None:
        database = self.resources.database
        if isinstance(answer, HisError):
            if not isinstance(answer, OF_ONE_VISIT):
                raise answer
            log(Event.HIS_VISIT_UNREADABLE, visit=watched.visit_id, code=answer.code)
            self._put_off(watched)
            return
        try:
            database.transact(lambda unit: self._write(unit, watched, answer))
        except StorageUnavailable:
            raise
        except (BackendError, IntegrityError) as error:
            # Staff or the patient did something at this very moment: it is read again.
            log(Event.HIS_VISIT_BUSY, visit=watched.visit_id, error=error)
            self._put_off(watched, for_s=1)
            return
        self.applied += 1
        if watched.changed_at is not None:
            lag = database.clock() - watched.changed_at
            self.lags_ms.append(max(0, round(lag.total_seconds() * 1000)))

    def _put_off(self, watched: Watched, for_s: float = BROKEN_VISIT_S) -> None:
        with self.resources.database.write() as unit:
            note_failure(unit, watched, next_at=unit.now + timedelta(seconds=for_s))

    def _write(self, unit: UnitOfWork, watched: Watched, seen: Seen) -> None:
        refs, newest = list_refs_of_person(
            unit.connection, watched.person_id, day=self.catalogue.today(unit.now)
        )
        stale = is_changed_since(unit.connection, watched)
        for kind, facts in seen.copies.items():
            save_copy(unit, self.resources.keys, watched.visit_id, kind, facts, stale=stale)
        mine = tuple(
            order
            for order in (seen.orders.orders if seen.orders else ())
            if choose_visit(order.visit, refs, newest=newest or watched.visit_id)
            == watched.visit_id
        )
        if mine and seen.orders is not None:
            of_visit = replace(seen.orders, orders=mine)
            apply_orders(unit, self.catalogue, watched.visit_id, of_visit)
        note_read(unit, watched)


def _is_due(watched: Watched, now: datetime) -> bool:
    if watched.changed_at is not None or watched.read_at is None:
        return True
    every_s = HOT_EVERY_S if watched.hot else COLD_EVERY_S
    return now - watched.read_at >= timedelta(seconds=every_s)
