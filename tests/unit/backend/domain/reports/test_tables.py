from __future__ import annotations

import json
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from backend.domain.reports.figures import Book, Cut, Figures, open_page
from backend.domain.reports.hidden_rows import find_hidden_rows, find_left_out
from backend.domain.reports.names import Names
from backend.domain.reports.tables import (
    DETAIL_COLUMNS,
    HEADLINES,
    Headline,
    Hidden,
    Table,
    Unit,
    list_details,
    list_headlines,
    list_tables,
)
from tests.unit.backend.domain.reports.test_counting import count, make_step, make_visit

LOCALES = Path(__file__).parents[5] / "backend/web/locales"
KINDS = ("reception", "examination", "laboratory", "imaging", "return", "cashier", "pharmacy")


@pytest.fixture
def book() -> Book:
    steps = [make_step(kind, joined=40 * index) for index, kind in enumerate(KINDS)]
    book = count(*[make_visit(*steps)] * 3)
    page = open_page(book, Cut.ALL)
    for name, number in {
        "expected_s": 3600,
        "away_s": 360,
        "pay.qr": 3,
        "pay.at_counter": 1,
    }.items():
        page.count(name, number)
    return book


def show(
    book: Book,
    names: Names,
    trend: Mapping[date, Figures],
    *,
    own_rooms: AbstractSet[str] = frozenset(),
) -> list[Table]:
    hidden = find_hidden_rows(book, names, own_rooms=own_rooms)
    return list_tables(book, names, trend, hidden=hidden, own_rooms=own_rooms)


def test_every_table_and_figure_has_its_words_and_definition(book: Book) -> None:
    trend = {date(2026, 11, day): Figures() for day in (1, 2)}
    names = Names(clinics={"r1": "Khoa Khám bệnh"})
    tables = show(book, names, trend, own_rooms=frozenset())
    assert len(tables) == 13
    for lang in ("vi", "en"):
        words: dict[str, Any] = json.loads((LOCALES / lang / "reports.json").read_text("utf-8"))
        assert words["rep_figures"].keys() == {name for name, _, _ in HEADLINES}
        assert words["rep_tables"].keys() == {table.name for table in tables} | {"details"}
        columns = [column for table in tables for column in table.columns] + list(DETAIL_COLUMNS)
        assert {column.name.partition(".")[0] for column in columns} <= words["rep_columns"].keys()
        for table in tables:
            assert all(len(row) == len(table.columns) for row in table.rows)
            if table.labels:
                known = words["rep_labels"][table.labels]
                codes = {str(row[0]).partition(".")[0] for row in table.rows}
                assert codes <= known.keys()


def test_headlines_and_what_they_are_held_against(book: Book) -> None:
    whole = open_page(book, Cut.ALL)
    before = Figures()
    before.count("visits", 2)
    found = {each.name: each for each in list_headlines(whole, before, Figures())}
    assert found["visits"].value == 3
    assert found["visits"].change == 50
    assert found["visits"].year_change is None
    assert found["cashless"].value == 75
    assert found["uptime"].value == 90
    assert found["self_served"].value == 100
    assert found["stay_mean"].missing_percent == 0


def test_shares_change_in_points() -> None:
    share = Headline(name="cashless", unit=Unit.PERCENT, value=60, before=40, year_before=None)
    assert share.change == 20
    assert Headline(name="visits", unit=Unit.COUNT, value=1, before=0).change is None


def test_rooms_of_a_sensitive_clinic_hide_few_people(book: Book) -> None:
    open_page(book, Cut.ROOM, "r2").count("steps", 2)
    names = Names(rooms={"r1": "101", "r2": "102"}, sensitive_rooms=frozenset({"r2"}))
    for own_rooms, hides in ((frozenset(), True), (frozenset({"r2"}), False)):
        tables = show(book, names, {}, own_rooms=own_rooms)
        rooms = next(table for table in tables if table.name == "rooms")
        assert (rooms.rows[1][2] is Hidden.FEW) is hides


def test_the_sum_of_a_clinic_tells_no_hidden_room() -> None:
    book: Book = {}
    counts = {"a1": 3, "a2": 9, "a3": 20, "b1": 2, "c1": 30, "c2": 40}
    for key, number in counts.items():
        open_page(book, Cut.ROOM, key).count("steps", number)
    names = Names(
        clinics={key: f"clinic {key[0]}" for key in counts}, sensitive_rooms=frozenset({"a1", "b1"})
    )
    tables = {each.name: each for each in show(book, names, {}, own_rooms=frozenset())}
    shown = {row[0]: row[2] for row in tables["rooms"].rows}
    assert [key for key, cell in shown.items() if cell is Hidden.FEW] == ["a1", "b1"]
    sums = {row[0]: row[1] for row in tables["clinics"].rows}
    # b is its one room; the sum of a goes with it, and hides a1 too.
    assert sums == {"clinic a": Hidden.FEW, "clinic b": Hidden.FEW, "clinic c": 70}


