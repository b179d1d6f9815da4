"""The desk writes down what a patient says about their own health, for the HIS alone."""

from __future__ import annotations

from backend.domain.catalogue import Catalogue
from backend.domain.desk import History
from backend.errors import HistoryNotTaken, VisitNotFound
from backend.events import Event
from backend.services.decide_at_desk import decide_once, where_visit_is
from backend.services.deliveries import SUBMIT_HISTORY
from backend.services.deliveries.submit_history import make_payload
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.storage.repositories import Answer, Intent, StoredVisit
from backend.storage.unit_of_work import UnitOfWork
from his_adapter.models import Feature


def takes_history(catalogue: Catalogue) -> bool:
    """Whether the HIS has said that it does; what is asked in vain is not asked."""
    return Feature.SUBMIT_HISTORY in (catalogue.his_features or frozenset())


def take_history(
    resources: Resources,
    visit_id: str,
    history: History,
    *,
    seen: int,
    staff: Caller,
    intent: Intent,
) -> Answer:
    """Nothing of it is kept here once the HIS has it, and nothing shows it before.

    Raises HistoryNotTaken where the HIS takes none, VisitNotFound also when the link to the
    person is gone, and as `decide_once` does.
    """

    def decide(unit: UnitOfWork, catalogue: Catalogue, stored: StoredVisit) -> None:
        person_id = stored.visit.person_id
        if person_id is None:
            raise VisitNotFound
        if not takes_history(catalogue):
            raise HistoryNotTaken
        payload = make_payload(
            resources.keys,
            person_id=person_id,
            answers=history.answers,
            language=history.language,
            answered_at=unit.now,
        )
        unit.enqueue(SUBMIT_HISTORY, lane=person_id, visit_id=visit_id, payload=payload)
        subject = f"visit:{visit_id}"
        unit.audit(Event.HISTORY_TAKEN, actor=staff.actor, subject=subject, detail={})
        where = where_visit_is(catalogue, stored)
        unit.publish(Event.HISTORY_TAKEN, subject=subject, detail=where)

    return decide_once(resources, visit_id, decide, seen=seen, intent=intent)
