"""A small outbox of the kit's own, so that a HIS is judged by what it does, not by what we do.

It keeps to the rules of the port: only Throttled, Unavailable and OutcomeUnknown are tried again,
the last only after `find_by_key` found nothing; one write in flight per lane.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from his_adapter.conformance.pace import Pace
from his_adapter.errors import HisError, OutcomeUnknown
from his_adapter.models import WriteKey, Written
from his_adapter.ports import HisGateway

RETRY_AFTER_S = (1, 2, 5, 15, 30, 60)
_SHORTEST_WAIT_S = 0.02


@dataclass(frozen=True, kw_only=True)
class Job:
    """One write of a lane. `send` may use what earlier writes of the lane have left."""

    key: WriteKey
    send: Callable[[HisGateway, WriteKey], Written]


class Dispatcher:
    def __init__(self, gateway: HisGateway, *, pace: Pace, give_up_after_s: float) -> None:
        self._gateway = gateway
        self._pace = pace
        self._give_up_at = time.monotonic() + give_up_after_s
        self._rng = random.Random(7)  # noqa: S311 - jitter

    def deliver(self, job: Job) -> Written:
        """Raises the HisError that ended it, the last one when time ran out."""
        attempt = 0
        while True:
            try:
                return job.send(self._gateway, job.key)
            except OutcomeUnknown:
                found = self._settled(job.key)
                if found is not None:
                    return found
                self._rest(attempt)
            except HisError as error:
                if not error.retryable or time.monotonic() > self._give_up_at:
                    raise
                self._rest(attempt)
            attempt += 1

    def run_lanes(self, lanes: Sequence[Sequence[Job]], *, workers: int) -> list[HisError]:
        """Delivers lanes side by side, each in order. What ended a lane early comes back."""
        with ThreadPoolExecutor(workers) as pool:
            return [error for error in pool.map(self._run_lane, lanes) if error is not None]

    def _run_lane(self, jobs: Sequence[Job]) -> HisError | None:
        try:
            for job in jobs:
                self.deliver(job)
        except HisError as error:
            return error
        return None

    def _settled(self, key: WriteKey) -> Written | None:
        attempt = 0
        while True:
            try:
                return self._gateway.find_by_key(key)
            except HisError as error:
                if not error.retryable or time.monotonic() > self._give_up_at:
                    raise
            self._rest(attempt)
            attempt += 1

    def _rest(self, attempt: int) -> None:
        full_s = RETRY_AFTER_S[min(attempt, len(RETRY_AFTER_S) - 1)]
        jitter = self._rng.uniform(0.8, 1.2)
        time.sleep(max(self._pace.seconds(full_s) * jitter, _SHORTEST_WAIT_S))
