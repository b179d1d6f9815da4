"""One voice at a time in a zone: what is said next, what waits, what is not said any more.

Pure: a queue and a moment give a new queue and what to start. A call cuts an announcement off and
is never cut off itself; a call that waited too long is dropped, because the board shows it and
the hall should hear what counts now.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum

BREATH = timedelta(seconds=1)
"""Of silence between two utterances, whatever the pace."""
MAX_WAITING = 200


class Priority(IntEnum):
    """The smaller is said first."""

    CALL = 0
    ANNOUNCEMENT = 1


@dataclass(frozen=True, kw_only=True)
class Utterance:
    """`subject` is what it is about: a newer one about the same (called again) replaces it."""

    id: str
    subject: str
    priority: Priority
    queued_at: datetime
    expires_at: datetime
    duration_s: float


@dataclass(frozen=True, kw_only=True)
class SpeechQueue:
    """The state of one zone. `ends_at` is of what is being said, or was said last."""

    waiting: tuple[Utterance, ...] = ()
    speaking: Utterance | None = None
    ends_at: datetime | None = None
    call_started_at: datetime | None = None
    call_ends_at: datetime | None = None
    dropped: int = 0
    """Since the queue began: a hall that drops calls needs shorter ones or more zones."""


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What happens now. `cut` is to fall silent at once, `start` begins to be said."""

    queue: SpeechQueue
    start: Utterance | None = None
    cut: Utterance | None = None


def make_call(
    call_id: str,
    *,
    subject: str,
    now: datetime,
    duration_s: float,
    drop_after_s: float = 60,
) -> Utterance:
    """A call to be said: worth nothing after `drop_after_s`."""
    return Utterance(
        id=call_id,
        subject=subject,
        priority=Priority.CALL,
        queued_at=now,
        expires_at=now + timedelta(seconds=drop_after_s),
        duration_s=duration_s,
    )


def add(queue: SpeechQueue, utterance: Utterance) -> SpeechQueue:
    """In its place; the same id again changes nothing, the same subject takes the place of the
    older one. Announcements beyond MAX_WAITING are not taken; calls push the oldest call out.
    """
    present = [queue.speaking] if queue.speaking else []
    if any(each.id == utterance.id for each in (*queue.waiting, *present)):
        return queue
    waiting = [each for each in queue.waiting if each.subject != utterance.subject]
    waiting.append(utterance)
    waiting.sort(key=_place)
    dropped = queue.dropped
    while len(waiting) > MAX_WAITING:
        has_announcement = waiting[-1].priority is Priority.ANNOUNCEMENT
        waiting.pop(-1 if has_announcement else 0)
        dropped += 1
    return replace(queue, waiting=tuple(waiting), dropped=dropped)


def withdraw(queue: SpeechQueue, subject: str) -> SpeechQueue:
    """Takes back what waits about a subject (a call undone). What is being said is said."""
    left = tuple(each for each in queue.waiting if each.subject != subject)
    return replace(queue, waiting=left)


def advance(queue: SpeechQueue, now: datetime, *, gap_s: float = 9.0) -> Turn:
    """What happens at `now`: ended utterances end, old ones are dropped, the next one starts.

    Calls start `gap_s` after one another and never before the last has ended, so that the ear
    knows them apart and people have time to rise.
    """
    queue = _drop_expired(_end(queue, now), now)
    if not queue.waiting or now < _free_at(queue, queue.waiting[0], gap_s):
        return Turn(queue=queue)
    following, *rest = queue.waiting
    cut = queue.speaking
    if cut is not None:
        # Said again from its beginning, if that is still in time.
        rest = sorted([*rest, cut], key=_place)
    ends_at = now + timedelta(seconds=following.duration_s)
    started = replace(queue, waiting=tuple(rest), speaking=following, ends_at=ends_at)
    if following.priority is Priority.CALL:
        started = replace(started, call_started_at=now, call_ends_at=ends_at)
    return Turn(queue=started, start=following, cut=cut)


def wake_at(queue: SpeechQueue, *, gap_s: float = 9.0) -> datetime | None:
    """When `advance` has something to do again, if nothing is added; None for never."""
    if queue.waiting:
        return _free_at(queue, queue.waiting[0], gap_s)
    return queue.ends_at if queue.speaking else None


def _end(queue: SpeechQueue, now: datetime) -> SpeechQueue:
    if queue.speaking is None or queue.ends_at is None or now < queue.ends_at:
        return queue
    return replace(queue, speaking=None)


def _drop_expired(queue: SpeechQueue, now: datetime) -> SpeechQueue:
    left = tuple(each for each in queue.waiting if now < each.expires_at)
    gone = len(queue.waiting) - len(left)
    return replace(queue, waiting=left, dropped=queue.dropped + gone) if gone else queue


def _free_at(queue: SpeechQueue, following: Utterance, gap_s: float) -> datetime:
    """The earliest start: a call waits for calls only, an announcement for whatever is said."""
    moments = [following.queued_at]
    if following.priority is Priority.CALL:
        if queue.call_started_at is not None:
            moments.append(queue.call_started_at + timedelta(seconds=gap_s))
        if queue.call_ends_at is not None:
            moments.append(queue.call_ends_at + BREATH)
    elif queue.ends_at is not None:
        moments.append(queue.ends_at + BREATH)
    return max(moments)


def _place(utterance: Utterance) -> tuple[Priority, datetime]:
    return utterance.priority, utterance.queued_at
