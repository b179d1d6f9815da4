"""A report as tables: the page, the CSV and the XLSX show the same cells.

Words are not made here: titles, columns and their definitions are looked up by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TypeAlias

from backend.domain.queueing import Lane
from backend.domain.reports.counting import AgeBand, find_target_min
from backend.domain.reports.figures import Book, Cut, Figures, merge_all, pages_of
from backend.domain.reports.hidden_rows import CLINIC, Row, merge_clinics
from backend.domain.reports.names import Names
from backend.domain.reports.spread import Spread
from backend.domain.reports.suppression import find_hidden
from backend.domain.visit import StepKind

TOUCH_CLASSES_S = (15, 30, 45, 60, 90, 120, 180)
ID_KINDS = frozenset({"cccd2021", "can_cuoc2024"})
"""Codes on the citizen's card; VNeID shows the same, so nobody can tell the two apart."""


class Unit(StrEnum):
    TEXT = "text"
    COUNT = "count"
    PERCENT = "percent"
    MINUTES = "minutes"
    SECONDS = "seconds"
    VND = "vnd"
    DAY = "day"


class Hidden(StrEnum):
    """Instead of a figure that is not to be shown."""

    FEW = "few"


Cell: TypeAlias = "float | int | str | date | Hidden | None"


@dataclass(frozen=True, kw_only=True)
class Column:
    name: str
    unit: Unit


@dataclass(frozen=True, kw_only=True)
class Table:
    """`labels`: what the first cell of a row is a code of; None when it is the words themselves."""

    name: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    labels: str | None = None


@dataclass(frozen=True, kw_only=True)
class Headline:
    """One figure of the report, and the same of the period before and of last year."""

    name: str
    unit: Unit
    value: float | None
    before: float | None = None
    year_before: float | None = None
    cases: int | None = None
    missing_percent: float | None = None

    @property
    def change(self) -> float | None:
        """Against the period before: in percent of it; shares in points."""
        return _change(self.unit, self.value, self.before)

    @property
    def year_change(self) -> float | None:
        return _change(self.unit, self.value, self.year_before)


def _change(unit: Unit, value: float | None, before: float | None) -> float | None:
    if value is None or before is None:
        return None
    if unit is Unit.PERCENT:
        return value - before
    return 100 * (value - before) / before if before else None


def share(part: float, whole: float) -> float | None:
    """In percent; None of nothing."""
    return 100 * part / whole if whole else None


def minutes(seconds: float | None) -> float | None:
    return None if seconds is None else seconds / 60


def missing(page: Figures, name: str) -> float | None:
    """Of the times that should be there, how many percent are not or were left out."""
    lost = page.get(f"{name}_missing") + page.get(f"{name}_left_out")
    return share(lost, lost + page.spread(name).cases)


# --- headlines -------------------------------------------------------------------------------------


def list_headlines(whole: Figures, before: Figures, year_before: Figures) -> list[Headline]:
    """The figures the plans ask for, in the order of the page."""
    found = []
    for name, unit, measure in HEADLINES:
        found.append(
            Headline(
                name=name,
                unit=unit,
                value=measure(whole),
                before=measure(before),
                year_before=measure(year_before),
                cases=whole.spread(TIMED[name]).cases if name in TIMED else None,
                missing_percent=missing(whole, TIMED[name]) if name in TIMED else None,
            )
        )
    return found


def _count(name: str) -> Callable[[Figures], float | None]:
    return lambda page: page.get(name)


def _share(part: str, whole: str) -> Callable[[Figures], float | None]:
    return lambda page: share(page.get(part), page.get(whole))


def _identified(page: Figures) -> float | None:
    kinds = page.starting("identified")
    return share(sum(n for kind, n in kinds.items() if kind in ID_KINDS), page.get("visits"))


def _lookups(page: Figures) -> float | None:
    return sum(n for kind, n in page.starting("lookup").items() if kind in ID_KINDS)


def _found(page: Figures) -> float | None:
    found = sum(n for kind, n in page.starting("found").items() if kind in ID_KINDS)
    return share(found, _lookups(page) or 0)


def _cashless(page: Figures) -> float | None:
    return share(page.get("pay.qr"), page.get("pay.qr") + page.get("pay.at_counter"))


def _uptime(page: Figures) -> float | None:
    return share(page.get("expected_s") - page.get("away_s"), page.get("expected_s"))


