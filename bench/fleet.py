"""Sixty kiosks that beat beside a year of history: what they cost, and how soon staff see them.

Two web workers and PostgreSQL with synchronous commit. Each kiosk beats every 30 s, is told its
orders in the answer, and tells of a device twelve times an hour. The cost is processor time of the server's
processes while they beat, less what the same processes take while nobody calls.
"""

from __future__ import annotations

import os
import random
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self, cast

import psycopg
import requests
from sqlalchemy import select, update

from backend.bootstrap import assemble
from backend.domain.alerts import AlertKind
from backend.jobs.watch_fleet import FleetWatch
from backend.services.keep_figures import Figures
from backend.services.settle_demo_accounts import settle_demo_accounts
from backend.services.take_report import take_report
from backend.storage.database import Database, open_engine
from backend.storage.fleet_tables import Alert
from backend.storage.kiosk_tables import Heartbeat
from backend.storage.migrate import migrate
from bench import Row
from bench.load import serving
from tests.factories.fleet import make_report
from tests.factories.hospital import Hospital, make_config
from tests.postgres import PostgresServer
from tiepdon.demo.server import sign_in

KIOSKS = 60
BEAT_S, EVENT_S = 30.0, 300.0
PAGE_PERIOD_S = 2.0
"""How often the page's script asks."""
WATCH_S = 10.0
BARE_PAUSE_S = 0.12
GOAL_PAGE_MS, GOAL_SHOWN_S, GOAL_AWAY_S, GOAL_CPU_PERCENT = 300.0, 5.0, 120.0, 2.0
TICK_S = 1 / os.sysconf("SC_CLK_TCK")

YEAR = (
    (
        "INSERT INTO kiosk_hour (kiosk_id, hour, facility_id, beats, visits, errors, waits, p95_sum_ms,"
        " worst_ms, temperature_max_c, memory_max_percent, disk_min_percent, skew_max_s)"
        " SELECT k.id, date_trunc('hour', now()) - n * interval '1 hour', 'main', 120, n % 12,"
        " (n % 97 = 0)::int, 36, 36 * 900.0, 2000, 50 + n % 9, 40, 70, 0.3"
        " FROM kiosk k, generate_series(1, 8760) AS n"
    ),
    (
        "INSERT INTO device_event (id, facility_id, kiosk_id, device, state, at)"
        " SELECT k.id || '-' || n, 'main', k.id, (ARRAY['printer', 'scanner'])[1 + n % 2],"
        " (ARRAY['ready', 'paper_end'])[1 + (n / 2) % 2], now() - n * interval '72 minutes'"
        " FROM kiosk k, generate_series(1, 7300) AS n"
    ),
    (
        "INSERT INTO alert (id, facility_id, kind, subject, detail, raised_at, cleared_at)"
        " SELECT k.id || '-' || n, 'main', 'paper_out', 'kiosk:' || k.id, '{}',"
        " now() - n * interval '1 day', now() - n * interval '1 day' + interval '9 minutes'"
        " FROM kiosk k, generate_series(1, 365) AS n"
    ),
    (
        "INSERT INTO kiosk_absence (id, facility_id, kiosk_id, began_at, ended_at)"
        " SELECT k.id || '-' || n, 'main', k.id, now() - n * interval '3 days',"
        " now() - n * interval '3 days' + interval '20 minutes'"
        " FROM kiosk k, generate_series(1, 120) AS n"
    ),
    (
        "INSERT INTO kiosk_command (id, facility_id, kiosk_id, kind, state, created_by, created_at,"
        " expires_at, settled_at) SELECT k.id || '-' || n, 'main', k.id, 'test_print', 'done', 'x',"
        " now() - n * interval '1 day', now() - n * interval '1 day', now() - n * interval '1 day'"
        " FROM kiosk k, generate_series(1, 90) AS n"
    ),
)


