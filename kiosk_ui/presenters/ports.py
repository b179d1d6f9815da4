"""What presenters need besides the server: a printer, a clock, a place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from devices.models import PrinterState, PrintResult
from kiosk_ui.gateway.models import Language, PrintState, PrintStateRequest, Ticket
from kiosk_ui.gateway.payment_models import Receipt


class TicketPrinting(Protocol):
    """The printer of this kiosk."""

    def print_ticket(self, ticket: Ticket, job_id: str) -> PrintResult:
        """Blocks until the printer has spoken or given up; for worker threads.

        The same job is never on paper twice, whatever happened in between. Raises nothing for
        a printer in trouble: that is an outcome.
        """

    def print_receipt(self, receipt: Receipt, job_id: str) -> PrintResult:
        """The same for a receipt, or the slip of a payment that is not finished."""

    def look(self) -> None:
        """Asks the printer how it is; for worker threads."""

    def state(self) -> PrinterState:
        """As last seen; returns at once."""

    def close(self) -> None:
        """Lets go of the device."""


class PrintReports(Protocol):
    """Tells the server what the printer said, now or when it is back. For worker threads."""

    def report(self, visit_id: str, request: PrintStateRequest) -> None:
        """Remembered across a restart until the server took it. Raises nothing."""

    def report_receipt(self, payment_id: str, request: PrintStateRequest) -> None: ...

    def retry(self) -> None:
        """Sends what is still waiting. Raises nothing."""


class OfflineNumbers(Protocol):
    """Numbers this kiosk gives by itself. For worker threads, but `may_give` and `waiting`."""

    def may_give(self) -> bool: ...

    def waiting(self) -> int:
        """Numbers the server does not have yet."""

    def take(self, *, priority: bool, language: Language) -> tuple[str, Ticket]:
        """Key and ticket, safe on disk. Raises NoOfflineNumber."""

    def note_print(self, key: str, state: PrintState) -> None: ...

    def fetch_grant(self, timezone: str) -> None: ...

    def hand_in(self) -> None: ...

    def close(self) -> None: ...


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware UTC."""

    def ticks_s(self) -> float:
        """Seconds that never jump."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where this kiosk stands, as it is named to people; empty: nothing is said."""

    vi: str = ""
    en: str = ""
