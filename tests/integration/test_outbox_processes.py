"""Real workers, killed while a message is on its way; and the small soak."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import select

from backend.services.remote_party import RemoteParty
from backend.services.resources import Resources
from backend.storage.catalogue import CatalogueSource
from backend.storage.database import Database, open_engine
from backend.storage.outbox_tables import OutboxMessage
from his_adapter.ports import HisGateway
from tests.factories.desk import Desk
from tests.factories.hospital import Hospital, make_config
from tests.soak.__main__ import Child, Plan, find_port, soak
from tests.soak.his import Line, Register, serve

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
PATIENCE_S = 60.0
SPEED = "20"


class HoldingLine(Line):
    """Writes what it is asked to, and keeps its answer to a check-in back until it may speak."""

    def __init__(self, register: Register) -> None:
        super().__init__(register, seed=0, faults=0, chance=0.0, delay_s=0.0)
        self.may_speak = threading.Event()
        self.check_ins = 0

    def answer(self, method: str, body: dict[str, Any]) -> tuple[int, Any] | None:
        answer = super().answer(method, body)
        if method == "check_in":
            self.check_ins += 1
            self.may_speak.wait(PATIENCE_S)
        return answer


def wait_for(what: Callable[[], Any]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < until, "nothing happened"
        time.sleep(0.05)


def test_killed_in_mid_send_it_is_looked_up_not_sent_again(
    database_url: str, tmp_path: Path
) -> None:
    database = Database(open_engine(database_url, pool_size=4), facility_id="main")
    hospital = Hospital(database).set_up()
    hospital.add_room("101")
    hospital.add_service("NOI", "101")
    resources = Resources(
        config=make_config(database_url),
        database=database,
        keys=hospital.keys,
        catalogue=CatalogueSource(database),
        his=cast("HisGateway", None),
        his_party=cast("RemoteParty", None),
        insurer_party=cast("RemoteParty", None),
    )
    line, port = HoldingLine(Register(str(tmp_path / "his.sqlite3"))), find_port()
    threading.Thread(target=serve, args=(port, line), daemon=True).start()
    visit = Desk(resources, hospital).take()

    def message() -> Any:
        with database.read() as connection:
            return connection.execute(select(OutboxMessage.__table__)).one()

    environ = {"TIEPDON_DB": database_url, "TIEPDON_DEMO": "1", "TIEPDON_SPEED": SPEED}
    worker = Child(["tests.soak.worker", str(port), "30"], environ, tmp_path / "worker.log")
    other = Child(["tests.soak.worker", str(port), "30"], environ, tmp_path / "other.log")
    try:
        worker.start()
        wait_for(lambda: line.check_ins == 1)
        other.start()
        # As long as the first one lives the message is its own, however long it takes.
        time.sleep(60 / float(SPEED) + 2)
        assert (message().state, line.check_ins) == ("sending", 1)
        worker.kill()
        wait_for(lambda: message().state == "done")
        assert line.check_ins == 1
        assert message().attempts == 2
    finally:
        line.may_speak.set()
        worker.kill()
        other.kill()
        database.close()
    with sqlite3.connect(tmp_path / "his.sqlite3") as his:
        assert his.execute("SELECT number, status FROM visit").fetchall() == [
            (visit.number, "arrived")
        ]


@pytest.mark.postgres
def test_a_small_soak() -> None:
    report = soak(Plan(registrations=200, faults=40, kills=1, seed=20, speed=20))
    assert report.good, report.show()
    assert sum(report.kills.values()) == 4
