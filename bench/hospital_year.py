"""A year of a large hospital in PostgreSQL: one invented day by COPY, the others by copying it.

3 million visits and 15 million steps at full length. Every day is as big as a day of that year, so
what a day costs is measured however few days there are; `raw_days` is how many of them have
visits, steps, moves and calls as rows. Moves and calls of more than `MOVED_DAYS` are left out: no
report reads them again, and they would be 40 GB. Days without rows have rolled-up figures only,
copied from those that were really counted.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg

from backend.domain.reports.counting import AgeBand
from backend.storage.database import Database
from tests.factories.hospital import FACILITY, Hospital

VISITS_A_YEAR = 3_000_000
VISITS_A_DAY = VISITS_A_YEAR // 365
ROOMS, COUNTERS, KIOSKS, SERVICES = 100, 20, 60, 60
MOVED_DAYS = 31
OPENS_H, CLOSES_H = 7, 17
LAST_DAY = date(2026, 11, 25)
KINDS = (
    ("reception", 4, 2),
    ("examination", 35, 9),
    ("laboratory", 12, 4),
    ("imaging", 25, 8),
    ("return", 15, 5),
    ("cashier", 6, 2),
    ("pharmacy", 9, 3),
)
"""Minutes somebody waits and is served, about."""
WAYS = (
    (0.35, ("reception", "examination", "cashier", "pharmacy")),
    (0.80, ("reception", "examination", "laboratory", "return", "pharmacy")),
    (1.00, ("reception", "examination", "laboratory", "imaging", "return", "cashier")),
)
"""5 steps a visit, about."""

REDATE = """
CREATE FUNCTION redate(id text, days int) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT lpad(to_hex(('x' || lpad(substr(id, 1, 12), 16, '0'))::bit(64)::bigint
        + days * 86400000::bigint), 12, '0') || substr(id, 13)
