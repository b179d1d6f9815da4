"""What this kiosk counts about itself for the IT desk: how many, how long, when last. Nobody's data.

Fed on the UI thread, read by a worker thread.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from kiosk_ui.flow import Screen
from kiosk_ui.gateway.fleet_models import StepTime

MOST_KEPT = 500
"""Answers of one step between two reports; a machine alone for a day keeps the newest."""

STEP_AT: Mapping[Screen, str] = {
    Screen.SCAN: "scan",
    Screen.TYPED_NUMBER: "scan",
    Screen.TYPED_BIRTH_DATE: "scan",
    Screen.DEPARTMENT: "choose",
    Screen.SERVICE: "choose",
    Screen.DOCTOR: "choose",
    Screen.HOUR: "choose",
    Screen.PRINTING: "check_in",
    Screen.MY_TICKET: "my_ticket",
    Screen.CANCEL_VISIT: "my_ticket",
    Screen.PAY_BILLS: "bills",
    Screen.PAY_METHOD: "payment",
    Screen.PAY_QR: "payment",
    Screen.PAY_CASH: "payment",
}
"""What people wait for at a screen that asks the server."""
PRINT, TICKET = "print", "ticket"
"""From the answer to the paper; from the first touch to the number."""


@dataclass(kw_only=True)
class Counts:
    """Since the process began."""

    visits: int = 0
    errors: int = 0
    last_touch_at: datetime | None = None
    last_visit_at: datetime | None = None


@dataclass(kw_only=True)
class Tally:
    _counts: Counts = field(default_factory=Counts)
    _times_ms: dict[str, deque[float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note_touch(self, at: datetime) -> None:
        self._counts.last_touch_at = at

    def note_visit(self, at: datetime) -> None:
        """Somebody left the start screen to get something done."""
        self._counts.visits += 1
        self._counts.last_visit_at = at

    def note_error(self) -> None:
        """A visit came to a screen that says something is wrong with us."""
        self._counts.errors += 1

    def note_time(self, step: str | None, waited_s: float) -> None:
        """`step` None: not worth counting."""
        if step is None:
            return
        with self._lock:
            self._times_ms.setdefault(step, deque(maxlen=MOST_KEPT)).append(waited_s * 1000)

    def counts(self) -> Counts:
        return self._counts

    def take_times(self) -> dict[str, list[float]]:
        """Those since they were last taken, which are the caller's now."""
        with self._lock:
            taken = {step: list(times) for step, times in self._times_ms.items()}
            self._times_ms.clear()
        return taken

    def give_back(self, taken: Mapping[str, Sequence[float]]) -> None:
        """They could not be told: the next report carries them."""
        with self._lock:
            for step, times in taken.items():
                newer = self._times_ms.get(step, ())
                self._times_ms[step] = deque([*times, *newer], maxlen=MOST_KEPT)


def summarise(times_ms: Mapping[str, Sequence[float]]) -> list[StepTime]:
    """Count and 95th percentile (nearest rank) of each step, by name."""
    return [
        StepTime(step=step, count=len(times), p95_ms=round(p95(times), 1))
        for step, times in sorted(times_ms.items())
        if times
    ]


def p95(times: Sequence[float]) -> float:
    ordered = sorted(times)
    return ordered[math.ceil(0.95 * len(ordered)) - 1]