HEADLINES: Sequence[tuple[str, Unit, Callable[[Figures], float | None]]] = (
    ("visits", Unit.COUNT, _count("visits")),
    ("stay_mean", Unit.MINUTES, lambda page: minutes(page.spread("stay").mean)),
    ("stay_in_target", Unit.PERCENT, lambda page: share(page.get("stay_in_target"), page.spread("stay").cases)),
    ("wait_median", Unit.MINUTES, lambda page: minutes(page.spread("wait").median)),
    ("wait_p90", Unit.MINUTES, lambda page: minutes(page.spread("wait").p90)),
    ("self_served", Unit.PERCENT, _share("self_served", "visits")),
    ("identified", Unit.PERCENT, _identified),
    ("lookups", Unit.COUNT, _lookups),
    ("found", Unit.PERCENT, _found),
    ("cashless", Unit.PERCENT, _cashless),
    ("cashless_vnd", Unit.VND, _count("pay.qr_vnd")),
    ("missed", Unit.PERCENT, _share("missed_once", "steps")),
    ("uptime", Unit.PERCENT, _uptime),
    ("touch_median", Unit.SECONDS, lambda page: page.spread("touch").median),
    ("help_calls", Unit.COUNT, _count("help_calls")),
)  # fmt: skip
TIMED = {
    "stay_mean": "stay",
    "stay_in_target": "stay",
    "wait_median": "wait",
    "wait_p90": "wait",
    "touch_median": "touch",
}


# --- tables ----------------------------------------------------------------------------------------


def list_tables(
    book: Book,
    names: Names,
    trend: Mapping[date, Figures],
    *,
    hidden: AbstractSet[Row],
    own_rooms: AbstractSet[str],
) -> list[Table]:
    """Every table of a report. `hidden` rows say nothing; the reader belongs to `own_rooms`."""
    sensitive = names.sensitive_rooms - own_rooms
    whole = book.get((Cut.ALL, ""), Figures())
    tables = [
        _list_stays(book, whole),
        _list_timed(
            book,
            Cut.KIND,
            "steps",
            [each.value for each in StepKind],
            labels="kinds",
            hidden=hidden,
        ),
        _list_hours(book),
        _list_clinics(book, names, hidden),
        _list_rooms(book, names, hidden),
        _list_services(book, names, hidden),
        _list_room_hours(book, names, sensitive),
        _list_timed(book, Cut.LANE, "lanes", [each.value for each in Lane], labels="lanes"),
        _list_touch(book),
        _list_kiosks(book, names),
        _list_project_06(whole),
        _list_shares(whole),
        _list_trend(trend),
    ]
    return [table for table in tables if table.rows]


def _columns(*columns: tuple[str, Unit]) -> list[Column]:
    return [Column(name=name, unit=unit) for name, unit in columns]


_WAIT = (
    ("wait_mean", Unit.MINUTES),
    ("wait_median", Unit.MINUTES),
    ("wait_p90", Unit.MINUTES),
)


def _wait_cells(page: Figures) -> list[Cell]:
    wait = page.spread("wait")
    return [minutes(wait.mean), minutes(wait.median), minutes(wait.p90)]


def _list_stays(book: Book, whole: Figures) -> Table:
    pages = pages_of(book, Cut.TESTS)
    rows: list[list[Cell]] = []
    for key, page in [*sorted(pages.items()), ("all", whole)] if pages else ():
        stay = page.spread("stay")
        rows.append(
            [
                key,
                stay.cases,
                minutes(stay.mean),
                minutes(stay.median),
                minutes(stay.p90),
                find_target_min(int(key)) if key != "all" else None,
                share(page.get("stay_in_target"), stay.cases),
                missing(page, "stay"),
            ]
        )
    columns = _columns(
        ("tests", Unit.TEXT), ("cases", Unit.COUNT), ("stay_mean", Unit.MINUTES),
        ("stay_median", Unit.MINUTES), ("stay_p90", Unit.MINUTES), ("target", Unit.MINUTES),
        ("stay_in_target", Unit.PERCENT), ("missing", Unit.PERCENT),
    )  # fmt: skip
    return Table(name="stays", columns=columns, rows=rows, labels="tests")


