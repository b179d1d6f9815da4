"""Messages of kinds that only tests know, and a HIS that fails as it is told."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

import pytest

from backend.jobs import deliver_outbox as module
from backend.services.deliveries.message import (
    OUTCOME_UNTOLD,
    BrokenAnswer,
    Delivered,
    Delivery,
    Message,
    NeedsStaff,
)
from backend.services.resources import Resources
from his_adapter.errors import (
    BrokenReply,
    InvalidData,
    LoginFailed,
    OutcomeUnknown,
    Throttled,
    Unavailable,
)

WRITE, AFTER_WRITE = "test.write", "test.after_write"


class Mood(StrEnum):
    """How the HIS takes the next call."""

    GOOD = "good"
    BEFORE = "before"
    """Nothing is written, and it says so."""
    AFTER = "after"
    """Written, and the answer is lost."""
    LOST = "lost"
    """Not written, and the answer is lost."""
    THROTTLED = "throttled"
    REFUSED = "refused"
    LOGIN = "login"
    """It does not let us in."""
    PAGE = "page"
    """A page of a proxy instead of its answer; it never heard of it."""
    PAGE_AFTER = "page_after"
    """Written, and the answer cannot be read."""
    PAGE_ASKED = "page_asked"
    """A page instead of the answer to a question that went before the write."""


@dataclass
class WatchedHis:
    """Knows what it wrote and how many calls came at once. It does not look at keys itself:
    whoever sends a message twice has it written twice.
    """

    mood: Callable[[Message], Mood] = lambda _: Mood.GOOD
    can_search: bool = True
    takes_s: float = 0.0
    written: list[tuple[str, str]] = field(default_factory=list)
    """Lane and id in the order of writing."""
    at_once: Counter[str] = field(default_factory=Counter)
    most_at_once: int = 0
    faults: list[str] = field(default_factory=list)
    tries: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def deliver(self, _resources: Resources, message: Message) -> Delivered | None:
        with self._lock:
            self.tries[message.id] += 1
            for what in (message.id, message.lane):
                self.at_once[what] += 1
                if self.at_once[what] > 1:
                    self.faults.append(f"{what} twice at once")
            self.most_at_once = max(self.most_at_once, sum(self.at_once.values()) // 2)
        try:
            if self.takes_s:
                time.sleep(self.takes_s)
            return self._take(message)
        finally:
            with self._lock:
                self.at_once[message.id] -= 1
                self.at_once[message.lane] -= 1

    def _take(self, message: Message) -> Delivered | None:
        mood = self.mood(message)
        if message.attempts and self.can_search:
            if mood is Mood.BEFORE:
                raise Unavailable("away")
            if mood in {Mood.PAGE, Mood.PAGE_AFTER, Mood.PAGE_ASKED}:
                raise BrokenAnswer("no JSON")
            if self.has(message.id):
                return Delivered(his_ref="found")
        elif message.uncertain:
            raise NeedsStaff(OUTCOME_UNTOLD)
        match mood:
            case Mood.BEFORE:
                raise Unavailable("away")
            case Mood.THROTTLED:
                raise Throttled("slower", retry_after_s=90)
            case Mood.REFUSED:
                raise InvalidData("x", "Sai.")
            case Mood.LOGIN:
                raise LoginFailed("wrong password")
            case Mood.PAGE_ASKED:
                raise BrokenAnswer("no JSON")
            case Mood.PAGE:
                raise BrokenReply("no JSON")
            case Mood.LOST:
                raise OutcomeUnknown("no answer", key=message.id)
        self.write(message)
        if mood is Mood.AFTER:
            raise OutcomeUnknown("no answer", key=message.id)
        if mood is Mood.PAGE_AFTER:
            raise BrokenReply("no JSON")
        return Delivered(his_ref="written")

    def write(self, message: Message) -> None:
        with self._lock:
            self.written.append((message.lane, message.id))

    def has(self, message_id: str) -> bool:
        return any(each == message_id for _, each in self.written)

    def install(self, monkeypatch: pytest.MonkeyPatch) -> WatchedHis:
        deliveries = {
            WRITE: Delivery(deliver=self.deliver),
            AFTER_WRITE: Delivery(deliver=self.deliver, waits_for=frozenset({WRITE})),
        }
        monkeypatch.setattr(module, "DELIVERIES", deliveries)
        monkeypatch.setattr(
            module, "WAITS", {kind: each.waits_for for kind, each in deliveries.items()}
        )
        return self
