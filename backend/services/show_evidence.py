"""The proof of failed look-ups of a visit, for the file that goes to the insurer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from backend.domain.scan import PersonFacts
from backend.events import Event
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.storage.crypto import Keys
from backend.storage.insurance_tables import CoverageEvidence, CoverageRecheck
from backend.storage.repositories import find_people, get_visit
from backend.storage.unit_of_work import UnitOfWork

MAX_SHOWN = 50


@dataclass(frozen=True, kw_only=True, repr=False)
class ShownLookup:
    """`answer` is the beginning of what came back, as text."""

    id: str
    party: str
    problem: str
    failure: str | None
    code: str | None
    http_status: int | None
    answer_sha256: str | None
    answer: str | None
    asked_at: datetime
    answered_at: datetime | None


@dataclass(frozen=True, kw_only=True, repr=False)
class EvidenceSheet:
    visit_id: str
    number: str
    came_at: datetime
    provisional: bool
    coverage_outcome: str | None
    coverage_code: str | None
    person: PersonFacts | None
    lookups: Sequence[ShownLookup]
    recheck_state: str | None
    next_recheck_at: datetime | None
    shown_at: datetime


def show_evidence(resources: Resources, visit_id: str, *, staff: Caller) -> EvidenceSheet:
    """Leaves an audit row: the answers may name the person. Raises VisitNotFound."""

    def read(unit: UnitOfWork) -> EvidenceSheet:
        connection = unit.connection
        visit = get_visit(connection, visit_id, facility_id=unit.facility_id).visit
        people = find_people(
            connection, resources.keys, [visit.person_id] if visit.person_id else []
        )
        recheck = connection.execute(
            select(CoverageRecheck.state, CoverageRecheck.next_at).where(
                CoverageRecheck.visit_id == visit_id
            )
        ).one_or_none()
        rows = connection.execute(
            select(CoverageEvidence.__table__)
            .where(CoverageEvidence.visit_id == visit_id)
            .order_by(CoverageEvidence.asked_at)
            .limit(MAX_SHOWN)
        ).all()
        unit.audit(
            Event.COVERAGE_EVIDENCE_READ,
            actor=staff.actor,
            subject=f"visit:{visit_id}",
            detail={"lookups": len(rows)},
        )
        is_pending = recheck is not None and recheck.state == "pending"
        return EvidenceSheet(
            visit_id=visit_id,
            number=visit.number,
            came_at=visit.created_at,
            provisional=visit.provisional,
            coverage_outcome=visit.coverage_outcome,
            coverage_code=visit.coverage_code,
            person=people.get(visit.person_id),
            lookups=[_shown(resources.keys, row) for row in rows],
            recheck_state=recheck.state if recheck else None,
            next_recheck_at=recheck.next_at if recheck is not None and is_pending else None,
            shown_at=unit.now,
        )

    return resources.database.transact(read)


def count_evidence(connection: Connection, visit_id: str) -> int:
    return int(
        connection.scalar(
            select(func.count())
            .select_from(CoverageEvidence)
            .where(CoverageEvidence.visit_id == visit_id)
        )
        or 0
    )


def _shown(keys: Keys, row: Any) -> ShownLookup:
    answer = None
    if row.sealed_answer is not None:
        opened = keys.unseal(row.sealed_answer, context=f"evidence:{row.id}")
        answer = opened.decode("utf-8", "replace")
    return ShownLookup(
        id=row.id,
        party=row.party,
        problem=row.problem,
        failure=row.failure,
        code=row.code,
        http_status=row.http_status,
        answer_sha256=row.answer_sha256,
        answer=answer,
        asked_at=row.asked_at,
        answered_at=row.answered_at,
    )
