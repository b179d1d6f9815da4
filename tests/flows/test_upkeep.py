"""What a kiosk tells of itself, and how it finds out that touches no longer arrive."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from devices.models import PrinterState, ScannerState
from kiosk_ui.errors import ReplyUnreadable
from kiosk_ui.events import KioskEvent
from kiosk_ui.flow import Screen
from kiosk_ui.gateway.command_journal import CommandJournalFile
from kiosk_ui.gateway.fleet_models import KioskOrders, KioskReport
from kiosk_ui.presenters.touch_watch import MOVING_LOOKS, QUIET_S
from tests.flows.stand_ins import Bench
from tests.flows.steps import TO_SCAN, TO_SUMMARY, shows, touch, walk


@pytest.fixture
def bench() -> Bench:
    return Bench()


def report(bench: Bench) -> KioskReport:
    return bench.gateway.kiosk_reports[-1]


def next_report(bench: Bench) -> KioskReport:
    before = len(bench.gateway.kiosk_reports)
    while len(bench.gateway.kiosk_reports) == before:
        bench.wait(1)
    return report(bench)


# --- the report ---------------------------------------------------------------------------------------


def test_the_first_beat_says_what_is_known_and_nothing_more(bench: Bench) -> None:
    told = report(bench)
    assert (told.version, told.machine) == ("1.2.3", "machine-1")
    assert (told.printer, told.paper) == ("ready", "ok")
    assert (told.disk_free_percent, told.temperature_c) == (61.0, 51.0)
    assert (told.scanner, told.camera_frame_age_ms, told.last_touch_at) == (None, None, None)
    assert (told.visits, told.errors, told.steps) == (0, 0, [])
    assert told.clock == bench.time.now()


def test_a_visit_is_counted_and_its_waits_are_told_once(bench: Bench) -> None:
    walk(bench, [*TO_SUMMARY, (Screen.SUMMARY, "confirm"), (Screen.DONE, "finish")])
    told = next_report(bench)
    assert (told.visits, told.errors) == (1, 0)
    assert {"scan", "check_in", "print", "ticket"} <= {step.step for step in told.steps}
    assert told.last_visit_at is not None
    assert told.last_touch_at is not None
    again = next_report(bench)
    assert (again.visits, again.steps) == (1, [])


def test_looking_around_is_no_visit(bench: Bench) -> None:
    touch(bench, "info")
    touch(bench, "back")
    assert next_report(bench).visits == 0


def test_a_fault_of_ours_is_an_error_a_full_clinic_is_none(bench: Bench) -> None:
    walk(bench, TO_SUMMARY)
    bench.gateway.refusals["start_visit"] = "service_full"
    touch(bench, "confirm")
    shows(bench, Screen.TROUBLE)
    touch(bench, "finish")
    assert next_report(bench).errors == 0
    walk(bench, TO_SUMMARY)
    bench.gateway.refusals["start_visit"] = "internal_error"
    touch(bench, "confirm")
    assert next_report(bench).errors == 1


def test_times_of_an_hour_without_the_server_are_told_when_it_is_back(bench: Bench) -> None:
    walk(bench, [*TO_SUMMARY, (Screen.SUMMARY, "confirm"), (Screen.DONE, "finish")])
    bench.gateway.down = True
    bench.wait(120)
    bench.gateway.down = False
    told = next_report(bench)
    assert "scan" in {step.step for step in told.steps}


@pytest.mark.parametrize(
    ("state", "paper"),
    [
        (PrinterState.PAPER_NEAR_END, "low"),
        (PrinterState.PAPER_END, "out"),
        (PrinterState.UNREACHABLE, "unknown"),
    ],
)
def test_paper_is_what_the_printer_says(bench: Bench, state: PrinterState, paper: str) -> None:
    bench.printer.printer_state = state
    told = next_report(bench)
    assert (told.printer, told.paper) == (state.value, paper)


def test_a_scanner_asleep_is_as_it_was_last(bench: Bench) -> None:
    walk(bench, TO_SCAN)
    bench.scanner.picture = np.zeros((4, 4), dtype=np.uint8)
    looking = next_report(bench)
    assert (looking.scanner, looking.camera_frame_age_ms) == ("ready", 40.0)
    touch(bench, "finish")
    asleep = next_report(bench)
    assert (asleep.scanner, asleep.camera_frame_age_ms) == ("ready", None)
    walk(bench, TO_SCAN)
    bench.scanner.state = ScannerState.ABSENT
    assert next_report(bench).scanner == "absent"


def test_nothing_of_a_person_is_in_a_report(bench: Bench) -> None:
    walk(bench, TO_SUMMARY)
    text = next_report(bench).model_dump_json()
    for secret in ("Trần", "NĂM", "1985", "•"):
        assert secret not in text


def test_what_staff_should_see_is_told_within_five_seconds(bench: Bench) -> None:
    bench.wait(10)
    before = len(bench.gateway.kiosk_reports)
    bench.machine.touch_devices = 0
    bench.printer.printer_state = PrinterState.PAPER_END
    bench.wait(5)
    bench.wait(0.5)
    told = bench.gateway.kiosk_reports[before:]
    assert (told[0].paper, told[-1].touch) == ("out", "absent")


def test_a_report_that_is_not_believed_does_not_make_a_kiosk_look_dead(bench: Bench) -> None:
    bench.gateway.refusals["beat"] = "validation_failed"
    before = bench.gateway.calls.count("beat")
    bench.wait(31)
    assert bench.gateway.calls.count("beat") == before + 2, "the second without a report"
    next_report(bench)


def test_a_flood_is_not_made_larger_and_costs_no_times(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    walk(bench, [*TO_SUMMARY, (Screen.SUMMARY, "confirm"), (Screen.DONE, "finish")])
    bench.gateway.refusals["beat"] = "rate_limited"
    before = bench.gateway.calls.count("beat")
    while bench.gateway.calls.count("beat") == before:
        bench.wait(1)
    bench.wait(20)
    assert bench.gateway.calls.count("beat") == before + 1
    assert KioskEvent.REPORT_REFUSED not in caplog.text
    assert "scan" in {step.step for step in next_report(bench).steps}


def test_times_are_not_told_again_when_only_the_answer_cannot_be_read(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk(bench, [*TO_SUMMARY, (Screen.SUMMARY, "confirm"), (Screen.DONE, "finish")])
    heard: list[KioskReport] = []

    def answer_nonsense(report: KioskReport) -> KioskOrders:
        heard.append(report)
        raise ReplyUnreadable

    with monkeypatch.context() as patch:
        patch.setattr(bench.gateway, "beat", answer_nonsense)
        bench.wait(31)
    assert "scan" in {step.step for step in heard[0].steps}
    assert next_report(bench).steps == []


def test_a_loose_wire_floods_nobody(bench: Bench) -> None:
    before = len(bench.gateway.kiosk_reports)
    for n in range(120):
        bench.printer.printer_state = [PrinterState.READY, PrinterState.PAPER_END][n % 2]
        bench.wait(0.5)
    assert len(bench.gateway.kiosk_reports) - before <= 21


# --- touches ------------------------------------------------------------------------------------------


def test_a_panel_that_came_loose_is_told_and_the_window_begun_anew_when_it_is_back(
    bench: Bench,
) -> None:
    bench.machine.touch_devices = 0
    bench.wait(6)
    assert next_report(bench).touch == "absent"
    assert not bench.kiosk.wants_restart
    bench.machine.touch_devices = 1
    bench.wait(6)
    assert bench.kiosk.wants_restart
    assert next_report(bench).touch == "suspect"


def test_a_panel_is_well_again_with_a_touch_and_not_before(bench: Bench) -> None:
    """A process begun anew because touches are doubted must not call that over by itself."""
    bench.wait(61)
    assert {told.touch for told in bench.gateway.kiosk_reports} == {None}
    touch(bench, "language", "en")
    assert next_report(bench).touch == "ok"


def watched(journal: Path | None = None) -> Bench:
    bench = Bench(looks_for_people=True, journal=CommandJournalFile(journal))
    bench.scanner.picture = np.zeros((240, 320), dtype=np.uint8)
    return bench


def wait_with_movement(bench: Bench, seconds: float) -> None:
    """Somebody walks up and down before the kiosk."""
    for n in range(int(seconds / 0.5)):
        picture = np.zeros((240, 320), dtype=np.uint8)
        picture[:, (n * 60) % 240 : (n * 60) % 240 + 80] = 200
        bench.scanner.picture = picture
        bench.wait(0.5)


def test_somebody_is_there_and_no_touch_comes(tmp_path: Path) -> None:
    bench = watched(tmp_path / "commands")
    wait_with_movement(bench, QUIET_S + MOVING_LOOKS * 30)
    assert next_report(bench).touch == "suspect"
    assert bench.kiosk.wants_restart
    again = watched(tmp_path / "commands")
    wait_with_movement(again, QUIET_S + MOVING_LOOKS * 30)
    assert next_report(again).touch == "suspect"
    assert not again.kiosk.wants_restart, "it did not help a moment ago"


def test_an_empty_hall_is_no_reason(tmp_path: Path) -> None:
    bench = watched()
    bench.wait(QUIET_S + MOVING_LOOKS * 30)
    assert next_report(bench).touch is None
    assert not bench.kiosk.wants_restart


def test_the_camera_sleeps_between_its_looks_and_is_left_alone_by_a_visit() -> None:
    bench = watched()
    awake = 0
    for _ in range(400):
        bench.wait(0.5)
        awake += not bench.scanner.paused
    assert 0 < awake < 60
    walk(bench, TO_SCAN)
    bench.wait(5)
    assert not bench.scanner.paused
    touch(bench, "finish")
    assert bench.scanner.paused


def test_without_leave_the_camera_never_looks(bench: Bench) -> None:
    for _ in range(400):
        bench.wait(0.5)
        assert bench.scanner.paused


def test_a_camera_that_shows_nothing_is_put_to_sleep_again() -> None:
    bench = watched()
    bench.scanner.picture = None
    bench.wait(QUIET_S + 3)
    assert not bench.scanner.paused
    bench.wait(6)
    assert bench.scanner.paused
