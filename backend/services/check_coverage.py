"""What the insurance says, as far as a patient may wait for it.

Silence and faults give a provisional visit, never a refusal (NĐ 188/2025/NĐ-CP Điều 38 khoản 2:
when the look-up fails the hospital receives the patient and looks up later).
"""

from __future__ import annotations

from collections.abc import Sequence

from backend.domain.scan import CoverageFacts
from backend.services.remote_party import NoAnswer, PendingAnswer
from backend.services.resources import Resources
from his_adapter.errors import HisError
from his_adapter.models import Coverage, CoverageOutcome, CoverageQuery, Identifier, IdentifierKind

LATER = CoverageFacts(outcome=CoverageOutcome.LATER.value)
NO_COVERAGE = CoverageFacts(outcome=CoverageOutcome.NONE.value)
_INSURED_BY = (IdentifierKind.ID12, IdentifierKind.BHYT15, IdentifierKind.BHXH10)


def can_be_insured(identifiers: Sequence[Identifier]) -> bool:
    """Whether there is a number the insurer can be asked with."""
    return any(identifier.kind in _INSURED_BY for identifier in identifiers)


def ask_insurer(resources: Resources, query: CoverageQuery) -> PendingAnswer[Coverage]:
    """Asks in the background, for as long as the insurer's own time limit."""
    today = resources.catalogue.get().today(resources.database.clock())
    timeout_s = resources.config.coverage_timeout_s
    return resources.insurer_party.ask(
        lambda: resources.his.check_coverage(query, on=today, timeout_s=timeout_s)
    )


def wait_for_coverage(pending: PendingAnswer[Coverage], *, within_s: float) -> CoverageFacts:
    """Never raises: what cannot be known in time is known later."""
    try:
        return coverage_facts(pending.wait(within_s))
    except (NoAnswer, HisError):
        return LATER


def coverage_facts(answer: Coverage) -> CoverageFacts:
    """Without card number and history; a fault of our own settings looks like `later`."""
    outcome = answer.outcome
    if outcome is CoverageOutcome.CONFIG_ERROR:
        outcome = CoverageOutcome.LATER
    return CoverageFacts(
        outcome=outcome.value,
        code=answer.code,
        valid_to=answer.valid_to.isoformat() if answer.valid_to else None,
        registered_here=answer.registered_here,
    )
