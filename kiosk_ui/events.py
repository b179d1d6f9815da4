"""The closed list of log events of the kiosk: ids and codes, never a person's data."""

from __future__ import annotations

from enum import StrEnum


class KioskEvent(StrEnum):
    STARTED = "kiosk_started"
    ENROLLED = "kiosk_enrolled"
    SERVER_LOST = "server_lost"
    SERVER_RETURNED = "server_returned"
    CREDENTIAL_NOT_KEPT = "credential_not_kept"
    """Enrolled, but the file could not be written: the kiosk must be enrolled again after a restart."""
    CREDENTIAL_REFUSED = "credential_refused"
    REPLY_REFUSED = "reply_refused"
    """An answer could not be used; `code` says why."""
    PRINT_ENDED = "print_ended"
    CALL_FAILED = "call_failed"
    PRINT_REPORT_KEPT = "print_report_kept"
    """The server could not be told what the printer said; it is told later."""
    PRINT_REPORT_DROPPED = "print_report_dropped"
    """The server refused a report: it will not be sent again."""
    PRINT_REPORTS_NOT_SAVED = "print_reports_not_saved"
    OFFLINE_NUMBER_GIVEN = "offline_number_given"
    """Without the server, from the letter of this kiosk."""
    OFFLINE_NUMBERS_HANDED_IN = "offline_numbers_handed_in"
    OFFLINE_JOURNAL_FAILED = "offline_journal_failed"
    """The journal could not be written or read; `code` says why."""
    IDLE_CLEARED = "idle_cleared"
