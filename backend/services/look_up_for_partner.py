"""What the kiosk of a partner may ask before it registers somebody: known here? insured?"""

from __future__ import annotations

from backend.config import Config
from backend.domain.notice import NOTICE_VERSION
from backend.domain.scan import PersonFacts
from backend.events import Event
from backend.services.check_coverage import ask_insurer
from backend.services.identify_patient import NoticeRequired
from backend.services.limit_tries import LOOKUPS_PER_PARTNER, LOOKUPS_PER_PERSON, count_tries
from backend.services.recognise_partner import PartnerFacts
from backend.services.remote_party import NoAnswer
from backend.services.resources import Resources
from his_adapter.errors import HisError
from his_adapter.models import (
    BirthDate,
    Coverage,
    CoverageOutcome,
    CoverageQuery,
    Gender,
    Identifier,
    IdentifierKind,
    MatchGrade,
    Patient,
    PatientQuery,
)

SILENT_CODE = "999"
"""Our word, in the insurer's own list of codes, for an insurer that did not answer in time."""


def find_patient_for_partner(
    resources: Resources, partner: PartnerFacts, number: Identifier
) -> Patient | None:
    """The one record with that number. A HIS that is silent or unsure knows nobody: the kiosk
    goes on with its card, and the registration looks again.

    Raises NoticeRequired, RateLimited, StorageUnavailable.
    """
    _begin(resources, partner, number)

    def look() -> Patient | None:
        matches = resources.his.find_patients(PatientQuery(identifiers=(number,))).items
        certain = [match for match in matches if match.grade is MatchGrade.CERTAIN]
        return resources.his.read_patient(certain[0].ref) if len(certain) == 1 else None

    try:
        return resources.his_party.ask(look).wait(resources.config.coverage_patient_wait_s)
    except (NoAnswer, HisError):
        return None


def check_coverage_for_partner(
    resources: Resources, partner: PartnerFacts, facts: PersonFacts
) -> Coverage:
    """What the insurer says; silence and faults are `later`, never a refusal.

    Raises NoticeRequired, RateLimited, StorageUnavailable.
    """
    numbers = tuple(
        Identifier(kind=IdentifierKind(kind), value=value) for kind, value in facts.numbers.items()
    )
    _begin(resources, partner, numbers[0])
    query = CoverageQuery(
        identifiers=numbers,
        full_name=facts.full_name,
        birth_date=BirthDate.from_iso(facts.birth_date) if facts.birth_date else None,
        gender=Gender(facts.gender) if facts.gender else None,
    )
    lookup = ask_insurer(resources, query, asked_by=partner.caller.id)
    answer = lookup.wait(resources.config.coverage_patient_wait_s)
    now = resources.database.clock()
    return answer or Coverage(outcome=CoverageOutcome.LATER, code=SILENT_CODE, checked_at=now)


def _begin(resources: Resources, partner: PartnerFacts, number: Identifier) -> None:
    """Counted and written down before anybody is asked."""
    if partner.notice_version != NOTICE_VERSION and not _is_demo(resources.config, partner):
        raise NoticeRequired
    person = resources.keys.hash("partner-asked", number.kind.value, number.value)
    count_tries(
        resources.database,
        (LOOKUPS_PER_PARTNER, partner.caller.id),
        (LOOKUPS_PER_PERSON, person),
    )
    resources.database.transact(
        lambda unit: unit.audit(
            Event.PARTNER_ASKED, actor=partner.caller.actor, subject=f"facility:{unit.facility_id}"
        )
    )


def _is_demo(config: Config, partner: PartnerFacts) -> bool:
    return config.demo and partner.notice_version is None