def _list_timed(
    book: Book,
    cut: Cut,
    name: str,
    order: Sequence[str],
    *,
    labels: str,
    hidden: AbstractSet[Row] = frozenset(),
) -> Table:
    pages = pages_of(book, cut)
    columns = _columns(
        (name, Unit.TEXT), ("count", Unit.COUNT), *_WAIT, ("serve_median", Unit.MINUTES),
        ("serve_p90", Unit.MINUTES), ("missed", Unit.PERCENT), ("missing", Unit.PERCENT),
    )  # fmt: skip
    rows: list[list[Cell]] = []
    for key in sorted(pages, key=lambda key: order.index(key) if key in order else len(order)):
        page = pages[key]
        if (cut, key) in hidden:
            rows.append([key, *[Hidden.FEW] * (len(columns) - 1)])
            continue
        serve = page.spread("serve")
        rows.append(
            [
                key,
                page.get("steps"),
                *_wait_cells(page),
                minutes(serve.median),
                minutes(serve.p90),
                share(page.get("missed_once"), page.get("steps")),
                missing(page, "wait"),
            ]
        )
    return Table(name=name, columns=columns, rows=rows, labels=labels)


def _list_hours(book: Book) -> Table:
    rows: list[list[Cell]] = [
        [f"{key}:00", page.get("visits"), page.get("steps"), *_wait_cells(page)]
        for key, page in sorted(pages_of(book, Cut.HOUR).items())
    ]
    columns = _columns(("hour", Unit.TEXT), ("visits", Unit.COUNT), ("count", Unit.COUNT), *_WAIT)
    return Table(name="hours", columns=columns, rows=rows)


def _list_rooms(book: Book, names: Names, hidden: AbstractSet[Row]) -> Table:
    pages = pages_of(book, Cut.ROOM)
    columns = _columns(
        ("room", Unit.TEXT), ("clinic", Unit.TEXT), ("count", Unit.COUNT), ("done", Unit.COUNT),
        *_WAIT, ("serve_median", Unit.MINUTES), ("missed", Unit.PERCENT), ("missing", Unit.PERCENT),
        ("days", Unit.COUNT), ("days_over_50", Unit.COUNT), ("days_over_65", Unit.COUNT),
    )  # fmt: skip
    rows: list[list[Cell]] = []
    for key in sorted(pages, key=lambda key: names.rooms.get(key, key)):
        page = pages[key]
        head: list[Cell] = [names.rooms.get(key, key), names.clinics.get(key, "")]
        if (Cut.ROOM, key) in hidden:
            rows.append([*head, *[Hidden.FEW] * (len(columns) - 2)])
            continue
        rows.append(
            [
                *head,
                page.get("steps"),
                page.get("done"),
                *_wait_cells(page),
                minutes(page.spread("serve").median),
                share(page.get("missed_once"), page.get("steps")),
                missing(page, "wait"),
                page.get("days"),
                page.get("days_over_50"),
                page.get("days_over_65"),
            ]
        )
    return Table(name="rooms", columns=columns, rows=rows)


def _list_clinics(book: Book, names: Names, hidden: AbstractSet[Row]) -> Table:
    """Rooms of one department together."""
    whole = merge_clinics(pages_of(book, Cut.ROOM), names)
    columns = _columns(
        ("clinic", Unit.TEXT), ("count", Unit.COUNT), ("done", Unit.COUNT), *_WAIT,
        ("serve_median", Unit.MINUTES), ("missed", Unit.PERCENT), ("missing", Unit.PERCENT),
    )  # fmt: skip
    rows: list[list[Cell]] = []
    for clinic in sorted(whole):
        page = whole[clinic]
        if (CLINIC, clinic) in hidden:
            rows.append([clinic, *[Hidden.FEW] * (len(columns) - 1)])
            continue
        rows.append(
            [
                clinic,
                page.get("steps"),
                page.get("done"),
                *_wait_cells(page),
                minutes(page.spread("serve").median),
                share(page.get("missed_once"), page.get("steps")),
                missing(page, "wait"),
            ]
        )
    return Table(name="clinics", columns=columns, rows=rows)


def _list_services(book: Book, names: Names, hidden: AbstractSet[Row]) -> Table:
    pages = pages_of(book, Cut.SERVICE)
    columns = _columns(
        ("service", Unit.TEXT), ("count", Unit.COUNT), ("done", Unit.COUNT), *_WAIT,
        ("serve_median", Unit.MINUTES),
    )  # fmt: skip
    rows: list[list[Cell]] = []
    for key in sorted(pages, key=lambda key: names.services.get(key, key)):
        page = pages[key]
        name = names.services.get(key, key)
        if (Cut.SERVICE, key) in hidden:
            rows.append([name, *[Hidden.FEW] * (len(columns) - 1)])
            continue
        serve = minutes(page.spread("serve").median)
        rows.append([name, page.get("steps"), page.get("done"), *_wait_cells(page), serve])
    return Table(name="services", columns=columns, rows=rows)


