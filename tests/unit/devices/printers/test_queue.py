from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from devices.events import DeviceEvent
from devices.models import (
    PrinterState,
    PrinterStatus,
    PrintReason,
    PrintResult,
    PrintState,
    TicketDocument,
)
from devices.printers.queue import PrintQueue
from devices.testing import RecordingPrinter
from tests.factories.tickets import ticket

READY = PrinterStatus(state=PrinterState.READY)
PAPER_END = PrinterStatus(state=PrinterState.PAPER_END)


class GatedPrinter(RecordingPrinter):
    """Prints only while its gate is open."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.begun = threading.Event()
        self.threads: set[int] = set()

    def print(self, document: TicketDocument, *, job_id: str) -> PrintResult:
        self.threads.add(threading.get_ident())
        self.begun.set()
        assert self.gate.wait(5)
        return super().print(document, job_id=job_id)


@pytest.fixture
def printer() -> GatedPrinter:
    return GatedPrinter()


@pytest.fixture
def seen() -> list[PrinterStatus]:
    return []


@pytest.fixture
def jobs(printer: GatedPrinter, seen: list[PrinterStatus]) -> Iterator[PrintQueue]:
    jobs = PrintQueue(printer, on_status=seen.append, poll_s=0.02)
    jobs.start()
    yield jobs
    printer.gate.set()
    jobs.close()


def until(met: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_submitting_returns_at_once_and_the_result_comes(
    printer: GatedPrinter, jobs: PrintQueue
) -> None:
    result = jobs.submit(ticket(), job_id="a")
    assert not result.done()
    printer.gate.set()
    assert result.result(5).state is PrintState.PRINTED
    assert len(printer.printed) == 1


def test_jobs_are_printed_in_order_by_one_worker(printer: GatedPrinter, jobs: PrintQueue) -> None:
    printer.gate.set()
    results = [jobs.submit(ticket(number=f"A{n:03}"), job_id=f"j{n}") for n in range(20)]
    for result in results:
        result.result(5)
    assert [document.number for document in printer.printed] == [f"A{n:03}" for n in range(20)]
    assert len(printer.threads) == 1
    assert threading.get_ident() not in printer.threads


def test_a_job_pressed_twice_is_one_job(printer: GatedPrinter, jobs: PrintQueue) -> None:
    first = jobs.submit(ticket(), job_id="a")
    assert jobs.submit(ticket(), job_id="a") is first
    printer.gate.set()
    first.result(5)
    assert jobs.submit(ticket(), job_id="a").result(5) == first.result()
    assert len(printer.printed) == 1


def test_each_change_of_the_status_is_told_and_logged_once(
    printer: GatedPrinter,
    jobs: PrintQueue,
    seen: list[PrinterStatus],
    caplog: pytest.LogCaptureFixture,
) -> None:
    until(lambda: seen == [READY])
    caplog.set_level(logging.INFO)
    printer.next_status = PAPER_END
    until(lambda: jobs.status == PAPER_END)
    time.sleep(0.1)
    printer.next_status = READY
    until(lambda: jobs.status == READY)
    assert seen == [READY, PAPER_END, READY]
    assert caplog.text.count(DeviceEvent.PRINTER_STATUS_CHANGED) == 2


def test_a_surprise_reaches_who_waits_and_the_worker_lives_on(
    printer: GatedPrinter, jobs: PrintQueue
) -> None:
    printer.gate.set()
    with pytest.raises(ValueError, match="job id"):
        jobs.submit(ticket(), job_id="not an id").result(5)
    assert jobs.submit(ticket(), job_id="a").result(5).state is PrintState.PRINTED


def test_closing_lets_the_job_in_hand_end_and_gives_up_the_rest(
    printer: GatedPrinter, jobs: PrintQueue
) -> None:
    in_hand = jobs.submit(ticket(), job_id="a")
    waiting = jobs.submit(ticket(), job_id="b")
    assert printer.begun.wait(5)
    threading.Timer(0.05, printer.gate.set).start()
    jobs.close()
    assert in_hand.result(0).state is PrintState.PRINTED
    assert waiting.result(5).reason is PrintReason.CLOSED
    assert jobs.submit(ticket(), job_id="c").result(0).reason is PrintReason.CLOSED
    assert printer.closed
    jobs.close()


def test_a_queue_never_started_closes() -> None:
    printer = RecordingPrinter()
    jobs = PrintQueue(printer)
    waiting = jobs.submit(ticket(), job_id="a")
    jobs.close()
    assert waiting.result(0).state is PrintState.FAILED
    assert printer.closed
    assert jobs.status is None
