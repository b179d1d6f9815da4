"""A person at the desk confirms or changes the proposed MA_DOITUONG_KCB of a visit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import update

from backend.domain.catalogue import Catalogue
from backend.domain.desk import CategoryReason
from backend.domain.patient_category import WITH_REVISIT, WITH_TRANSFER, Why, find_category
from backend.errors import SlipNotValid, ValidationFailed
from backend.events import Event
from backend.services.decide_at_desk import decide_once, tell
from backend.services.propose_category import read_slips, serves_revisit, serves_transfer
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.storage.repositories import Answer, Intent, StoredVisit
from backend.storage.unit_of_work import UnitOfWork
from backend.storage.visit_tables import Visit


def confirm_category(
    resources: Resources,
    visit_id: str,
    code: str,
    reason: CategoryReason,
    *,
    seen: int,
    staff: Caller,
    intent: Intent,
    papers: Mapping[str, Any] | None = None,
) -> Answer:
    """`papers` is what was read off the slip that decides, to be kept with the visit.

    Raises ValidationFailed for a code that is not on today's list, or when `as_proposed` is said
    of another code; SlipNotValid when the slip no longer serves; and as `decide_once` does.
    """

    def decide(unit: UnitOfWork, catalogue: Catalogue, stored: StoredVisit) -> None:
        if find_category(code, on=catalogue.today(unit.now)) is None:
            raise ValidationFailed("code is not on the list of today")
        proposed = stored.visit.category_code
        if reason is CategoryReason.AS_PROPOSED and code != proposed:
            raise ValidationFailed("another code than the proposed one needs a reason")
        unit.connection.execute(
            update(Visit)
            .where(Visit.id == visit_id)
            .values(
                category_code=code,
                category_reason=Why.DESK.value,
                category_confirmed=True,
                **_check_slips(unit, catalogue, stored),
            )
        )
        tell(
            unit,
            catalogue,
            Event.CATEGORY_CONFIRMED,
            stored,
            staff=staff,
            reason=reason.value,
            code=code,
            before=proposed,
        )

    def _check_slips(unit: UnitOfWork, catalogue: Catalogue, stored: StoredVisit) -> dict[str, Any]:
        """What is new about the slips of the visit."""
        if not papers:
            return {}
        visit = stored.visit
        slips = read_slips(
            resources.keys,
            {**visit.papers, **papers},
            appointment_ref=visit.appointment_ref,
        )
        today = catalogue.today(unit.now)
        if code == WITH_TRANSFER and not serves_transfer(slips.papers, catalogue, today):
            raise SlipNotValid
        if code == WITH_REVISIT and not serves_revisit(unit, slips, visit_id):
            raise SlipNotValid
        values: dict[str, Any] = {"papers": slips.papers, "revisit_hash": slips.revisit_hash}
        if slips.numbers:
            values["sealed_slips"] = slips.sealed_numbers(resources.keys, visit_id)
        return values

    return decide_once(resources, visit_id, decide, seen=seen, intent=intent)