class StoodClock:
    """Moved by hand."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True, kw_only=True)
class Fleet:
    url: str
    ids: Sequence[str]
    credentials: Sequence[str]


def set_up(server: PostgresServer) -> Fleet:
    server.execute("CREATE DATABASE fleet")
    url = server.url("fleet")
    engine = open_engine(url, pool_size=2)
    migrate(engine)
    database = Database(engine, facility_id="main")
    hospital = Hospital(database).set_up()
    hospital.add_room("101")
    hospital.add_service("NOI", "101")
    settle_demo_accounts(database, demo=True)
    added = [hospital.add_kiosk(f"K{number}") for number in range(KIOSKS)]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET statement_timeout = 0")
        connection.execute("SET synchronous_commit = off")
        for statement in YEAR:
            connection.execute(statement.encode())
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
    return Fleet(
        url=url,
        ids=[caller.id for caller, _ in added],
        credentials=[credential for _, credential in added],
    )


def cpu_s(marks: Sequence[bytes]) -> float:
    """Processor time so far of every process whose command line holds one of the marks."""
    total = 0.0
    for process in Path("/proc").iterdir():
        try:
            words = (process / "cmdline").read_bytes()
            if any(mark in words for mark in marks):
                fields = (process / "stat").read_text(encoding="ascii").rpartition(") ")[2].split()
                total += (int(fields[11]) + int(fields[12])) * TICK_S
        except (OSError, IndexError):
            continue
    return total


class Pulse:
    """All kiosks from one thread each of a few, at their pace, spread evenly."""

    def __init__(self, port: int, fleet: Fleet) -> None:
        self._base = f"http://127.0.0.1:{port}/api/v1"
        self._fleet = fleet
        self._stop = threading.Event()
        self.calls = 0
        self.failed = 0
        self.printers: dict[int, str] = {}
        """What is wrong with a printer is in the reports that follow as well."""
        self._threads = [
            threading.Thread(target=self._run, args=(range(part, KIOSKS, 4),)) for part in range(4)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, numbers: range) -> None:
        http = requests.Session()
        http.trust_env = False
        start_s = time.monotonic()
        due = [
            (start_s + every_s * (number + 0.5) / KIOSKS, every_s, number, what)
            for number in numbers
            for every_s, what in ((BEAT_S, "beat"), (EVENT_S, "event"))
        ]
        turns = 0
        while not self._stop.is_set():
            due.sort()
            at_s, every_s, number, what = due[0]
            if self._stop.wait(max(at_s - time.monotonic(), 0)):
                return
            due[0] = (at_s + every_s, every_s, number, what)
            turns += 1
            self._call(http, number, what, turns)

    def _call(self, http: requests.Session, number: int, what: str, turns: int) -> None:
        headers = {"Authorization": f"Bearer {self._fleet.credentials[number]}"}
        if what == "event":
            body: dict[str, Any] = {"device": "scanner", "state": ("ready", "stale")[turns % 2]}
            reply = http.post(
                f"{self._base}/kiosks/device-events", json=body, headers=headers, timeout=10
            )
        else:
            body = make_report(
                datetime.now(UTC), visits=turns, printer=self.printers.get(number, "ready")
            )
            reply = http.post(
                f"{self._base}/kiosks/heartbeat", json=body, headers=headers, timeout=10
            )
        self.calls += 1
        self.failed += not reply.ok


def run(*, quick: bool) -> list[Row]:
    server = PostgresServer(durable=True)
    try:
        server.start()
        fleet = set_up(server)
        return [*_run_pages(fleet, quick=quick), *_run_watch(fleet, phases=3 if quick else 10)]
    finally:
        server.remove()


def _run_pages(fleet: Fleet, *, quick: bool) -> Iterator[Row]:
    idle_s, beating_s, looks, faults = (8, 40, 30, 4) if quick else (30, 180, 200, 30)
    environ = {"TIEPDON_DB": fleet.url, "TIEPDON_DEMO": "1", "TIEPDON_HIS": "builtin"}
    with serving("backend.app:create_app()", environ) as port:
        address = f"http://127.0.0.1:{port}"
        web, database = (f"127.0.0.1:{port}".encode(),), (b"postgres: postgres fleet ",)
        browser = requests.Session()
        browser.trust_env = False
        sign_in(browser, address, "it")
        with Pulse(port, fleet):
            time.sleep(5)  # every process has met every kind of call
        before = cpu_s(web), cpu_s(database)
        time.sleep(idle_s)
        rest = [(after - first) / idle_s for first, after in zip(
            before, (cpu_s(web), cpu_s(database)), strict=True)]  # fmt: skip
        bare_ms = _cost_bare_call(address, web)
        before = cpu_s(web), cpu_s(database)
        with Pulse(port, fleet) as pulse:
            time.sleep(beating_s)
            cost = [
                100 * ((after - first) / beating_s - idle)
                for first, after, idle in zip(
                    before, (cpu_s(web), cpu_s(database)), rest, strict=True
                )
            ]
            calls, failed = pulse.calls, pulse.failed
            took_ms = [_look(browser, f"{address}/staff/fleet") for _ in range(looks)]
            part_ms = [_look(browser, f"{address}/staff/fleet/live") for _ in range(looks)]
            one_ms = [_look(browser, f"{address}/staff/fleet/{fleet.ids[0]}") for _ in range(looks)]
            shown_s = [_show_fault(browser, address, fleet, pulse, turn) for turn in range(faults)]
    yield Row(name="server cost of 60 kiosks", value=cost[0], unit="% core", goal=GOAL_CPU_PERCENT,
              note=f"{calls / beating_s:.1f} calls/s, {calls:,} in all")  # fmt: skip
    yield Row(name="  processor time of one call", value=10 * cost[0] * beating_s / calls, unit="ms",
              note=f"{bare_ms:.2f} ms for a bare one (/healthz) in the same run")  # fmt: skip
    yield Row(name="  of the database besides", value=cost[1], unit="% core")
    yield Row(name="calls that failed", value=failed, unit="", goal=0)
    yield Row(name="fleet page, p95", value=_p95(took_ms), unit="ms", goal=GOAL_PAGE_MS,
              note="60 kiosks beating, a year of history")  # fmt: skip
    yield Row(name="  median", value=statistics.median(took_ms), unit="ms")
    yield Row(name="  its part that is fetched every 2 s, p95", value=_p95(part_ms), unit="ms")
    yield Row(name="page of one kiosk with its year, p95", value=_p95(one_ms), unit="ms",
              goal=GOAL_PAGE_MS)  # fmt: skip
    yield Row(name="a fault is shown, slowest", value=max(shown_s), unit="s", goal=GOAL_SHOWN_S,
              note="the page asks every 2 s")  # fmt: skip
    yield Row(name="  median", value=statistics.median(shown_s), unit="s")


def _cost_bare_call(address: str, web: Sequence[bytes], *, calls: int = 120) -> float:
    """Processor time of the server, in ms, for a call that does next to nothing, at the same pace:
    a process that sleeps in between finds its caches cold.
    """
    http = requests.Session()
    http.trust_env = False
    before = cpu_s(web)
    for _ in range(calls):
        http.get(f"{address}/healthz", timeout=10)
        time.sleep(BARE_PAUSE_S)
    return 1000 * (cpu_s(web) - before) / calls


def _look(browser: requests.Session, address: str) -> float:
    start_s = time.monotonic()
    browser.get(address, timeout=30).raise_for_status()
    return (time.monotonic() - start_s) * 1000


def _p95(figures: Sequence[float]) -> float:
    return statistics.quantiles(figures, n=20)[18]


def _show_fault(
    browser: requests.Session, address: str, fleet: Fleet, pulse: Pulse, turn: int
) -> float:
    """From the kiosk's report until the page that asks at its own pace shows it."""
    kiosk_id, credential = fleet.ids[turn], fleet.credentials[turn]
    time.sleep(random.uniform(0, PAGE_PERIOD_S))  # when in its period a page is caught
    told_s = time.monotonic()
    pulse.printers[turn] = "cover_open"
    requests.post(
        f"{address}/api/v1/kiosks/device-events",
        json={"device": "printer", "state": "cover_open"},
        headers={"Authorization": f"Bearer {credential}"},
        timeout=10,
    ).raise_for_status()
    time.sleep(random.uniform(0, PAGE_PERIOD_S))
    while time.monotonic() - told_s < 60:
        page = browser.get(f"{address}/staff/fleet/live", timeout=30).text
        _, _, after = page.partition(f"/staff/fleet/{kiosk_id}")
        if "nắp đang mở" in after.partition("</tr>")[0]:
            break
        time.sleep(PAGE_PERIOD_S)
    return time.monotonic() - told_s


