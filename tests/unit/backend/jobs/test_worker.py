from __future__ import annotations

import threading
from typing import cast

from backend.jobs.worker import Job, Worker
from backend.services.resources import Resources

NO_RESOURCES = cast("Resources", None)


def test_each_job_at_its_pace_and_a_broken_one_stops_nobody() -> None:
    now_s = 0.0
    ran: list[str] = []

    def break_down(_: Resources) -> None:
        ran.append("broken")
        raise ValueError("broken")

    worker = Worker(
        NO_RESOURCES,
        jobs=[
            Job(name="broken", every_s=1, run=break_down),
            Job(name="slow", every_s=3, run=lambda _: ran.append("slow")),
        ],
        stop=threading.Event(),
        monotonic_s=lambda: now_s,
    )
    for moment in (0.0, 0.5, 1.0, 2.0, 3.0):
        now_s = moment
        worker.run_due()
    assert ran == ["broken", "slow", "broken", "broken", "broken", "slow"]


def test_stops_when_told() -> None:
    stop = threading.Event()
    worker = Worker(
        NO_RESOURCES, jobs=[Job(name="stop", every_s=60, run=lambda _: stop.set())], stop=stop
    )
    thread = threading.Thread(target=worker.run)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()
