"""Sends what is due to other systems: at least once, in order per lane, many lanes at once.

A message is claimed for a while, not locked: a worker that dies leaves it as unknown, to be
looked up by the next one, and no transaction is open while the other side thinks. What was tried
is settled and what comes next is claimed in one transaction, so that a full outbox drains fast.
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from sqlalchemy import Row
from sqlalchemy.exc import IntegrityError

from backend.domain.outbox import Breaker, MessageState, Pace
from backend.errors import StorageUnavailable
from backend.events import Event
from backend.logging import log
from backend.services import queue_checkin
from backend.services.deliveries import DELIVERIES, list_parties
from backend.services.deliveries.message import BrokenAnswer, Delivered, Message, NeedsStaff
from backend.services.resources import Resources
from backend.services.settle_messages import ACTOR, Outcome, settle_messages
from backend.storage.outbox import (
    claim_messages,
    expire_messages,
    has_due_message,
    lapse_leases,
    renew_leases,
)
from backend.storage.parties import find_party_state, take_probe
from backend.storage.unit_of_work import UnitOfWork
from his_adapter.errors import BrokenReply, HisError, NotSupported, Unavailable
from his_adapter.models import HealthState

BATCH = 20
IDLE_S = 0.5
LINGER_S = 0.01
DATABASE_AWAY_S = 1.0
DURATIONS = 40
MAX_CALLS = {"his": 8, "bhxh": 4}
"""Calls one worker makes at once to a party; a party that hangs takes no thread of another."""

WAITS = {kind: delivery.waits_for for kind, delivery in DELIVERIES.items()}
_PROBE = Message(id="", party="", lane="", kind="", visit_id=None, payload={}, attempts=0)


def deliver_outbox(resources: Resources, *, pace: Pace | None = None) -> int:
    """Sends what is due, one message of each lane, one after the other; returns how many were
    settled. Raises StorageUnavailable.
    """
    pace = pace or Pace(speed=resources.config.speed)
    settled = 0
    for party in list_parties():
        with resources.database.write() as unit:
            look_after(unit, party)
            messages = claim(unit, party, pace, limit=BATCH)
        for message in messages:
            outcome = try_delivery(resources, message)
            with resources.database.write() as unit:
                settled += settle_messages(unit, party, [outcome], pace, chance=random.random())  # noqa: S311  # spreads load
    return settled


def look_after(unit: UnitOfWork, party: str) -> None:
    """Messages of lost workers, and messages that are too old."""
    for message_id in lapse_leases(unit, party):
        log(Event.OUTBOX_MESSAGE_LOST, message=message_id)
    for row in expire_messages(unit, party):
        subject = f"visit:{row.visit_id}" if row.visit_id else f"outbox:{row.id}"
        detail = {"message": row.id, "kind": row.kind, "error": "expired"}
        unit.audit(Event.OUTBOX_DEAD, actor=ACTOR, subject=subject, detail=detail)
        unit.publish(Event.OUTBOX_DEAD, subject=subject, detail=detail)
        log(Event.OUTBOX_DEAD, message=row.id, code="expired")


def claim(unit: UnitOfWork, party: str, pace: Pace, *, limit: int) -> list[Message]:
    """What may be sent now. While the party is away that is one message from time to time, or
    the probe without one when there is nothing to send.
    """
    state = find_party_state(unit.connection, party, facility_id=unit.facility_id)
    away = state is not None and state.breaker != Breaker.CLOSED
    if away and not take_probe(unit, party, pace):
        return []
    rows = claim_messages(
        unit, party, limit=1 if away else limit, lease=pace.lease, waits=WAITS, early=away
    )
    if away and not rows:
        return [replace(_PROBE, party=party)]
    ask_first = away and state is not None and state.last_error == BrokenReply.code
    return [_to_message(row, ask_first=ask_first) for row in rows]


def _to_message(row: Row[Any], *, ask_first: bool) -> Message:
    return Message(
        id=row.id,
        party=row.party,
        lane=row.lane,
        kind=row.kind,
        visit_id=row.visit_id,
        payload=row.payload,
        attempts=row.attempts,
        uncertain=row.state == MessageState.UNKNOWN,
        tried_at=row.sent_at,
        failed_alone=row.failed_alone,
        ask_first=ask_first,
    )


def deliver(resources: Resources, message: Message) -> Delivered | None:
    """Raises what the delivery of its kind raises; NotSupported for a kind nobody knows."""
    if not message.id or message.ask_first:
        other = resources.insurer if message.party == queue_checkin.PARTY else resources.his
        if other is None or other.health().state is HealthState.DOWN:
            raise BrokenAnswer("still away") if message.ask_first else Unavailable("still away")
        if not message.id:
            return None
    delivery = DELIVERIES.get(message.kind)
    if delivery is None:
        raise NotSupported(message.kind)
    return delivery.deliver(resources, message)


def try_delivery(resources: Resources, message: Message) -> Outcome:
    tried = bool(message.id)
    try:
        delivered = deliver(resources, message)
    except (HisError, NeedsStaff, StorageUnavailable) as error:
        return Outcome(message=message, error=error, tried=tried)
    return Outcome(message=message, delivered=delivered, tried=tried)


class PartyLine:
    """The messages one worker sends to one party. Used by one thread; the calls have their own."""

    def __init__(
        self, resources: Resources, party: str, *, calls: int, pace: Pace, wake: threading.Event
    ) -> None:
        self._resources = resources
        self._party = party
        self._pace = pace
        self._wake = wake
        self._limit = calls
        self._pool = ThreadPoolExecutor(max_workers=calls, thread_name_prefix=f"send-{party}")
        self._calls: dict[Future[Delivered | None], Message] = {}
        self._ends: list[Outcome] = []
        self._durations_s: deque[float] = deque(maxlen=DURATIONS)
        self._look_after_at = 0.0
        self._renew_at = 0.0

    @property
    def idle(self) -> bool:
        return not self._calls and not self._ends

    @property
    def is_busy(self) -> bool:
        return bool(self._calls)

    def step(self, *, may_claim: bool) -> int:
        """Settles what ended, takes up what is due; the number of messages taken up or settled.

        Raises StorageUnavailable: ends that could not be written are kept and written later.
        """
        self._collect()
        free = self._limit - len(self._calls) if may_claim else 0
        tidy = may_claim and time.monotonic() >= self._look_after_at
        if not self._ends and not tidy and not (free and self._has_due()):
            self._renew()
            return 0
        try:
            messages, settled = self._write(free=free, tidy=tidy)
        except IntegrityError:
            # Somebody replayed a message of a lane that is busy, or one end cannot be kept:
            # each on its own, and the rest the next time.
            settled = self._settle_one_by_one()
            messages = []
        for message in messages:
            self._submit(message)
        self._renew()
        return settled + len(messages)

    def close(self, *, wait: bool) -> None:
        self._pool.shutdown(wait=wait, cancel_futures=True)

    def _has_due(self) -> bool:
        database = self._resources.database
        with database.read() as connection:
            return has_due_message(
                connection, self._party, facility_id=database.facility_id, now=database.clock()
            )

    def _write(self, *, free: int, tidy: bool) -> tuple[list[Message], int]:
        settled, messages = 0, []
        with self._resources.database.write() as unit:
            if tidy:
                look_after(unit, self._party)
            if free:
                messages = claim(unit, self._party, self._pace, limit=free)
            if self._ends:
                settled = self._settle(unit, self._ends)
        self._ends = []
        if tidy:
            self._look_after_at = time.monotonic() + self._pace.renew_s / self._pace.speed / 5
        return messages, settled

    def _settle(self, unit: UnitOfWork, ends: Sequence[Outcome]) -> int:
        return settle_messages(
            unit,
            self._party,
            ends,
            self._pace,
            chance=random.random(),  # noqa: S311  # spreads load
            too_slow=self._is_too_slow(),
        )

    def _settle_one_by_one(self) -> int:
        settled = 0
        while self._ends:
            end = self._ends[0]
            try:
                with self._resources.database.write() as unit:
                    settled += self._settle(unit, [end])
            except IntegrityError as error:
                # Its lease runs out, and it is looked up again.
                log(Event.JOB_FAILED, error=error, job="deliver_outbox", message=end.message.id)
            self._ends.pop(0)
        return settled

    def _is_too_slow(self) -> bool:
        """One call of twenty takes too long: patients would wait, and so do messages."""
        if len(self._durations_s) < DURATIONS // 2:
            return False
        slowest = sorted(self._durations_s)[int(len(self._durations_s) * 0.95)]
        if slowest <= self._pace.slow_s / self._pace.speed:
            return False
        self._durations_s.clear()
        return True

    def _submit(self, message: Message) -> None:
        started = time.monotonic()
        future = self._pool.submit(deliver, self._resources, message)
        self._calls[future] = message

        def ended(_: Future[Delivered | None]) -> None:
            self._durations_s.append(time.monotonic() - started)
            self._wake.set()

        future.add_done_callback(ended)

    def _collect(self) -> None:
        ended = [future for future in self._calls if future.done() and not future.cancelled()]
        for future in ended:
            message, error = self._calls.pop(future), future.exception()
            self._ends.append(
                Outcome(
                    message=message,
                    # Whatever a stranger's adapter raises ends here, and goes to staff.
                    error=error,
                    delivered=None if error else future.result(),
                    tried=bool(message.id),
                )
            )

    def _renew(self) -> None:
        if not self._calls or time.monotonic() < self._renew_at:
            return
        own = [*self._calls.values(), *(end.message for end in self._ends)]
        claims = {each.id: each.attempts + 1 for each in own if each.id}
        with self._resources.database.write() as unit:
            renew_leases(unit, claims, lease=self._pace.lease)
        self._renew_at = time.monotonic() + self._pace.renew_s / self._pace.speed


class Dispatcher:
    """Sends messages until it is stopped; outlives its own database, which comes back or not."""

    def __init__(
        self,
        resources: Resources,
        *,
        threads: int = 8,
        pace: Pace | None = None,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self._pace = pace or Pace(speed=resources.config.speed)
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._sleep = sleep or self._stopping.wait
        self._lines = [
            PartyLine(
                resources,
                party,
                calls=min(threads, MAX_CALLS.get(party, threads)),
                pace=self._pace,
                wake=self._wake,
            )
            for party in list_parties()
        ]
        self._away = False

    def run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            if not self.step():
                self._wake.wait(IDLE_S / min(self._pace.speed, 10))
            if any(line.is_busy for line in self._lines):
                # What ends together is settled together: one transaction costs as much as ten.
                self._stopping.wait(LINGER_S)
        self._finish()

    def stop(self) -> None:
        """Takes nothing up any more; `run` returns once what is under way has ended."""
        self._stopping.set()
        self._wake.set()

    def step(self) -> int:
        moved = 0
        for line in self._lines:
            try:
                moved += line.step(may_claim=not self._stopping.is_set())
            except StorageUnavailable as error:
                if not self._away:
                    log(Event.DATABASE_LOST, error=error, job="deliver_outbox")
                self._away = True
                self._sleep(DATABASE_AWAY_S / self._pace.speed)
                return 0
        if self._away:
            log(Event.DATABASE_RETURNED, job="deliver_outbox")
        self._away = False
        return moved

    def _finish(self) -> None:
        for line in self._lines:
            line.close(wait=True)
        for _ in range(3):
            self.step()
            if all(line.idle for line in self._lines):
                return