def list_hours_of(book: Book) -> list[str]:
    keys = pages_of(book, Cut.ROOM_HOUR)
    return sorted({key.rpartition(":")[2] for key in keys})


def _list_room_hours(book: Book, names: Names, sensitive: AbstractSet[str]) -> Table:
    """Rooms down, hours across: the median wait of who joined the line in that hour."""
    hours = list_hours_of(book)
    by_room: dict[str, dict[str, Figures]] = {}
    for key, page in pages_of(book, Cut.ROOM_HOUR).items():
        room_id, _, hour = key.rpartition(":")
        by_room.setdefault(room_id, {})[hour] = page
    rows: list[list[Cell]] = []
    for room_id in sorted(by_room, key=lambda key: names.rooms.get(key, key)):
        cells = by_room[room_id]
        hidden = find_hidden(
            {hour: page.get("steps") for hour, page in cells.items()},
            frozenset(cells) if room_id in sensitive else frozenset(),
        )
        row: list[Cell] = [names.rooms.get(room_id, room_id)]
        for hour in hours:
            page = cells.get(hour, Figures())
            row.append(Hidden.FEW if hour in hidden else minutes(page.spread("wait").median))
        rows.append(row)
    columns = _columns(("room", Unit.TEXT), *((f"hour.{hour}", Unit.MINUTES) for hour in hours))
    return Table(name="room_hours", columns=columns, rows=rows)


def _list_touch(book: Book) -> Table:
    """From the first touch to the ticket: by age band, by language, and of all."""
    pages = pages_of(book, Cut.AGE_LANGUAGE)
    bands: dict[str, list[Figures]] = {}
    languages: dict[str, list[Figures]] = {}
    for key, page in pages.items():
        band, _, language = key.partition(":")
        bands.setdefault(f"age.{band}", []).append(page)
        languages.setdefault(f"language.{language}", []).append(page)
    order = [f"age.{band.value}" for band in AgeBand]
    groups = [*((key, bands[key]) for key in order if key in bands), *sorted(languages.items())]
    rows = [_touch_row(key, merge_all(each)) for key, each in groups]
    if pages:
        rows.append(_touch_row("all", merge_all(pages.values())))
    columns = _columns(
        ("group", Unit.TEXT), ("cases", Unit.COUNT), ("touch_median", Unit.SECONDS),
        ("touch_p90", Unit.SECONDS), ("missing", Unit.PERCENT),
        *((f"until.{limit}", Unit.COUNT) for limit in TOUCH_CLASSES_S), ("longer", Unit.COUNT),
    )  # fmt: skip
    return Table(name="touch", columns=columns, rows=rows, labels="groups")


def _touch_row(key: str, page: Figures) -> list[Cell]:
    spread: Spread = page.spread("touch")
    return [
        key,
        spread.cases,
        spread.median,
        spread.p90,
        missing(page, "touch"),
        *spread.count_until(TOUCH_CLASSES_S),
    ]


def _list_kiosks(book: Book, names: Names) -> Table:
    pages = pages_of(book, Cut.KIOSK)
    rows: list[list[Cell]] = []
    for key in sorted(pages, key=lambda key: names.kiosks.get(key, key)):
        page = pages[key]
        rows.append(
            [
                names.kiosks.get(key, key),
                page.get("visits"),
                _uptime(page),
                page.get("away_s") / 60,
                page.get("paper_outs"),
                page.get("faults"),
                page.get("print_troubles"),
                page.get("help_calls") + page.get("emergencies"),
                page.spread("touch").median,
            ]
        )
    columns = _columns(
        ("kiosk", Unit.TEXT), ("visits", Unit.COUNT), ("uptime", Unit.PERCENT),
        ("away", Unit.MINUTES), ("paper_outs", Unit.COUNT), ("faults", Unit.COUNT),
        ("print_troubles", Unit.COUNT), ("help_calls", Unit.COUNT), ("touch_median", Unit.SECONDS),
    )  # fmt: skip
    return Table(name="kiosks", columns=columns, rows=rows)


