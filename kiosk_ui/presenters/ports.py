"""What presenters need besides the server: a printer, a clock, a place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from devices.models import PrinterState, PrintResult
from kiosk_ui.gateway.fleet_models import CommandResult
from kiosk_ui.gateway.models import Label, Language, PrintState, PrintStateRequest, Ticket
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

    def print_test(self, page: Ticket, job_id: str) -> PrintResult:
        """The same for a page that only tries the printer, marked as such."""

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


@dataclass(frozen=True, kw_only=True)
class MachineState:
    """What the machine says about itself; None: it cannot tell."""

    disk_free_percent: float | None = None
    memory_percent: float | None = None
    process_mib: float | None = None
    temperature_c: float | None = None


class Machine(Protocol):
    """The computer this kiosk runs on. For worker threads; raises nothing."""

    name: str
    """Random, kept across restarts: tells two machines under one credential apart."""

    def look(self) -> MachineState: ...

    def count_touch_devices(self) -> int | None:
        """None: this machine cannot tell."""


class KeptCommand(Protocol):
    @property
    def result(self) -> CommandResult | None:
        """None: begun, its end is not known."""


class CommandJournal(Protocol):
    """What staff ordered, across restarts. For worker threads, but `find` and `find_out_words`."""

    def find(self, command_id: str) -> KeptCommand | None: ...

    def keep(self, command_id: str, result: CommandResult | None = None) -> None:
        """Safe on disk. Raises OSError."""

    def may_restart_itself(self, now: datetime, *, again_after_s: float) -> bool:
        """Whether the last restart for the sake of touches is long enough ago."""

    def note_restart_of_itself(self, now: datetime) -> None:
        """Raises OSError."""

    def find_out_words(self) -> Label | None:
        """With which staff took this machine out of service, as far as it was heard."""

    def keep_out_words(self, words: Label | None) -> None:
        """Safe on disk. Raises OSError."""


class LocalLog(Protocol):
    def pack(self) -> bytes:
        """The newest of this kiosk's log, packed, small enough to be sent. Raises OSError."""


@dataclass(frozen=True, kw_only=True)
class Upkeep:
    """What the IT desk's side of a kiosk needs."""

    version: str
    machine: Machine
    journal: CommandJournal
    log: LocalLog
    expects_touch: bool = False
    """This machine has a touch panel: none at all is a fault."""
    looks_for_people: bool = False
    """Staff allow the camera to look for movement while nobody touches."""


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
