from __future__ import annotations

import itertools
import threading
from datetime import date, datetime, timedelta
from typing import cast

import pytest
from sqlalchemy import func, insert, select, update

from backend.domain.ids import new_id
from backend.domain.reports.figures import Book, Cut, open_page
from backend.domain.reports.periods import Period, Span
from backend.domain.settings import Words
from backend.domain.visit import PrintState
from backend.jobs.close_past_steps import close_past_steps
from backend.jobs.roll_up import roll_up
from backend.jobs.watch_reports import watch_reports
from backend.services.act_on_step import StepAct
from backend.services.call_for_help import HelpWish, call_for_help
from backend.services.change_kiosk import pause_kiosk, resume_kiosk
from backend.services.remote_party import RemoteParty
from backend.services.report_print_state import PrintReport, keep_print_report
from backend.services.resources import Resources
from backend.services.roll_up_day import roll_up_day
from backend.services.show_report import show_report
from backend.storage.catalogue import CatalogueSource
from backend.storage.catalogue_tables import ClosedDay
from backend.storage.database import Database
from backend.storage.fleet_tables import KioskAbsence
from backend.storage.report_figures import load_book, save_day
from backend.storage.report_tables import ReportFigure, ReportRoll
from backend.storage.visit_tables import Visit
from his_adapter.ports import HisGateway
from tests.conftest import SettableClock
from tests.factories.desk import Desk, read
from tests.factories.hospital import Hospital, make_config, make_scan
from tests.factories.money import Till
from tests.factories.rooms import Console

MONDAY = date(2026, 11, 23)


@pytest.fixture
def hospital(database: Database) -> Hospital:
    hospital = Hospital(database).set_up()
    for code in ("101", "102"):
        hospital.add_room(code)
    hospital.add_service("NOI", "101", minutes=5)
    hospital.add_service("CHUNG", "101", "102", pooled=True, series_letter="C")
    return hospital


def make_resources(hospital: Hospital) -> Resources:
    """Without HIS: nothing here asks it."""
    return Resources(
        config=make_config(),
        database=hospital.database,
        keys=hospital.keys,
        catalogue=CatalogueSource(hospital.database, monotonic_s=itertools.count(0, 60).__next__),
        his=cast("HisGateway", None),
        his_party=cast("RemoteParty", None),
        insurer_party=cast("RemoteParty", None),
    )


@pytest.fixture
def resources(hospital: Hospital) -> Resources:
    return make_resources(hospital)


@pytest.fixture
def desk(resources: Resources, hospital: Hospital) -> Desk:
    return Desk(resources, hospital)


@pytest.fixture
def room(resources: Resources, hospital: Hospital) -> Console:
    return Console(resources, hospital, "101")


def see(desk: Desk, room: Console, clock: SettableClock, *, wait: float, serve: float) -> str:
    room.seen = None
    visit = desk.take("NOI")
    clock.advance(minutes=wait)
    room.next()
    clock.advance(minutes=serve)
    assert room.seen is not None
    room.act(room.seen.current[0], StepAct.FINISH)
    return visit.id


def load(resources: Resources, span: Span = Span.DAY, first: date = MONDAY) -> Book:
    with resources.database.read() as connection:
        return load_book(connection, "main", span, [first], tuple(Cut))


def as_text(book: Book) -> dict[str, object]:
    return {f"{cut}:{key}": page.to_json() for (cut, key), page in sorted(book.items())}


def test_a_day_is_counted_as_it_was(
    desk: Desk, room: Console, resources: Resources, clock: SettableClock
) -> None:
    see(desk, room, clock, wait=20, serve=10)
    see(desk, room, clock, wait=40, serve=5)
    desk.take("CHUNG")
    roll_up(resources)
    book = load(resources)
    whole = open_page(book, Cut.ALL)
    assert whole.get("visits") == 3
    assert whole.get("done") == 2
    assert whole.spread("wait").total == 3600
    assert whole.spread("serve").total == 900
    assert whole.spread("stay").cases == 2
    assert whole.get("stay_missing") == 1
    assert book[Cut.ROOM, room.room_id].spread("wait").cases == 2
    assert book[Cut.ROOM_HOUR, f"{room.room_id}:08"].spread("wait").cases == 2
    assert book[Cut.KIND, "examination"].get("steps") == 3
    assert whole.get("calls") == 2