def _list_shares(whole: Figures) -> Table:
    """Counts that stand for themselves, and what part of what they are."""
    visits, steps = whole.get("visits"), whole.get("steps")
    rows: list[list[Cell]] = []
    for group, of in (
        ("source", visits), ("identified", visits), ("coverage", whole.get("insured")),
        ("language", visits), ("visit_kind", visits),
    ):  # fmt: skip
        rows += [[f"{group}.{key}", n, share(n, of)] for key, n in whole.starting(group).items()]
    for kind, number in whole.starting("lookup").items():
        found = whole.get(f"found.{kind}")
        rows += [[f"lookup.{kind}", number, None], [f"found.{kind}", found, share(found, number)]]
    calls = whole.get("calls")
    paid = whole.get("pay.qr") + whole.get("pay.at_counter")
    rows += [
        ["missed_once", whole.get("missed_once"), share(whole.get("missed_once"), steps)],
        ["returned", whole.get("returned"), share(whole.get("returned"), steps)],
        ["cancelled", whole.get("cancelled"), share(whole.get("cancelled"), steps)],
        ["expired", whole.get("expired"), share(whole.get("expired"), steps)],
        ["offline", whole.get("offline"), share(whole.get("offline"), visits)],
        ["calls", calls, None],
        ["guard_calls", whole.get("guard_calls"), share(whole.get("guard_calls"), calls)],
        ["priority_run", whole.spread("priority_run").highest, None],
        ["pay.qr", whole.get("pay.qr"), share(whole.get("pay.qr"), paid)],
        ["pay.at_counter", whole.get("pay.at_counter"), share(whole.get("pay.at_counter"), paid)],
        ["pay.qr_vnd", whole.get("pay.qr_vnd"), None],
        ["pay.qr_ended_unpaid", whole.get("pay.qr_ended_unpaid"), None],
        ["pay.refunds", whole.get("pay.refunds"), None],
        ["pay.refunds_vnd", whole.get("pay.refunds_vnd"), None],
    ]
    columns = _columns(("what", Unit.TEXT), ("count", Unit.COUNT), ("share", Unit.PERCENT))
    return Table(name="shares", columns=columns, rows=rows if visits else [], labels="whats")


def _list_project_06(whole: Figures) -> Table:
    """What Đề án 06 asks of a hospital each month; no form of it is fixed."""
    visits, lookups = whole.get("visits"), _lookups(whole) or 0
    found = sum(n for kind, n in whole.starting("found").items() if kind in ID_KINDS)
    rows: list[list[Cell]] = [
        ["visits", visits, None],
        ["insured", whole.get("insured"), share(whole.get("insured"), visits)],
        ["lookups", lookups, share(lookups, visits)],
        ["lookups_found", found, share(found, lookups)],
        ["self_served", whole.get("self_served"), share(whole.get("self_served"), visits)],
        ["cashless", whole.get("pay.qr"), _cashless(whole)],
        ["cashless_vnd", whole.get("pay.qr_vnd"), None],
    ]
    columns = _columns(("what", Unit.TEXT), ("count", Unit.COUNT), ("share", Unit.PERCENT))
    return Table(
        name="project_06", columns=columns, rows=rows if visits else [], labels="project_06"
    )


def _list_trend(trend: Mapping[date, Figures]) -> Table:
    rows: list[list[Cell]] = [
        [
            day,
            page.get("visits"),
            minutes(page.spread("wait").median),
            minutes(page.spread("wait").p90),
            minutes(page.spread("stay").mean),
            _share("self_served", "visits")(page),
            _cashless(page),
            _uptime(page),
        ]
        for day, page in sorted(trend.items())
    ]
    columns = _columns(
        ("day", Unit.DAY), ("visits", Unit.COUNT), ("wait_median", Unit.MINUTES),
        ("wait_p90", Unit.MINUTES), ("stay_mean", Unit.MINUTES), ("self_served", Unit.PERCENT),
        ("cashless", Unit.PERCENT), ("uptime", Unit.PERCENT),
    )  # fmt: skip
    return Table(name="trend", columns=columns, rows=rows if len(rows) > 1 else [])


def list_details(
    days: Iterable[tuple[date, Mapping[str, Figures]]],
    names: Names,
    *,
    left_out: AbstractSet[str],
) -> Iterable[list[Cell]]:
    """Day, room, hour, people, wait: one row each, for who counts on in a spreadsheet."""
    for day, pages in days:
        for key in sorted(pages):
            room_id, _, hour = key.rpartition(":")
            if room_id not in left_out:
                page = pages[key]
                name = names.rooms.get(room_id, room_id)
                yield [day, name, f"{hour}:00", page.get("steps"), *_wait_cells(page)]


DETAIL_COLUMNS = _columns(
    ("day", Unit.DAY), ("room", Unit.TEXT), ("hour", Unit.TEXT), ("count", Unit.COUNT), *_WAIT
)
