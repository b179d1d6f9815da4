"""What becomes of messages that were tried: done, tried again, or handed to staff."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, update

from backend.domain.outbox import Breaker, MessageState, Pace
from backend.errors import BackendError
from backend.events import Event
from backend.logging import log
from backend.services.deliveries.message import (
    BrokenAnswer,
    Delivered,
    Message,
    NeedsStaff,
    save_all,
)
from backend.storage.outbox import lock_own, wake_messages
from backend.storage.outbox_tables import OutboxMessage
from backend.storage.parties import find_party_state, note_calls
from backend.storage.unit_of_work import UnitOfWork
from his_adapter.errors import (
    BrokenReply,
    Forbidden,
    GatewayMisconfigured,
    HisError,
    LoginFailed,
    OutcomeUnknown,
    Throttled,
    Unavailable,
)

ACTOR = "job:deliver_outbox"
INTERNAL, STORAGE, ALONE = "internal", "storage", "gave-up"
PARTY_FAULTS = tuple(
    each.code for each in (Forbidden, LoginFailed, BrokenReply, GatewayMisconfigured)
)
AWAY_ERRORS = (Unavailable.code, OutcomeUnknown.code, "worker-lost", STORAGE, *PARTY_FAULTS)
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
    failed_alone: int = 0


def judge(
    outcome: Outcome, pace: Pace, *, chance: float, alone: bool, passed_since: bool = False
) -> Verdict:
    """`alone`: others get through at the moment, so it is not the party that is away;
    `passed_since`: some did since the last try of this one.
    """
    message, error = outcome.message, outcome.error
    tries = message.attempts + 1
    match error:
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
        case HisError() if error.of_party:
            failed_alone = message.failed_alone + passed_since
            if failed_alone >= pace.refusals_alone:
                refused = isinstance(error, Forbidden | LoginFailed)
                state = MessageState.REJECTED if refused else MessageState.DEAD
                return Verdict(state=state, code=error.code, failed_alone=failed_alone)
            blind = isinstance(error, BrokenReply) and not isinstance(error, BrokenAnswer)
            return Verdict(
                state=MessageState.UNKNOWN if message.uncertain or blind else MessageState.NEW,
                code=error.code,
                pause=pace.pause(tries, chance=chance, retry_after_s=None),
                failed_alone=failed_alone,
            )
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
    last_ok_at = row.last_ok_at if row else None
    others_pass = _others_pass(last_ok_at, unit.now, pace)
    arrived = [each for each in tried if each.error is None and each.message.id in own]
    _write_arrived(unit, arrived)
    settled = len(arrived)
    for outcome in tried:
        if outcome.message.id in own and outcome.error is not None:
            alone = others_pass or any(each.error is None for each in outcomes)
            tried_at = outcome.message.tried_at
            passed = last_ok_at is not None and tried_at is not None and last_ok_at > tried_at
            verdict = judge(outcome, pace, chance=chance, alone=alone, passed_since=passed)
            _write(unit, outcome, verdict, pace)
            settled += verdict.pause is None
    failures = [
        outcome.error.code
        for outcome in outcomes
        if isinstance(outcome.error, HisError) and _blames_party(outcome.error)
    ]
    changed = note_calls(
        unit,
        party,
        pace,
        # Whoever refuses is there as well.
        arrived=len(arrived),
        answered=any(
            each.error is None
            or (
                isinstance(each.error, HisError)
                and not each.error.retryable
                and not each.error.of_party
            )
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


def _blames_party(error: HisError) -> bool:
    return error.of_party or isinstance(error, Unavailable | OutcomeUnknown)


def _others_pass(last_ok_at: datetime | None, now: datetime, pace: Pace) -> bool:
    return last_ok_at is not None and now - last_ok_at <= pace.span(pace.others_window_s)


def _write_arrived(unit: UnitOfWork, outcomes: Sequence[Outcome]) -> None:
    """All at once: each statement of its own costs as much as the rest of the message."""
    if not outcomes:
        return
    save_all(unit, [each.delivered for each in outcomes if each.delivered is not None])
    unit.connection.execute(
        _SET_DONE,
        [
            {
                "message_id": each.message.id,
                "now": unit.now,
                "ref": each.delivered.his_ref if each.delivered is not None else None,
            }
            for each in outcomes
        ],
    )
    for each in outcomes:
        tell_settled(unit, each.message, Verdict(state=MessageState.DONE), tell_delay=False)


_SET_DONE = (
    update(OutboxMessage)
    .where(OutboxMessage.id == bindparam("message_id"))
    .values(
        state=MessageState.DONE,
        last_error=None,
        settled_at=bindparam("now"),
        his_ref=bindparam("ref"),
    )
)


def _write(unit: UnitOfWork, outcome: Outcome, verdict: Verdict, pace: Pace) -> None:
    message = outcome.message
    values: dict[str, Any] = {"state": verdict.state, "last_error": verdict.code}
    if verdict.failed_alone:
        values["failed_alone"] = verdict.failed_alone
    if verdict.pause is not None:
        values["next_at"] = unit.now + verdict.pause
    unit.connection.execute(
        update(OutboxMessage).where(OutboxMessage.id == message.id).values(**values)
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
