"""A typed number becomes a known person once staff have seen papers."""

from __future__ import annotations

from backend.domain.catalogue import Catalogue
from backend.domain.desk import IdentityReason
from backend.domain.ticket import Note
from backend.errors import NothingToConfirm
from backend.events import Event
from backend.services.decide_at_desk import change_visit_row, decide_once, tell
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.storage.repositories import Answer, Intent, StoredVisit
from backend.storage.unit_of_work import UnitOfWork


def confirm_identity(
    resources: Resources,
    visit_id: str,
    reason: IdentityReason,
    *,
    seen: int,
    staff: Caller,
    intent: Intent,
) -> Answer:
    """`reason` is what staff saw. Raises NothingToConfirm, and as `decide_once` does."""

    def decide(unit: UnitOfWork, catalogue: Catalogue, stored: StoredVisit) -> None:
        if stored.visit.verified:
            raise NothingToConfirm
        change_visit_row(unit, stored, Note.SHOW_IDENTITY, verified=True)
        tell(unit, catalogue, Event.IDENTITY_CONFIRMED, stored, staff=staff, reason=reason.value)

    return decide_once(resources, visit_id, decide, seen=seen, intent=intent)
