from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backend.domain.alerts import AlertKind
from backend.domain.kiosk_health import (
    PACES,
    HourFigures,
    KioskState,
    Machines,
    Notes,
    Pace,
    Standing,
    count_new,
    hour_of,
    judge_state,
    look,
    turn,
)

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
PACE = Pace(raise_after=timedelta(seconds=25), clear_after=timedelta(seconds=50))


def play(*seen: bool | None, every_s: float = 30) -> list[bool]:
    standing, told = Standing(), []
    for number, each in enumerate(seen):
        standing = turn(standing, each, PACE, now=NOW + timedelta(seconds=every_s * number))
        told.append(standing.on)
    return told


def test_what_flickers_tells_nothing() -> None:
    assert play(True, False, True, False, True) == [False] * 5
    assert play(True, True, False, True, False, True) == [False, True, True, True, True, True]


def test_a_trouble_stands_until_the_contrary_has_been_seen_for_a_while() -> None:
    assert play(True, True, False, False, False, False) == [
        False, True, True, True, False, False,
    ]  # fmt: skip


def test_what_cannot_be_told_changes_nothing() -> None:
    assert play(True, None, True, True, None, False) == [False, False, False, True, True, True]


@pytest.mark.parametrize(
    ("report", "kind", "expected"),
    [
        ({"paper": "out"}, AlertKind.PAPER_OUT, True),
        ({"printer": "paper_end"}, AlertKind.PAPER_OUT, True),
        ({"paper": "low"}, AlertKind.PAPER_OUT, False),
        ({"paper": "unknown", "printer": "offline"}, AlertKind.PAPER_OUT, None),
        ({"printer": "paper_end"}, AlertKind.PRINTER_FAULT, False),
        ({"printer": "cover_open"}, AlertKind.PRINTER_FAULT, True),
        ({}, AlertKind.PRINTER_FAULT, None),
        ({"scanner": "stale"}, AlertKind.SCANNER_FAULT, True),
        ({"scanner": "ready", "camera_frame_age_ms": 9_000.0}, AlertKind.SCANNER_FAULT, True),
        ({"scanner": "ready", "camera": "absent"}, AlertKind.SCANNER_FAULT, True),
        ({"scanner": "ready"}, AlertKind.SCANNER_FAULT, False),
        ({"touch": "absent"}, AlertKind.TOUCH_SUSPECT, True),
        ({"disk_free_percent": 9.0}, AlertKind.DISK_LOW, True),
        ({"disk_free_percent": 12.0}, AlertKind.DISK_LOW, None),
        ({"disk_free_percent": 15.0}, AlertKind.DISK_LOW, False),
        ({"memory_percent": 95.0}, AlertKind.MEMORY_LOW, True),
        ({"temperature_c": 81.0}, AlertKind.TOO_HOT, True),
        ({"temperature_c": 76.0}, AlertKind.TOO_HOT, None),
    ],
)
def test_what_a_report_shows(report: dict[str, Any], kind: AlertKind, expected: bool) -> None:
    assert look(report, skew_s=None)[kind] is expected


@pytest.mark.parametrize(
    ("skew_s", "expected"), [(5.1, True), (-86_400.0, True), (4.0, None), (-3.0, False)]
)
def test_a_clock_may_be_five_seconds_off(skew_s: float, expected: bool | None) -> None:
    assert look({}, skew_s=skew_s)[AlertKind.CLOCK_SKEW] is expected


def test_two_machines_are_known_by_their_turns() -> None:
    machines = Machines()
    for second, name in ((0, "a"), (30, "a"), (40, "b")):
        machines = machines.hear(name, now=NOW + timedelta(seconds=second))
        assert not machines.are_two(now=NOW + timedelta(seconds=second))
    machines = machines.hear("a", now=NOW + timedelta(seconds=60))
    assert machines.are_two(now=NOW + timedelta(seconds=60))
    for second in range(90, 300, 30):
        machines = machines.hear("a", now=NOW + timedelta(seconds=second))
    assert not machines.are_two(now=NOW + timedelta(seconds=270))


def test_a_new_disk_is_no_second_machine() -> None:
    machines = Machines()
    for number in range(20):
        now = NOW + timedelta(seconds=30 * number)
        machines = machines.hear("old" if number < 10 else "new", now=now)
        assert not machines.are_two(now=now)


def test_counts_begin_anew_with_the_process() -> None:
    before = {"machine": "m", "started_at": "x", "visits": 40}
    assert count_new(before, before | {"visits": 43}, "visits") == 3
    assert count_new(before, before | {"started_at": "y", "visits": 2}, "visits") == 2
    assert count_new({}, before, "visits") == 40
    assert count_new(before, before | {"visits": 1}, "visits") == 0


def test_an_hour_keeps_what_was_worst() -> None:
    hour = HourFigures(hour=hour_of(NOW + timedelta(minutes=12)))
    steps = [
        {"step": "scan", "count": 3, "p95_ms": 1000.0},
        {"step": "print", "count": 1, "p95_ms": 3000.0},
    ]
    hour = hour.add({"steps": steps, "disk_free_percent": 40.0}, visits=1, errors=0, skew_s=-2.0)
    hour = hour.add(
        {"disk_free_percent": 30.0, "temperature_c": 70.0}, visits=1, errors=1, skew_s=1
    )
    assert (hour.hour, hour.beats, hour.visits, hour.errors) == (NOW, 2, 2, 1)
    assert (hour.waits, hour.p95_sum_ms, hour.worst_ms) == (4, 6000.0, 3000.0)
    assert (hour.disk_min_percent, hour.temperature_max_c, hour.skew_max_s) == (30.0, 70.0, 2.0)


def test_notes_come_back_as_they_were_kept() -> None:
    notes = Notes(
        standings={kind: Standing(on=True, turning_at=NOW) for kind in PACES},
        machines=Machines(heard=(("a", NOW),), twice_at=NOW),
        skew_s=1.5,
        reported_at=NOW,
        hour=HourFigures(hour=NOW, beats=3),
    )
    assert Notes.from_json(notes.to_json()) == notes
    assert Notes.from_json({}).troubles == ()


@pytest.mark.parametrize(
    ("kind", "out", "silent_s", "troubled", "expected"),
    [
        ("kiosk", True, 600, True, KioskState.PAUSED),
        ("kiosk", False, 91, True, KioskState.AWAY),
        ("kiosk", False, None, False, KioskState.NEW),
        ("kiosk", False, 90, True, KioskState.TROUBLED),
        ("kiosk", False, 0, False, KioskState.SERVING),
        ("agent", False, 0, False, KioskState.SERVING),
        ("agent", False, 91, True, KioskState.OFF),
    ],
)
def test_the_worst_is_the_state(
    kind: str, out: bool, silent_s: int | None, troubled: bool, expected: KioskState
) -> None:
    at = None if silent_s is None else NOW - timedelta(seconds=silent_s)
    state = judge_state(kind=kind, out_of_service=out, last_beat_at=at, troubled=troubled, now=NOW)
    assert state is expected
