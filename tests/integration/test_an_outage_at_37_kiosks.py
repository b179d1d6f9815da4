"""Half an hour without the server at 37 kiosks: every number arrives, none twice."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from backend.storage.database import Database, open_engine
from backend.storage.migrate import migrate
from backend.storage.number_tables import Ticket
from backend.storage.visit_tables import Visit
from kiosk_ui.errors import GatewayError, NoOfflineNumber
from kiosk_ui.gateway.credential import CredentialFile
from kiosk_ui.gateway.http import HttpGateway
from kiosk_ui.gateway.offline_numbers import OfflineNumberJournal
from tests.factories.hospital import Hospital
from tests.integration.servers import WebServer
from tests.postgres import PostgresServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

KIOSKS = 37
ZONE = "Asia/Ho_Chi_Minh"


class OutageClock:
    """Half an hour ago, until the half hour has passed."""

    def __init__(self) -> None:
        self.behind = timedelta(minutes=31)

    def __call__(self) -> datetime:
        return datetime.now(UTC) - self.behind


class Machine:
    """One kiosk: its line to the server and its journal, as `kiosk_ui.bootstrap` builds them."""

    def __init__(
        self, url: str, folder: Path, index: int, credential: str, clock: OutageClock
    ) -> None:
        self._url, self._index, self._clock = url, index, clock
        self.folder = folder / f"kiosk-{index}"
        self.folder.mkdir()
        CredentialFile(self.folder / "credential.json", url).save(credential)
        self.given: list[tuple[str, str]] = []
        self.start()
        self.journal.fetch_grant(ZONE)

    def start(self) -> None:
        gateway = HttpGateway(
            self._url,
            credential=CredentialFile(self.folder / "credential.json", self._url),
        )
        self.gateway = gateway
        self.journal = OfflineNumberJournal(self.folder / "numbers", gateway, now=self._clock)

    def restart(self) -> None:
        self.close()
        self.start()

    def take(self) -> None:
        try:
            key, ticket = self.journal.take(priority=self._index % 5 == 0, language="vi")
        except NoOfflineNumber:
            return
        self.given.append((key, ticket.number))

    def hand_in(self) -> None:
        """As the kiosk does every ten seconds; a server that is away is tried again."""
        for _ in range(200):
            if not self.journal.waiting():
                return
            try:
                self.journal.hand_in()
            except GatewayError:
                time.sleep(0.1)

    def close(self) -> None:
        self.journal.close()
        self.gateway.close()


def test_half_an_hour_at_37_kiosks(
    place: tuple[str, PostgresServer | None], tmp_path: Path
) -> None:
    url, _ = place
    engine = open_engine(url, pool_size=4)
    migrate(engine)
    database = Database(engine, facility_id="main")
    hospital = Hospital(database).set_up()
    hospital.add_room("Q1")
    hospital.add_service("TD", "Q1", pooled=True, kind="reception")
    server = WebServer(url, tmp_path, workers=2)
    address = f"http://127.0.0.1:{server.port}"
    clock, chance = OutageClock(), random.Random(37)
    credentials = [hospital.add_kiosk(f"K{index}")[1] for index in range(KIOSKS)]
    server.start()
    machines: list[Machine] = []
    try:
        for index, credential in enumerate(credentials):
            machines.append(Machine(address, tmp_path, index, credential, clock))
        server.kill()
        for _ in range(30):
            clock.behind -= timedelta(minutes=1)
            for machine in machines:
                if chance.random() < 0.05:
                    machine.restart()
                if chance.random() < 0.8:
                    machine.take()
        assert sum(m.journal.waiting() for m in machines) == sum(len(m.given) for m in machines)
        server.start()
        with ThreadPoolExecutor(KIOSKS) as pool:
            handed = [pool.submit(machine.hand_in) for machine in machines]
            server.kill()
            server.start()
            for each in handed:
                each.result()
        with database.read() as connection:
            rows = connection.execute(
                select(Ticket.number, Visit.scan_id).join(Visit, Visit.id == Ticket.visit_id)
            ).all()
    finally:
        server.kill()
        for machine in machines:
            machine.close()
        database.close()
    given = {key: number for machine in machines for key, number in machine.given}
    assert {row.scan_id: row.number for row in rows} == given
    assert len(rows) == len(given) == len(set(given.values())) > KIOSKS * 15
