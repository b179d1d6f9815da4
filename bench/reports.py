"""Reports of a large hospital's year: counting a day, opening every page, writing a month.

`--quick` and the usual run build days of full size; BENCH_LARGE=1 builds all 365 of them with
their visits and steps as rows (3 million and 15 million). Pages read rolled-up figures of two
years in every run.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from flask.testing import FlaskClient

from backend.app import create_app
from backend.bootstrap import assemble
from backend.domain.reports.periods import Period, Span
from backend.domain.roles import StaffRole
from backend.services.roll_up_day import add_up, roll_up_day
from backend.storage.catalogue import CatalogueSource
from backend.storage.crypto import demo_keys
from backend.storage.database import Database, open_engine
from backend.storage.migrate import migrate
from backend.web import live
from bench import Row
from bench.hospital_year import LAST_DAY, build_year, copy_months, furnish, spread_figures
from his_adapter.demo.gateway import open_demo
from tests.conftest import SettableClock
from tests.factories.accounts import Accounts, sign_in
from tests.factories.hospital import make_config
from tests.postgres import PostgresServer

COUNTED_DAYS = 3
FIGURE_DAYS, ALL_FIGURE_DAYS = 62, 365
"""Days with rolled-up figures; months are copied to make two years of them."""
MONTHS = 24
OPENINGS = 5
PAGE_GOAL_MS, DAY_GOAL_S = 1_000.0, 30.0
XLSX_GOAL_S, XLSX_GOAL_MB = 10.0, 300.0


def run(*, quick: bool) -> list[Row]:
    raw_days = 365 if os.environ.get("BENCH_LARGE") else COUNTED_DAYS if quick else 37
    server = PostgresServer(durable=True)
    try:
        server.start()
        server.execute("CREATE DATABASE hospital_year")
        return measure(server.url("hospital_year"), raw_days=raw_days)
    finally:
        server.remove()


def measure(url: str, *, raw_days: int) -> list[Row]:
    engine = open_engine(url, pool_size=4)
    migrate(engine)
    clock = SettableClock()
    clock.now = clock.now.replace(day=LAST_DAY.day, hour=10)
    database = Database(engine, facility_id="main", clock=clock)
    counts = build_year(url, furnish(database), raw_days=raw_days)
    beside = f"{counts['visit']:,} visits, {counts['step']:,} steps"
    rows = [*count_days(database, beside)]
    days = [LAST_DAY - timedelta(days=back) for back in range(COUNTED_DAYS)]
    figure_days = ALL_FIGURE_DAYS if raw_days > ALL_FIGURE_DAYS / 2 else FIGURE_DAYS
    spread_figures(url, counted=days, days=figure_days)
    rows.append(add_months(database))
    copy_months(url, months=MONTHS)
    rows += open_pages(database)
    database.close()
    rows += write_month(url)
    return rows


def count_days(database: Database, beside: str) -> list[Row]:
    """The slowest of a few days."""
    catalogue = CatalogueSource(database).get()
    took_s, busy_s = [], []
    for back in range(COUNTED_DAYS):
        began_s, began_busy_s = time.monotonic(), time.process_time()
        roll_up_day(database, catalogue, LAST_DAY - timedelta(days=back))
        took_s.append(time.monotonic() - began_s)
        busy_s.append(time.process_time() - began_busy_s)
    return [
        Row(name="A day is counted", value=max(took_s), unit="s", goal=DAY_GOAL_S, note=beside),
        Row(name="  of which processor time of the worker", value=max(busy_s), unit="s"),
    ]


def add_months(database: Database) -> Row:
    began_s = time.monotonic()
    months = add_up(database)
    return Row(name="A month is added up", value=(time.monotonic() - began_s) / months, unit="s")


def open_pages(database: Database) -> list[Row]:
    """Each page as a browser asks for it, without a network; the slowest opening of each."""
    Accounts(database).add("chatluong", StaffRole.QUALITY)
    with tempfile.TemporaryDirectory(prefix="tiepdon-bench-") as name:
        his = open_demo(Path(name), clock=database.clock)
        resources = assemble(make_config(), database=database, keys=demo_keys(), his=his)
        app = create_app(resources)
        try:
            browser = app.test_client()
            sign_in(browser, "chatluong")
            return [open_page(browser, span) for span in Span]
        finally:
            app.extensions[live.EXTENSION].close()


def open_page(browser: FlaskClient, span: Span) -> Row:
    period = Period.of(span, LAST_DAY)
    path = f"/staff/reports/{span.value}/{period.first}"

    def ask() -> int:
        page = browser.get(path)
        if page.status_code != 200:
            raise RuntimeError(f"{path}: {page.status_code}")
        return len(page.data)

    took_s, size = find_slowest(ask)
    note = f"{size / 1024:,.0f} KiB"
    return Row(
        name=f"Page of a {span.value}", value=took_s * 1000, unit="ms", goal=PAGE_GOAL_MS, note=note
    )


def find_slowest(ask: Callable[[], int]) -> tuple[float, int]:
    slowest_s, size = 0.0, 0
    for _ in range(OPENINGS):
        began_s = time.monotonic()
        size = ask()
        slowest_s = max(slowest_s, time.monotonic() - began_s)
    return slowest_s, size


def write_month(url: str) -> list[Row]:
    """The command of the IT desk in a process of its own: all of it, imports too."""
    month = Period.of(Span.MONTH, LAST_DAY).previous
    with tempfile.TemporaryDirectory(prefix="tiepdon-bench-") as name:
        file = Path(name) / "month.xlsx"
        command = [
            sys.executable, "-m", "tiepdon", "report", "month", "--date", month.first.isoformat(),
            "--xlsx", str(file), "--db", url,
        ]  # fmt: skip
        began_s = time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        took_s = time.monotonic() - began_s
        if status:
            raise RuntimeError(f"tiepdon report ended with {status}")
        note = f"{file.stat().st_size / 2**20:.1f} MiB file"
    return [
        Row(name="XLSX of a month", value=took_s, unit="s", goal=XLSX_GOAL_S, note=note),
        Row(
            name="  memory of the command", value=used.ru_maxrss / 1024, unit="MB",
            goal=XLSX_GOAL_MB,
        ),
    ]  # fmt: skip
