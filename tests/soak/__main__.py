"""`python -m tests.soak`: thousands of registrations through a HIS that fails in every way.

Real processes: PostgreSQL, web server, two workers, a HIS. While people register, requests to the
HIS are dropped before and after it wrote, delayed past the time limit, sent twice, refused; and
each process is killed again and again. At the end nothing may be lost, doubled or out of order.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select

from backend.domain.outbox import DEAD_LETTERS, UNDER_WAY
from backend.errors import StorageUnavailable
from backend.storage.database import Database, open_engine
from backend.storage.migrate import migrate
from backend.storage.number_tables import Ticket
from backend.storage.outbox_tables import OutboxMessage
from backend.storage.queue_tables import Step
from backend.storage.visit_tables import Visit
from tests.factories.hospital import Hospital, make_person, make_scan
from tests.integration.servers import ROOT, Storm, WebServer
from tests.postgres import PostgresServer

LETTERS = "ABCDEFGHJK"
PATIENCE_S = 120.0
REST_S = 0.4
"""How long what was killed stays away."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    registrations: int
    faults: int
    kills: int
    """Of each: worker, web server, database, HIS."""
    seed: int
    speed: float
    clients: int = 16

    @property
    def timeout_s(self) -> float:
        return max(3 / self.speed, 0.5)


@dataclass
class Report:
    plan: Plan
    registered: int = 0
    cancelled: int = 0
    took_s: float = 0.0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)
    dead: Counter[str] = field(default_factory=Counter)
    faults: dict[str, int] = field(default_factory=dict)
    kills: Counter[str] = field(default_factory=Counter)

    @property
    def good(self) -> bool:
        return not (self.lost or self.doubled or self.disordered)

    def show(self) -> str:
        lines = [
            f"{self.registered} registered, {self.cancelled} cancelled, seed {self.plan.seed}",
            f"{self.took_s:.0f} s at speed {self.plan.speed:g}",
            f"faults {sum(self.faults.values())}: {self.faults}",
            f"kills {sum(self.kills.values())}: {dict(self.kills)}",
            f"dead letters {sum(self.dead.values())}: {dict(self.dead)}",
            f"lost {len(self.lost)}, doubled {len(self.doubled)}, out of order {len(self.disordered)}",
            *(f"  {each}" for each in (*self.lost, *self.doubled, *self.disordered)[:20]),
        ]
        return "\n".join(lines)


class Child:
    """A process that is started again when it was killed."""

    def __init__(self, command: list[str], environ: dict[str, str], log: Path) -> None:
        self._command, self._environ, self._log = command, environ, log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *self._command],
                cwd=ROOT,
                env=os.environ | self._environ,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)
            self._process = None

    @property
    def cpu_s(self) -> float:
        """Processor time it took so far."""
        if self._process is None:
            return 0.0
        stat = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii")
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    @property
    def fell(self) -> bool:
        return self._process is not None and self._process.poll() is not None


