"""A kiosk whose server, devices and time are in the hands of a test."""

from __future__ import annotations

import queue
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from devices.models import (
    Frame,
    PrinterState,
    PrintReason,
    PrintResult,
    PrintState,
    Scan,
    ScannerState,
    ScannerStatus,
    ScanSource,
)
from kiosk_ui.gateway.command_journal import CommandJournalFile
from kiosk_ui.gateway.fake import FakeGateway
from kiosk_ui.gateway.models import PrintStateRequest, Ticket
from kiosk_ui.gateway.offline_numbers import OfflineNumberJournal
from kiosk_ui.gateway.payment_models import Receipt
from kiosk_ui.gateway.ports import Gateway
from kiosk_ui.presenters.kiosk import Kiosk
from kiosk_ui.presenters.ports import MachineState, Place, Upkeep
from kiosk_ui.worker import outcome_of

T = TypeVar("T")


class FakeTime:
    def __init__(self) -> None:
        self.elapsed_s = 0.0

    def now(self) -> datetime:
        return datetime(2026, 11, 23, 1, 0, tzinfo=UTC) + timedelta(seconds=self.elapsed_s)

    def ticks_s(self) -> float:
        return self.elapsed_s


class StepWorker:
    """Runs calls at `drain`; with `held` set, answers arrive only when it is cleared."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], Callable[[], None]]] = queue.SimpleQueue()
        self.held = False

    def submit(
        self,
        call: Callable[[], T],
        *,
        done: Callable[[T], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._jobs.put(lambda: outcome_of(call, done=done, failed=failed))

    def drain(self) -> bool:
        ran = False
        for _ in range(0 if self.held else self._jobs.qsize()):
            self._jobs.get()()()
            ran = True
        return ran

    def wait(self, timeout_s: float) -> bool:
        news = not self.held and not self._jobs.empty()
        if not news:
            time.sleep(timeout_s)
        return news

    def close(self) -> None:
        self.held = True


class FakeScanner:
    def __init__(self) -> None:
        self.state = ScannerState.READY
        self.paused = True
        self.is_open = False
        self.picture: Frame | None = None
        self._scans: list[Scan] = []

    def open(self) -> None:
        self.is_open = True

    def close(self) -> None:
        self.is_open = False

    def pause(self) -> None:
        self.paused = True
        self._scans.clear()

    def resume(self) -> None:
        self.paused = False

    def poll(self, timeout_s: float = 0.0) -> Scan | None:
        return self._scans.pop(0) if self._scans else None

    def status(self) -> ScannerStatus:
        asleep = self.paused and self.state is ScannerState.READY
        return ScannerStatus(state=ScannerState.PAUSED if asleep else self.state)

    def latest_frame(self) -> Frame | None:
        return self.picture

    def frame_age_s(self) -> float | None:
        return None if self.picture is None or self.paused else 0.04

    def hold_up(self, payload: bytes, *, lossy: bool = False) -> None:
        if self.paused:
            return
        self._scans.append(
            Scan(
                untrusted_payload=payload,
                source=ScanSource.CAMERA,
                lossy=lossy,
                read_at=datetime(2026, 11, 23, 1, 0, tzinfo=UTC),
                read_at_mono_s=0.0,
            )
        )


class FakePrinter:
    def __init__(self) -> None:
        self.printer_state = PrinterState.READY
        self.ends = PrintState.PRINTED
        self.reason: PrintReason | None = None
        self.looks = 0
        self.jobs: list[str] = []
        self.tickets: list[Ticket] = []
        self.receipts: list[Receipt] = []
        self.test_pages: list[Ticket] = []

    def print_ticket(self, ticket: Ticket, job_id: str) -> PrintResult:
        self.jobs.append(job_id)
        self.tickets.append(ticket)
        return PrintResult(job_id=job_id, state=self.ends, reason=self.reason, elapsed_ms=250)

    def print_receipt(self, receipt: Receipt, job_id: str) -> PrintResult:
        """The same job is on paper once, as the journal of a real printer sees to."""
        assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", job_id)
        if job_id not in self.jobs:
            self.jobs.append(job_id)
            self.receipts.append(receipt)
        return PrintResult(job_id=job_id, state=self.ends, reason=self.reason, elapsed_ms=250)

    def print_test(self, page: Ticket, job_id: str) -> PrintResult:
        if job_id not in self.jobs:
            self.jobs.append(job_id)
            self.test_pages.append(page)
        return PrintResult(job_id=job_id, state=self.ends, reason=self.reason, elapsed_ms=250)

    def forget(self) -> None:
        """The paper is in people's hands."""
        for record in (self.jobs, self.tickets, self.receipts, self.test_pages):
            record.clear()

    def look(self) -> None:
        self.looks += 1

    def state(self) -> PrinterState:
        return self.printer_state

    def close(self) -> None:
        self.printer_state = PrinterState.UNREACHABLE


