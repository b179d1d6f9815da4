from __future__ import annotations

import json
import threading
from typing import Any, cast

import pytest

from devices.models import PrinterState, PrinterStatus, PrintReason, PrintResult, PrintState
from devices.printers.queue import PrintQueue
from kiosk_ui.errors import CredentialRefused, ServerAway
from tiepdon.agent.server import AgentServer, PrintEndRequest, TakenPrint
from tiepdon.agent.work import Pace, PrintAgent

TICKET: dict[str, Any] = {
    "hospital": "Trung tâm Y tế Thử", "issued_at": "2026-11-23T08:00:00+07:00", "number": "A012",
    "room": "Phòng 101", "floor": "1", "landmark": "", "wait_min": None, "next": "", "notes": [],
    "qr": "x", "hotline": "", "lang": "vi", "service": "", "department": "", "vi": None,
}  # fmt: skip


class StandInServer:
    """Hands out what it is told, until it is told how it ended."""

    def __init__(self) -> None:
        self.waiting: list[TakenPrint] = []
        self.ends: list[tuple[str, str, str | None]] = []
        self.told: list[str] = []
        self.beats = 0
        self.fault: Exception | None = None

    def offer(self, request_id: str, *, again: bool = False, **ticket: Any) -> None:
        self.waiting.append(
            TakenPrint.model_validate_json(
                json.dumps(
                    {"id": request_id, "visit_id": "v", "again": again, "ticket": TICKET | ticket}
                )
            )
        )

    def take(self) -> list[TakenPrint]:
        if self.fault:
            raise self.fault
        return list(self.waiting)

    def tell_end(self, request_id: str, end: PrintEndRequest) -> None:
        if self.fault:
            raise self.fault
        self.waiting = [each for each in self.waiting if each.id != request_id]
        self.ends.append((request_id, end.state, end.reason))

    def beat(self) -> None:
        self.beats += 1

    def report_device(self, request: Any) -> None:
        self.told.append(request.state)


class StandInPrinter:
    """Remembers jobs as a real one's journal does."""

    def __init__(self) -> None:
        self.papers: list[str] = []
        self._known: dict[str, PrintResult] = {}

    def print(self, document: Any, *, job_id: str) -> PrintResult:
        if job_id not in self._known:
            self.papers.append(document.number)
            self._known[job_id] = PrintResult(job_id=job_id, state=PrintState.PRINTED, elapsed_ms=5)
        return self._known[job_id]

    def status(self) -> PrinterStatus:
        return PrinterStatus(state=PrinterState.READY)

    def close(self) -> None: ...


@pytest.fixture
def server() -> StandInServer:
    return StandInServer()


@pytest.fixture
def printer() -> StandInPrinter:
    return StandInPrinter()


def agent(server: StandInServer, printer: StandInPrinter, *, new: bool = False) -> PrintAgent:
    queue = PrintQueue(cast("Any", printer))
    queue.start()
    return PrintAgent(
        cast("AgentServer", server), queue, journal_is_new=new, pace=Pace(ask_s=0.01, beat_s=0.05)
    )


def test_it_prints_and_tells(server: StandInServer, printer: StandInPrinter) -> None:
    server.offer("r1")
    assert agent(server, printer).work_once() == 1
    assert (printer.papers, server.ends) == (["A012"], [("r1", "printed", None)])


def test_an_end_that_was_not_heard_is_told_again_without_paper(
    server: StandInServer, printer: StandInPrinter
) -> None:
    worker = agent(server, printer)
    server.offer("r1")
    keep, server.tell_end = server.tell_end, _away  # type: ignore[method-assign]
    with pytest.raises(ServerAway):
        worker.work_once()
    server.tell_end = keep  # type: ignore[method-assign]
    worker.work_once()
    assert (printer.papers, server.ends) == (["A012"], [("r1", "printed", None)])


def test_with_a_new_journal_what_was_begun_is_unknown(
    server: StandInServer, printer: StandInPrinter
) -> None:
    server.offer("old", again=True)
    server.offer("fresh")
    agent(server, printer, new=True).work_once()
    assert server.ends == [
        ("old", "unknown", PrintReason.RESTARTED.value),
        ("fresh", "printed", None),
    ]


def test_a_ticket_that_is_none_fails(server: StandInServer, printer: StandInPrinter) -> None:
    server.offer("r1", number="   ")
    agent(server, printer).work_once()
    assert (printer.papers, server.ends) == ([], [("r1", "failed", "printer_error")])


def test_it_goes_on_after_the_server_was_away(
    server: StandInServer, printer: StandInPrinter
) -> None:
    stop = threading.Event()
    server.fault = ServerAway()
    thread = threading.Thread(target=agent(server, printer).run, args=(stop,))
    thread.start()
    server.offer("r1")
    server.fault = None
    for _ in range(500):
        if server.ends and server.told:
            break
        stop.wait(0.02)
    stop.set()
    thread.join(5)
    assert server.ends == [("r1", "printed", None)]
    assert (server.told, server.beats > 0) == (["ready"], True)


def test_a_revoked_agent_ends(server: StandInServer, printer: StandInPrinter) -> None:
    server.fault = CredentialRefused()
    with pytest.raises(CredentialRefused):
        agent(server, printer).run(threading.Event())


def _away(*_: object) -> None:
    raise ServerAway
