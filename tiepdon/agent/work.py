"""What a print agent does all day: ask, print once, tell.

The id of a request is the job id of the printer's journal, which is on disk before the first
byte leaves. A request that comes again after a crash is therefore never printed again: the
journal knows what became of it. With an empty journal it is not known, and not printed either.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from enum import StrEnum

from pydantic import ValidationError

from devices.errors import BadTicket
from devices.models import PrinterStatus, PrintReason, PrintResult, PrintState, TicketDocument
from devices.printers.queue import PrintQueue
from kiosk_ui.errors import CredentialRefused, GatewayError
from kiosk_ui.gateway.models import DeviceEventRequest
from tiepdon.agent.server import AgentServer, PrintEndRequest, TakenPrint

_log = logging.getLogger(__name__)


class AgentEvent(StrEnum):
    """Log events; details carry ids only."""

    STARTED = "agent_started"
    PRINT_TAKEN = "agent_print_taken"
    PRINT_ENDED = "agent_print_ended"
    SERVER_AWAY = "agent_server_away"
    SERVER_BACK = "agent_server_back"


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Seconds between one question and the next, and between two signs of life."""

    ask_s: float = 1.0
    beat_s: float = 30.0


class PrintAgent:
    """`journal_is_new`: what was printed before this start is not known."""

    def __init__(
        self,
        server: AgentServer,
        printer: PrintQueue,
        *,
        journal_is_new: bool,
        pace: Pace = Pace(),
    ) -> None:
        self._server = server
        self._printer = printer
        self._journal_is_new = journal_is_new
        self._pace = pace
        self._begun: set[str] = set()
        self._told: PrinterStatus | None = None
        self._away = False

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set. A server that is away is asked again, a little later each time.

        Raises CredentialRefused: somebody revoked this agent.
        """
        _log.info("%s", AgentEvent.STARTED)
        since_beat_s = self._pace.beat_s
        wait_s = self._pace.ask_s
        while not stop.is_set():
            try:
                if since_beat_s >= self._pace.beat_s:
                    self._server.beat()
                    since_beat_s = 0.0
                self._tell_status()
                self.work_once()
            except CredentialRefused:
                raise
            except (GatewayError, ValidationError) as error:
                self._note_away(error)
                wait_s = min(wait_s * 2, 15.0)
            else:
                self._note_back()
                wait_s = self._pace.ask_s
            stop.wait(wait_s)
            since_beat_s += wait_s

    def work_once(self) -> int:
        """Prints what is there and tells how it ended; how many. Raises GatewayError."""
        taken = self._server.take()
        for each in taken:
            _log.info("%s request=%s", AgentEvent.PRINT_TAKEN, each.id)
            result = self._print(each)
            _log.info("%s request=%s state=%s", AgentEvent.PRINT_ENDED, each.id, result.state)
            self._server.tell_end(
                each.id,
                PrintEndRequest(
                    state=result.state.value,
                    reason=result.reason.value if result.reason else None,
                    elapsed_ms=result.elapsed_ms,
                ),
            )
        return len(taken)

    def _print(self, taken: TakenPrint) -> PrintResult:
        if taken.again and self._journal_is_new and taken.id not in self._begun:
            return _not_printed(taken.id, PrintState.UNKNOWN, PrintReason.RESTARTED)
        self._begun.add(taken.id)
        try:
            document = TicketDocument.from_json(taken.ticket.model_dump_json())
        except BadTicket:
            return _not_printed(taken.id, PrintState.FAILED, PrintReason.PRINTER_ERROR)
        return self._printer.submit(document, job_id=taken.id).result()

    def _tell_status(self) -> None:
        status = self._printer.status
        if status is None or status == self._told:
            return
        reason = status.cause.value if status.cause else None
        self._server.report_device(
            DeviceEventRequest(device="printer", state=status.state.value, reason=reason)
        )
        self._told = status

    def _note_away(self, error: Exception) -> None:
        if not self._away:
            _log.warning("%s code=%s", AgentEvent.SERVER_AWAY, type(error).__name__)
        self._away = True

    def _note_back(self) -> None:
        if self._away:
            _log.info("%s", AgentEvent.SERVER_BACK)
        self._away = False


def _not_printed(job_id: str, state: PrintState, reason: PrintReason) -> PrintResult:
    return PrintResult(job_id=job_id, state=state, reason=reason, elapsed_ms=0)