def find_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Soak:
    def __init__(self, plan: Plan, folder: Path, postgres: PostgresServer) -> None:
        self.plan = plan
        self.report = Report(plan=plan)
        self._folder = folder
        self._postgres = postgres
        url = postgres.url("soak")
        self.database = Database(open_engine(url, pool_size=plan.clients), facility_id="main")
        migrate(self.database.engine)
        self.hospital = Hospital(self.database).set_up()
        self.hospital.add_room("101")
        for letter in LETTERS:
            self.hospital.add_service(f"S{letter}", "101", pooled=True, series_letter=letter)
        self.kiosk, credential = self.hospital.add_kiosk()
        self.his_file = folder / "his.sqlite3"
        port = find_port()
        # A registration is some two requests, and not every drawn fault comes in time.
        chance = min(0.5, 1.3 * plan.faults / (2.2 * plan.registrations))
        his = ["tests.soak.his", str(port), str(self.his_file), str(plan.seed), str(plan.faults)]
        his += [str(chance), str(plan.timeout_s * 1.5)]
        environ = {"TIEPDON_DB": url, "TIEPDON_DEMO": "1", "TIEPDON_SPEED": str(plan.speed)}
        worker = ["tests.soak.worker", str(port), str(plan.timeout_s)]
        self.his = Child(his, {}, folder / "his.log")
        self.workers = [Child(worker, environ, folder / f"worker{n}.log") for n in (1, 2)]
        self.web = WebServer(url, folder, workers=2)
        self.storm = Storm(port=self.web.port, credential=credential, patience_s=PATIENCE_S)
        self._lock = threading.Lock()
        self._done = threading.Event()

    def run(self) -> Report:
        started = time.monotonic()
        for child in (self.his, *self.workers):
            child.start()
        self.web.start()
        trouble = threading.Thread(target=self._make_trouble)
        trouble.start()
        try:
            self._register_all()
        finally:
            self._done.set()
            trouble.join()
        self._wait_until_drained()
        self.report.took_s = time.monotonic() - started
        self._check()
        return self.report

    def close(self) -> None:
        for child in (self.his, *self.workers):
            child.kill()
        self.web.kill()
        self.database.close()

    # --- people

    def _register_all(self) -> None:
        """Each client takes the next person: one service, at times cancelled, at times another."""
        people = iter(range(self.plan.registrations))
        threads = [
            threading.Thread(target=self._be_client, args=(people,))
            for _ in range(self.plan.clients)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _be_client(self, people: Any) -> None:
        while True:
            with self._lock:
                number = next(people, None)
                if number is None or self.report.registered >= self.plan.registrations:
                    return
            visit_id = self._register(number, LETTERS[number % len(LETTERS)])
            if visit_id and number % 5 == 0:
                self._cancel(visit_id)
            if number % 3 == 0:
                self._register(number, LETTERS[(number + 1) % len(LETTERS)])

    def _register(self, number: int, letter: str) -> str | None:
        scan = self._add_scan(make_scan(make_person(number)))
        body = {"scan_id": scan, "service_id": self.hospital.services[f"S{letter}"]}
        reply = self.storm.press(f"r{number}{letter}", body)
        with self._lock:
            if reply is None:
                self.report.lost.append(f"person {number} got no number")
                return None
            self.report.registered += 1
        return str(reply["id"])

    def _cancel(self, visit_id: str) -> None:
        content = make_scan(visit_id=visit_id)
        scan = self._add_scan(type(content)(**(vars(content) | {"person": None})))
        key = f"c{visit_id}"
        reply = self.storm.press(key, {"scan_id": scan}, path=f"/api/v1/visits/{visit_id}/cancel")
        with self._lock:
            if reply is None:
                self.report.lost.append(f"visit {visit_id} could not be cancelled")
            else:
                self.report.cancelled += 1

    def _add_scan(self, content: Any) -> str:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                return self.hospital.add_scan(self.kiosk, content, lifetime_s=86_400)
            except StorageUnavailable:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    # --- trouble

    def _make_trouble(self) -> None:
        chance = random.Random(self.plan.seed)
        kills: list[tuple[str, Callable[[], None]]] = [
            ("worker", lambda: self._revive(chance.choice(self.workers))),
            ("his", lambda: self._revive(self.his)),
            ("database", self._kill_database),
            ("web", self._kill_web),
        ] * self.plan.kills
        chance.shuffle(kills)
        for index, (name, kill) in enumerate(kills, start=1):
            due = index * self.plan.registrations / (len(kills) + 1)
            while self.report.registered < due:
                if self._done.wait(0.02):
                    break
            kill()
            self.report.kills[name] += 1
            time.sleep(REST_S / 2)

    def _revive(self, child: Child) -> None:
        child.kill()
        time.sleep(REST_S)
        child.start()

    def _kill_database(self) -> None:
        self._postgres.kill()
        time.sleep(REST_S)
        self._postgres.start()

    def _kill_web(self) -> None:
        self.web.kill()
        time.sleep(REST_S)
        self.web.start()

    # --- the end

    def _wait_until_drained(self) -> None:
        deadline = time.monotonic() + PATIENCE_S + self.plan.registrations / 20
        while time.monotonic() < deadline:
            for worker in self.workers:
                if worker.fell:
                    self.report.lost.append("a worker ended by itself")
                    worker.start()
            with contextlib.suppress(StorageUnavailable), self.database.read() as connection:
                left = connection.execute(
                    select(OutboxMessage.id).where(OutboxMessage.state.in_(UNDER_WAY)).limit(1)
                ).first()
                if left is None:
                    return
            time.sleep(0.2)

    def _check(self) -> None:
        report = self.report
        message, visit, step = OutboxMessage, Visit, Step
        with self.database.read() as connection:
            messages = {row.id: row for row in connection.execute(select(message.__table__))}
            steps = connection.execute(
                select(step.id, step.his_ref, step.state, Ticket.number, visit.person_id)
                .join(visit, visit.id == step.visit_id)
                .join(Ticket, Ticket.visit_id == visit.id)
            ).all()
        for row in messages.values():
            if row.state in DEAD_LETTERS:
                report.dead[row.last_error] += 1
            if row.state not in {"done", "discarded"}:
                report.lost.append(f"message {row.id} is {row.state} ({row.last_error})")
        his = sqlite3.connect(self.his_file)
        with contextlib.closing(his):
            visits = {
                str(row[0]): row for row in his.execute("SELECT id, number, status FROM visit")
            }
            people = Counter(row[0] for row in his.execute("SELECT person FROM patient"))
            journal = list(his.execute("SELECT key FROM journal ORDER BY sequence"))
            report.faults = dict(his.execute("SELECT kind, count FROM fault"))
        report.doubled += [f"patient {key[:8]} {n} times" for key, n in people.items() if n > 1]
        numbers = Counter(row[1] for row in visits.values())
        report.doubled += [f"visit {key} {n} times" for key, n in numbers.items() if n > 1]
        for row in steps:
            told = visits.get(row.his_ref or "")
            if row.state == "cancelled":
                if numbers[row.number] and (told is None or told[2] != "cancelled"):
                    report.lost.append(f"{row.number}: the HIS still expects who cancelled")
            elif told is None or told[1] != row.number or told[2] != "arrived":
                report.lost.append(
                    f"{row.number}: the HIS does not know it ({row.his_ref}, {told})"
                )
        self._check_order(messages, [key for (key,) in journal])

    def _check_order(self, messages: dict[str, Any], keys: list[str]) -> None:
        """In each lane what was written first there was asked for first here."""
        last: dict[str, str] = {}
        for key in keys:
            message_id = key.partition(".")[0]
            row = messages.get(message_id)
            if row is None:
                self.report.lost.append(f"{key}: written, and no message asked for it")
            elif last.get(row.lane, "") > message_id:
                self.report.disordered.append(f"{message_id} after {last[row.lane]}")
            else:
                last[row.lane] = message_id


def soak(plan: Plan) -> Report:
    postgres = PostgresServer(durable=True)
    with tempfile.TemporaryDirectory(prefix="tiepdon-soak-") as folder:
        try:
            postgres.start()
            postgres.execute("CREATE DATABASE soak")
            run = Soak(plan, Path(folder), postgres)
            try:
                return run.run()
            finally:
                run.close()
                if os.environ.get("SOAK_KEEP"):
                    for log in Path(folder).glob("*.log"):
                        sys.stderr.write(f"== {log.name}\n{log.read_text()[-4000:]}\n")
        finally:
            postgres.remove()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--registrations", type=int, default=20_000)
    parser.add_argument("--faults", type=int, default=1_000)
    parser.add_argument("--kills", type=int, default=10, help="of each kind of process")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--quick", action="store_true", help="300 registrations, scaled time")
    arguments = parser.parse_args()
    plan = Plan(
        registrations=arguments.registrations,
        faults=arguments.faults,
        kills=arguments.kills,
        seed=arguments.seed,
        speed=arguments.speed,
    )
    if arguments.quick:
        plan = Plan(registrations=300, faults=60, kills=1, seed=arguments.seed, speed=20)
    print(f"seed {plan.seed}", flush=True)
    report = soak(plan)
    print(report.show())
    return 0 if report.good else 1


if __name__ == "__main__":
    sys.exit(main())
