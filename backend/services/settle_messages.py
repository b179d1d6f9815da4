"""What becomes of messages that were tried: done, tried again, or handed to staff."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update

from backend.domain.outbox import Breaker, MessageState, Pace
from backend.errors import BackendError
from backend.events import Event
from backend.logging import log
from backend.services.deliveries.message import Delivered, Message, NeedsStaff
from backend.storage import tables
from backend.storage.outbox import lock_own, wake_messages
from backend.storage.parties import find_party_state, note_calls
from backend.storage.unit_of_work import UnitOfWork
from his_adapter.errors import (
    BrokenReply,
    GatewayMisconfigured,
    HisError,
    OutcomeUnknown,
    Throttled,
    Unavailable,
)

ACTOR = "job:deliver_outbox"
INTERNAL, STORAGE, ALONE = "internal", "storage", "gave-up"
AWAY_ERRORS = (Unavailable.code, OutcomeUnknown.code, "worker-lost", STORAGE)
"""With these a message waits because of its party, not because of itself."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How one try ended; no error means that it arrived."""

    message: Message
    error: BaseException | None = None
    delivered: Delivered | None = None
    tried: bool = True
    """False: a try whether the party is there at all, without a message."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    state: MessageState
    code: str | None = None
    pause: timedelta | None = None


def judge(outcome: Outcome, pace: Pace, *, chance: float, alone: bool) -> Verdict:
    """`alone`: others get through at the moment, so it is not the party that is away."""
    message, error = outcome.message, outcome.error
    tries = message.attempts + 1
    match error:
        case None:
            return Verdict(state=MessageState.DONE)
        case NeedsStaff():
            return Verdict(state=MessageState.DEAD, code=error.code)
        case Throttled() | Unavailable() | OutcomeUnknown():
            if alone and tries >= pace.attempts_alone:
                return Verdict(state=MessageState.DEAD, code=ALONE)
            retry_after_s = getattr(error, "retry_after_s", None)
            unknown = message.uncertain or isinstance(error, OutcomeUnknown)
            return Verdict(
                state=MessageState.UNKNOWN if unknown else MessageState.NEW,
                code=error.code,
                pause=pace.pause(tries, chance=chance, retry_after_s=retry_after_s),
            )
        case BrokenReply() | GatewayMisconfigured():
            # What was written there, if anything, cannot be told from such an answer.
            return Verdict(state=MessageState.DEAD, code=error.code)
        case HisError():
            return Verdict(state=MessageState.REJECTED, code=error.code)
        case BackendError() if error.retryable:
            pause = pace.pause(tries, chance=chance, retry_after_s=None)
            return Verdict(state=MessageState.UNKNOWN, code=STORAGE, pause=pause)
        case _:
            return Verdict(state=MessageState.DEAD, code=INTERNAL)


def settle_messages(
    unit: UnitOfWork,
    party: str,
    outcomes: Sequence[Outcome],
    pace: Pace,
    *,
    chance: float,
    too_slow: bool = False,
) -> int:
    """Writes the ends of these tries of one party; returns how many messages were settled.

    A message that meanwhile counts as lost belongs to somebody else and is left alone.
    """
    tried = [outcome for outcome in outcomes if outcome.tried]
    own = lock_own(unit, {each.message.id: each.message.attempts + 1 for each in tried})
    row = find_party_state(unit.connection, party, facility_id=unit.facility_id)
    others_pass = _others_pass(row.last_ok_at if row else None, unit.now, pace)
    settled = 0
    for outcome in tried:
        if outcome.message.id in own:
            alone = others_pass or any(each.error is None for each in outcomes)
            verdict = judge(outcome, pace, chance=chance, alone=alone)
            _write(unit, outcome, verdict, pace)
            settled += verdict.pause is None
    failures = [
        outcome.error.code
        for outcome in outcomes
        if isinstance(outcome.error, Unavailable | OutcomeUnknown)
    ]
    changed = note_calls(
        unit,
        party,
        pace,
        # Whoever refuses is there as well.
        arrived=sum(each.error is None for each in tried if each.message.id in own),
        answered=any(
            each.error is None or (isinstance(each.error, HisError) and not each.error.retryable)
            for each in outcomes
        ),
        failed=len(failures),
        error=failures[-1] if failures else None,
        too_slow=too_slow,
    )
    if changed is not None:
        tell_breaker(unit, party, changed)
    return settled


def tell_breaker(unit: UnitOfWork, party: str, changed: Breaker) -> None:
    """Everybody hears that a party went or came back; what waited for it goes at once."""
    event = Event.PARTY_RETURNED if changed is Breaker.CLOSED else Event.PARTY_LOST
    if changed is Breaker.CLOSED:
        wake_messages(unit, party, errors=AWAY_ERRORS)
    unit.audit(event, actor=ACTOR, subject=f"party:{party}")
    unit.publish(event, subject=f"party:{party}")
    log(event, party=party)


def _others_pass(last_ok_at: datetime | None, now: datetime, pace: Pace) -> bool:
    return last_ok_at is not None and now - last_ok_at <= pace.span(pace.others_window_s)


def _write(unit: UnitOfWork, outcome: Outcome, verdict: Verdict, pace: Pace) -> None:
    message, done = outcome.message, verdict.state is MessageState.DONE
    values: dict[str, Any] = {"state": verdict.state, "last_error": verdict.code}
    if done:
        values["settled_at"] = unit.now
        if outcome.delivered is not None:
            values["his_ref"] = outcome.delivered.his_ref
            if outcome.delivered.save is not None:
                outcome.delivered.save(unit)
    if verdict.pause is not None:
        values["next_at"] = unit.now + verdict.pause
    unit.connection.execute(
        update(tables.OutboxMessage).where(tables.OutboxMessage.id == message.id).values(**values)
    )
    tell_settled(unit, message, verdict, tell_delay=message.attempts + 1 == pace.tell_staff_after)
    if verdict.code == INTERNAL:
        log(Event.JOB_FAILED, error=outcome.error, job="deliver_outbox", message=message.id)


def tell_settled(unit: UnitOfWork, message: Message, verdict: Verdict, *, tell_delay: bool) -> None:
    subject = f"visit:{message.visit_id}" if message.visit_id else f"outbox:{message.id}"
    detail = {"message": message.id, "kind": message.kind}
    if verdict.code is not None:
        detail["error"] = verdict.code
    if verdict.pause is not None:
        if tell_delay:
            unit.publish(Event.OUTBOX_DELAYED, subject=subject, detail=detail)
        log(
            Event.OUTBOX_DELAYED,
            message=message.id,
            code=verdict.code,
            attempts=message.attempts + 1,
        )
        return
    event = Event.OUTBOX_SENT if verdict.code is None else Event.OUTBOX_DEAD
    unit.audit(event, actor=ACTOR, subject=subject, detail=detail)
    unit.publish(event, subject=subject, detail=detail)
    log(event, message=message.id, code=verdict.code)