def test_counting_again_changes_nothing(
    desk: Desk, room: Console, resources: Resources, clock: SettableClock
) -> None:
    see(desk, room, clock, wait=20, serve=10)
    roll_up(resources)
    first = as_text(load(resources))
    clock.advance(minutes=15)
    for _ in range(3):
        assert roll_up_day(resources.database, resources.catalogue.get(), MONDAY)
    assert as_text(load(resources)).keys() == first.keys()
    later = open_page(load(resources), Cut.ALL)
    assert later.get("visits") == 1
    assert later.spread("wait").total == 1200


def test_a_day_without_news_is_not_counted_again(
    desk: Desk, resources: Resources, clock: SettableClock
) -> None:
    desk.take("NOI")
    assert roll_up(resources) == 1
    clock.advance(minutes=30)
    # What changed just before the last look is looked at once more.
    roll_up(resources)
    clock.advance(seconds=10)
    assert roll_up(resources) == 0


def test_today_is_counted_again_after_a_pause(
    desk: Desk, resources: Resources, clock: SettableClock
) -> None:
    desk.take("NOI")
    roll_up(resources)
    clock.advance(seconds=20)
    desk.take("NOI")
    assert roll_up(resources) == 0
    clock.advance(minutes=10)
    assert roll_up(resources) == 1
    assert open_page(load(resources), Cut.ALL).get("visits") == 2


def test_a_day_of_the_past_waits_with_today_instead_of_being_counted_each_minute(
    desk: Desk, resources: Resources, clock: SettableClock
) -> None:
    desk.take("NOI")
    clock.advance(days=1)
    desk.take("NOI")
    roll_up(resources)
    with resources.database.write() as unit:
        # As in a large hospital.
        unit.connection.execute(update(ReportRoll).values(took_ms=9_000))
    close_past_steps(resources)
    runs = []
    for _ in range(20):
        clock.advance(minutes=1)
        desk.take("NOI")
        runs.append(roll_up(resources))
        with resources.database.write() as unit:
            unit.connection.execute(update(ReportRoll).values(took_ms=9_000))
    assert runs.count(0) >= 18
    assert 2 in runs
    assert open_page(load(resources), Cut.ALL).get("expired") == 1


def test_what_arrives_late_is_counted_into_its_own_day(
    desk: Desk, room: Console, resources: Resources, clock: SettableClock
) -> None:
    see(desk, room, clock, wait=20, serve=10)
    desk.take("NOI")
    roll_up(resources)
    clock.advance(days=1)
    roll_up(resources)
    assert open_page(load(resources), Cut.ALL).get("expired") == 0
    close_past_steps(resources)
    clock.advance(minutes=1)
    roll_up(resources)
    whole = open_page(load(resources), Cut.ALL)
    assert whole.get("expired") == 1
    assert whole.get("done") == 1
    month = open_page(load(resources, Span.MONTH, date(2026, 11, 1)), Cut.ALL)
    assert month.to_json() == whole.to_json()


def test_days_before_the_reports_began_are_caught_up(
    desk: Desk, resources: Resources, clock: SettableClock
) -> None:
    for _ in range(3):
        desk.take("NOI")
        clock.advance(days=1)
    assert roll_up(resources, monotonic_s=itertools.count(0, 12).__next__) == 2
    assert roll_up(resources) == 1
    for day in range(3):
        first = MONDAY + timedelta(days=day)
        assert open_page(load(resources, first=first), Cut.ALL).get("visits") == 1
    month = open_page(load(resources, Span.MONTH, date(2026, 11, 1)), Cut.ALL)
    assert month.get("visits") == 3


def test_days_of_long_ago_are_caught_up_too(
    desk: Desk, resources: Resources, clock: SettableClock
) -> None:
    for _ in range(3):
        desk.take("NOI")
        clock.advance(days=30)
    for _ in range(3):
        roll_up(resources, monotonic_s=itertools.count(0, 20).__next__)
    for days in (0, 30, 60):
        first = MONDAY + timedelta(days=days)
        assert open_page(load(resources, first=first), Cut.ALL).get("visits") == 1
    assert roll_up(resources) == 0


