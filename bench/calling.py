"""Pressing "next" and the page of all rooms, with few people waiting and with 20,000.

30 rooms call from 20 lines, three rooms to a line and two lines to a room. Each press finishes who
was in and calls the next, 25 times a second over HTTP: two web workers, PostgreSQL with
synchronous commit, clients on the same machine. The floor is the same with few waiting, in the
same run: what is left is what people who wait cost those who do not.
"""

from __future__ import annotations

import http.client
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from backend.domain.roles import StaffRole
from backend.storage.database import Database, open_engine
from backend.storage.migrate import migrate
from bench import Row
from bench.load import Caller, serving
from tests.factories.accounts import Accounts
from tests.factories.hospital import Hospital
from tests.postgres import PostgresServer

ROOMS, LINES, ROOMS_OF_A_LINE = 30, 20, 3
MANY = 20_000
RATE = 25
GOAL_MS = 50.0
LOOKS = 60


@dataclass(frozen=True, kw_only=True)
class Scene:
    hospital: Hospital
    url: str
    staff: str

    @property
    def rooms(self) -> list[str]:
        return list(self.hospital.rooms.values())

    @property
    def environ(self) -> dict[str, str]:
        return {"TIEPDON_DB": self.url, "TIEPDON_DEMO": "1", "TIEPDON_HIS": "builtin"}

    def add_waiting(self, first: int, last: int) -> None:
        """People `first` to `last` wait, evenly in all lines; every tenth with priority."""
        lines = ", ".join(f"'{each}'" for each in self.hospital.services.values())
        facts = (
            f"SELECT n, (ARRAY[{lines}])[1 + n %% {LINES}] AS line,"
            " CASE WHEN n %% 10 = 0 THEN 'P' WHEN n %% 20 = 7 THEN 'R' ELSE 'N' END AS lane,"
            " now() - interval '50 minutes' + n * interval '100 milliseconds' AS at,"
            " (now() AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS day"
            f" FROM generate_series({first}, {last}) AS n"
        ).replace("%%", "%")
        with psycopg.connect(self.url, autocommit=True) as connection:
            for table, columns, values in WAITING_ROWS:
                connection.execute(
                    f"INSERT INTO {table} ({columns}) SELECT {values} FROM ({facts}) AS facts".encode()
                )
            connection.execute("VACUUM ANALYZE")
            connection.execute("CHECKPOINT")


WAITING_ROWS = (
    (
        "visit",
        (
            "id, facility_id, day, kind, lane, priority_declared, provisional, verified,"
            " known_to_his, use_insurance, papers, language, scan_id, changes, created_at"
        ),
        (
            "'wait-visit-' || n, 'main', day, 'new', lane, false, false, true, true, true,"
            " '{}', 'vi', 'wait', 0, at"
        ),
    ),
    (
        "step",
        (
            "id, facility_id, visit_id, day, position, kind, service_id, queue_id, lane,"
            " queue_key_at, quota_scopes, state, state_at, wait_low_min, wait_high_min"
        ),
        (
            "'wait-step-' || n, 'main', 'wait-visit-' || n, day, 0, 'examination', line, line,"
            " lane, at, '[]', 'waiting', at, 30, 60"
        ),
    ),
    (
        "step_change",
        "id, facility_id, visit_id, step_id, mark, from_state, to_state, at, source",
        (
            "'wait-change-' || n, 'main', 'wait-visit-' || n, 'wait-step-' || n, 'T0', NULL,"
            " 'waiting', at, 'kiosk'"
        ),
    ),
    (
        "ticket",
        "id, facility_id, visit_id, day, number, token, content, print_state, issued_at",
        (
            "'wait-ticket-' || n, 'main', 'wait-visit-' || n, day, 'A' || n, 'wait-token-' || n,"
            " '{}', 'printed', at"
        ),
    ),
)


