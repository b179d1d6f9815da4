"""The kiosk of a partner registers somebody: the very visit our own kiosk would have started."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sqlalchemy import select

from backend.domain.scan import PersonFacts
from backend.errors import PersonNeedsStaff, VisitNotFound
from backend.services.identify_patient import (
    AcceptedNotice,
    Described,
    NoticeRequired,
    Outcome,
    ScanRequest,
    identify_patient,
)
from backend.services.number_visit import number_visit
from backend.services.recognise_partner import PartnerFacts
from backend.services.resources import Resources
from backend.services.start_visit import VisitWish
from backend.storage.repositories import Answer, Intent, find_answer, get_person
from backend.storage.request_tables import IdempotencyKey
from backend.storage.visit_tables import Visit


@dataclass(frozen=True, kw_only=True, repr=False)
class Registration:
    """Who, as the partner read it from a card, and what for. Ids are ours."""

    facts: PersonFacts
    visit_kind: str
    service_id: str
    slot_id: str | None
    use_insurance: bool
    has_transfer_slip: bool


def register_for_partner(
    resources: Resources, partner: PartnerFacts, wanted: Registration, *, intent: Intent
) -> Answer:
    """As `number_visit` answers. The same intent gives the first answer again, without a look-up.

    Raises NoticeRequired where the partner shows no notice, PersonNeedsStaff when the HIS knows
    the number under another name, and whatever `number_visit` raises.
    """
    first = resources.database.transact(lambda unit: find_answer(unit, intent))
    if first is not None:
        return first
    described = Described(facts=wanted.facts, papers_seen=partner.reads_cards)
    request = ScanRequest(notice=accepted_notice(resources, partner), described=described)
    found = identify_patient(resources, kiosk=partner.caller, request=request)
    if found.outcome is Outcome.ASK_NOTICE:
        raise NoticeRequired
    if found.outcome is not Outcome.IDENTIFIED:
        raise PersonNeedsStaff
    wish = VisitWish(
        scan_id=found.scan_id,
        visit_kind=wanted.visit_kind,
        service_id=wanted.service_id,
        slot_id=wanted.slot_id,
        use_insurance=wanted.use_insurance,
        papers={"transfer_slip": True} if wanted.has_transfer_slip else {},
    )
    return number_visit(resources, wish, kiosk=partner.caller, intent=intent)


def accepted_notice(resources: Resources, partner: PartnerFacts) -> AcceptedNotice | None:
    """The partner's machines show the notice before they ask for a person, as was agreed on."""
    if partner.notice_version is None:
        return None
    return AcceptedNotice(
        version=partner.notice_version,
        language="vi",
        accepted_at=resources.database.clock(),
    )


def find_registration(
    resources: Resources, partner: PartnerFacts, key: str
) -> tuple[Answer, PersonFacts | None]:
    """What this partner's request with that key was answered, and for whom.

    Raises VisitNotFound.
    """
    with resources.database.read() as connection:
        row = connection.execute(
            select(IdempotencyKey.status, IdempotencyKey.reply).where(
                IdempotencyKey.caller == partner.caller.actor,
                IdempotencyKey.key == key,
            )
        ).one_or_none()
        if row is None:
            raise VisitNotFound
        answer = Answer(status=row.status, body=row.reply)
        person_id = connection.scalar(
            select(Visit.person_id).where(Visit.id == visit_id_of(answer))
        )
        person = get_person(connection, resources.keys, person_id) if person_id else None
    return answer, person


def visit_id_of(answer: Answer) -> str:
    return str(json.loads(answer.body)["id"])
