"""One worker for one printer: nobody who submits a job or looks at the status ever waits."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from devices.events import DeviceEvent
from devices.models import (
    PrintDocument,
    PrinterStatus,
    PrintReason,
    PrintResult,
    PrintState,
)
from devices.ports import TicketPrinter

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class _Job:
    document: PrintDocument
    job_id: str
    result: Future[PrintResult]


class PrintQueue:
    """Prints jobs one after the other and looks after the printer in between.

    Owns the printer it is given. `on_status` is called with each status that differs from the
    one before, from the worker's thread; it must return at once and not raise.
    """

    def __init__(
        self,
        printer: TicketPrinter,
        *,
        on_status: Callable[[PrinterStatus], None] | None = None,
        poll_s: float = 5.0,
    ) -> None:
        self._printer = printer
        self._on_status = on_status
        self._poll_s = poll_s
        self._jobs: queue.Queue[_Job | None] = queue.Queue()
        self._open_jobs: dict[str, Future[PrintResult]] = {}
        self._guard = threading.Lock()
        self._closed = False
        self._status: PrinterStatus | None = None
        self._worker = threading.Thread(target=self._work, name="print-queue", daemon=True)

    def start(self) -> None:
        """Begins to print and to ask for the status, first of all at once."""
        self._worker.start()

    def submit(self, document: PrintDocument, *, job_id: str) -> Future[PrintResult]:
        """Queues a job; returns at once. A job that is still open is not queued twice.

        The result is FAILED with reason CLOSED when the queue closes before the job began.
        """
        with self._guard:
            known = self._open_jobs.get(job_id)
            if known is not None:
                return known
            result: Future[PrintResult] = Future()
            if self._closed:
                result.set_result(_closed(job_id))
                return result
            self._open_jobs[job_id] = result
            self._jobs.put(_Job(document=document, job_id=job_id, result=result))
            return result

    @property
    def status(self) -> PrinterStatus | None:
        """The status asked for last; None before the first answer."""
        return self._status

    def close(self, *, timeout_s: float = 15.0) -> None:
        """Lets the job in hand end, gives up those waiting, closes the printer."""
        with self._guard:
            self._closed = True
        self._jobs.put(None)
        if self._worker.is_alive():
            self._worker.join(timeout_s)
        else:
            self._end()

    def _work(self) -> None:
        self._poll()
        next_poll_s = time.monotonic() + self._poll_s
        while not self._closed:
            try:
                job = self._jobs.get(timeout=max(0.0, next_poll_s - time.monotonic()))
            except queue.Empty:
                job = None
            if job is not None:
                self._print(job)
            if not self._closed:
                # After a job too: it is when covers are left open and paper ends.
                self._poll()
                next_poll_s = time.monotonic() + self._poll_s
        self._end()

    def _print(self, job: _Job) -> None:
        if self._closed:
            self._finish(job, _closed(job.job_id))
            return
        try:
            result = self._printer.print(job.document, job_id=job.job_id)
        except Exception as error:  # noqa: BLE001 - goes to whoever waits for the job
            with self._guard:
                self._open_jobs.pop(job.job_id, None)
            job.result.set_exception(error)
            return
        self._finish(job, result)

    def _finish(self, job: _Job, result: PrintResult) -> None:
        with self._guard:
            self._open_jobs.pop(job.job_id, None)
        job.result.set_result(result)

    def _poll(self) -> None:
        status = self._printer.status()
        if status == self._status:
            return
        self._status = status
        level = logging.INFO if status.can_print else logging.WARNING
        _log.log(
            level,
            "%s state=%s cause=%s",
            DeviceEvent.PRINTER_STATUS_CHANGED,
            status.state,
            status.cause,
        )
        if self._on_status is not None:
            self._on_status(status)

    def _end(self) -> None:
        while True:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is not None:
                self._finish(job, _closed(job.job_id))
        self._printer.close()


def _closed(job_id: str) -> PrintResult:
    return PrintResult(
        job_id=job_id, state=PrintState.FAILED, reason=PrintReason.CLOSED, elapsed_ms=0
    )
