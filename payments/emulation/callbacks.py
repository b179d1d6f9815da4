"""Callbacks from an emulator to the hospital, repeated as the provider it stands for repeats them."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

import requests

from payments.emulation.clock import EmulatedClock
from payments.emulation.faults import Faults

_MAX_ANSWER_BYTES = 64_000
_MAX_REMEMBERED = 20_000
_HELD_S = 5.0
"""A callback that waits for a second one to be swapped with leaves alone after this long."""
_POLL_S = 0.05


@dataclass(frozen=True, kw_only=True)
class Message:
    """One HTTP request, signed and ready."""

    method: str = "POST"
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, kw_only=True)
class HospitalAnswer:
    """What our server said. `status` 0: nothing came back."""

    status: int
    body: bytes = b""


@dataclass(frozen=True, kw_only=True)
class RetryPlan:
    """`at_s`: seconds from the first sending at which each sending is due, the first one too."""

    at_s: tuple[float, ...] = (0.0,)
    time_out_s: float = 10.0


class DeliveryState(StrEnum):
    PENDING = "pending"
    HELD = "held"
    ACCEPTED = "accepted"
    GIVEN_UP = "given_up"
    DROPPED = "dropped"


BuildMessage = Callable[[], Message | None]
"""Called for each sending, so that each is signed at its own time. None: nowhere to send to."""
IsAccepted = Callable[[HospitalAnswer], bool]


@dataclass(kw_only=True)
class Delivery:
    """One callback with its sendings. `about` is the emulator's own reference."""

    id: int
    about: str
    build: BuildMessage = field(repr=False)
    state: DeliveryState = DeliveryState.PENDING
    first_sent_at: datetime | None = None
    sendings: list[dict[str, Any]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "about": self.about,
            "state": self.state.value,
            "sendings": list(self.sendings),
        }