def set_up(server: PostgresServer) -> Scene:
    server.execute("CREATE DATABASE calling")
    engine = open_engine(server.url("calling"), pool_size=2)
    migrate(engine)
    hospital = Hospital(Database(engine, facility_id="main")).set_up()
    codes = [f"{101 + number}" for number in range(ROOMS)]
    for code in codes:
        hospital.add_room(code)
    for number in range(LINES):
        rooms = [codes[(number * 3 // 2 + part * 10) % ROOMS] for part in range(ROOMS_OF_A_LINE)]
        hospital.add_service(f"S{number}", *rooms, pooled=True)
    accounts = Accounts(hospital.database)
    accounts.add("benchmark", StaffRole.ROOM_CALLER, StaffRole.HEAD)
    return Scene(hospital=hospital, url=server.url("calling"), staff=accounts.token("benchmark"))


@dataclass(frozen=True, kw_only=True)
class Figures:
    called_ms: Sequence[float]
    looked_ms: Sequence[float]
    failed: int

    @property
    def p95_ms(self) -> float:
        return statistics.quantiles(self.called_ms, n=100)[94]

    @property
    def looked_p95_ms(self) -> float:
        return statistics.quantiles(self.looked_ms, n=100)[94]


def measure(scene: Scene, calls: int) -> Figures:
    with serving("backend.app:create_app()", scene.environ) as port:
        warm = Caller(port=port, credential=scene.staff, rooms=scene.rooms, rate=RATE)
        warm.run(3 * ROOMS)
        looked = look(port, scene.staff)
        caller = Caller(
            port=port, credential=scene.staff, rooms=scene.rooms, rate=RATE, seen=warm.seen
        )
        caller.run(calls)
    return Figures(
        called_ms=[took * 1000 for took in caller.took_s],
        looked_ms=looked,
        failed=warm.failed + caller.failed,
    )


def look(port: int, credential: str) -> list[float]:
    """What the page of all rooms takes, one after another."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    took_ms = []
    for _ in range(LOOKS):
        began = time.monotonic()
        connection.request(
            "GET", "/api/v1/departments/overview", headers={"Authorization": f"Bearer {credential}"}
        )
        reply = connection.getresponse()
        reply.read()
        if reply.status != 200:
            raise ConnectionError(str(reply.status))
        took_ms.append((time.monotonic() - began) * 1000)
    connection.close()
    return took_ms


def count_wrong(url: str) -> int:
    """People called more than once."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM (SELECT step_id FROM call WHERE attempt = 1"
            " GROUP BY step_id HAVING count(*) > 1) AS twice"
        ).fetchone()
    return int(row[0]) if row else 0


def run(*, quick: bool) -> list[Row]:
    calls = RATE * (12 if quick else 40)
    server = PostgresServer(durable=True)
    try:
        server.start()
        scene = set_up(server)
        few = calls * 2
        scene.add_waiting(1, few)
        floor = measure(scene, calls)
        scene.add_waiting(few + 1, few + MANY)
        found = measure(scene, calls)
        twice = count_wrong(scene.url)
        scene.hospital.database.close()
    finally:
        server.remove()
    return [
        Row(name=f"next, 25/s, {MANY:,} waiting, p95", value=found.p95_ms, unit="ms", goal=GOAL_MS),
        Row(name="  median", value=statistics.median(found.called_ms), unit="ms"),
        Row(name="  the same with few waiting, p95", value=floor.p95_ms, unit="ms"),
        Row(name="  many / few, median", unit="",
            value=statistics.median(found.called_ms) / statistics.median(floor.called_ms)),
        Row(name=f"all rooms, {MANY:,} waiting, p95", value=found.looked_p95_ms, unit="ms",
            goal=GOAL_MS),
        Row(name="  the same with few waiting, p95", value=floor.looked_p95_ms, unit="ms"),
        Row(name="called twice", value=twice, unit="", goal=0),
        Row(name="requests failed", value=found.failed + floor.failed, unit="", goal=0),
    ]  # fmt: skip
