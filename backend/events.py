"""The closed list of things that happen here: names for live events, audit rows and logs."""

from __future__ import annotations

from enum import StrEnum


class Event(StrEnum):
    """Past tense, stable. Details carry ids only."""

    VISIT_STARTED = "visit_started"
    VISIT_CHANGED = "visit_changed"
    VISIT_CANCELLED = "visit_cancelled"
    TICKET_REPRINTED = "ticket_reprinted"
    TICKET_PRINT_REPORTED = "ticket_print_reported"
    TICKET_PRINT_TROUBLE = "ticket_print_trouble"
    STEP_MOVED = "step_moved"
    STEP_CALLED = "step_called"
    STEPS_ADDED = "steps_added"
    ACT_UNDONE = "act_undone"
    ROOM_CHANGED = "room_changed"
    STEPS_EXPIRED = "steps_expired"
    PERSON_IDENTIFIED = "person_identified"
    NOTICE_ACCEPTED = "notice_accepted"
    KIOSK_INVITED = "kiosk_invited"
    KIOSK_ENROLLED = "kiosk_enrolled"
    KIOSK_REVOKED = "kiosk_revoked"
    STAFF_ADDED = "staff_added"
    STAFF_REVOKED = "staff_revoked"
    STAFF_LOGGED_IN = "staff_logged_in"
    DEVICE_STATE_CHANGED = "device_state_changed"
    HELP_CALLED = "help_called"
    HELP_ACKNOWLEDGED = "help_acknowledged"
    CATALOGUE_REFRESHED = "catalogue_refreshed"
    CATALOGUE_REFRESH_FAILED = "catalogue_refresh_failed"
    OUTBOX_SENT = "outbox_sent"
    OUTBOX_DELAYED = "outbox_delayed"
    OUTBOX_DEAD = "outbox_dead"
    DATA_PURGED = "data_purged"
    JOB_FAILED = "job_failed"
    REQUEST_SERVED = "request_served"
    REQUEST_FAILED = "request_failed"
    SERVER_STARTED = "server_started"
    SERVER_STOPPED = "server_stopped"
