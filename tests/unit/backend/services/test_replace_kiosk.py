"""New hardware in the place of dead hardware: everything of the place stays, the old one is out."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from backend.domain.alerts import AlertKind
from backend.errors import EnrolmentRefused, KioskNotFound, LoginRequired
from backend.services.change_kiosk import set_profile
from backend.services.enrol_kiosk import enrol_kiosk, invite_replacement, revoke_one
from backend.services.order_kiosk import order_kiosk
from backend.services.raise_alert import raise_alert
from backend.services.recognise_caller import Callers, credential_hash
from backend.services.record_device_event import record_device_event
from backend.services.show_fleet import list_invitations, show_fleet
from backend.services.take_report import take_report
from backend.storage.audit_tables import AuditEvent
from backend.storage.database import Database
from backend.storage.number_tables import OfflineSeries
from tests.conftest import SettableClock
from tests.factories.fleet import list_alerts, make_report
from tests.factories.hospital import Hospital


def use(database: Database, code: str) -> tuple[str, str]:
    enrolled = enrol_kiosk(database, untrusted_code=code, name="whatever", demo=False)
    return enrolled.kiosk_id, enrolled.credential


def test_the_new_machine_is_the_old_kiosk(database: Database, clock: SettableClock) -> None:
    kiosk, old = Hospital(database).add_kiosk("Sảnh A")
    set_profile(database, kiosk.id, "fees", actor="staff:x")
    with database.write() as unit:
        unit.add(OfflineSeries, letter="K", kiosk_id=kiosk.id, journal_id="j1",
                 granted_at=unit.now)  # fmt: skip
    take_report(database, kiosk_id=kiosk.id, report=make_report(clock.now, paper="out"))
    order_kiosk(database, kiosk.id, "restart", actor="staff:x")
    code = invite_replacement(database, kiosk.id, actor="staff:x")
    assert list_invitations(database)[0].kiosk_id == kiosk.id
    assert Callers(database).find(old) is not None
    kiosk_id, new = use(database, code)
    assert kiosk_id == kiosk.id
    assert Callers(database).find(old) is None
    caller = Callers(database).find(new)
    assert caller is not None
    assert (caller.id, caller.name) == (kiosk.id, "Sảnh A")
    (view,) = show_fleet(database)
    assert (view.profile, view.troubles) == ("fees", ())
    assert list_alerts(database) == [(AlertKind.PAPER_OUT, False)]
    assert take_report(database, kiosk_id=kiosk.id).orders == []
    with database.read() as connection:
        assert connection.scalar(select(OfflineSeries.kiosk_id)) == kiosk.id
        events = list(connection.scalars(select(AuditEvent.event)))
    assert {"kiosk_invited", "kiosk_replaced"} <= set(events)
    # Another installation from now on: that is no second machine.
    for number in range(6):
        report = make_report(clock.now, machine="m-2" if number else "m-1")
        take_report(database, kiosk_id=kiosk.id, report=report)
        clock.advance(seconds=30)
    assert len(list_alerts(database)) == 1


def test_a_dead_kiosk_is_away_until_the_new_machine_speaks(
    database: Database, clock: SettableClock
) -> None:
    """Told once, and once on return: not in between because somebody used the code."""
    kiosk, _ = Hospital(database).add_kiosk("Sảnh A")
    take_report(database, kiosk_id=kiosk.id, report=make_report(clock.now))
    clock.advance(minutes=3)
    with database.write() as unit:
        raise_alert(unit, AlertKind.KIOSK_AWAY, subject=f"kiosk:{kiosk.id}", detail={})
    use(database, invite_replacement(database, kiosk.id, actor="staff:x"))
    assert list_alerts(database) == [(AlertKind.KIOSK_AWAY, True)]
    take_report(database, kiosk_id=kiosk.id, report=make_report(clock.now))
    assert list_alerts(database) == [(AlertKind.KIOSK_AWAY, False)]


def test_a_machine_that_was_let_in_a_moment_ago_is_out_for_what_it_says_of_itself(
    database: Database, clock: SettableClock
) -> None:
    """Its credential is believed for some seconds more; an alert it raised would stand for ever."""
    kiosk, old = Hospital(database).add_kiosk("Sảnh A")
    take_report(database, kiosk_id=kiosk.id, report=make_report(clock.now))
    _, new = use(database, invite_replacement(database, kiosk.id, actor="staff:x"))
    paper_out = make_report(clock.now, paper="out")

    def tell(credential: str) -> None:
        known = credential_hash(credential)
        take_report(database, kiosk_id=kiosk.id, report=paper_out, token_hash=known)

    def tell_device(credential: str) -> None:
        record_device_event(
            database, kiosk_id=kiosk.id, device="printer", state="paper_end", reason=None,
            token_hash=credential_hash(credential),
        )  # fmt: skip

    for way in (tell, tell_device):
        with pytest.raises(LoginRequired):
            way(old)
    assert list_alerts(database) == []
    tell(new)
    revoke_one(database, kiosk.id, actor="staff:x")
    for way in (tell, tell_device):
        with pytest.raises(LoginRequired):
            way(new)
    assert list_alerts(database) == [(AlertKind.PAPER_OUT, False)]


def test_a_code_is_used_once_and_a_newer_one_ends_it(database: Database) -> None:
    kiosk, _ = Hospital(database).add_kiosk("Sảnh A")
    first = invite_replacement(database, kiosk.id, actor="staff:x")
    second = invite_replacement(database, kiosk.id, actor="staff:x")
    with pytest.raises(EnrolmentRefused):
        use(database, first)
    use(database, second)
    with pytest.raises(EnrolmentRefused):
        use(database, second)


def test_nobody_takes_the_place_of_a_kiosk_that_was_given_up(database: Database) -> None:
    kiosk, _ = Hospital(database).add_kiosk("Sảnh A")
    code = invite_replacement(database, kiosk.id, actor="staff:x")
    revoke_one(database, kiosk.id, actor="staff:x")
    with pytest.raises(EnrolmentRefused):
        use(database, code)
    with pytest.raises(KioskNotFound):
        revoke_one(database, kiosk.id, actor="staff:x")
    with pytest.raises(KioskNotFound):
        invite_replacement(database, kiosk.id, actor="staff:x")
