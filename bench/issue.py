"""Queue numbers over HTTP, with everything a real one does, beside a bare route on the same machine.

PostgreSQL with synchronous commit, gunicorn with two workers, and the clients share this machine's
cores. The floor is a bare Flask route that writes the same seven kinds of rows with plain psycopg
and knows neither credential, scan, validation, priority nor limits; it runs right before.
"""

from __future__ import annotations

import json
import os
import string
from dataclasses import dataclass, replace

import psycopg

from backend.domain.ids import new_id
from backend.storage.database import Database, open_engine
from backend.storage.migrate import migrate
from bench import Row
from bench.floor import SCHEMA
from bench.load import Outcome, send_all, serving
from tests.factories.hospital import Hospital, make_person, make_scan
from tests.postgres import PostgresServer

SERIES = string.ascii_uppercase[:20]
OPEN_RATE = 100
PATH = "/api/v1/visits"
FEW_OLD, MANY_OLD = 10_000, 15_000_000


# --- runs ----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A hospital with a pooled service for each of 20 series, on a durable PostgreSQL."""

    hospital: Hospital
    url: str

    @property
    def environ(self) -> dict[str, str]:
        return {"TIEPDON_DB": self.url, "TIEPDON_DEMO": "1", "TIEPDON_HIS": "builtin"}

    def make_requests(self, count: int, services: list[str]) -> tuple[str, list[bytes]]:
        """A kiosk's credential, and one request for each of `count` new people."""
        kiosk, credential = self.hospital.add_kiosk(new_id())
        people = (make_person(number, his_ref=f"BN{new_id()}") for number in range(count))
        scans = self.hospital.add_scans(
            kiosk,
            [make_scan(replace(person, numbers={})) for person in people],
            lifetime_s=3600,
        )
        bodies = [
            {
                "scan_id": scan,
                "service_id": self.hospital.services[services[index % len(services)]],
                "visit_kind": "new",
                "papers": {"transfer_slip": False},
            }
            for index, scan in enumerate(scans)
        ]
        return credential, [json.dumps(body).encode() for body in bodies]

    def next_day(self) -> None:
        """Yesterday's numbers would be today's again: what was issued so far becomes old."""
        with self.hospital.database.write() as unit:
            for table in ("visit", "step", "ticket"):
                unit.connection.exec_driver_sql(
                    f"UPDATE {table} SET day = day - 1 WHERE day >= current_date"
                )
            for table in ("number", "series"):
                unit.connection.exec_driver_sql(f"DELETE FROM {table} WHERE day >= current_date")

    def add_old_tickets(self, first: int, last: int) -> None:
        """Visits `first` to `last` of past days, 5,000 a day, as a hospital has them in time."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("SET statement_timeout = 0")
            connection.execute("SET synchronous_commit = off")
            for table, columns, values in OLD_ROWS:
                connection.execute(
                    f"INSERT INTO {table} ({columns}) SELECT {values}"
                    f" FROM generate_series({first}, {last}) AS n".encode()
                )
            connection.execute("VACUUM ANALYZE")
            # Filling wrote for minutes what a hospital writes in years: let the disk catch up.
            connection.execute("CHECKPOINT")


_OLD_DAY = "(current_date - 2 - (n / 5000)::int)"
_OLD_TIME = "(now() - interval '2 days' - (n / 5000) * interval '1 day')"
OLD_ROWS = (
    (
        "visit",
        (
            "id, facility_id, day, kind, lane, priority_declared, provisional, verified,"
            " known_to_his, use_insurance, papers, language, scan_id, changes, created_at"
        ),
        (
            f"'old-visit-' || n, 'main', {_OLD_DAY}, 'new', 'N', false, false, true, true, true,"
            f" '{{}}', 'vi', 'old', 0, {_OLD_TIME}"
        ),
    ),
    (
        "step",
        (
            "id, facility_id, visit_id, day, position, kind, service_id, queue_id, lane,"
            " queue_key_at, quota_scopes, state, state_at"
        ),
        (
            f"'old-step-' || n, 'main', 'old-visit-' || n, {_OLD_DAY}, 0, 'examination', 'old', 'old',"
            f" 'N', {_OLD_TIME}, '[]', 'done', {_OLD_TIME}"
        ),
    ),
    (
        "number",
        "facility_id, letter, day, number, visit_id",
        f"'main', 'A', {_OLD_DAY}, 1 + n % 5000, 'old-visit-' || n",
    ),
    (
        "ticket",
        "id, facility_id, visit_id, day, number, token, content, print_state, issued_at",
        (
            f"'old-ticket-' || n, 'main', 'old-visit-' || n, {_OLD_DAY}, 'A001', 'old-token-' || n,"
            f" '{{}}', 'printed', {_OLD_TIME}"
        ),
    ),
)


def set_up(server: PostgresServer) -> Bench:
    server.execute("CREATE DATABASE bench")
    engine = open_engine(server.url("bench"), pool_size=2)
    migrate(engine)
    hospital = Hospital(Database(engine, facility_id="main")).set_up()
    for number in range(1, 6):
        hospital.add_room(f"10{number}")
    for letter in SERIES:
        hospital.add_service(f"S{letter}", *hospital.rooms, pooled=True, series_letter=letter)
    return Bench(hospital=hospital, url=server.url("bench"))


def run_floor(bench: Bench, requests: int) -> tuple[Outcome, Outcome]:
    with psycopg.connect(bench.url, autocommit=True) as connection:
        connection.execute(SCHEMA.encode())

    def make(letters: str, who: str) -> list[bytes]:
        return [
            json.dumps({"who": f"{who}{n}", "letter": letters[n % len(letters)]}).encode()
            for n in range(requests)
        ]

    with serving("bench.floor:create_app()", bench.environ) as port:
        send_all(port, "/floor", "none", make(SERIES, "warm")[:200], rate=None)
        many = send_all(port, "/floor", "none", make(SERIES, "many"), rate=None)
        one = send_all(port, "/floor", "none", make("Z", "one"), rate=None)
    return many, one


def run_issue(bench: Bench, requests: int) -> tuple[Outcome, Outcome]:
    """The closed loop over 20 series, and open arrivals on one."""
    every = [f"S{letter}" for letter in SERIES]
    bench.next_day()
    warm = bench.make_requests(200, every)
    many = bench.make_requests(requests, every)
    one = bench.make_requests(max(requests // 4, 300), ["SA"])
    with serving("backend.app:create_app()", bench.environ) as port:
        send_all(port, PATH, *warm, rate=None)
        closed = send_all(port, PATH, *many, rate=None)
        opened = send_all(port, PATH, *one, rate=OPEN_RATE)
    return closed, opened


def run(*, quick: bool) -> list[Row]:
    requests = 1_500 if quick else 6_000
    server = PostgresServer(durable=True)
    try:
        server.start()
        bench = set_up(server)
        floor, floor_one = run_floor(bench, requests)
        bench.add_old_tickets(1, FEW_OLD)
        closed, opened = run_issue(bench, requests)
        rows = _rows(f"{FEW_OLD:,} old tickets", closed, opened, floor)
        rows.append(Row(name="bare route, 20 series", value=floor.rate, unit="/s"))
        rows.append(Row(name="bare route, 20 series, p95", value=floor.p95_ms, unit="ms"))
        rows.append(Row(name="bare route, one series", value=floor_one.rate, unit="/s"))
        if os.environ.get("BENCH_LARGE") == "1":
            bench.add_old_tickets(FEW_OLD + 1, MANY_OLD)
            large, large_open = run_issue(bench, requests)
            rows += _rows(f"{MANY_OLD:,} old tickets", large, large_open, floor)
            share = large.rate / closed.rate
            rows.append(
                Row(
                    name="rate with many old tickets / with few",
                    value=share,
                    unit="",
                    goal=0.8,
                    bound="at least",
                )
            )
        bench.hospital.database.close()
    finally:
        server.remove()
    return rows


def _rows(label: str, closed: Outcome, opened: Outcome, floor: Outcome) -> list[Row]:
    wrong = closed.failed + opened.failed
    return [
        Row(
            name=f"32 clients, 20 series, {label}",
            value=closed.rate,
            unit="/s",
            goal=250,
            bound="at least",
            note=f"{closed.rate / floor.rate:.2f} of the bare route",
        ),
        Row(name=f"  p95, {label}", value=closed.p95_ms, unit="ms", goal=250),
        Row(
            name=f"100/s on one series, p95, {label}",
            value=opened.p95_ms,
            unit="ms",
            goal=150,
            note=f"{opened.rate:.0f}/s came through",
        ),
        Row(
            name=f"numbers given twice, {label}",
            value=closed.duplicates + opened.duplicates,
            unit="",
            goal=0,
        ),
        Row(name=f"requests failed, {label}", value=wrong, unit="", goal=0),
    ]