def _run_watch(fleet: Fleet, *, phases: int) -> Iterator[Row]:
    """The watch beside the same history, on a clock that is moved by hand."""
    clock = StoodClock()
    database = Database(open_engine(fleet.url, pool_size=2), facility_id="main", clock=clock)
    hospital = Hospital(database)
    resources = assemble(
        make_config(fleet.url), database=database, keys=hospital.keys, his=cast("Any", None)
    )
    watch, web = FleetWatch(), Figures(database, kind="web")
    gone = fleet.ids[0]
    took_s: list[float] = []
    noticed_s: list[float] = []
    for phase in range(phases):
        clock.now += timedelta(seconds=1 + phase)
        take_report(database, kiosk_id=gone)
        last_beat, told = clock.now, _count_away(database)
        clock.now += timedelta(seconds=phase)
        while _count_away(database) == told:
            with database.write() as unit:  # the others are heard
                unit.connection.execute(
                    update(Heartbeat).where(Heartbeat.kiosk_id != gone).values(at=clock.now)
                )
            web.hand_in()
            start_s = time.process_time()
            watch.run(resources)
            took_s.append(time.process_time() - start_s)
            noticed_at = clock.now
            clock.now += timedelta(seconds=WATCH_S)
        noticed_s.append((noticed_at - last_beat).total_seconds())
    database.close()
    yield Row(name="away is noticed, slowest", value=max(noticed_s), unit="s", goal=GOAL_AWAY_S,
              note="by the clock of the watch, which looks every 10 s")  # fmt: skip
    yield Row(name="watching all of them", value=100 * statistics.mean(took_s) / WATCH_S,
              unit="% core", note="once in 10 s, in a worker")  # fmt: skip


def _count_away(database: Database) -> int:
    with database.read() as connection:
        return len(
            connection.execute(select(Alert.id).where(Alert.kind == AlertKind.KIOSK_AWAY)).all()
        )
