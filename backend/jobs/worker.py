"""The process that does what nobody waits for. As many may run as like: every job bears company."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from backend.alerts_file import Channel
from backend.events import Event
from backend.jobs.check_audit import check_audit
from backend.jobs.check_his import check_his
from backend.jobs.close_past_steps import close_past_steps
from backend.jobs.deliver_outbox import Dispatcher
from backend.jobs.disable_idle_users import disable_idle_users
from backend.jobs.follow_his import follow_his
from backend.jobs.learn_waits import learn_waits
from backend.jobs.make_clips import make_clips
from backend.jobs.purge import purge
from backend.jobs.pursue_payments import probe_providers, pursue_payments
from backend.jobs.recheck_coverage import recheck_coverage
from backend.jobs.reconcile_payments import reconcile_payments
from backend.jobs.refresh_catalogue import refresh_catalogue
from backend.jobs.remind import remind
from backend.jobs.roll_up import roll_up
from backend.jobs.seal_audit import seal_audit
from backend.jobs.tell_alerts import tell_alerts
from backend.jobs.watch_fleet import FleetWatch
from backend.jobs.watch_reports import watch_reports
from backend.jobs.watch_server import watch_server
from backend.jobs.write_audit_heads import write_audit_heads
from backend.jobs.write_call_lists import write_call_lists
from backend.logging import log
from backend.services.keep_figures import Figures, FiguresKeeper
from backend.services.resources import Resources

PARENT_CHECK_S = 2.0
TELL_EVERY_S = 2.0


@dataclass(frozen=True, kw_only=True)
class Job:
    name: str
    every_s: float
    run: Callable[[Resources], object]
    alone: bool = False
    """In a thread of its own: it waits for others, and nobody waits for it."""


JOBS = (
    Job(name="recheck_coverage", every_s=5, run=recheck_coverage),
    Job(name="check_his", every_s=24 * 3600, run=check_his, alone=True),
    Job(name="follow_his", every_s=1, run=follow_his, alone=True),
    Job(name="pursue_payments", every_s=1, run=pursue_payments, alone=True),
    Job(name="probe_providers", every_s=15, run=probe_providers, alone=True),
    Job(name="reconcile_payments", every_s=600, run=reconcile_payments, alone=True),
    Job(name="refresh_catalogue", every_s=120, run=refresh_catalogue),
    Job(name="close_past_steps", every_s=60, run=close_past_steps),
    Job(name="disable_idle_users", every_s=3600, run=disable_idle_users),
    Job(name="make_clips", every_s=10, run=make_clips),
    Job(name="write_call_lists", every_s=20, run=write_call_lists),
    Job(name="write_audit_heads", every_s=20, run=write_audit_heads),
    Job(name="learn_waits", every_s=60, run=learn_waits),
    Job(name="remind", every_s=60, run=remind),
    Job(name="roll_up", every_s=60, run=roll_up, alone=True),
    Job(name="watch_reports", every_s=60, run=watch_reports),
    Job(name="purge", every_s=300, run=purge),
    Job(name="watch_fleet", every_s=10, run=FleetWatch().run, alone=True),
    Job(name="seal_audit", every_s=2, run=seal_audit, alone=True),
    Job(name="watch_server", every_s=15, run=watch_server, alone=True),
    Job(name="check_audit", every_s=5, run=check_audit, alone=True),
)


def list_telling_jobs(channels: Sequence[Channel]) -> list[Job]:
    """One for each channel, or one that looks after what nobody is to be told."""
    parts = [[channel] for channel in channels] or [[]]
    return [
        Job(
            name=":".join(["tell_alerts", *(channel.name for channel in part)]),
            every_s=TELL_EVERY_S,
            run=partial(tell_alerts, over=part),
            alone=True,
        )
        for part in parts
    ]


class Worker:
    """Runs each job at its pace until `stop` is set. A job that fails is logged and comes again."""

    def __init__(
        self,
        resources: Resources,
        *,
        jobs: Sequence[Job] = JOBS,
        stop: threading.Event,
        monotonic_s: Callable[[], float] = time.monotonic,
        note: Callable[[str, float, bool], None] = lambda _job, _seconds, _ok: None,
    ) -> None:
        """`note` hears of every run: its job, how long it took, whether it went well."""
        self._note = note
        self._resources = resources
        self._jobs = [job for job in jobs if not job.alone]
        self._alone = [replace(job, alone=False) for job in jobs if job.alone]
        self._stop = stop
        self._monotonic_s = monotonic_s
        self._due_s = {job.name: monotonic_s() for job in self._jobs}

    def run(self) -> None:
        threads = [
            threading.Thread(
                target=Worker(
                    self._resources,
                    jobs=[job],
                    stop=self._stop,
                    monotonic_s=self._monotonic_s,
                    note=self._note,
                ).run,
                name=job.name,
            )
            for job in self._alone
        ]
        for thread in threads:
            thread.start()
        while not self._stop.is_set():
            self.run_due()
            pause_s = min(self._due_s.values()) - self._monotonic_s()
            self._stop.wait(max(pause_s, 0))
        for thread in threads:
            thread.join()

    def run_due(self) -> list[str]:
        """Runs what is due now; returns the names."""
        due = [job for job in self._jobs if self._due_s[job.name] <= self._monotonic_s()]
        for job in due:
            began_s, ok = self._monotonic_s(), False
            try:
                job.run(self._resources)
                ok = True
            except Exception as error:  # noqa: BLE001  # one broken job must not stop the others
                log(Event.JOB_FAILED, error=error, job=job.name)
            self._note(job.name, self._monotonic_s() - began_s, ok)
            self._due_s[job.name] = self._monotonic_s() + job.every_s
        return [job.name for job in due]


def run_worker(resources: Resources, *, threads: int = 8) -> None:
    """Jobs at their pace, and messages to other systems whenever one is due.

    Until SIGTERM, SIGINT or the end of the parent; what is at hand is finished first.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    parent = os.getppid()

    def stop_as_orphan(_: Resources) -> None:
        if os.getppid() != parent:
            stop.set()

    watch = Job(name="watch_parent", every_s=PARENT_CHECK_S, run=stop_as_orphan)
    jobs = [watch, *JOBS, *list_telling_jobs(resources.config.alert_channels)]
    figures = Figures(resources.database, kind="worker", jobs=[job.name for job in jobs])
    keeper = FiguresKeeper(figures)
    keeper.start()
    dispatcher = Dispatcher(resources, threads=threads)
    sending = threading.Thread(target=dispatcher.run, name="outbox")
    sending.start()
    try:
        Worker(
            resources,
            jobs=jobs,
            stop=stop,
            note=lambda job, seconds, ok: figures.note_job(job, seconds, ok=ok),
        ).run()
    finally:
        keeper.stop()
        dispatcher.stop()
        sending.join()
