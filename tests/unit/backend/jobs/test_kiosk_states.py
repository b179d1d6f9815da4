"""Whatever a kiosk says, however it comes and goes: each trouble is told once, and once when over."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import delete, select

from backend.domain.alerts import AlertKind
from backend.domain.settings import Words
from backend.jobs.watch_fleet import FleetWatch
from backend.services.change_kiosk import pause_kiosk, resume_kiosk
from backend.services.keep_figures import Figures
from backend.services.record_device_event import record_device_event
from backend.services.resources import Resources
from backend.services.take_report import take_report
from backend.storage import fleet_tables as fleet
from backend.storage.kiosk_tables import DeviceEvent, Heartbeat
from tests.conftest import SettableClock
from tests.factories.fleet import make_report
from tests.factories.hospital import Hospital

EXAMPLES, STEPS = 20, 30
SAID = st.fixed_dictionaries(
    {},
    optional={
        "printer": st.sampled_from(["ready", "paper_end", "cover_open", "offline", None]),
        "paper": st.sampled_from(["ok", "low", "out", "unknown", None]),
        "scanner": st.sampled_from(["ready", "stale", "absent", None]),
        "touch": st.sampled_from(["ok", "suspect", "absent", None]),
        "disk_free_percent": st.sampled_from([2.0, 12.0, 60.0, None]),
        "memory_percent": st.sampled_from([30.0, 90.0, 99.0, None]),
        "temperature_c": st.sampled_from([40.0, 77.0, 95.0, None]),
        "machine": st.sampled_from(["a", "b"]),
    },
)
DEVICES = st.sampled_from(["printer", "scanner", "camera", "touch"])
STATES = st.sampled_from(["ready", "error", "paper_end", "absent"])


class Life(RuleBasedStateMachine):
    resources: Resources
    clock: SettableClock
    kiosk_id: str

    @initialize()
    def begin(self) -> None:
        with self.resources.database.write() as unit:
            for table in (
                fleet.AlertNotice, fleet.Alert, fleet.KioskAbsence, Heartbeat,
                DeviceEvent,
            ):  # fmt: skip
                unit.connection.execute(delete(table))
        resume_kiosk(self.resources.database, self.kiosk_id, actor="staff:x")
        self.watch = FleetWatch()
        self.web = Figures(self.resources.database, kind="web")

    @rule(said=SAID, skew_s=st.sampled_from([0, 4, -9, 86_400]))
    def beat(self, said: dict[str, Any], skew_s: int) -> None:
        now = self.clock.now
        self.clock.advance(seconds=skew_s)
        report = make_report(self.clock.now, **said)
        self.clock.now = now
        take_report(self.resources.database, kiosk_id=self.kiosk_id, report=report)
        self.pass_time(30)

    @rule(device=DEVICES, state=STATES)
    def tell(self, device: str, state: str) -> None:
        record_device_event(
            self.resources.database, kiosk_id=self.kiosk_id, device=device, state=state, reason=None
        )

    @rule()
    def be_well(self) -> None:
        report = make_report(self.clock.now, machine="a", camera_frame_age_ms=20.0)
        take_report(self.resources.database, kiosk_id=self.kiosk_id, report=report)
        self.pass_time(30)

    @rule(seconds=st.sampled_from([10, 60, 120]))
    def pass_time(self, seconds: int) -> None:
        for _ in range(0, seconds, 10):
            self.clock.advance(seconds=10)
            self.web.hand_in()
            self.watch.run(self.resources)

    @rule(out=st.booleans())
    def order(self, out: bool) -> None:
        database = self.resources.database
        if out:
            pause_kiosk(database, self.kiosk_id, Words(vi="Nghỉ.", en="Off."), actor="staff:x")
        else:
            resume_kiosk(database, self.kiosk_id, actor="staff:x")

    def alerts(self) -> list[Any]:
        with self.resources.database.read() as connection:
            return list(
                connection.execute(
                    select(fleet.Alert.__table__).order_by(fleet.Alert.raised_at, fleet.Alert.id)
                )
            )

    @invariant()
    def each_is_raised_and_cleared_in_turn(self) -> None:
        alerts = self.alerts()
        for kind in {alert.kind for alert in alerts}:
            mine = [alert for alert in alerts if alert.kind == kind]
            assert all(alert.cleared_at is not None for alert in mine[:-1])
            for earlier, later in pairwise(mine):
                assert earlier.cleared_at <= later.raised_at

    @invariant()
    def each_turn_is_told_once(self) -> None:
        alerts = self.alerts()
        with self.resources.database.read() as connection:
            told = connection.execute(
                select(fleet.AlertNotice.alert_id, fleet.AlertNotice.phase)
            ).all()
        due = [(alert.id, "raised") for alert in alerts]
        due += [(alert.id, "cleared") for alert in alerts if alert.cleared_at is not None]
        assert sorted(map(tuple, told)) == sorted(due)

    @invariant()
    def one_absence_is_open_while_it_is_away(self) -> None:
        with self.resources.database.read() as connection:
            open_ = connection.execute(
                select(fleet.KioskAbsence.id).where(fleet.KioskAbsence.ended_at.is_(None))
            ).all()
        assert len(open_) <= 1
        is_away = any(
            alert.kind == AlertKind.KIOSK_AWAY and alert.cleared_at is None
            for alert in self.alerts()
        )
        assert not is_away or open_

    def teardown(self) -> None:
        """Well for long enough, and nothing stands any more."""
        if not hasattr(self, "watch"):
            return
        resume_kiosk(self.resources.database, self.kiosk_id, actor="staff:x")
        for _ in range(15):
            self.be_well()
        assert [alert.kind for alert in self.alerts() if alert.cleared_at is None] == []


def test_each_trouble_is_told_once_and_once_when_it_is_over(
    resources: Resources, clock: SettableClock
) -> None:
    class ThisLife(Life):
        pass

    ThisLife.resources, ThisLife.clock = resources, clock
    ThisLife.kiosk_id = Hospital(resources.database).add_kiosk("K1")[0].id
    run_state_machine_as_test(  # type: ignore[no-untyped-call]  # hypothesis
        ThisLife,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
