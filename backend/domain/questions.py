"""What a kiosk still has to ask, in the order of its screens. The server decides this once."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from backend.domain.appointments import ArrivalState, may_arrive
from backend.domain.priority import AgeVerdict
from backend.domain.scan import CoverageFacts


class Question(StrEnum):
    CONFIRM = "confirm"
    EXISTING = "existing"
    COVERAGE = "coverage"
    APPOINTMENT = "appointment"
    VISIT_KIND = "visit_kind"
    SERVICE = "service"
    PAPERS = "papers"
    PRIORITY = "priority"
    SUMMARY = "summary"


_UNANSWERED = frozenset({"later", "config_error"})


def remaining_questions(
    *,
    has_open_visits: bool,
    coverage: CoverageFacts | None,
    arrivals: Sequence[ArrivalState],
    verdict: AgeVerdict,
    can_declare_priority: bool,
) -> list[Question]:
    """Booked and on time skips what the booking answers already.

    Papers matter to insured people who are registered elsewhere, and to those the insurer says
    nothing about: their category depends on the papers once it answers. Who belongs to a priority
    group by birth date is not asked about others: one is enough.
    """
    asked = [Question.CONFIRM]
    if has_open_visits:
        asked.append(Question.EXISTING)
    if coverage is not None:
        asked.append(Question.COVERAGE)
    if arrivals:
        asked.append(Question.APPOINTMENT)
    if not any(may_arrive(state) for state in arrivals):
        asked += [Question.VISIT_KIND, Question.SERVICE]
    if coverage is not None and _may_need_papers(coverage):
        asked.append(Question.PAPERS)
    if verdict.group is None and can_declare_priority:
        asked.append(Question.PRIORITY)
    return [*asked, Question.SUMMARY]


def _may_need_papers(coverage: CoverageFacts) -> bool:
    unanswered = coverage.outcome in _UNANSWERED and coverage.registered_here is None
    return coverage.registered_here is False or unanswered