def test_money_of_a_day_without_visits_is_counted(
    desk: Desk, resources: Resources, clock: SettableClock
) -> None:
    desk.take("NOI")
    roll_up(resources)
    clock.advance(days=1)
    Till(resources.database).add_payment(150_000, state="posted", paid_at=clock())
    roll_up(resources)
    clock.advance(days=1)
    Till(resources.database).add_payment(state="expired")
    assert watch_reports(resources) == 0
    clock.advance(days=1)
    roll_up(resources)
    first = MONDAY + timedelta(days=1)
    assert open_page(load(resources, first=first), Cut.ALL).get("pay.qr_vnd") == 150_000
    later = open_page(load(resources, first=MONDAY + timedelta(days=2)), Cut.ALL)
    assert later.get("pay.qr_ended_unpaid") == 1
    month = open_page(load(resources, Span.MONTH, date(2026, 11, 1)), Cut.ALL)
    assert (month.get("visits"), month.get("pay.qr_vnd")) == (1, 150_000)
    clock.advance(minutes=10)
    assert roll_up(resources) == 0
    # Nobody came on these two days: nobody has to sign.
    assert watch_reports(resources) == 0
    tuesday = Period.of(Span.DAY, first)
    assert not show_report(resources.database, resources.catalogue.get(), tuesday).is_overdue


def test_a_day_is_counted_once_more_when_it_is_over(
    desk: Desk, resources: Resources, clock: SettableClock
) -> None:
    desk.take("NOI")
    roll_up(resources)
    clock.advance(hours=18)
    assert roll_up(resources) >= 1
    clock.advance(minutes=1)
    assert roll_up(resources) == 0


def test_of_two_who_count_at_once_the_newer_view_stays(
    desk: Desk, resources: Resources, clock: SettableClock
) -> None:
    desk.take("NOI")
    roll_up(resources)
    period = Period.of(Span.DAY, MONDAY)
    with resources.database.write() as unit:
        earlier = clock() - timedelta(seconds=1)
        assert not save_day(unit, period, {}, at=earlier, took_ms=1)
    assert open_page(load(resources), Cut.ALL).get("visits") == 1


