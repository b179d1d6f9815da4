"""What the people who keep the computers running are told of: a closed list.

One alert is open per kind and subject. It is told once, and once more when it is over.
"""

from __future__ import annotations

from enum import StrEnum


class AlertKind(StrEnum):
    """Stable names; what each means to people stands in the words of `alerts`."""

    KIOSK_AWAY = "kiosk_away"
    KIOSK_NAME_TWICE = "kiosk_name_twice"
    """Two machines beat with the credential of one kiosk, or under one name."""
    PAPER_OUT = "paper_out"
    PRINTER_FAULT = "printer_fault"
    SCANNER_FAULT = "scanner_fault"
    TOUCH_SUSPECT = "touch_suspect"
    """Somebody stands there and no touch arrives, or the self-test of the panel fails."""
    CLOCK_SKEW = "clock_skew"
    DISK_LOW = "disk_low"
    MEMORY_LOW = "memory_low"
    TOO_HOT = "too_hot"
    LOGS_UNWRITABLE = "logs_unwritable"
    PARTY_AWAY = "party_away"
    DEAD_LETTERS = "dead_letters"
    REFUND_STUCK = "refund_stuck"
    CHECKIN_LATE = "checkin_late"
    AUDIT_BROKEN = "audit_broken"
    AUDIT_UNSEALED = "audit_unsealed"
    BACKUP_OVERDUE = "backup_overdue"
    REPORT_OVERDUE = "report_overdue"
    ACCOUNT_LOCKED = "account_locked"
    INCIDENT_DUE = "incident_due"
    DATA_REQUEST_DUE = "data_request_due"
    RELEASE_ROLLED_BACK = "release_rolled_back"
    CERTIFICATE_ENDING = "certificate_ending"
    STANDBY_AWAY = "standby_away"
    """Numbers are kept on one machine only, or the machine that stands by lost the other."""


class AlertPhase(StrEnum):
    """Both are told, in this order."""

    RAISED = "raised"
    CLEARED = "cleared"
