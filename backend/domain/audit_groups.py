"""How audit rows are sorted for people: what went well, what was refused, what belongs together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from backend.events import Event

Outcome: TypeAlias = Literal["done", "refused", "failed"]

REFUSED = frozenset(
    {
        Event.ACCESS_REFUSED,
        Event.CALLBACK_REFUSED,
        Event.HIS_NUMBER_REFUSED,
        Event.LOGIN_FAILED,
        Event.PAYMENT_REFUND_REJECTED,
        Event.SECOND_FACTOR_FAILED,
        Event.SINGLE_SIGN_ON_FAILED,
        Event.USER_LOCKED,
    }
)
FAILED = frozenset(
    {
        Event.CATALOGUE_REFRESH_FAILED,
        Event.COVERAGE_LOOKUP_FAILED,
        Event.HIS_CHECK_FAILED,
        Event.HIS_FEED_LOST,
        Event.HIS_VISIT_UNREADABLE,
        Event.LATE_COVERAGE_LOST,
        Event.OUTBOX_DEAD,
        Event.OUTBOX_MESSAGE_LOST,
        Event.PARTY_LOST,
        Event.REQUEST_FAILED,
        Event.TICKET_PRINT_TROUBLE,
        Event.VOICE_FAILED,
    }
)
_BAD_STATES = frozenset({"failed", "rejected", "refused", "unknown"})

GROUPS: Mapping[str, tuple[Event, ...]] = {
    "reads": (
        Event.PERSON_READ,
        Event.PERSON_IDENTIFIED,
        Event.CHECKIN_READ,
        Event.COVERAGE_EVIDENCE_READ,
        Event.DUES_READ,
        Event.PAYMENT_PAYER_READ,
        Event.DATA_REQUEST_READ,
        Event.INCIDENT_READ,
        Event.PARTNER_ASKED,
    ),
    "sign_in": (
        Event.LOGGED_IN,
        Event.LOGIN_FAILED,
        Event.LOGGED_OUT,
        Event.SINGLE_SIGN_ON_FAILED,
        Event.SECOND_FACTOR_GIVEN,
        Event.SECOND_FACTOR_FAILED,
        Event.RECOVERY_CODE_USED,
        Event.USER_LOCKED,
    ),
    "refused": tuple(sorted(REFUSED)),
    "rights": (
        Event.USER_ADDED,
        Event.USER_ROLES_CHANGED,
        Event.USER_DISABLED,
        Event.USER_UNLOCKED,
        Event.PASSWORD_RESET,
        Event.API_TOKEN_MADE,
        Event.API_TOKEN_ENDED,
        Event.KIOSK_INVITED,
        Event.KIOSK_INVITATION_ENDED,
        Event.KIOSK_ENROLLED,
        Event.KIOSK_REVOKED,
        Event.PARTNER_ADDED,
        Event.PARTNER_REVOKED,
        Event.RIGHTS_REVIEWED,
    ),
    "settings": (
        Event.SETTING_CHANGED,
        Event.SETTINGS_IMPORTED,
        Event.SETTINGS_TAKEN_BACK,
        Event.NUMBERING_CHOSEN,
        Event.CALLING_WORDS_CHANGED,
        Event.ANNOUNCEMENT_ADDED,
        Event.ANNOUNCEMENT_CHANGED,
        Event.DISPLAY_ADDED,
        Event.DISPLAY_CHANGED,
        Event.DISPLAY_REVOKED,
    ),
    "exports": (
        Event.AUDIT_EXPORTED,
        Event.INCIDENT_EXPORTED,
        Event.DATA_REQUESTS_EXPORTED,
        Event.PAYMENT_FIGURES_EXPORTED,
        Event.REPORT_EXPORTED,
        Event.KIOSK_FILE_READ,
        Event.RIGHTS_REVIEWED,
    ),
    "trail": (
        Event.AUDIT_CHECKED,
        Event.AUDIT_BREAK_ACKNOWLEDGED,
        Event.AUDIT_EXPORTED,
        Event.DATA_PURGED,
    ),
}
"""What people ask for at once; the first is who looked at whom."""


def outcome_of(event: str, detail: Mapping[str, Any]) -> Outcome:
    """How it ended. A row is written with the change, so most are done."""
    if event in REFUSED:
        return "refused"
    if event in FAILED or detail.get("state") in _BAD_STATES or detail.get("ok") is False:
        return "failed"
    return "done"
