"""How old a change in the HIS is when our database has it: orders and results of open visits.

The demo hospital is the HIS. A process of its own is its clinic: it places an order for each visit,
then releases each result. Another is the worker with all its jobs. A change counts from the moment
the clinic has written it until a reader of our database finds it; the step, the live event for
boards and phones, and the row the reader looks at are committed together.
"""

from __future__ import annotations

import json
import multiprocessing
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from sqlalchemy import func, select, update

from backend.bootstrap import assemble, set_up
from backend.config import Config, load_config
from backend.domain.outbox import UNDER_WAY
from backend.jobs.deliver_outbox import deliver_outbox
from backend.jobs.worker import JOBS, Worker
from backend.services.resources import Resources
from backend.storage.catalogue_tables import Room
from backend.storage.crypto import demo_keys
from backend.storage.database import open_database
from backend.storage.his_tables import HisOrder, HisWatch
from backend.storage.outbox_tables import OutboxMessage
from backend.storage.queue_tables import Step
from backend.storage.visit_tables import Person, Visit
from bench import Row
from his_adapter.builtin.gateway import BuiltinGateway
from his_adapter.builtin.reports import PartDraft
from his_adapter.demo.gateway import open_demo
from his_adapter.models import Capabilities, Feature, PartKind, Ref
from his_adapter.ports import HisGateway
from tests.factories.desk import Desk
from tests.factories.hospital import Hospital, make_person
from tests.postgres import PostgresServer

VISITS = 40
GAP_S = 0.15
"""Between two changes in the HIS: 40 visits in six seconds are a busy hour."""
RESULTS_AFTER_S = 8.0
"""What is over before it was seen opens no step: no laboratory is as quick as that. Results come
at the latest after this, and sooner when every order was seen.
"""
GOAL_S = 5.0
GIVE_UP_S = 90.0
LOOK_EVERY_S = 0.02
STARTED_S = 20.0
"""Within this a worker has read everybody once."""


class WithoutFeed:
    """A HIS that does not tell what changed."""

    def __init__(self, his: HisGateway) -> None:
        self._his = his

    def __getattr__(self, name: str) -> Any:
        return getattr(self._his, name)

    def capabilities(self) -> Capabilities:
        declared = self._his.capabilities()
        return replace(declared, features=declared.features - {Feature.CHANGES})


def now() -> datetime:
    return datetime.now(UTC)


# --- the hospital ----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Open visits that the HIS knows, all with the doctor. `patients`: of each its reference there."""

    config: Config
    folder: Path
    resources: Resources
    patients: Sequence[tuple[str, str]]
    """Patient and visit, as the HIS names them."""
    services: Sequence[str]
    """What is ordered, as the HIS names it."""


def open_his(folder: Path) -> BuiltinGateway:
    return open_demo(folder, clock=now)


@contextmanager
def hospital(url: str, folder: Path, *, visits: int) -> Iterator[Scene]:
    his_settings = json.dumps({"folder": str(folder)})
    environ = {"TIEPDON_DB": url, "TIEPDON_DEMO": "1", "TIEPDON_HIS_SETTINGS": his_settings}
    config = load_config(environ)
    database = open_database(config)
    set_up(database, config)
    factory = Hospital(database)
    resources = assemble(
        config, database=database, keys=factory.keys, his=cast("HisGateway", open_his(folder))
    )
    try:
        catalogue = resources.catalogue.get()
        offered = catalogue.services.values()
        factory.services = {each.code: each.id for each in offered}
        exams = [
            each.code
            for each in offered
            if each.kind == "examination"
            and not (each.gender or each.age_min_years or each.age_max_years)
            and "new" in (each.visit_kinds or {"new"})
            and catalogue.find_open_session(each.room_ids[0], now=now())
        ]
        desk = Desk(resources, factory)
        for serial in range(visits):
            desk.take(exams[serial % len(exams)], person=make_person(700_000 + serial))
        send_all(resources)
        yield Scene(
            config=config,
            folder=folder,
            resources=resources,
            patients=with_doctor(resources),
            services=[each.his_ref for each in offered if each.kind in {"laboratory", "imaging"}],
        )
    finally:
        resources.close()


def send_all(resources: Resources) -> None:
    until = time.monotonic() + GIVE_UP_S
    waiting = select(OutboxMessage.id).where(
        OutboxMessage.state.in_([state.value for state in UNDER_WAY])
    )
    while time.monotonic() < until:
        deliver_outbox(resources)
        with resources.database.read() as connection:
            if connection.execute(waiting.limit(1)).first() is None:
                return
    raise TimeoutError("the HIS did not take the visits")


def with_doctor(resources: Resources) -> list[tuple[str, str]]:
    """Everybody is being seen: that is when doctors order."""
    step, person, visit = Step, Person, Visit
    with resources.database.write() as unit:
        room = unit.connection.scalar(select(Room.id).limit(1))
        unit.connection.execute(update(step).values(state="serving", room_id=room))
        rows = unit.connection.execute(
            select(person.his_ref, step.his_ref)
            .join(visit, visit.person_id == person.id)
            .join(step, step.visit_id == visit.id)
            .where(step.his_ref.is_not(None))
        ).all()
    return [(str(patient), str(of_step)) for patient, of_step in rows]


# --- processes -------------------------------------------------------------------------------------


