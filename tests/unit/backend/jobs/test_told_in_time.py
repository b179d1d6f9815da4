"""From a kiosk's last sign of life to the mail in somebody's pocket: two minutes at the worst."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import pytest

from backend.jobs.tell_alerts import tell_alerts
from backend.jobs.watch_fleet import FleetWatch
from backend.jobs.worker import JOBS, TELL_EVERY_S
from backend.services.keep_figures import Figures
from backend.services.resources import Resources
from backend.services.take_report import take_report
from backend.storage.database import Database
from tests.conftest import SettableClock
from tests.factories.fleet import make_report
from tests.factories.hospital import Hospital
from tests.factories.told import MailServer
from tests.unit.backend.jobs.test_tell_alerts import mail_to

STEP_S = int(TELL_EVERY_S)
WATCH_EVERY_S = next(job.every_s for job in JOBS if job.name == "watch_fleet")


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    server = MailServer().start()
    yield server
    server.stop()


class House:
    """Kiosks that beat every thirty seconds, each at a second of its own, and the worker's jobs."""

    def __init__(self, resources: Resources, clock: SettableClock, server: MailServer) -> None:
        config = replace(resources.config, alert_channels=(mail_to(server),))
        self._resources = replace(resources, config=config)
        self._clock = clock
        self._server = server
        self._watch = FleetWatch()
        self._web = Figures(resources.database, kind="web")
        self._second = 0
        self.beat_at: dict[str, datetime] = {}
        self.told: list[datetime] = []

    def live(self, seconds: int, *, beating: dict[str, int]) -> None:
        """`beating`: kiosk → the second of its beats."""
        for _ in range(0, seconds, STEP_S):
            for kiosk_id, phase in beating.items():
                if (self._second - phase) % 30 == 0:
                    report = make_report(self._clock.now)
                    take_report(self._resources.database, kiosk_id=kiosk_id, report=report)
                    self.beat_at[kiosk_id] = self._clock.now
            if self._second % WATCH_EVERY_S == 0:
                self._web.hand_in()
                self._watch.run(self._resources)
            before = len(self._server.mails)
            tell_alerts(self._resources)
            self.told += [self._clock.now] * (len(self._server.mails) - before)
            self._second += STEP_S
            self._clock.advance(seconds=STEP_S)


@pytest.mark.parametrize("phase", [0, 2, 8, 28])
def test_away_once_and_once_on_return(
    resources: Resources,
    database: Database,
    clock: SettableClock,
    mail_server: MailServer,
    phase: int,
) -> None:
    kiosk_id = Hospital(database).add_kiosk("Kiosk 3")[0].id
    house = House(resources, clock, mail_server)
    house.live(150, beating={kiosk_id: phase})
    house.live(240, beating={})
    assert len(house.told) == 1
    assert (house.told[0] - house.beat_at[kiosk_id]).total_seconds() <= 118
    house.live(90, beating={kiosk_id: phase})
    assert [mail["Subject"] for mail in mail_server.mails] == [
        "[Tiếp đón] Kiosk 3: mất liên lạc",
        "[Tiếp đón] Kiosk 3: đã có lại",
    ]


def test_a_switch_that_dies_is_two_mails_at_most(
    resources: Resources, database: Database, clock: SettableClock, mail_server: MailServer
) -> None:
    hospital = Hospital(database)
    phases = {hospital.add_kiosk(f"Kiosk {number}")[0].id: 2 * number for number in range(12)}
    house = House(resources, clock, mail_server)
    house.live(150, beating=phases)
    house.live(240, beating={})
    assert 1 <= len(mail_server.mails) <= 2
    text = "".join(mail.get_content() for mail in mail_server.mails)
    assert all(f"• Kiosk {number}: mất liên lạc" in text for number in range(12))
