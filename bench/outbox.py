"""How fast an outbox drains once the HIS is back: two workers, durable PostgreSQL, real calls.

The HIS is the small one of the soak without its faults, as a process of its own; database,
workers and HIS share this machine's cores.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select

from backend.config import Config
from backend.services.resources import Resources
from backend.storage.catalogue import CatalogueSource
from backend.storage.database import Database, open_engine
from backend.storage.migrate import migrate
from backend.storage.outbox_tables import OutboxMessage
from bench import Row
from tests.factories.desk import Desk
from tests.factories.hospital import Hospital, make_person
from tests.postgres import PostgresServer
from tests.soak.__main__ import Child, find_port

GIVE_UP_S = 300
WORKERS = 2


def count(database: Database, state: str) -> int:
    message = OutboxMessage
    with database.read() as connection:
        query = select(func.count()).select_from(message).where(message.state == state)
        return int(connection.scalar(query) or 0)


@dataclass(frozen=True, kw_only=True)
class Drained:
    """From the first message that was settled to the last."""

    rate: float
    worker_ms: float
    """Processor time of the workers for one message: it counts also where others disturb."""


def drain(database: Database, desk: Desk, url: str, *, people: int, known: bool) -> Drained:
    before = count(database, "done")
    for number in range(people):
        person = make_person(before + number, his_ref=str(before + number + 1) if known else None)
        desk.take(person=person)
    port = find_port()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        his = [str(port), str(folder / "his.sqlite3"), "0", "0", "0", "0"]
        environ = {"TIEPDON_DB": url, "TIEPDON_DEMO": "1"}
        children = [Child(["tests.soak.his", *his], {}, folder / "his.log")]
        children += [
            Child(["tests.soak.worker", str(port), "5"], environ, folder / f"worker{n}.log")
            for n in range(WORKERS)
        ]
        try:
            for child in children:
                child.start()
            return _measure(database, children[1:], before=before, after=before + people)
        finally:
            for child in children:
                child.kill()


def _measure(database: Database, workers: list[Child], *, before: int, after: int) -> Drained:
    give_up_at = time.monotonic() + GIVE_UP_S
    began: tuple[float, int, float] | None = None
    while time.monotonic() < give_up_at:
        done = count(database, "done")
        if began is None and done > before:
            began = (time.monotonic(), done, sum(worker.cpu_s for worker in workers))
        if began is not None and done >= after:
            cpu_s = sum(worker.cpu_s for worker in workers) - began[2]
            settled = after - began[1]
            return Drained(
                rate=settled / (time.monotonic() - began[0]), worker_ms=cpu_s / settled * 1000
            )
        time.sleep(0.02)
    raise TimeoutError("the outbox did not drain")


def run(*, quick: bool) -> list[Row]:
    people = 600 if quick else 3_000
    server = PostgresServer(durable=True)
    try:
        server.start()
        server.execute("CREATE DATABASE bench")
        url = server.url("bench")
        database = Database(open_engine(url, pool_size=4), facility_id="main")
        migrate(database.engine)
        hospital = Hospital(database).set_up()
        hospital.add_room("101")
        hospital.add_service("NOI", "101", pooled=True)
        parties = Resources(
            config=Config(database_url=url, demo=True),
            database=database,
            keys=hospital.keys,
            catalogue=CatalogueSource(database),
            his=None,  # type: ignore[arg-type]  # nobody asks it here
            his_party=None,  # type: ignore[arg-type]
            insurer_party=None,  # type: ignore[arg-type]
        )
        desk = Desk(parties, hospital)
        known = drain(database, desk, url, people=people, known=True)
        new = drain(database, desk, url, people=people // 2, known=False)
        database.close()
    finally:
        server.remove()
    return [
        Row(
            name="outbox drains, patients the HIS knows",
            value=known.rate,
            unit="/s",
            goal=200,
            bound="at least",
            note=f"{WORKERS} workers",
        ),
        Row(name="  processor time of a worker for each", value=known.worker_ms, unit="ms"),
        Row(name="outbox drains, each patient new to the HIS", value=new.rate, unit="/s"),
        Row(name="  processor time of a worker for each", value=new.worker_ms, unit="ms"),
    ]
