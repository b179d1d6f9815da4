"""When a look-up of a card counts as failed, and when it is tried again. Pure decisions."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from his_adapter.models import CoverageOutcome

LEGAL_GROUND = "Điều 38 khoản 2 Nghị định 188/2025/NĐ-CP"
"""When the look-up fails the hospital receives the patient, looks up later and keeps proof."""

NOT_ASKED_PAUSE = timedelta(seconds=30)
_FIRST_PAUSES = (timedelta(minutes=1), timedelta(minutes=3), timedelta(minutes=6))
_LATER_PAUSE = timedelta(hours=1)


class Problem(StrEnum):
    """Why the look-up did not settle the card."""

    SILENT = "silent"
    """No answer in the time a patient waits, or at all."""
    FAILED = "failed"
    """An answer that cannot be used, or a connection that broke."""
    UNCLEAR = "unclear"
    """An answer that leaves it open: a fault of the insurer or of our own access there."""
    NOT_ASKED = "not_asked"
    """The insurer has failed again and again: nobody waits for it at the moment."""


def pause_before(attempts: int) -> timedelta:
    """Until the next try, after so many: three within ten minutes, then one an hour."""
    return _FIRST_PAUSES[attempts] if attempts < len(_FIRST_PAUSES) else _LATER_PAUSE


SETTLED_BY_ITSELF = frozenset({CoverageOutcome.OK})
"""What needs no person any more. Everything else that is known is looked at by one."""
STILL_OPEN = frozenset({CoverageOutcome.LATER, CoverageOutcome.CONFIG_ERROR})