@pytest.mark.parametrize(
    ("own_rooms", "shown"),
    [(frozenset(), []), (frozenset({"r1"}), []), (frozenset({"r2"}), ["OPC"])],
)
def test_only_staff_of_its_rooms_see_a_sensitive_service(
    own_rooms: frozenset[str], shown: list[str]
) -> None:
    book: Book = {}
    for key, number in {"eye": 20, "opc": 2, "skin": 9}.items():
        open_page(book, Cut.SERVICE, key).count("steps", number)
    names = Names(
        services={"opc": "OPC"},
        sensitive_services=frozenset({"opc"}),
        service_rooms={"eye": frozenset({"r1"}), "opc": frozenset({"r2"})},
    )
    tables = {each.name: each for each in show(book, names, {}, own_rooms=own_rooms)}
    rows = tables["services"].rows
    assert [row[0] for row in rows if row[0] == "OPC" and row[1] is not Hidden.FEW] == shown


def make_clinics() -> tuple[Book, Names]:
    """Each room has one service; the sensitive one is alone in its clinic."""
    book: Book = {}
    for key, number in {"a1": 2, "b1": 12, "b2": 40, "c1": 30, "c2": 50}.items():
        open_page(book, Cut.ROOM, key).count("steps", number)
        open_page(book, Cut.SERVICE, f"s{key}").count("steps", number)
        open_page(book, Cut.KIND, "laboratory" if key == "b1" else "examination").count(
            "steps", number
        )
    names = Names(
        clinics={key: f"clinic {key[0]}" for key in ("a1", "b1", "b2", "c1", "c2")},
        sensitive_rooms=frozenset({"a1"}),
        sensitive_services=frozenset({"sa1"}),
        service_rooms={f"s{key}": frozenset({key}) for key in ("a1", "b1", "b2", "c1", "c2")},
        service_kinds={
            f"s{key}": "laboratory" if key == "b1" else "examination"
            for key in ("a1", "b1", "b2", "c1", "c2")
        },
    )
    return book, names


def test_a_clinic_of_one_room_is_not_had_by_subtracting_the_others() -> None:
    book, names = make_clinics()
    hidden = find_hidden_rows(book, names, own_rooms=frozenset())
    # With the sum of clinic b a room of it goes, or its rooms would add up to that sum, and what
    # is done there. Not b1, which has fewer people: its kind of step has a sum of its own.
    assert hidden == {
        ("clinic", "clinic a"), ("room", "a1"), ("service", "sa1"),
        ("clinic", "clinic b"), ("room", "b2"), ("service", "sb2"),
    }  # fmt: skip
    assert find_hidden_rows(book, names, own_rooms=frozenset({"a1"})) == frozenset()


def test_a_sensitive_service_is_not_had_from_its_room_or_its_kind() -> None:
    book: Book = {}
    for key, number in {"r1": 30, "r2": 8, "r3": 9}.items():
        open_page(book, Cut.ROOM, key).count("steps", number)
    for key, number in {"opc": 2, "skin": 28, "eye": 8, "blood": 9}.items():
        open_page(book, Cut.SERVICE, key).count("steps", number)
    kinds = {"opc": "examination", "skin": "examination", "eye": "examination"}
    open_page(book, Cut.KIND, "examination").count("steps", 38)
    open_page(book, Cut.KIND, "laboratory").count("steps", 9)
    names = Names(
        sensitive_rooms=frozenset({"r1"}),
        sensitive_services=frozenset({"opc"}),
        service_rooms={
            "opc": frozenset({"r1"}), "skin": frozenset({"r1"}),
            "eye": frozenset({"r2"}), "blood": frozenset({"r3"}),
        },
        service_kinds={**kinds, "blood": "laboratory"},
    )  # fmt: skip
    hidden = find_hidden_rows(book, names, own_rooms=frozenset())
    assert hidden == {("service", "opc"), ("service", "skin")}


def test_few_at_a_clinic_whose_rooms_are_all_sensitive_are_hidden_with_their_sum() -> None:
    book: Book = {}
    for key, number in {"a1": 1, "a2": 2, "a3": 0, "b1": 20, "c1": 30}.items():
        open_page(book, Cut.ROOM, key).count("steps", number)
    names = Names(
        clinics={key: f"clinic {key[0]}" for key in ("a1", "a2", "a3", "b1", "c1")},
        sensitive_rooms=frozenset({"a1", "a2"}),
    )
    hidden = find_hidden_rows(book, names, own_rooms=frozenset())
    assert {key for cut, key in hidden if cut == "clinic"} == {"clinic a", "clinic b"}


def test_details_leave_sensitive_rooms_out() -> None:
    page = Figures()
    page.count("steps", 9)
    days = [(date(2026, 11, 23), {"r1:08": page, "r2:08": page})]
    left_out = frozenset({"r2"})
    assert [row[1] for row in list_details(days, Names(), left_out=left_out)] == ["r1"]
    assert len(list(list_details(days, Names(), left_out=frozenset()))) == 2


@pytest.mark.parametrize("number", [2, 60])
def test_details_tell_no_sensitive_room_by_leaving_it_out_alone(number: int) -> None:
    book, names = make_clinics()
    open_page(book, Cut.ROOM, "a1").count("steps", number)
    hidden = find_hidden_rows(book, names, own_rooms=frozenset())
    left_out = find_left_out(book, names, hidden, own_rooms=frozenset())
    assert "a1" in left_out
    assert len(left_out) == 2
    assert find_left_out(book, names, frozenset(), own_rooms=frozenset({"a1"})) == frozenset()


def test_nothing_counted_is_no_table() -> None:
    assert show({}, Names(), {}, own_rooms=frozenset()) == []
