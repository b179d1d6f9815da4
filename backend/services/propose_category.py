"""The proposed MA_DOITUONG_KCB of one visit, and again when something new is known about it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import exists, select

from backend.domain.catalogue import Catalogue
from backend.domain.patient_category import (
    CategoryFacts,
    Proposal,
    is_transfer_valid,
    propose_category,
)
from backend.storage.crypto import Keys
from backend.storage.queue_tables import Step
from backend.storage.repositories import StoredVisit
from backend.storage.unit_of_work import UnitOfWork
from backend.storage.visit_tables import Visit
from his_adapter.models import CoverageOutcome

_NUMBERS = ("transfer_number", "revisit_number")
_INSURED = frozenset({CoverageOutcome.OK, CoverageOutcome.OK_DESK_NOTE, CoverageOutcome.USE_NEW})
MEDICINE_KIND = "medicine"


@dataclass(frozen=True, kw_only=True, repr=False)
class Slips:
    """What somebody brings: `papers` may be stored in the clear, `numbers` are sealed."""

    papers: dict[str, Any]
    numbers: dict[str, str]
    revisit_hash: str | None

    def sealed_numbers(self, keys: Keys, visit_id: str) -> bytes | None:
        if not self.numbers:
            return None
        text = json.dumps(self.numbers, ensure_ascii=False)
        return keys.seal(text.encode(), context=f"slips:{visit_id}")


def read_slips(keys: Keys, papers: Mapping[str, Any], *, appointment_ref: str | None) -> Slips:
    """A re-visit slip without a number of its own is known by the booking that it is for."""
    numbers = {name: str(papers[name]) for name in _NUMBERS if papers.get(name)}
    plain = {name: value for name, value in papers.items() if name not in _NUMBERS}
    named = numbers.get("revisit_number") or (appointment_ref if papers.get("revisit_slip") else "")
    key = "".join((named or "").split()).upper()
    return Slips(
        papers=plain, numbers=numbers, revisit_hash=keys.hash("revisit", key) if key else None
    )


def propose_for(
    unit: UnitOfWork,
    catalogue: Catalogue,
    *,
    kind: str,
    slips: Slips,
    use_insurance: bool,
    outcome: str | None,
    registered_here: bool | None,
    visit_id: str,
) -> Proposal:
    today = catalogue.today(unit.now)
    facts = CategoryFacts(
        insured=_is_insured(use_insurance=use_insurance, outcome=outcome),
        registered_here=registered_here,
        medicine_only=kind == MEDICINE_KIND,
        transfer_slip=serves_transfer(slips.papers, catalogue, today),
        revisit_slip=serves_revisit(unit, slips, visit_id),
    )
    return propose_category(facts, catalogue.settings.standing)


def propose_again(
    unit: UnitOfWork,
    catalogue: Catalogue,
    stored: StoredVisit,
    *,
    use_insurance: bool,
    outcome: str,
    registered_here: bool | None,
) -> dict[str, Any]:
    """New values of the visit; none once a person has confirmed the category."""
    visit = stored.visit
    if visit.category_confirmed:
        return {}
    slips = Slips(papers=visit.papers, numbers={}, revisit_hash=visit.revisit_hash)
    proposal = propose_for(
        unit,
        catalogue,
        kind=visit.kind,
        slips=slips,
        use_insurance=use_insurance,
        outcome=outcome,
        registered_here=registered_here,
        visit_id=visit.id,
    )
    return {"category_code": proposal.code, "category_reason": proposal.why.value}


def _is_insured(*, use_insurance: bool, outcome: str | None) -> bool | None:
    if not use_insurance or outcome == CoverageOutcome.NONE.value:
        return False
    return True if outcome in {each.value for each in _INSURED} else None


def serves_transfer(papers: Mapping[str, Any], catalogue: Catalogue, today: date) -> bool | None:
    """A slip without a date counts as brought: the desk looks at it."""
    if not papers.get("transfer_slip"):
        return papers.get("transfer_slip")
    signed_on = papers.get("transfer_signed_on")
    if not signed_on:
        return True
    closed = [room.closed_days for room in catalogue.rooms.values()]
    return is_transfer_valid(
        date.fromisoformat(signed_on),
        on=today,
        for_a_year=bool(papers.get("transfer_for_a_year")),
        days_off=frozenset.intersection(*closed) if closed else frozenset(),
    )


def serves_revisit(unit: UnitOfWork, slips: Slips, visit_id: str) -> bool | None:
    """Once: not when another visit that was not cancelled came with it."""
    said = slips.papers.get("revisit_slip")
    if not said or slips.revisit_hash is None:
        return True if said else said
    visit, step = Visit, Step
    took_place = exists().where(step.visit_id == visit.id, step.state != "cancelled")
    used = unit.connection.scalar(
        select(visit.id)
        .where(
            visit.facility_id == unit.facility_id,
            visit.revisit_hash == slips.revisit_hash,
            visit.id != visit_id,
            took_place,
        )
        .limit(1)
    )
    return used is None
