"""64 counters press "next" on one line: nobody twice, nobody passed over, also through kill -9."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from backend.domain.ids import new_id
from backend.domain.queueing import CallRun, Lane, Waiting, order_calls
from backend.domain.roles import StaffRole
from backend.storage.catalogue import load_catalogue
from backend.storage.database import Database, open_engine
from backend.storage.migrate import migrate
from backend.storage.number_tables import Ticket
from backend.storage.queue_tables import Call, Step
from backend.storage.visit_tables import Visit
from tests.factories.accounts import Accounts
from tests.factories.hospital import Hospital
from tests.integration.servers import WebServer
from tests.postgres import PostgresServer

pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.timeout(300)]

COUNTERS = 64
PEOPLE = 128
PATIENCE_S = 120.0


@dataclass
class Counter:
    """One page at one counter, pressing until it has an answer: the same key after every fault."""

    port: int
    credential: str
    room_id: str
    called: list[str] = field(default_factory=list)
    faults: int = 0

    def work(self) -> None:
        """Until nobody waits any more."""
        deadline = time.monotonic() + PATIENCE_S
        seen: dict[str, Any] = {"current": [], "last_call": None}
        key = new_id()
        while time.monotonic() < deadline:
            finish = [
                {"step_id": step["step_id"], "version": step["version"]} for step in seen["current"]
            ]
            body = {"finish": finish, "after_call": seen["last_call"]}
            try:
                status, reply = self._send("POST", "/next", body, key)
            except (OSError, http.client.HTTPException, ValueError):
                self.faults += 1
                time.sleep(0.05)
                continue
            if status >= 500:
                self.faults += 1
                time.sleep(0.05)
                continue
            if status == 200:
                seen, key = reply, new_id()
                if not seen["current"]:
                    return
                self.called.append(seen["current"][0]["number"])
            elif reply.get("code") == "nobody_waiting":
                return
            else:
                raise AssertionError(reply)
        raise AssertionError("no answer in time")

    def _send(self, method: str, path: str, body: object, key: str) -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        headers = {
            "Authorization": f"Bearer {self.credential}",
            "Idempotency-Key": key,
            "Content-Type": "application/json",
        }
        try:
            connection.request(
                method, f"/api/v1/rooms/{self.room_id}{path}", json.dumps(body), headers
            )
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()


class Scene:
    def __init__(self, url: str, folder: Path) -> None:
        engine = open_engine(url, pool_size=4)
        migrate(engine)
        self.database = Database(engine, facility_id="main")
        self.hospital = Hospital(self.database).set_up()
        for number in range(COUNTERS):
            self.hospital.add_room(f"{number:03d}")
        self.hospital.add_service("CHUNG", *self.hospital.rooms, pooled=True)
        accounts = Accounts(self.database)
        accounts.add("goi", StaffRole.ROOM_CALLER)
        self.web = WebServer(url, folder)
        credential = accounts.token("goi")
        self.counters = [
            Counter(port=self.web.port, credential=credential, room_id=room)
            for room in self.hospital.rooms.values()
        ]

    def add_waiting(self, people: int) -> None:
        """Everybody came in a moment of their own; every fifth has priority, every seventh results."""
        queue = self.hospital.services["CHUNG"]
        with self.database.write() as unit:
            catalogue = load_catalogue(unit.connection, "main")
            day = catalogue.today(unit.now)
            for number in range(1, people + 1):
                lane = Lane.PRIORITY if number % 5 == 0 else Lane.NORMAL
                lane = Lane.RESULTS if number % 7 == 0 else lane
                visit_id, step_id = f"visit-{number:04d}", f"step-{number:04d}"
                unit.add(
                    Visit, id=visit_id, person_id=None, day=day, kind="new",
                    lane=lane.value, priority_group=None, priority_declared=False,
                    provisional=False, verified=True, known_to_his=True, use_insurance=True,
                    papers={}, language="vi", scan_id="scan", changes=0, created_at=unit.now,
                )  # fmt: skip
                unit.add(
                    Step, id=step_id, visit_id=visit_id, person_id=None, day=day,
                    position=0, kind="examination", service_id=queue, queue_id=queue,
                    lane=lane.value, queue_key_at=unit.now, quota_scopes=[], state="waiting",
                    state_at=unit.now,
                )  # fmt: skip
                unit.add(
                    Ticket, id=f"ticket-{number:04d}", visit_id=visit_id, day=day,
                    number=f"A{number:03d}", token=f"token-{number:04d}", content={},
                    print_state="printed", issued_at=unit.now,
                )  # fmt: skip

    def press(self, trouble: Callable[[], None] | None = None) -> None:
        """All counters at once, until nobody waits."""
        failures: list[BaseException] = []

        def work(counter: Counter) -> None:
            try:
                counter.work()
            except BaseException as error:  # told to the test below
                failures.append(error)

        threads = [threading.Thread(target=work, args=(each,)) for each in self.counters]
        for thread in threads:
            thread.start()
        if trouble is not None:
            trouble()
        for thread in threads:
            thread.join()
        assert failures == []

    def wait_for(self, calls: int) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while sum(len(each.called) for each in self.counters) < calls:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def check(self, people: int) -> None:
        """Everybody once, in the order the rule gives, and every answer given is true."""
        with self.database.read() as connection:
            catalogue = load_catalogue(connection, "main")
            calls = connection.execute(
                select(Call.number, Call.reason, Call.room_id)
                # An id is made under the lock of the line; times of a transaction begin earlier.
                .where(Call.attempt == 1)
                .order_by(Call.id)
            ).all()
            steps = connection.execute(select(Step.__table__)).all()
        waited = [
            Waiting(
                number=step.id, lane=Lane(step.lane), key_at=step.queue_key_at,
                id=step.visit_id.removeprefix("visit-"),
            )
            for step in steps
        ]  # fmt: skip
        expected = order_calls(
            waited,
            CallRun(),
            now=min(step.queue_key_at for step in steps),
            settings=catalogue.settings,
            limit=people,
        )
        numbers = [f"A{int(call.ticket.id):03d}" for call in expected]
        assert [call.number for call in calls] == numbers
        assert [call.reason for call in calls] == [call.reason.value for call in expected]
        told = sorted(number for counter in self.counters for number in counter.called)
        assert told == sorted(numbers)
        by_room = {counter.room_id: counter.called for counter in self.counters}
        for room, called in by_room.items():
            assert called == [call.number for call in calls if call.room_id == room]
        assert {step.state for step in steps} == {"done"}

    def close(self) -> None:
        self.web.kill()
        self.database.close()


@pytest.fixture
def scene(place: tuple[str, PostgresServer | None], tmp_path: Path) -> Iterator[Scene]:
    url, _ = place
    scene = Scene(url, tmp_path)
    scene.add_waiting(PEOPLE)
    scene.web.start()
    yield scene
    scene.close()


def test_64_counters_at_once(scene: Scene) -> None:
    scene.press()
    scene.check(PEOPLE)


def test_workers_killed_in_the_middle(scene: Scene) -> None:
    def trouble() -> None:
        for part in (1, 2, 3):
            scene.wait_for(part * PEOPLE // 5)
            scene.web.kill_one_worker()

    scene.press(trouble)
    scene.check(PEOPLE)
    assert sum(each.faults for each in scene.counters) > 0


def test_all_server_processes_killed_and_started_again(scene: Scene) -> None:
    def trouble() -> None:
        for part in (1, 2):
            scene.wait_for(part * PEOPLE // 4)
            scene.web.kill()
            scene.web.start()

    scene.press(trouble)
    scene.check(PEOPLE)


def test_the_database_killed_and_started_again(
    scene: Scene, place: tuple[str, PostgresServer | None]
) -> None:
    _, postgres = place
    if postgres is None:
        pytest.skip("SQLite has no process of its own: the test above kills all there are")

    def trouble() -> None:
        scene.wait_for(PEOPLE // 3)
        postgres.kill()
        postgres.start()

    scene.press(trouble)
    scene.database.engine.dispose()
    scene.check(PEOPLE)