class CallbackQueue:
    """Sends what is due on the emulated clock, in the order of dueness.

    `accepts` says what ends the repeats: it differs from provider to provider. With several
    `senders` a slow answer holds up no other callback, and order is left to chance.
    """

    def __init__(
        self,
        *,
        clock: EmulatedClock,
        faults: Faults,
        plan: RetryPlan,
        accepts: IsAccepted,
        senders: int = 1,
    ) -> None:
        self._clock = clock
        self._faults = faults
        self._plan = plan
        self._accepts = accepts
        self._condition = threading.Condition()
        self._due: list[tuple[datetime, int, Delivery]] = []
        self._held: list[tuple[datetime, Delivery]] = []
        self._sent: list[Delivery] = []
        self._serial = itertools.count(1)
        self._order = itertools.count()
        self._sending = 0
        self._closed = False
        self._session = requests.Session()
        self._session.trust_env = False
        self._threads = [
            threading.Thread(target=self._run, name=f"callbacks-{number}", daemon=True)
            for number in range(senders)
        ]
        clock.watch(self._wake)

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        with self._condition:
            self._closed = True
            self._condition.notify_all()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout=5)
        self._session.close()

    def add(self, about: str, build: BuildMessage, *, delay_s: float = 0.0) -> Delivery:
        """Queues a callback, as the switches have it: dropped, doubled, held for a swap."""
        delivery = self._note(about, build)
        if self._faults.take("drop_webhook"):
            delivery.state = DeliveryState.DROPPED
            return delivery
        with self._condition:
            self._queue(delivery, delay_s)
            for _ in range(int(self._faults.duplicate)):
                self._queue(self._note(about, build), delay_s)
            self._condition.notify_all()
        return delivery

    def replay(self, delivery_id: int) -> Delivery:
        """The same content once more, whatever became of it. Raises LookupError."""
        old = next((each for each in self._sent if each.id == delivery_id), None)
        if old is None:
            raise LookupError("no such callback")
        again = self._note(old.about, old.build)
        with self._condition:
            self._schedule(again, self._clock())
            self._condition.notify_all()
        return again

    def release(self) -> None:
        """Whatever is held for a swap goes now, the last one first."""
        with self._condition:
            self._let_go()
            self._condition.notify_all()

    def settle(self, time_out_s: float = 10.0) -> bool:
        """Waits, in real time, until nothing is due or under way. Later repeats may remain."""
        with self._condition:
            return self._condition.wait_for(self._is_settled, timeout=time_out_s)

    def as_list(self) -> list[dict[str, Any]]:
        with self._condition:
            return [each.as_dict() for each in self._sent]

    # --- the queue, all under the lock

    def _note(self, about: str, build: BuildMessage) -> Delivery:
        delivery = Delivery(id=next(self._serial), about=about, build=build)
        self._sent.append(delivery)
        del self._sent[:-_MAX_REMEMBERED]
        return delivery

    def _queue(self, delivery: Delivery, delay_s: float) -> None:
        due = self._clock() + timedelta(seconds=delay_s)
        if not self._faults.reorder:
            self._schedule(delivery, due)
            return
        delivery.state = DeliveryState.HELD
        self._held.append((due + timedelta(seconds=_HELD_S), delivery))
        if len(self._held) >= 2:
            self._let_go()

    def _let_go(self) -> None:
        now = self._clock()
        for _, delivery in reversed(self._held):
            delivery.state = DeliveryState.PENDING
            self._schedule(delivery, now)
        self._held.clear()

    def _schedule(self, delivery: Delivery, due: datetime) -> None:
        heapq.heappush(self._due, (due, next(self._order), delivery))

    def _is_settled(self) -> bool:
        now = self._clock()
        is_due = bool(self._due) and self._due[0][0] <= now
        return not is_due and not self._sending and not self._held

    def _wake(self) -> None:
        with self._condition:
            self._condition.notify_all()

    # --- the senders

    def _run(self) -> None:
        while (delivery := self._next()) is not None:
            answer = self._send(delivery)
            with self._condition:
                self._settle_one(delivery, answer)
                self._sending -= 1
                self._condition.notify_all()

    def _next(self) -> Delivery | None:
        with self._condition:
            while not self._closed:
                now = self._clock()
                if self._held and (self._held[0][0] <= now or not self._faults.reorder):
                    self._let_go()
                if self._due and self._due[0][0] <= now:
                    self._sending += 1
                    return heapq.heappop(self._due)[2]
                self._condition.wait(self._pause(now))
            return None

    def _pause(self, now: datetime) -> float | None:
        if not self._due and not self._held:
            return None
        soonest = min([each[0] for each in self._due[:1]] + [each[0] for each in self._held])
        return max(_POLL_S, min((soonest - now).total_seconds() / self._clock.speed, 1.0))

    def _send(self, delivery: Delivery) -> HospitalAnswer:
        message = delivery.build()
        if message is None or urlsplit(message.url).scheme not in {"http", "https"}:
            return HospitalAnswer(status=0)
        time_out_s = self._plan.time_out_s
        try:
            with self._session.request(
                message.method,
                message.url,
                headers=dict(message.headers),
                data=message.body,
                timeout=(time_out_s, time_out_s),
                allow_redirects=False,
                stream=True,
            ) as response:
                body = response.raw.read(_MAX_ANSWER_BYTES, decode_content=True)
                return HospitalAnswer(status=response.status_code, body=body)
        except (requests.RequestException, OSError):
            return HospitalAnswer(status=0)

    def _settle_one(self, delivery: Delivery, answer: HospitalAnswer) -> None:
        now = self._clock()
        if delivery.first_sent_at is None:
            delivery.first_sent_at = now
        accepted = answer.status != 0 and self._accepts(answer)
        delivery.sendings.append(
            {
                "at": now.isoformat(timespec="milliseconds"),
                "status": answer.status,
                "answer": answer.body[:2_000].decode(errors="replace"),
                "accepted": accepted,
            }
        )
        if accepted:
            delivery.state = DeliveryState.ACCEPTED
        elif len(delivery.sendings) >= len(self._plan.at_s):
            delivery.state = DeliveryState.GIVEN_UP
        else:
            wait_s = self._plan.at_s[len(delivery.sendings)] - self._plan.at_s[0]
            self._schedule(delivery, delivery.first_sent_at + timedelta(seconds=wait_s))


def accepts_2xx(answer: HospitalAnswer) -> bool:
    return 200 <= answer.status < 300
