"""What the kiosk asks of a device, whatever its make."""

from __future__ import annotations

from typing import Protocol

from devices.models import (
    Frame,
    PrintDocument,
    PrinterStatus,
    PrintResult,
    Scan,
    ScannerStatus,
)


class CodeScanner(Protocol):
    """Reads QR and bar codes.

    A missing or lost device is a status, never an exception: after `open` a scanner looks for
    its device until `close`, and says within two seconds that it went away. Every method
    returns at once (`poll` after `timeout_s` at most) and may be called from any thread.
    """

    def open(self) -> None:
        """Starts reading. Opening an open scanner changes nothing."""

    def close(self) -> None:
        """Stops, lets go of the device and forgets what was read. May be called twice."""

    def pause(self) -> None:
        """Puts the device to sleep; what was read and not yet polled is forgotten."""

    def resume(self) -> None:
        """Wakes the device after `pause`."""

    def poll(self, timeout_s: float = 0.0) -> Scan | None:
        """The oldest scan not handed out yet; None when there is none within `timeout_s`.

        A code that stays before the scanner comes once.
        """

    def status(self) -> ScannerStatus:
        """The state now."""

    def latest_frame(self) -> Frame | None:
        """The newest picture for a preview, not to be changed; None when there is none."""

    def frame_age_s(self) -> float | None:
        """Since the picture last changed; None for a scanner without pictures, or asleep."""


class TicketPrinter(Protocol):
    """Prints tickets and receipts, each job at most once.

    Conditions of the device are results and states, never exceptions; only a broken
    installation raises (FontMissing). Calls block, seconds at worst, and are safe from any
    thread: they wait for one another.
    """

    def print(self, document: PrintDocument, *, job_id: str) -> PrintResult:
        """Prints and says what became of it.

        A `job_id` seen before is not printed again unless it failed: its result comes back,
        of an unknown one after asking the printer once more. To print again on purpose, give
        a new id. `job_id` is 1 to 64 letters, digits, dots, dashes and underscores and says
        nothing about a person; raises ValueError for others.
        """

    def find_result(self, job_id: str) -> PrintResult | None:
        """What is known of a job, without asking the printer; None when it is not known."""

    def status(self) -> PrinterStatus:
        """Asks the printer. May also settle a job whose end was unknown."""

    def close(self) -> None:
        """Lets go of the device and the journal. May be called twice."""
