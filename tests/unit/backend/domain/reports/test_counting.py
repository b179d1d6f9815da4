from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.identity.models import BirthDate
from backend.domain.reports.counting import (
    AgeBand,
    Away,
    CallFacts,
    KioskFacts,
    StepFacts,
    VisitFacts,
    count_calls,
    count_kiosk,
    count_load,
    count_lookups,
    count_visit,
    find_age_band,
    find_target_min,
    measure_overlap,
)
from backend.domain.reports.figures import Book, Cut, Figures, merge_all, open_page
from backend.domain.reports.steps import StepTimes

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
EIGHT = datetime(2026, 11, 26, 1, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return EIGHT + timedelta(minutes=minutes)


def make_step(
    kind: str = "examination",
    *,
    joined: float = 0,
    wait: float = 20,
    serve: float = 10,
    **changes: Any,
) -> StepFacts:
    times: dict[str, Any] = {
        "source": "kiosk",
        "began_at": at(joined),
        "joined_at": at(joined),
        "waited": timedelta(minutes=wait),
        "served": timedelta(minutes=serve),
        "done_at": at(joined + wait + serve),
        "expired": False,
        "cancelled": False,
        "calls": 1,
        "missed": 0,
        "returned": 0,
        "room_id": "r1",
    }
    facts = {key: changes.pop(key) for key in ("lane", "room_id") if key in changes}
    return StepFacts(
        id="s", kind=kind, service_id="x", room_id=facts.get("room_id"),
        lane=facts.get("lane", "N"), times=StepTimes(**(times | changes)),
    )  # fmt: skip


def make_visit(*steps: StepFacts, **changes: Any) -> VisitFacts:
    values: dict[str, Any] = {
        "kind": "new",
        "lane": "N",
        "language": "vi",
        "age_band": "16_59",
        "kiosk_id": "k1",
        "use_insurance": True,
        "coverage": "ok",
        "identified_by": "cccd",
        "offline": False,
        "to_ticket": timedelta(seconds=40),
        "steps": steps,
    }
    return VisitFacts(**(values | changes))


def count(*visits: VisitFacts) -> Book:
    book: Book = {}
    for visit in visits:
        count_visit(book, visit, zone=ZONE)
    return book


def test_a_visit_is_in_every_cut_it_belongs_to() -> None:
    book = count(make_visit(make_step()))
    whole = open_page(book, Cut.ALL)
    assert whole.get("visits") == whole.get("self_served") == whole.get("done") == 1
    assert whole.get("identified.cccd") == whole.get("language.vi") == whole.get("coverage.ok") == 1
    for cut, key in [
        (Cut.ALL, ""), (Cut.ROOM, "r1"), (Cut.HOUR, "08"),
        (Cut.KIND, "examination"), (Cut.SERVICE, "x"), (Cut.LANE, "N"),
    ]:  # fmt: skip
        assert book[cut, key].spread("wait").median == pytest.approx(1200, rel=1 / 32)
        assert book[cut, key].spread("serve").mean == 600
    assert book[Cut.ROOM_HOUR, "r1:08"].spread("wait").total == 1200
    assert book[Cut.KIOSK, "k1"].spread("touch").highest == 40
    assert book[Cut.AGE_LANGUAGE, "16_59:vi"].spread("touch").cases == 1


@pytest.mark.parametrize(
    ("kinds", "tests", "limit_min"),
    [
        (["examination"], "0", 120),
        (["examination", "laboratory"], "1", 180),
        (["examination", "laboratory", "laboratory"], "1", 180),
        (["examination", "laboratory", "imaging"], "2", 210),
    ],
)
def test_classes_and_targets_of_the_ministry(kinds: list[str], tests: str, limit_min: int) -> None:
    steps = [make_step(kind, joined=40 * index) for index, kind in enumerate(kinds)]
    page = count(make_visit(*steps))[Cut.TESTS, tests]
    assert page.spread("stay").highest == (40 * len(kinds) - 10) * 60
    assert page.get("stay_in_target") == 1
    assert find_target_min(int(tests)) == limit_min
    assert find_target_min(7) == 240


def test_longer_than_the_target_is_no_longer_in_it() -> None:
    book = count(make_visit(make_step(wait=110, serve=10)))
    assert open_page(book, Cut.ALL).get("stay_in_target") == 0
    assert open_page(book, Cut.ALL).spread("stay").cases == 1


def test_emergencies_are_counted_and_not_timed() -> None:
    whole = open_page(count(make_visit(make_step(lane="E"), lane="E")), Cut.ALL)
    assert whole.get("visits") == whole.get("done") == 1
    assert set(whole.times) == set()
    assert whole.get("wait_missing") == whole.get("stay_missing") == 0


def test_what_is_missing_or_far_too_long_is_said() -> None:
    silent = make_step(waited=None, served=None)
    forgotten = make_step(serve=0, served=timedelta(hours=9))
    whole = open_page(count(make_visit(silent), make_visit(forgotten)), Cut.ALL)
    assert whole.get("wait_missing") == 1
    assert whole.get("serve_missing") == 1
    assert whole.get("serve_left_out") == 1
    assert whole.spread("wait").cases == 1


def test_who_was_never_called_lacks_no_wait() -> None:
    gone = make_step(waited=None, served=None, done_at=None, calls=0, expired=True)
    whole = open_page(count(make_visit(gone)), Cut.ALL)
    assert whole.get("wait_missing") == 0
    assert whole.get("expired") == whole.get("stay_missing") == 1


def test_who_gave_the_number_back_has_no_stay() -> None:
    gone = make_step(waited=None, served=None, done_at=None, calls=0, cancelled=True)
    whole = open_page(count(make_visit(gone)), Cut.ALL)
    assert whole.get("cancelled") == 1
    assert whole.get("stay_missing") == 0


def test_numbers_of_staff_and_numbers_without_server_need_no_touch() -> None:
    step = make_step(source="reception")
    book = count(make_visit(step, kiosk_id=None), make_visit(make_step(), offline=True))
    assert open_page(book, Cut.ALL).get("self_served") == 1
    assert (Cut.AGE_LANGUAGE, "16_59:vi") not in book


def test_runs_of_priority_and_guard_calls() -> None:
    lanes = "PPNPRPPP"
    calls = [
        CallFacts(queue_id="q", called_at=at(i), lane=lane, by_guard=i == 2, attempt=1)
        for i, lane in enumerate(lanes)
    ]
    again = CallFacts(queue_id="q", called_at=at(1.5), lane="N", by_guard=False, attempt=2)
    book: Book = {}
    count_calls(book, [again, *reversed(calls)])
    whole = open_page(book, Cut.ALL)
    assert whole.get("calls") == len(lanes)
    assert whole.get("guard_calls") == 1
    assert whole.spread("priority_run").highest == 3
    assert whole.spread("priority_run").cases == 3


def test_lookups_by_kind_and_success() -> None:
    book: Book = {}
    count_lookups(book, {("cccd", "identified"): 3, ("cccd", "see_staff"): 1})
    assert open_page(book, Cut.ALL).starting("lookup") == {"cccd": 4}
    assert open_page(book, Cut.ALL).starting("found") == {"cccd": 3}


def test_a_kiosk_is_not_away_longer_than_it_should_be_there() -> None:
    book: Book = {}
    kiosk = KioskFacts(
        id="k1", expected=timedelta(hours=10), away=timedelta(hours=12),
        paper_outs=1, faults=0, help_calls=2, emergencies=0, print_troubles=3,
    )  # fmt: skip
    count_kiosk(book, kiosk)
    assert book[Cut.KIOSK, "k1"].get("away_s") == 36_000
    assert open_page(book, Cut.ALL).get("help_calls") == 2
    assert book[Cut.KIOSK, "k1"].get("print_troubles") == 3


def test_a_busy_day_of_a_room_is_noticed() -> None:
    book: Book = {}
    open_page(book, Cut.ROOM, "full").count("done", 66)
    open_page(book, Cut.ROOM, "half").count("done", 33)
    open_page(book, Cut.ROOM, "calm").count("done", 30)
    count_load(book, {"half": 4.0})
    over = {
        key: (page.get("days_over_50"), page.get("days_over_65")) for (_, key), page in book.items()
    }
    assert over == {"full": (1, 1), "half": (1, 1), "calm": (0, 0)}


@pytest.mark.parametrize(
    ("born", "band"),
    [
        ("2020-11-27", AgeBand.UNDER_6),
        ("2020-11-26", AgeBand.UNDER_16),
        ("1966-11-27", AgeBand.UNDER_60),
        ("1966", AgeBand.UNDER_80),
        ("1946-11-26", AgeBand.OLDEST),
        (None, AgeBand.UNKNOWN),
    ],
)
def test_age_bands(born: str | None, band: AgeBand) -> None:
    birth_date = BirthDate.from_iso(born) if born else None
    assert find_age_band(birth_date, on=date(2026, 11, 26)) is band


@given(st.lists(st.tuples(st.integers(-50, 150), st.integers(-50, 150) | st.none())))
def test_absences_that_overlap_count_once(spells: list[tuple[int, int | None]]) -> None:
    away = [
        Away(began_at=at(begin), ended_at=None if end is None else at(end)) for begin, end in spells
    ]
    minutes = {
        minute
        for begin, end in spells
        for minute in range(max(begin, 0), min(100 if end is None else end, 100))
    }
    assert measure_overlap(away, since=at(0), until=at(100)) == timedelta(minutes=len(minutes))


@given(st.lists(st.integers(0, 400), max_size=12), st.integers(0, 12))
def test_halves_of_a_day_add_up_to_the_day(waits: list[int], cut: int) -> None:
    visits = [make_visit(make_step(wait=wait)) for wait in waits]
    halves = [count(*visits[:cut]), count(*visits[cut:])]
    whole = count(*visits)
    for key, page in whole.items():
        assert merge_all(half.get(key, Figures()) for half in halves).to_json() == page.to_json()


def test_figures_survive_the_table() -> None:
    page = count(make_visit(make_step()), replace(make_visit(make_step()), language="en"))[
        Cut.ALL, ""
    ]
    assert Figures.from_json(page.to_json()).to_json() == page.to_json()
