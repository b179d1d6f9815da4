"""Time of the kit: `--speed N` scales what is waited and how much is sent, never what is judged."""

from __future__ import annotations

import time
from dataclasses import dataclass

SHORTEST_TIME_LIMIT_S = 1.5
"""A time limit is never scaled below this: a healthy HIS must be able to answer."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    speed: float = 1.0

    def seconds(self, full_s: float) -> float:
        return full_s / self.speed

    def limit(self, full_s: float) -> float:
        """A time limit of the adapter."""
        return (
            full_s
            if self.speed == 1
            else max(full_s / self.speed, min(full_s, SHORTEST_TIME_LIMIT_S))
        )

    def wait(self, full_s: float) -> None:
        time.sleep(self.seconds(full_s))

    def count(self, full: int, *, least: int) -> int:
        """How many of something; up to ten times the speed all of them."""
        return max(min(least, full), int(full / max(1.0, self.speed / 10)))
