"""The closed list of log events of devices.

Logged with the name of the device and a cause; never with anything read from a person's card.
A device that goes away is logged once, and once on its return.
"""

from __future__ import annotations

from enum import StrEnum


class DeviceEvent(StrEnum):
    SCANNER_LOST = "scanner_lost"
    """The scanner cannot be opened or went away."""
    SCANNER_RETURNED = "scanner_returned"
    """The scanner reads (again)."""
    SCANNER_FAILED = "scanner_failed"
    """The driver made an error nobody foresaw; it is started again."""
    SCAN_DROPPED = "scan_dropped"
    """A reading was thrown away: too long, or nobody fetched the earlier ones."""
    PRINTER_STATUS_CHANGED = "printer_status_changed"
    """The printer reports another state than before."""
    PRINT_ENDED = "print_ended"
    """A job came to an end, with its state and reason."""
    PRINT_SETTLED = "print_settled"
    """The proof of a job whose end was unknown came later."""
    PRINT_JOURNAL_FAILED = "print_journal_failed"
    """The journal could not be written."""
    PRINT_JOURNAL_DAMAGED = "print_journal_damaged"
    """Lines of the journal could not be read and were left out."""