def test_two_workers_at_once_leave_one_set_of_rows(desk: Desk, resources: Resources) -> None:
    for _ in range(5):
        desk.take("NOI")
    catalogue = resources.catalogue.get()
    threads = [
        threading.Thread(target=roll_up_day, args=(resources.database, catalogue, MONDAY))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert open_page(load(resources), Cut.ALL).get("visits") == 5
    with resources.database.read() as connection:
        rows = connection.scalar(select(func.count()).select_from(ReportFigure))
    assert rows == len(load(resources))


def test_from_the_first_touch_to_the_paper(
    desk: Desk, resources: Resources, clock: SettableClock
) -> None:
    scan_id = desk.hospital.add_scan(desk.kiosk, make_scan())
    visit = read(desk.start(desk.wish("NOI", scan_id, since_touch_ms=31_000, language="en")))
    clock.advance(seconds=4)
    report = PrintReport(job_id=new_id(), state=PrintState.PRINTED, reason=None, elapsed_ms=3000)
    with resources.database.write() as unit:
        keep_print_report(unit, visit.id, report, kiosk=desk.kiosk)
    roll_up(resources)
    page = load(resources)[Cut.AGE_LANGUAGE, "16_59:en"]
    assert page.spread("touch").total == 35


def test_tickets_that_did_not_come_out_are_counted_of_their_kiosk(
    desk: Desk, resources: Resources, clock: SettableClock
) -> None:
    for state in (PrintState.FAILED, PrintState.UNKNOWN, PrintState.UNCONFIRMED):
        visit, job_id = desk.take("NOI"), new_id()
        for said in (state, PrintState.PRINTED):
            report = PrintReport(job_id=job_id, state=said, reason=None, elapsed_ms=3000)
            with resources.database.write() as unit:
                keep_print_report(unit, visit.id, report, kiosk=desk.kiosk)
            if state is not PrintState.UNKNOWN:
                break
    roll_up(resources)
    for key in ((Cut.KIOSK, desk.kiosk.id), (Cut.ALL, "")):
        assert load(resources)[key].get("print_troubles") == 2


def test_kiosks_help_and_absence(desk: Desk, resources: Resources, clock: SettableClock) -> None:
    desk.take("NOI")
    call_for_help(
        resources.database,
        HelpWish(kind="help", screen="scan", visit_id=None),
        kiosk=desk.kiosk,
        intent=None,
        show=lambda call: call.id,
    )
    began_at = clock()
    clock.advance(hours=1)
    with resources.database.write() as unit:
        unit.connection.execute(
            insert(KioskAbsence).values(
                id=new_id(), facility_id="main", kiosk_id=desk.kiosk.id,
                began_at=began_at, ended_at=began_at + timedelta(minutes=15),
            )
        )  # fmt: skip
    roll_up(resources)
    page = load(resources)[Cut.KIOSK, desk.kiosk.id]
    assert page.get("help_calls") == 1
    assert page.get("away_s") == 900
    assert page.get("expected_s") == 3600


def test_a_kiosk_is_not_away_while_staff_have_paused_it(
    desk: Desk, resources: Resources, clock: SettableClock
) -> None:
    desk.take("NOI")
    words, database = Words(vi="Tạm ngưng", en="Paused"), resources.database
    clock.advance(minutes=10)
    away_at = clock()
    pause_kiosk(database, desk.kiosk.id, words, actor="staff:it")
    clock.advance(minutes=10)
    pause_kiosk(database, desk.kiosk.id, words, actor="staff:it")
    clock.advance(minutes=10)
    resume_kiosk(database, desk.kiosk.id, actor="staff:it")
    clock.advance(minutes=10)
    with database.write() as unit:
        unit.connection.execute(
            insert(KioskAbsence).values(
                id=new_id(), facility_id="main", kiosk_id=desk.kiosk.id,
                began_at=away_at + timedelta(minutes=5), ended_at=clock(),
            )
        )  # fmt: skip
    clock.advance(minutes=10)
    pause_kiosk(database, desk.kiosk.id, words, actor="staff:it")
    clock.advance(minutes=10)
    roll_up(resources)
    page = load(resources)[Cut.KIOSK, desk.kiosk.id]
    assert page.get("expected_s") == 30 * 60
    assert page.get("away_s") == 10 * 60


@pytest.mark.parametrize(
    ("weekdays", "is_closed", "expected_s"),
    [
        (range(7), False, 3600),
        (range(7), True, 0),
        (range(5, 7), False, 0),
        (range(0), False, 3600),
        (range(0), True, 0),
    ],
)
def test_on_a_closed_day_no_kiosk_is_expected_to_work(
    database: Database,
    clock: SettableClock,
    weekdays: range,
    is_closed: bool,
    expected_s: int,
) -> None:
    hospital = Hospital(database).set_up()
    hospital.add_room("101", weekdays=weekdays)
    if is_closed:
        with database.write() as unit:
            unit.connection.execute(
                insert(ClosedDay).values(id=new_id(), facility_id="main", day=MONDAY)
            )
    resources = make_resources(hospital)
    desk = Desk(resources, hospital)
    clock.advance(hours=1)
    roll_up_day(database, resources.catalogue.get(), MONDAY)
    assert load(resources)[Cut.KIOSK, desk.kiosk.id].get("expected_s") == expected_s


def test_codes_that_were_read_come_from_the_audit_trail(
    desk: Desk, resources: Resources, clock: SettableClock
) -> None:
    scan_id = desk.hospital.add_scan(desk.kiosk, make_scan())
    with resources.database.write() as unit:
        for subject, outcome in ((scan_id, "identified"), ("other", "see_staff")):
            unit.audit(
                "person_identified",
                actor=desk.kiosk.actor,
                subject=f"scan:{subject}",
                detail={"kind": "vneid", "outcome": outcome},
            )
    desk.start(desk.wish("NOI", scan_id))
    roll_up(resources)
    whole = open_page(load(resources), Cut.ALL)
    assert whole.get("identified.vneid") == 1
    assert whole.get("lookup.vneid") == 2
    assert whole.get("found.vneid") == 1


def test_a_day_of_another_facility_is_not_ours(
    desk: Desk, resources: Resources, clock: SettableClock
) -> None:
    desk.take("NOI")
    with resources.database.write() as unit:
        unit.connection.execute(Visit.__table__.update().values(facility_id="other"))
    roll_up(resources)
    assert load(resources) == {}


def test_an_empty_hospital_has_nothing_to_count(resources: Resources) -> None:
    assert roll_up(resources) == 0
    assert load(resources) == {}


def test_hours_are_the_facilitys_own(
    desk: Desk, resources: Resources, clock: SettableClock
) -> None:
    clock.now = datetime.fromisoformat("2026-11-23T23:30:00+07:00")
    desk.take("NOI")
    roll_up(resources)
    assert load(resources)[Cut.HOUR, "23"].get("visits") == 1
