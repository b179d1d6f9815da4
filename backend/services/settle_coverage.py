"""An answer about a card that came after the visit had begun."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from sqlalchemy import update

from backend.domain.catalogue import Catalogue
from backend.domain.coverage_evidence import SETTLED_BY_ITSELF, STILL_OPEN
from backend.domain.scan import CardFacts
from backend.domain.ticket import Note
from backend.events import Event
from backend.services.check_coverage import card_facts, coverage_facts
from backend.services.decide_at_desk import change_visit_row, raise_version, where_visit_is
from backend.services.propose_category import propose_again
from backend.services.queue_checkin import queue_checkin
from backend.storage.crypto import Keys
from backend.storage.insurance_tables import CoverageRecheck
from backend.storage.repositories import lock_visit
from backend.storage.unit_of_work import UnitOfWork
from backend.storage.visit_tables import Visit
from his_adapter.models import Coverage

ACTOR = "job:recheck_coverage"


def seal_card(keys: Keys, card: CardFacts | None, visit_id: str) -> bytes | None:
    if card is None:
        return None
    text = json.dumps(asdict(card), ensure_ascii=False)
    return keys.seal(text.encode(), context=f"card:{visit_id}")


def open_card(keys: Keys, sealed: bytes | None, visit_id: str) -> CardFacts | None:
    """The card of a visit, for the HIS and the XML tables. Raises CannotUnseal."""
    if sealed is None:
        return None
    return CardFacts(**json.loads(keys.unseal(sealed, context=f"card:{visit_id}")))


def settle_coverage(
    unit: UnitOfWork, keys: Keys, catalogue: Catalogue, visit_id: str, answer: Coverage
) -> None:
    """A valid card confirms the visit, anything else that is known waits for a person.

    Nothing happens to a visit that the desk has decided about meanwhile, nor when the answer
    leaves it open. Raises VisitNotFound.
    """
    if answer.outcome in STILL_OPEN:
        return
    stored = lock_visit(unit, visit_id)
    if not stored.visit.provisional or not stored.visit.use_insurance:
        return
    facts, card = coverage_facts(answer), card_facts(answer)
    is_settled = answer.outcome in SETTLED_BY_ITSELF
    values: dict[str, Any] = {
        "coverage_outcome": facts.outcome,
        "coverage_code": facts.code,
        "registered_here": facts.registered_here,
        **propose_again(
            unit,
            catalogue,
            stored,
            use_insurance=True,
            outcome=facts.outcome,
            registered_here=facts.registered_here,
        ),
    }
    if card is not None:
        values["sealed_card"] = seal_card(keys, card, visit_id)
    if is_settled:
        change_visit_row(unit, stored, Note.CHECK_CARD, provisional=False, **values)
        queue_checkin(unit, catalogue, visit_id)
    else:
        unit.connection.execute(update(Visit).where(Visit.id == visit_id).values(**values))
    raise_version(unit, stored)
    end_recheck(unit, visit_id, "known" if is_settled else "needs_person")
    subject = f"visit:{visit_id}"
    unit.audit(
        Event.COVERAGE_RECHECKED, actor=ACTOR, subject=subject, detail={"outcome": facts.outcome}
    )
    unit.publish(
        Event.COVERAGE_RECHECKED,
        subject=subject,
        detail=where_visit_is(catalogue, stored),
    )


def end_recheck(unit: UnitOfWork, visit_id: str, state: str) -> None:
    unit.connection.execute(
        update(CoverageRecheck)
        .where(CoverageRecheck.visit_id == visit_id)
        .values(state=state, settled_at=unit.now)
    )
