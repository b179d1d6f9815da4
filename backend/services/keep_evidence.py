"""Rows about look-ups that failed, in the transaction of whatever the look-up was for."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert, update

from backend.events import Event
from backend.services.check_coverage import Lookup
from backend.storage.crypto import Keys
from backend.storage.insurance_tables import CoverageEvidence
from backend.storage.unit_of_work import UnitOfWork

MAX_ANSWER_BYTES = 16_384


def keep_evidence(
    unit: UnitOfWork,
    keys: Keys,
    lookup: Lookup,
    *,
    scan_id: str | None = None,
    visit_id: str | None = None,
) -> None:
    """Nothing for a look-up that settled the matter."""
    if lookup.problem is None or not lookup.leaves_evidence:
        return
    unit.connection.execute(
        insert(CoverageEvidence).values(
            id=lookup.id,
            facility_id=unit.facility_id,
            scan_id=scan_id,
            visit_id=visit_id,
            party=lookup.party,
            problem=lookup.problem.value,
            asked_at=lookup.asked_at,
            recorded_at=unit.now,
            **_found(keys, lookup),
        )
    )
    unit.audit(
        Event.COVERAGE_LOOKUP_FAILED,
        actor=f"insurer:{lookup.party}",
        subject=f"visit:{visit_id}" if visit_id else f"scan:{scan_id}",
        detail={"evidence": lookup.id, "problem": lookup.problem.value},
    )


def complete_evidence(unit: UnitOfWork, keys: Keys, lookup: Lookup) -> None:
    """What the end of the call has shown, once nobody waited for it any more."""
    unit.connection.execute(
        update(CoverageEvidence)
        .where(CoverageEvidence.id == lookup.id)
        .values(**_found(keys, lookup))
    )


def hand_over_evidence(unit: UnitOfWork, *, scan_id: str, visit_id: str) -> None:
    """What a scan left behind belongs to the visit that came of it."""
    unit.connection.execute(
        update(CoverageEvidence)
        .where(CoverageEvidence.scan_id == scan_id, CoverageEvidence.visit_id.is_(None))
        .values(visit_id=visit_id)
    )


def _found(keys: Keys, lookup: Lookup) -> dict[str, Any]:
    exchange = lookup.exchanges[-1] if lookup.exchanges else None
    answer = lookup.answer
    if exchange is None:
        return {
            "failure": lookup.failure,
            "code": answer.code if answer else None,
            "answered_at": answer.checked_at if answer else None,
        }
    sealed = (
        keys.seal(exchange.answer[:MAX_ANSWER_BYTES], context=f"evidence:{lookup.id}")
        if exchange.answer
        else None
    )
    return {
        "failure": exchange.failure or lookup.failure,
        "code": exchange.code,
        "http_status": exchange.http_status,
        "answer_sha256": exchange.answer_sha256,
        "sealed_answer": sealed,
        "answered_at": exchange.answered_at,
    }
