"""An incident with data or machines: what it is, and who must be told of it by when.

From the moment somebody noticed: the first notice of a serious incident within 24 hours, the
report of it within 72 (NĐ 331/2026 Điều 31), and within the same 72 hours the authority for
personal data when people may be harmed (Luật 91/2025 Điều 23).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, TypeAlias

FIRST_NOTICE_AFTER = timedelta(hours=24)
REPORT_AFTER = timedelta(hours=72)
SOON = timedelta(hours=6)
"""So long before a time limit somebody is reminded."""
MAX_SPAN = timedelta(days=92)
MAX_WORDS = 4_000


class IncidentKind(StrEnum):
    DATA_LEAK = "data_leak"
    """Somebody saw, took or published data of people."""
    INTRUSION = "intrusion"
    MALWARE = "malware"
    LOST_MACHINE = "lost_machine"
    TRAIL_BROKEN = "trail_broken"
    OUTAGE = "outage"
    OTHER = "other"


Urgency: TypeAlias = Literal["done", "calm", "soon", "late"]


@dataclass(frozen=True, kw_only=True)
class Duty:
    """`name` is first_notice or report."""

    name: str
    due_at: datetime
    done_at: datetime | None

    def urgency(self, now: datetime) -> Urgency:
        if self.done_at is not None:
            return "done"
        if now >= self.due_at:
            return "late"
        return "soon" if now >= self.due_at - SOON else "calm"


def list_duties(
    noticed_at: datetime, *, first_notice_at: datetime | None, report_at: datetime | None
) -> tuple[Duty, Duty]:
    """Whoever sent the full report within a day owes no first notice any more."""
    return (
        Duty(
            name="first_notice",
            due_at=noticed_at + FIRST_NOTICE_AFTER,
            done_at=first_notice_at or report_at,
        ),
        Duty(name="report", due_at=noticed_at + REPORT_AFTER, done_at=report_at),
    )


def is_told(duties: tuple[Duty, Duty]) -> bool:
    """Whether nothing has to be told any more."""
    return all(duty.done_at is not None for duty in duties)


def is_due(duties: tuple[Duty, Duty], *, now: datetime) -> bool:
    """Whether somebody has to be reminded."""
    return any(duty.urgency(now) in {"soon", "late"} for duty in duties)
