"""Stops a machine gone wild before it costs anything: counted in memory, a bucket per caller.

Tries that somebody could guess with are counted in the database (services.limit_tries). Here the
write itself would be the harm: each process holds its own buckets, a restart fills them again.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from backend.errors import RateLimited

MAX_CALLERS = 2_000


class FloodGate:
    """Each caller may call `burst` times at once, and `per_s` times a second in the long run."""

    def __init__(
        self, *, burst: int, per_s: float, ticks: Callable[[], float] = time.monotonic
    ) -> None:
        self._burst = burst
        self._per_s = per_s
        self._ticks = ticks
        self._left: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def enter(self, caller_id: str) -> None:
        """Raises RateLimited for one that called too often; nobody else is any worse off."""
        now = self._ticks()
        with self._lock:
            left, since = self._left.get(caller_id, (float(self._burst), now))
            left = min(left + (now - since) * self._per_s, self._burst)
            if left < 1:
                raise RateLimited(math.ceil((1 - left) / self._per_s))
            if len(self._left) >= MAX_CALLERS and caller_id not in self._left:
                self._left.clear()
            self._left[caller_id] = (left - 1, now)
