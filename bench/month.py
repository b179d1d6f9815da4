"""A month in minutes: what server and kiosk keep in memory, day after day.

The server is the whole application with its jobs and a clock that is moved; a day has so many
visits, beats of kiosks and pages of staff, and rounds of all jobs. The kiosk is the
window of `bench.kiosk` with a clock that is moved too. Each in a process of its own;
`python -m bench.month` is such a child and prints JSON.
"""

from __future__ import annotations

import base64
import gc
import json
import subprocess
import sys
import tempfile
from datetime import date, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any

from backend.domain.ids import new_id
from backend.events import Event
from backend.jobs.worker import JOBS
from backend.logging import log
from backend.storage.database import Database, open_engine
from backend.storage.migrate import migrate
from bench import Row
from bench.kiosk import _memory_mib, _one_visit, _open
from his_adapter.demo.gateway import invented_crowd
from his_adapter.demo.payloads import cccd2021
from his_adapter.demo.people import InventedPerson
from tests.conftest import SettableClock
from tests.factories.accounts import Accounts
from tests.factories.till import NOTICE, Till, body_of, open_till

DAYS, QUICK_DAYS = 30, 8
VISITS, QUICK_VISITS = 200, 60
"""A day at the server."""
WARM_DAYS = 4
"""What is filled once is full by then."""
ROUNDS = 4
"""Of all jobs, between the visits of a day; one more at night."""
ROUND = timedelta(hours=2, minutes=30)
BEATS_PER_VISIT = 4
KIOSK_VISITS_A_DAY = 300
"""Of a busy kiosk; the window is too slow to play thirty such days, so a part of each is."""
KIOSK_DAYS, QUICK_KIOSK_DAYS = 30, 6
KIOSK_PLAYED, QUICK_KIOSK_PLAYED = 50, 30
KIOSK_WARM, QUICK_KIOSK_WARM = 10, 2
"""It grows in a few steps at first; the last one was seen within 500 visits, two of its days."""
_ELSEWHERE = frozenset({"make_clips", "check_his"})
"""Jobs that wait for programs or parties outside."""


def run(*, quick: bool) -> list[Row]:
    days, visits = (QUICK_DAYS, QUICK_VISITS) if quick else (DAYS, VISITS)
    server = _child("server", days, visits)
    kiosk_days, played, warm = (
        (QUICK_KIOSK_DAYS, QUICK_KIOSK_PLAYED, QUICK_KIOSK_WARM)
        if quick
        else (KIOSK_DAYS, KIOSK_PLAYED, KIOSK_WARM)
    )
    kiosk = _child("kiosk", kiosk_days, played)
    return [
        Row(
            name=f"server, memory grown per day over {days} days",
            value=slope(server[WARM_DAYS:]),
            unit="MiB/day",
            goal=1.0,
            note=f"{visits} visits a day; {server[WARM_DAYS]:.0f} → {server[-1]:.0f} MiB",
        ),
        Row(
            name=f"kiosk, memory grown per day of {KIOSK_VISITS_A_DAY} visits",
            value=slope(kiosk[warm:]) * KIOSK_VISITS_A_DAY / played,
            unit="MiB/day",
            goal=1.0,
            note=f"{len(kiosk)} × {played} visits played; {kiosk[0]:.0f} at first, "
            f"{kiosk[warm]:.0f} → {kiosk[-1]:.0f} MiB",
        ),
    ]


def slope(values: list[float]) -> float:
    """Of the straight line with the least squares, per step."""
    count = len(values)
    middle = (count - 1) / 2
    mean = sum(values) / count
    up = sum((place - middle) * (value - mean) for place, value in enumerate(values))
    return up / sum((place - middle) ** 2 for place in range(count))


def _child(what: str, days: int, visits: int) -> list[float]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.month", what, str(days), str(visits)],
        cwd=Path(__file__).parents[1],
        stdout=subprocess.PIPE,
        check=True,
        timeout=3_000,
    )
    figures: list[float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _server(days: int, visits: int) -> list[float]:
    """Memory at the end of each day."""
    clock = SettableClock()
    with tempfile.TemporaryDirectory() as name:
        engine = open_engine(f"sqlite:///{name}/month.sqlite3", pool_size=8)
        migrate(engine)
        database = Database(engine, facility_id="main", clock=clock)
        figures = []
        with open_till(database, clock, Path(name) / "his") as till:
            Accounts(database).add("letan")
            staff = till.client.application.test_client()
            for _ in range(days):
                _one_day(till, staff, clock, visits)
                gc.collect()
                figures.append(_memory_mib())
        return figures


def _one_day(till: Till, staff: Any, clock: SettableClock, visits: int) -> None:
    began = clock.now
    people = cycle(person for person in invented_crowd() if person.id_number)
    services = body_of(till.get("/services"))["items"]
    per_round = max(1, visits // ROUNDS)
    for number in range(visits):
        _one_visit_at_server(till, next(people), services[number % len(services)]["id"])
        for _ in range(BEATS_PER_VISIT):
            till.post("/kiosks/heartbeat")
        staff.get("/staff")
        if number % per_round == 0:
            clock.now += ROUND
            _run_jobs(till)
    clock.now = began + timedelta(days=1)
    _run_jobs(till)


def _one_visit_at_server(till: Till, person: InventedPerson, service_id: str) -> None:
    """A refusal is an answer like any other here: some are full, or not for this person."""
    scan = till.post(
        "/scans",
        {
            "payload_base64": base64.b64encode(_card(person).encode()).decode(),
            "source": "camera",
            "notice": NOTICE,
        },
    )
    if scan.status_code != 200:
        return
    wish = {"scan_id": body_of(scan)["scan_id"], "service_id": service_id, "visit_kind": "new"}
    till.post("/visits", wish, key=new_id())


def _card(person: InventedPerson) -> str:
    return cccd2021(
        id_number=person.id_number or "",
        full_name=person.full_name,
        birth_date=person.birth_date,
        gender=person.gender,
        address=person.address,
        issued_on=date(2022, 3, 1),
    )


def _run_jobs(till: Till) -> None:
    for job in JOBS:
        if job.name in _ELSEWHERE:
            continue
        try:
            job.run(till.resources)
        except Exception as error:  # noqa: BLE001  # as the worker: the others go on
            log(Event.JOB_FAILED, error=error, job=job.name)


def _kiosk(days: int, visits: int) -> list[float]:
    bench, driver = _open(slide_s=0)
    figures = []
    for _ in range(days):
        for _ in range(visits):
            _one_visit(bench, driver, [])
        bench.time.elapsed_s += 24 * 3600
        driver.frames()
        for stand_in in (bench.gateway, bench.printer, bench.reports):
            stand_in.forget()
        gc.collect()
        figures.append(_memory_mib())
    return figures


if __name__ == "__main__":
    play = {"server": _server, "kiosk": _kiosk}[sys.argv[1]]
    print(json.dumps(play(int(sys.argv[2]), int(sys.argv[3]))))
