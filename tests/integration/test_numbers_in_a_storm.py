"""No number twice, no gap, nothing acknowledged lost: with real workers, kills and both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from backend.domain.queueing import format_number
from backend.storage.database import Database, open_engine
from backend.storage.migrate import migrate
from backend.storage.number_tables import Number, Ticket
from tests.factories.hospital import Hospital, make_person, make_scan
from tests.integration.servers import Storm, WebServer
from tests.postgres import PostgresServer

pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.timeout(300)]

PEOPLE = 200


class Scene:
    def __init__(self, url: str, postgres: PostgresServer | None, folder: Path) -> None:
        self.postgres = postgres
        engine = open_engine(url, pool_size=4)
        migrate(engine)
        self.database = Database(engine, facility_id="main")
        self.hospital = Hospital(self.database).set_up()
        self.hospital.add_room("101")
        self.hospital.add_service("NOI", "101", pooled=True)
        self.kiosk, credential = self.hospital.add_kiosk()
        self.web = WebServer(url, folder)
        self.storm = Storm(port=self.web.port, credential=credential)

    def make_bodies(self, people: int, *, first: int = 0) -> list[dict[str, object]]:
        scans = self.hospital.add_scans(
            self.kiosk,
            [make_scan(make_person(serial)) for serial in range(first, first + people)],
            lifetime_s=3600,
        )
        service = self.hospital.services["NOI"]
        return [{"scan_id": scan, "service_id": service} for scan in scans]

    def read_numbers(self) -> dict[int, str | None]:
        with self.database.read() as connection:
            rows = connection.execute(select(Number.number, Number.visit_id)).all()
        numbers = {row.number: row.visit_id for row in rows}
        assert len(numbers) == len(rows), "a number twice"
        return numbers

    def check(self, people: int) -> None:
        """Everybody has one number, the numbers are 1 … n, and every answer given is true."""
        numbers = self.read_numbers()
        assert sorted(numbers) == list(range(1, len(numbers) + 1)), "a gap"
        assert all(numbers.values())
        assert len(numbers) == people
        assert self.storm.refused == []
        with self.database.read() as connection:
            stored = {
                row.visit_id: row.number
                for row in connection.execute(select(Ticket.visit_id, Ticket.number))
            }
        answered = {
            str(answer["id"]): answer["number"]
            for answers in self.storm.answers.values()
            for answer in answers
        }
        assert answered == stored
        assert {format_number("A", number): visit for number, visit in numbers.items()} == {
            number: visit for visit, number in stored.items()
        }

    def close(self) -> None:
        self.web.kill()
        self.database.close()


@pytest.fixture
def scene(place: tuple[str, PostgresServer | None], tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(*place, tmp_path)
    scene.web.start()
    yield scene
    scene.close()


def test_64_clients_at_once(scene: Scene) -> None:
    scene.storm.run(scene.make_bodies(PEOPLE))
    scene.check(PEOPLE)


def test_64_kiosks_with_one_card_get_one_number(scene: Scene) -> None:
    bodies = [scene.make_bodies(1)[0] for _ in range(64)]
    scene.storm.run(bodies)
    scene.check(1)
    replies = [answer for answers in scene.storm.answers.values() for answer in answers]
    assert len(replies) == 64
    assert sum(not reply["existing"] for reply in replies) == 1


def test_one_key_pressed_64_times_at_once_gives_one_answer(scene: Scene) -> None:
    (body,) = scene.make_bodies(1)
    replies: list[dict[str, object] | None] = []
    import threading

    threads = [
        threading.Thread(target=lambda: replies.append(scene.storm.press("one-intent", body)))
        for _ in range(64)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(replies) == 64
    assert all(reply == replies[0] for reply in replies)
    assert list(scene.read_numbers()) == [1]


def test_workers_killed_in_the_middle(scene: Scene) -> None:
    def trouble(storm: Storm) -> None:
        for part in (1, 2, 3):
            storm.wait_for(part * PEOPLE // 5)
            scene.web.kill_one_worker()

    scene.storm.run(scene.make_bodies(PEOPLE), trouble=trouble)
    scene.check(PEOPLE)


def test_all_server_processes_killed_and_started_again(scene: Scene) -> None:
    def trouble(storm: Storm) -> None:
        for part in (1, 2):
            storm.wait_for(part * PEOPLE // 4)
            scene.web.kill()
            scene.web.start()

    scene.storm.run(scene.make_bodies(PEOPLE), trouble=trouble)
    scene.check(PEOPLE)


def test_the_database_killed_and_started_again(scene: Scene) -> None:
    if scene.postgres is None:
        pytest.skip("SQLite has no process of its own: the test above kills all there are")
    postgres = scene.postgres

    def trouble(storm: Storm) -> None:
        for part in (1, 2):
            storm.wait_for(part * PEOPLE // 4)
            postgres.kill()
            postgres.start()

    scene.storm.run(scene.make_bodies(PEOPLE), trouble=trouble)
    scene.database.engine.dispose()
    scene.check(PEOPLE)


def test_limits_hold_with_everybody_at_once(scene: Scene) -> None:
    scene.hospital.add_room("201", limit=20)
    scene.hospital.add_service("NHO", "201")
    scene.hospital.touch_catalogue()
    bodies = scene.make_bodies(64)
    for body in bodies:
        body["service_id"] = scene.hospital.services["NHO"]
    scene.web.kill()
    scene.web.start()
    scene.storm.run(bodies)
    assert len(scene.read_numbers()) == 20
    assert len(scene.storm.answers) == 20
    assert len(scene.storm.refused) == 44
