"""The insurance was looked up by hand: the visit is no longer provisional."""

from __future__ import annotations

from backend.domain.catalogue import Catalogue
from backend.domain.desk import CoverageDecision
from backend.domain.ticket import Note
from backend.errors import NothingToConfirm
from backend.events import Event
from backend.services.decide_at_desk import change_visit_row, decide_once, tell
from backend.services.propose_category import propose_again
from backend.services.queue_checkin import queue_checkin
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.services.settle_coverage import end_recheck
from backend.storage.repositories import Answer, Intent, StoredVisit
from backend.storage.unit_of_work import UnitOfWork
from his_adapter.models import CoverageOutcome


def confirm_coverage(
    resources: Resources,
    visit_id: str,
    decision: CoverageDecision,
    *,
    seen: int,
    staff: Caller,
    intent: Intent,
) -> Answer:
    """Raises NothingToConfirm when nothing is open, and as `decide_once` does."""

    def decide(unit: UnitOfWork, catalogue: Catalogue, stored: StoredVisit) -> None:
        if not stored.visit.provisional:
            raise NothingToConfirm
        is_valid = decision is CoverageDecision.VALID
        outcome = CoverageOutcome.OK if is_valid else CoverageOutcome.NONE
        change_visit_row(
            unit,
            stored,
            Note.CHECK_CARD,
            provisional=False,
            use_insurance=is_valid,
            coverage_outcome=outcome.value,
            **propose_again(
                unit,
                catalogue,
                stored,
                use_insurance=is_valid,
                outcome=outcome.value,
                registered_here=stored.visit.registered_here,
            ),
        )
        end_recheck(unit, visit_id, "known")
        queue_checkin(unit, catalogue, visit_id)
        tell(unit, catalogue, Event.COVERAGE_CONFIRMED, stored, staff=staff, reason=decision.value)

    return decide_once(resources, visit_id, decide, seen=seen, intent=intent)