def work(config: Config, folder: Path, follows: bool, stop: Any) -> None:
    """The worker with all its jobs, until `stop` is set."""
    his = cast("HisGateway", open_his(folder))
    resources = assemble(
        config,
        database=open_database(config),
        keys=demo_keys(),
        his=his if follows else cast("HisGateway", WithoutFeed(his)),
    )
    ended = threading.Event()
    threading.Thread(target=lambda: (stop.wait(), ended.set()), daemon=True).start()
    Worker(resources, jobs=JOBS, stop=ended).run()
    resources.close()


def practise(folder: Path, patients: Sequence[tuple[str, str]], service: str, pipe: Any) -> None:
    """Says of each order when it was placed and when its result was released."""
    clinic = open_his(folder).clinic
    orders: list[tuple[str, str]] = []
    for patient, visit in patients:
        order = clinic.place_order(Ref(patient), service=Ref(service), visit=Ref(visit))
        pipe.send((order.ref, False, time.monotonic()))
        orders.append((patient, order.ref))
        time.sleep(GAP_S)
    pipe.poll(RESULTS_AFTER_S)
    for patient, order_ref in orders:
        report = clinic.write_report(
            Ref(patient),
            order=Ref(order_ref),
            parts=[PartDraft(name="values", kind=PartKind.VALUES)],
        )
        clinic.release_report(report)
        pipe.send((order_ref, True, time.monotonic()))
        time.sleep(GAP_S)
    pipe.send(None)


# --- the measure -----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Ages:
    orders_s: Sequence[float]
    results_s: Sequence[float]
    missing: int

    @property
    def p95_s(self) -> float:
        return p95([*self.orders_s, *self.results_s])


def p95(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=20)[18] if len(values) > 1 else GIVE_UP_S


def follow(scene: Scene, *, follows: bool, service: str) -> Ages:
    """One order and one result for each visit."""
    context = multiprocessing.get_context("fork")
    stop = context.Event()
    mine, theirs = context.Pipe()
    scene.resources.database.engine.dispose()  # a fork must not share connections
    worker = context.Process(target=work, args=(scene.config, scene.folder, follows, stop))
    clinic = context.Process(target=practise, args=(scene.folder, scene.patients, service, theirs))
    worker.start()
    _wait_until_read(scene)
    clinic.start()
    try:
        return _watch(scene, mine, expected=2 * len(scene.patients))
    finally:
        stop.set()
        clinic.join(GIVE_UP_S)
        worker.join(GIVE_UP_S)


def _wait_until_read(scene: Scene) -> None:
    """The worker knows everybody: what comes from here on is a change."""
    until = time.monotonic() + STARTED_S
    read = select(func.count()).where(HisWatch.read_at.is_not(None))
    while time.monotonic() < until:
        with scene.resources.database.read() as connection:
            if (connection.scalar(read) or 0) >= len(scene.patients):
                return
        time.sleep(LOOK_EVERY_S)


def _watch(scene: Scene, pipe: Any, *, expected: int) -> Ages:
    order = HisOrder
    query = select(order.ref, order.released, order.step_id)
    made: dict[tuple[str, bool], float] = {}
    seen: dict[tuple[str, bool], float] = {}
    over_at = time.monotonic() + GIVE_UP_S
    told_clinic = False
    while time.monotonic() < over_at and not (len(made) == expected and made.keys() <= seen.keys()):
        while pipe.poll():
            if (told := pipe.recv()) is None:
                over_at = min(over_at, time.monotonic() + GIVE_UP_S / 3)
                break
            made[told[0], told[1]] = told[2]
        with scene.resources.database.read() as connection:
            rows = connection.execute(query).all()
        found_at = time.monotonic()
        for row in rows:
            if row.step_id is not None:
                seen.setdefault((row.ref, False), found_at)
            if row.released:
                seen.setdefault((row.ref, True), found_at)
        if not told_clinic and len(seen) == expected // 2:
            pipe.send(None)
            told_clinic = True
        time.sleep(LOOK_EVERY_S)
    ages = {key: max(0.0, seen[key] - at) for key, at in made.items() if key in seen}
    return Ages(
        orders_s=[age for (_, released), age in ages.items() if not released],
        results_s=[age for (_, released), age in ages.items() if released],
        missing=expected - len(ages),
    )


def run(*, quick: bool) -> list[Row]:
    visits = 20 if quick else VISITS
    server = PostgresServer(durable=True)
    rows: list[Row] = []
    try:
        server.start()
        server.execute("CREATE DATABASE follow")
        with (
            tempfile.TemporaryDirectory() as name,
            hospital(server.url("follow"), Path(name), visits=visits) as scene,
        ):
            for follows, title in ((True, "told of changes"), (False, "asked in turn")):
                service = scene.services[0 if follows else 1]
                ages = follow(scene, follows=follows, service=service)
                note = f"{visits} visits, {ages.missing} missing"
                rows += [
                    Row(
                        name=f"age of a change, {title}, p95",
                        value=ages.p95_s, unit="s", goal=GOAL_S, note=note,
                    ),
                    Row(name="  orders, median", value=median(ages.orders_s), unit="s"),
                    Row(name="  results, median", value=median(ages.results_s), unit="s"),
                ]  # fmt: skip
    finally:
        server.remove()
    return rows


def median(values: Sequence[float]) -> float:
    return statistics.median(values) if values else GIVE_UP_S
