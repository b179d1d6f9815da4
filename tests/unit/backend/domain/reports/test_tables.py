from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from backend.domain.reports.figures import Book, Cut, Figures, open_page
from backend.domain.reports.tables import (
    DETAIL_COLUMNS,
    HEADLINES,
    Headline,
    Hidden,
    Names,
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


def test_every_table_and_figure_has_its_words_and_definition(book: Book) -> None:
    trend = {date(2026, 11, day): Figures() for day in (1, 2)}
    names = Names(clinics={"r1": "Khoa Khám bệnh"})
    tables = list_tables(book, names, trend, own_rooms=frozenset())
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
        tables = list_tables(book, names, {}, own_rooms=own_rooms)
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
    tables = {each.name: each for each in list_tables(book, names, {}, own_rooms=frozenset())}
    shown = {row[0]: row[2] for row in tables["rooms"].rows}
    assert [key for key, cell in shown.items() if cell is Hidden.FEW] == ["a1", "a2", "b1"]
    sums = {row[0]: row[1] for row in tables["clinics"].rows}
    # b is its one room; a second sum goes with it, or both could be had from the whole.
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
    tables = {each.name: each for each in list_tables(book, names, {}, own_rooms=own_rooms)}
    rows = tables["services"].rows
    assert [row[0] for row in rows if row[0] == "OPC" and row[1] is not Hidden.FEW] == shown


def test_details_leave_sensitive_rooms_out() -> None:
    page = Figures()
    page.count("steps", 9)
    days = [(date(2026, 11, 23), {"r1:08": page, "r2:08": page})]
    names = Names(sensitive_rooms=frozenset({"r2"}))
    assert [row[1] for row in list_details(days, names, own_rooms=frozenset())] == ["r1"]
    assert len(list(list_details(days, names, own_rooms=frozenset({"r2"})))) == 2


def test_nothing_counted_is_no_table() -> None:
    assert list_tables({}, Names(), {}, own_rooms=frozenset()) == []