$$
"""
"""Ids begin with their time."""


@dataclass(frozen=True, kw_only=True)
class Place:
    services: dict[str, list[str]]
    rooms: dict[str, list[str]]
    """By kind of step."""
    kiosks: list[str]


def furnish(database: Database) -> Place:
    hospital = Hospital(database).set_up()
    place = Place(services={}, rooms={}, kiosks=[])
    each = (ROOMS + COUNTERS) // len(KINDS)
    for number, (kind, _, _) in enumerate(KINDS):
        count = ROOMS - 6 * (each - 4) if kind == "examination" else each
        codes = [f"{number + 1}{room:02}" for room in range(count)]
        place.rooms[kind] = [hospital.add_room(code) for code in codes]
        place.services[kind] = [
            hospital.add_service(
                f"{kind[:3]}{room}",
                codes[room],
                kind=kind,
                sensitive=kind == "examination" and room < 5,
            )
            for room in range(min(count, SERVICES if kind == "examination" else 4))
        ]
    for number in range(KIOSKS):
        caller, _ = hospital.add_kiosk(f"K{number + 1}")
        place.kiosks.append(caller.id)
    return place


def build_year(url: str, place: Place, *, raw_days: int) -> dict[str, int]:
    """Rows by table. The newest days have rows."""
    with psycopg.connect(url, autocommit=True) as connection:
        # Who copies rows that fit together need not have each of them checked.
        connection.execute("SET session_replication_role = replica")
        connection.execute(REDATE)
        for table, columns, rows in make_day(place, LAST_DAY):
            names = ", ".join(columns)
            with connection.cursor().copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        for back in range(1, raw_days):
            for table, parts in SHIFTED.items():
                if table in MOVING and back >= MOVED_DAYS:
                    continue
                connection.execute(_shift(table, parts), {"back": -back, "day": LAST_DAY})
        connection.execute("ANALYZE")
        counts = {}
        for table in SHIFTED:
            row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
            counts[table] = int(row[0]) if row else 0
    return counts


MOVING = ("step_change", "call", "print_job")
# The columns that are ids or times; everything else is the same on every day.
SHIFTED: dict[str, dict[str, str]] = {
    "visit": {"ids": "id scan_id", "days": "day", "times": "created_at"},
    "step": {"ids": "id visit_id", "days": "day", "times": "queue_key_at state_at"},
    "step_change": {"ids": "id visit_id step_id", "days": "", "times": "at"},
    "call": {"ids": "id visit_id step_id", "days": "day", "times": "called_at"},
    "print_job": {"ids": "id visit_id", "days": "", "times": "reported_at"},
    "audit_event": {"ids": "id", "days": "", "times": "at"},
}
COLUMNS: dict[str, Sequence[str]] = {
    "visit": (
        "id", "facility_id", "day", "kind", "lane", "priority_declared", "provisional", "verified",
        "known_to_his", "use_insurance", "coverage_outcome", "papers", "language", "kiosk_id",
        "scan_id", "changes", "age_band", "since_touch_ms", "created_at",
    ),
    "step": (
        "id", "facility_id", "visit_id", "day", "position", "kind", "service_id", "room_id",
        "queue_id", "lane", "queue_key_at", "quota_scopes", "state", "state_at",
    ),
    "step_change": (
        "id", "facility_id", "visit_id", "step_id", "from_state", "to_state", "at", "source",
        "room_id",
    ),
    "call": (
        "id", "facility_id", "day", "visit_id", "step_id", "room_id", "queue_id", "lane", "number",
        "attempt", "reason", "by_guard", "offline", "called_by", "called_at",
    ),
    "print_job": ("id", "facility_id", "visit_id", "kiosk_id", "state", "reported_at"),
    "audit_event": ("id", "facility_id", "at", "actor", "event", "subject", "detail"),
}  # fmt: skip


def _shift(table: str, parts: dict[str, str]) -> str:
    ids, days, times = (parts[name].split() for name in ("ids", "days", "times"))

    def moved(column: str) -> str:
        if column in ids:
            return f"redate({column}, %(back)s)"
        if column in days:
            return f"{column} + %(back)s"
        if column in times:
            return f"{column} + make_interval(days => %(back)s)"
        return column

    columns = COLUMNS[table]
    if table == "audit_event":
        scan = "'scan:' || redate(substr(subject, 6), %(back)s)"
        chosen = [scan if each == "subject" else moved(each) for each in columns]
    else:
        chosen = [moved(each) for each in columns]
    # The day that was made by hand is the newest.
    condition = {
        "day": "day = %(day)s",
        "": f"{(times or ['at'])[0]} >= %(day)s::date - interval '7 hours'",
    }[days[0] if days else ""]
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) "
        f"SELECT {', '.join(chosen)} FROM {table} WHERE {condition}"
    )


def make_day(place: Place, day: date) -> Iterator[tuple[str, Sequence[str], list[Sequence[Any]]]]:
    """Table, columns, rows."""
    rows: dict[str, list[Sequence[Any]]] = {table: [] for table in COLUMNS}
    dice = random.Random(20_261_126)
    opens = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=OPENS_H - 7)
    for _ in range(VISITS_A_DAY):
        _add_visit(rows, place, dice, day, opens)
    for table, columns in COLUMNS.items():
        yield table, columns, rows[table]


def _add_visit(
    rows: dict[str, list[Sequence[Any]]],
    place: Place,
    dice: random.Random,
    day: date,
    opens: datetime,
) -> None:
    hour = min(dice.expovariate(1 / 2.5), CLOSES_H - OPENS_H - 1)
    now = opens + timedelta(hours=hour)
    visit_id, scan_id = _id(now, dice), _id(now, dice)
    lane = dice.choices("NPRBE", (70, 18, 5, 6, 1))[0]
    kiosk = dice.choice(place.kiosks) if dice.random() < 0.7 else None
    language = "en" if dice.random() < 0.02 else "vi"
    band = dice.choice(list(AgeBand))
    code = dice.choices(("cccd2021", "can_cuoc2024", "bhyt", "id12"), (60, 20, 15, 5))[0]
    insured = dice.random() < 0.8
    touch_ms = int(dice.lognormvariate(10.4, 0.5)) if kiosk else None
    rows["visit"].append(
        (
            visit_id, FACILITY, day, "new", lane, False, False, True, True, insured, "ok", "{}",
            language, kiosk, scan_id, 0, band, touch_ms, now,
        )
    )  # fmt: skip
    detail = json.dumps({"kind": code, "outcome": "identified"})
    rows["audit_event"].append(
        (
            _id(now, dice),
            FACILITY,
            now,
            f"kiosk:{kiosk}",
            "person_identified",
            f"scan:{scan_id}",
            detail,
        )
    )
    if kiosk:
        printed_at = now + timedelta(seconds=dice.uniform(1, 6))
        rows["print_job"].append((_id(now, dice), FACILITY, visit_id, kiosk, "printed", printed_at))
    roll = dice.random()
    way = next(kinds for share, kinds in WAYS if roll <= share)
    times = {kind: (wait, serve) for kind, wait, serve in KINDS}
    for position, kind in enumerate(way):
        step_id = _id(now, dice)
        index = dice.randrange(len(place.services[kind]))
        service = place.services[kind][index]
        room = dice.choice(place.rooms[kind]) if kind != "examination" else place.rooms[kind][index]
        wait, serve = times[kind]
        moves = [("waiting", now)]
        called = now + timedelta(minutes=dice.lognormvariate(0, 0.6) * wait)
        missed = dice.random() < 0.02
        moves.append(("called", called))
        if missed:
            moves.append(("missed", called + timedelta(minutes=3)))
            called += timedelta(minutes=10)
            moves.append(("called", called))
        serving = called + timedelta(seconds=30)
        done = serving + timedelta(minutes=dice.lognormvariate(0, 0.5) * serve)
        moves += [("serving", serving), ("done", done)]
        rows["step"].append(
            (
                step_id, FACILITY, visit_id, day, position, kind, service, room, service, lane, now,
                "[]", "done", done,
            )
        )  # fmt: skip
        before = None
        for state, at in moves:
            source = "caller" if before else ("kiosk" if kiosk else "reception")
            rows["step_change"].append(
                (_id(at, dice), FACILITY, visit_id, step_id, before, state, at, source, room)
            )
            before = state
        rows["call"].append(
            (
                _id(called, dice), FACILITY, day, visit_id, step_id, room, service, lane, "A1", 1,
                "in_turn", dice.random() < 0.01, False, "staff:x", called,
            )
        )  # fmt: skip
        now = done + timedelta(minutes=2)


def _id(at: datetime, dice: random.Random) -> str:
    return f"{int(at.timestamp() * 1000) << 80 | dice.getrandbits(80):032x}"


def spread_figures(url: str, *, counted: Sequence[date], days: int) -> None:
    """Rolled-up rows of `days` days up to the newest. Each is one that was really counted with its
    times moved about a little: days that are alike would add up to far too small months.
    """
    dice = random.Random(20_261_127)
    with psycopg.connect(url, autocommit=True) as connection:
        known = {
            day: connection.execute(
                "SELECT facility_id, cut, key, figures FROM report_figure "
                "WHERE span = 'day' AND first_day = %s",
                [day],
            ).fetchall()
            for day in counted
        }
        for back in range(len(counted), days):
            day = LAST_DAY - timedelta(days=back)
            rows = known[counted[back % len(counted)]]
            with connection.cursor().copy(
                "COPY report_figure (facility_id, span, first_day, cut, key, figures) FROM STDIN"
            ) as copy:
                for facility_id, cut, key, figures in rows:
                    moved = json.dumps(_move_about(figures, dice))
                    copy.write_row((facility_id, "day", day, cut, key, moved))
            connection.execute(
                "INSERT INTO report_roll (facility_id, span, first_day, counted_at, took_ms) "
                "SELECT facility_id, span, %s, counted_at, took_ms FROM report_roll "
                "WHERE span = 'day' AND first_day = %s",
                [day, counted[0]],
            )
        connection.execute(
            "INSERT INTO report_roll (facility_id, span, first_day, counted_at, took_ms, stale) "
            "SELECT facility_id, 'month', date_trunc('month', first_day)::date, min(counted_at), "
            "0, 1 FROM report_roll WHERE span = 'day' GROUP BY 1, 3 "
            "ON CONFLICT (facility_id, span, first_day) DO UPDATE SET stale = 1"
        )
        connection.execute("ANALYZE report_figure")


def copy_months(url: str, *, months: int) -> None:
    """So many months before the newest whole one, each like it."""
    last = LAST_DAY.replace(day=1) - timedelta(days=1)
    source = last.replace(day=1)
    with psycopg.connect(url, autocommit=True) as connection:
        for back in range(1, months + 1):
            values = {"of": source, "back": back}
            for table, rest in (
                ("report_roll", "counted_at, took_ms"),
                ("report_figure", "cut, key, figures"),
            ):
                connection.execute(
                    f"INSERT INTO {table} (facility_id, span, first_day, {rest}) "
                    "SELECT facility_id, span, "
                    f"(first_day - make_interval(months => %(back)s))::date, {rest} FROM {table} "
                    "WHERE span = 'month' AND first_day = %(of)s ON CONFLICT DO NOTHING",
                    values,
                )
        connection.execute("ANALYZE report_figure")


def _move_about(figures: dict[str, Any], dice: random.Random) -> dict[str, Any]:
    times = {}
    for name, (cases, total, highest, pairs) in figures["times"].items():
        moved: dict[int, int] = {}
        for bucket, count in zip(pairs[::2], pairs[1::2], strict=True):
            to = max(bucket + dice.randint(-6, 6), 0)
            moved[to] = moved.get(to, 0) + count
        times[name] = [
            cases,
            total,
            highest,
            [each for pair in sorted(moved.items()) for each in pair],
        ]
    return {"counts": figures["counts"], "times": times}