class RecordedReports:
    def __init__(self) -> None:
        self.requests: list[PrintStateRequest] = []
        self.visit_ids: list[str] = []
        self.payment_ids: list[str] = []
        self.retries = 0

    def report(self, visit_id: str, request: PrintStateRequest) -> None:
        self.requests.append(request)
        self.visit_ids.append(visit_id)

    def report_receipt(self, payment_id: str, request: PrintStateRequest) -> None:
        self.requests.append(request)
        self.payment_ids.append(payment_id)

    def retry(self) -> None:
        self.retries += 1

    def forget(self) -> None:
        for record in (self.requests, self.visit_ids, self.payment_ids):
            record.clear()


class FakeMachine:
    name = "machine-1"

    def __init__(self) -> None:
        self.state = MachineState(
            disk_free_percent=61.0, memory_percent=40.0, process_mib=210.0, temperature_c=51.0
        )
        self.touch_devices: int | None = 1

    def look(self) -> MachineState:
        return self.state

    def count_touch_devices(self) -> int | None:
        return self.touch_devices


class FakeLog:
    def __init__(self) -> None:
        self.content = b"packed log"

    def pack(self) -> bytes:
        return self.content


class Bench:
    """The kiosk and everything around it, at the start screen."""

    def __init__(
        self,
        *,
        started: bool = True,
        server: Gateway | None = None,
        journal: CommandJournalFile | None = None,
        looks_for_people: bool = False,
    ) -> None:
        """`server` stands in for `gateway`, which then knows nothing."""
        self.time = FakeTime()
        self.gateway = FakeGateway(now=self.time.now)
        self.scanner = FakeScanner()
        self.printer = FakePrinter()
        self.reports = RecordedReports()
        self.offline = OfflineNumberJournal(None, server or self.gateway, now=self.time.now)
        self.worker = StepWorker()
        self.machine = FakeMachine()
        self.log = FakeLog()
        self.journal = journal or CommandJournalFile(None)
        self.kiosk = Kiosk(
            gateway=server or self.gateway,
            scanner=self.scanner,
            printer=self.printer,
            reports=self.reports,
            offline=self.offline,
            worker=self.worker,
            clock=self.time,
            place=Place(vi="Sảnh A", en="Hall A"),
            upkeep=Upkeep(
                version="1.2.3",
                machine=self.machine,
                journal=self.journal,
                log=self.log,
                looks_for_people=looks_for_people,
            ),
        )
        if started:
            self.settle()

    def settle(self) -> None:
        """Lets everything that is due happen, without time passing."""
        for _ in range(8):
            self.kiosk.tick()

    def wait(self, seconds: float) -> None:
        """Time passes in small steps, as it does."""
        until_s = self.time.elapsed_s + seconds
        while self.time.elapsed_s < until_s:
            self.time.elapsed_s = min(until_s, self.time.elapsed_s + 0.25)
            self.kiosk.tick()
        self.settle()
