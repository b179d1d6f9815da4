"""Figures of one process, added to those of all the others in the database every few seconds.

`/metrics` is one answer for all web processes, workers and machines that way, whichever is asked,
and no figure lies in a file that a full disk could break. What a killed process had not handed in
yet is lost: a few seconds of counting.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Any, Literal

from sqlalchemy import delete, func
from sqlalchemy.pool import QueuePool

from backend.domain.ids import new_id
from backend.errors import StorageUnavailable
from backend.events import Event
from backend.logging import find_log_loss, log
from backend.storage.alert_tables import JobFigure, ProcessFigure, RequestFigure
from backend.storage.database import Database
from backend.storage.unit_of_work import UnitOfWork

PERIOD_S = 15.0
FORGOTTEN_AFTER = timedelta(minutes=10)
LIMITS_MS = (25, 100, 300, 1000, 3000, 10000)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@dataclass(kw_only=True)
class _Requests:
    count: int = 0
    seconds: float = 0.0
    within: list[int] = field(default_factory=lambda: [0] * len(LIMITS_MS))


@dataclass(kw_only=True)
class _Job:
    runs: int = 0
    failures: int = 0
    seconds: float = 0.0
    last_run_at: datetime
    last_ok_at: datetime | None = None


class Figures:
    """Counts from many threads; `hand_in` from one at a time."""

    def __init__(
        self,
        database: Database,
        *,
        kind: Literal["web", "worker"],
        jobs: Collection[str] = (),
        count_streams: Callable[[], int] = lambda: 0,
    ) -> None:
        """`jobs`: all that workers run; a job of the past would seem to stand still for ever."""
        self._database = database
        self._kind = kind
        self._known_jobs = frozenset(jobs)
        self._count_streams = count_streams
        self._lock = threading.Lock()
        self._handing_in = threading.Lock()
        self._requests: dict[tuple[str, str, int], _Requests] = {}
        self._jobs: dict[str, _Job] = {}
        self._process: tuple[int, str] = (0, "")

    def note_request(self, route: str, method: str, status: int, seconds: float) -> None:
        """`route` is a pattern of ours; any method a caller makes up counts as one."""
        key = (route[:200], method if method in METHODS else "other", status)
        with self._lock:
            entry = self._requests.setdefault(key, _Requests())
            entry.count += 1
            entry.seconds += seconds
            for index, limit_ms in enumerate(LIMITS_MS):
                entry.within[index] += seconds * 1000 <= limit_ms

    def note_job(self, job: str, seconds: float, *, ok: bool) -> None:
        now = self._database.clock()
        with self._lock:
            entry = self._jobs.setdefault(job, _Job(last_run_at=now))
            entry.runs += 1
            entry.failures += not ok
            entry.seconds += seconds
            entry.last_run_at = now
            entry.last_ok_at = now if ok else entry.last_ok_at

    def hand_in(self) -> bool:
        """False when somebody else does just now, or the database is away: then they are kept."""
        if not self._handing_in.acquire(blocking=False):
            return False
        try:
            with self._lock:
                requests, self._requests = self._requests, {}
                jobs, self._jobs = self._jobs, {}
            try:
                with self._database.write() as unit:
                    _add_requests(unit, requests)
                    _add_jobs(unit, jobs)
                    self._forget_past_jobs(unit)
                    self._show_process(unit)
            except StorageUnavailable:
                self._take_back(requests, jobs)
                return False
            return True
        finally:
            self._handing_in.release()

    def _take_back(
        self, requests: dict[tuple[str, str, int], _Requests], jobs: dict[str, _Job]
    ) -> None:
        with self._lock:
            for key, old in requests.items():
                entry = self._requests.setdefault(key, _Requests())
                entry.count += old.count
                entry.seconds += old.seconds
                entry.within = [a + b for a, b in zip(entry.within, old.within, strict=True)]
            for job, earlier in jobs.items():
                mine = self._jobs.setdefault(job, _Job(last_run_at=earlier.last_run_at))
                mine.runs += earlier.runs
                mine.failures += earlier.failures
                mine.seconds += earlier.seconds
                mine.last_ok_at = mine.last_ok_at or earlier.last_ok_at

    def _forget_past_jobs(self, unit: UnitOfWork) -> None:
        if self._known_jobs:
            unit.connection.execute(
                delete(JobFigure).where(
                    JobFigure.facility_id == unit.facility_id,
                    JobFigure.job.not_in(self._known_jobs),
                )
            )

    def _show_process(self, unit: UnitOfWork) -> None:
        if self._process[0] != os.getpid():  # a fork is another process
            self._process = (os.getpid(), new_id())
        pool = self._database.engine.pool
        values: dict[str, Any] = {
            "kind": self._kind,
            "host": socket.gethostname(),
            "version": version("tiepdon"),
            "seen_at": unit.now,
            "live_streams": self._count_streams(),
            "pool_size": pool.size() if isinstance(pool, QueuePool) else 0,
            "pool_in_use": pool.checkedout() if isinstance(pool, QueuePool) else 0,
            "logs_lost_at": find_log_loss(),
        }
        new = unit.insert_into(ProcessFigure).values(
            facility_id=unit.facility_id, id=self._process[1], **values
        )
        unit.connection.execute(
            new.on_conflict_do_update(
                index_elements=[ProcessFigure.facility_id, ProcessFigure.id], set_=values
            )
        )
        unit.connection.execute(
            delete(ProcessFigure).where(
                ProcessFigure.facility_id == unit.facility_id,
                ProcessFigure.seen_at < unit.now - FORGOTTEN_AFTER,
            )
        )


class FiguresKeeper:
    """Hands figures in again and again, from a thread of its own, until it is stopped."""

    def __init__(self, figures: Figures, *, period_s: float = PERIOD_S) -> None:
        self._figures = figures
        self._period_s = period_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="figures", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(self._period_s)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._figures.hand_in()
            except Exception as error:  # noqa: BLE001  # figures must never end what they count
                log(Event.JOB_FAILED, error=error, job="keep_figures")
            self._stopping.wait(self._period_s)


def _add_requests(unit: UnitOfWork, requests: dict[tuple[str, str, int], _Requests]) -> None:
    """In one order, so that two processes that hand in at once wait instead of blocking."""
    if not requests:
        return
    names = [f"le_{limit}" for limit in LIMITS_MS]
    new = unit.insert_into(RequestFigure)
    table = RequestFigure.__table__.c
    added = {name: table[name] + new.excluded[name] for name in ("requests", "seconds", *names)}
    statement = new.on_conflict_do_update(
        index_elements=[table[name] for name in ("facility_id", "route", "method", "status")],
        set_=added,
    )
    unit.connection.execute(
        statement,
        [
            {
                "facility_id": unit.facility_id,
                "route": route,
                "method": method,
                "status": status,
                "requests": entry.count,
                "seconds": entry.seconds,
                **dict(zip(names, entry.within, strict=True)),
            }
            for (route, method, status), entry in sorted(requests.items())
        ],
    )


def _add_jobs(unit: UnitOfWork, jobs: dict[str, _Job]) -> None:
    if not jobs:
        return
    new = unit.insert_into(JobFigure)
    table = JobFigure.__table__.c
    statement = new.on_conflict_do_update(
        index_elements=[table.facility_id, table.job],
        set_={
            "runs": table.runs + new.excluded.runs,
            "failures": table.failures + new.excluded.failures,
            "seconds": table.seconds + new.excluded.seconds,
            "last_run_at": new.excluded.last_run_at,
            "last_ok_at": func.coalesce(new.excluded.last_ok_at, table.last_ok_at),
        },
    )
    unit.connection.execute(
        statement,
        [
            {
                "facility_id": unit.facility_id,
                "job": job,
                "runs": entry.runs,
                "failures": entry.failures,
                "seconds": entry.seconds,
                "last_run_at": entry.last_run_at,
                "last_ok_at": entry.last_ok_at,
            }
            for job, entry in sorted(jobs.items())
        ],
    )
