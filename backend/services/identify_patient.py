"""Who stands before the kiosk, and what to ask them: the untrusted payload becomes a scan.

Nothing is created in the HIS. What a later request needs is sealed and kept for minutes; the
payload itself is not.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlalchemy import insert, select, update

from backend.domain.appointments import ArrivalState, judge_arrival
from backend.domain.identity.codes import ErrorCode, Kind
from backend.domain.identity.models import BirthDate, Identity, ParseResult
from backend.domain.identity.parser import check_typed_number, keep_number, parse
from backend.domain.ids import new_id
from backend.domain.notice import NOTICE_VERSION
from backend.domain.priority import AgeVerdict, judge_age
from backend.domain.questions import Question, remaining_questions
from backend.domain.scan import (
    AppointmentFacts,
    CoverageFacts,
    OnBehalfFacts,
    PersonFacts,
    ScanContent,
)
from backend.errors import (
    BadRequest,
    CatalogueUnavailable,
    ScanExpired,
    StorageUnavailable,
    UnreadablePayload,
    VisitNotFound,
)
from backend.events import Event
from backend.logging import log
from backend.services.check_coverage import (
    LATER,
    Lookup,
    ask_insurer,
    can_be_insured,
    card_facts,
    coverage_facts,
    coverage_query,
    identifiers_of,
    wait_for_coverage,
)
from backend.services.find_person import (
    NUMBER_KINDS,
    Found,
    RecordInDoubt,
    facts_of_card,
    find_by_card,
    find_by_number,
)
from backend.services.keep_evidence import complete_evidence, keep_evidence
from backend.services.limit_tries import (
    LOOKUPS_PER_PARTNER,
    SCANS_PER_KIOSK,
    SCANS_PER_PERSON,
    TYPED_PER_KIOSK,
    TYPED_PER_NUMBER,
    count_tries,
)
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.services.settle_coverage import settle_coverage
from backend.services.show_visit import ShownVisit, load_visit
from backend.storage.number_tables import Ticket
from backend.storage.repositories import find_person, get_scan, save_scan
from backend.storage.unit_of_work import UnitOfWork
from backend.storage.visit_tables import NoticeAcceptance, Scan, Visit
from his_adapter.models import Appointment, Coverage, Identifier
from his_adapter.models import IdentifierKind as NumberKind

RECORD_IN_DOUBT = "W_RECORD_IN_DOUBT"
"""Told to staff: several records fit, or the one found is of somebody else."""
FAILED_LOOKUP_S = 0.6
"""A number that leads nowhere is answered after this long, whatever the reason was."""


class NoticeRequired(BadRequest):
    code = "notice_required"
    title = "The data-processing notice in its present version has to be accepted first"
    status = 422
    message_key = "notice.required"


class Outcome(StrEnum):
    IDENTIFIED = "identified"
    TICKET = "ticket"
    ASK_BIRTH_DATE = "ask_birth_date"
    SEE_STAFF = "see_staff"
    ASK_NOTICE = "ask_notice"


@dataclass(frozen=True, kw_only=True)
class AcceptedNotice:
    version: str
    language: str
    accepted_at: datetime


@dataclass(frozen=True, kw_only=True, repr=False)
class ScanRequest:
    """Either a payload or a typed number; the birth date comes with the second try of a number.

    `lossy`: a keyboard-mode scanner that loses letters read the payload.
    """

    untrusted_payload: bytes | None = None
    untrusted_number: str | None = None
    untrusted_birth_date: str | None = None
    lossy: bool = False
    notice: AcceptedNotice | None = None
    on_behalf: OnBehalfFacts | None = None
    described: Described | None = None


@dataclass(frozen=True, kw_only=True, repr=False)
class Described:
    """A person without a card, as staff describe them. `papers_seen`: staff saw who it is.

    Or as the kiosk of a partner read them from a card.
    """

    facts: PersonFacts
    papers_seen: bool


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """A booking and whether it can be used now; `facility_name` when it is for another one."""

    facts: AppointmentFacts
    facility_name: str | None


@dataclass(frozen=True, kw_only=True)
class Identification:
    scan_id: str
    expires_at: datetime
    kind: Kind
    outcome: Outcome
    message_key: str | None
    warnings: tuple[str, ...] = ()
    content: ScanContent = field(default_factory=ScanContent)
    arrivals: tuple[Arrival, ...] = ()
    verdict: AgeVerdict | None = None
    visits: tuple[ShownVisit, ...] = ()
    ask: tuple[Question, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Answer:
    """What is known before it is stored."""

    kind: Kind
    outcome: Outcome
    message_key: str | None = None
    warnings: tuple[str, ...] = ()
    content: ScanContent = field(default_factory=ScanContent)
    arrivals: tuple[Arrival, ...] = ()
    lookup: Lookup | None = None
    """The question to the insurer, answered or still under way."""


def identify_patient(
    resources: Resources, *, kiosk: Caller, request: ScanRequest
) -> Identification:
    """Raises UnreadablePayload, NoticeRequired, RateLimited, VisitNotFound (an old ticket)."""
    limit = LOOKUPS_PER_PARTNER if kiosk.role == "partner" else SCANS_PER_KIOSK
    count_tries(resources.database, (limit, kiosk.id))
    today = resources.catalogue.get().today(resources.database.clock())
    if request.described is not None:
        answer = _identify_described(resources, kiosk, request, request.described)
        return _finish(resources, kiosk, request, answer, today)
    read = _read(request, today)
    if read.error is not None:
        raise UnreadablePayload(read.error.value, f"scan.{read.error.value.lower()}")
    if read.kind is Kind.TICKET:
        answer = _recognise_ticket(resources, read.reference or "", today)
    elif _is_notice_due(resources, request.notice):
        answer = _Answer(
            kind=read.kind, outcome=Outcome.ASK_NOTICE, message_key=NoticeRequired.message_key
        )
    elif read.identity is not None and read.identity.full_name:
        facts = facts_of_card(read.identity)
        is_staff = kiosk.role == "staff"
        answer = _identify_by_card(
            resources, request, read, facts, staff=is_staff, kiosk_id=kiosk.id
        )
    else:
        answer = _identify_by_number(resources, kiosk, request, read)
    return _finish(resources, kiosk, request, answer, today)


def _read(request: ScanRequest, today: date) -> ParseResult:
    if request.untrusted_number is not None:
        return check_typed_number(request.untrusted_number)
    payload = request.untrusted_payload or b""
    read = parse(payload, today=today)
    if request.lossy and read.kind is not Kind.TICKET:
        return keep_number(payload)
    return read


def _is_notice_due(resources: Resources, notice: AcceptedNotice | None) -> bool:
    """In a demo there are no people whose data would need it; scripts may leave it out.

    Raises NoticeRequired for a notice that is no longer the present one.
    """
    if notice is None:
        return not resources.config.demo
    if notice.version != NOTICE_VERSION:
        raise NoticeRequired
    return False


def _recognise_ticket(resources: Resources, token: str, today: date) -> _Answer:
    """A ticket of today. One of another day is as unknown as one that never was."""
    with resources.database.read() as connection:
        visit_id = connection.scalar(
            select(Ticket.visit_id).where(
                Ticket.token == token,
                Ticket.day == today,
                Ticket.facility_id == resources.database.facility_id,
            )
        )
    if visit_id is None:
        raise VisitNotFound
    content = ScanContent(visit_id=visit_id)
    return _Answer(kind=Kind.TICKET, outcome=Outcome.TICKET, content=content)


def _identify_by_card(
    resources: Resources,
    request: ScanRequest,
    read: ParseResult,
    facts: PersonFacts,
    *,
    staff: bool = False,
    verified: bool = True,
    kiosk_id: str | None = None,
) -> _Answer:
    """A record in doubt leads to staff; staff go on with what the card says, and are told."""
    count_tries(resources.database, (SCANS_PER_PERSON, _person_hash(resources, facts)))
    give_up_at = time.monotonic() + resources.config.coverage_patient_wait_s
    # Insurer and HIS are asked at the same time: the patient waits for the slower one only.
    identifiers = identifiers_of(facts)
    lookup = (
        ask_insurer(resources, coverage_query(facts), asked_by=kiosk_id)
        if can_be_insured(identifiers)
        else None
    )
    warnings = tuple(sorted(warning.value for warning in read.warnings))
    try:
        found = find_by_card(resources, facts, within_s=give_up_at - time.monotonic())
    except RecordInDoubt:
        if staff:
            found = Found(facts=facts, his_answered=False)
            warnings = (*warnings, RECORD_IN_DOUBT)
            return _identified(
                resources, request, read.kind, found, warnings, lookup, give_up_at,
                verified=verified,
            )  # fmt: skip
        return _Answer(
            kind=read.kind,
            outcome=Outcome.SEE_STAFF,
            message_key="scan.record_in_doubt",
            warnings=warnings,
        )
    return _identified(
        resources, request, read.kind, found, warnings, lookup, give_up_at, verified=verified
    )


def _identify_described(
    resources: Resources, kiosk: Caller, request: ScanRequest, described: Described
) -> _Answer:
    """As a card would, except that only staff vouch for it."""
    if _is_notice_due(resources, request.notice):
        return _Answer(
            kind=Kind.UNKNOWN, outcome=Outcome.ASK_NOTICE, message_key=NoticeRequired.message_key
        )
    return _identify_by_card(
        resources,
        request,
        ParseResult(kind=Kind.UNKNOWN),
        described.facts,
        staff=kiosk.role == "staff",
        verified=described.papers_seen,
        kiosk_id=kiosk.id,
    )


def _identify_by_number(
    resources: Resources, kiosk: Caller, request: ScanRequest, read: ParseResult
) -> _Answer:
    """A bare number is no proof: without the right birth date nothing is said or shown."""
    ask = _Answer(kind=read.kind, outcome=Outcome.ASK_BIRTH_DATE)
    if request.untrusted_birth_date is None:
        return ask
    try:
        typed = BirthDate.from_iso(request.untrusted_birth_date)
    except ValueError as error:
        code = ErrorCode.DOB_INVALID.value
        raise UnreadablePayload(code, f"scan.{code.lower()}") from error
    numbers = _numbers_of(read)
    number_hash = resources.keys.hash("typed", *(number for _, number in numbers))
    count_tries(resources.database, (TYPED_PER_KIOSK, kiosk.id), (TYPED_PER_NUMBER, number_hash))
    started_at = time.monotonic()
    give_up_at = started_at + resources.config.coverage_patient_wait_s
    found = find_by_number(
        resources,
        tuple(Identifier(kind=kind, value=number) for kind, number in numbers),
        typed,
        within_s=give_up_at - started_at,
    )
    if found is None:
        time.sleep(max(0.0, started_at + FAILED_LOOKUP_S - time.monotonic()))
        return replace(ask, outcome=Outcome.SEE_STAFF, message_key="typed.see_staff")
    lookup = (
        ask_insurer(resources, coverage_query(found.facts), asked_by=kiosk.id)
        if can_be_insured(identifiers_of(found.facts))
        else None
    )
    warnings = tuple(sorted(warning.value for warning in read.warnings))
    return _identified(
        resources, request, read.kind, found, warnings, lookup, give_up_at, verified=False
    )


def _numbers_of(read: ParseResult) -> list[tuple[NumberKind, str]]:
    identity = read.identity or Identity()
    known = {
        NumberKind.ID12: identity.id_number,
        NumberKind.CMND9: identity.old_id_number,
        NumberKind.BHYT15: identity.bhyt_number,
        NumberKind.BHXH10: identity.bhxh_number,
    }
    numbers = [(kind, known.get(kind) or read.reference) for kind in NUMBER_KINDS[read.kind]]
    return [(kind, number) for kind, number in numbers if number]


def _identified(
    resources: Resources,
    request: ScanRequest,
    kind: Kind,
    found: Found,
    warnings: tuple[str, ...],
    lookup: Lookup | None,
    give_up_at: float,
    *,
    verified: bool,
) -> _Answer:
    arrivals = tuple(_arrival(resources, appointment) for appointment in found.appointments)
    coverage: CoverageFacts | None = None
    if lookup is not None:
        coverage = wait_for_coverage(lookup, within_s=give_up_at - time.monotonic())
    content = ScanContent(
        person=found.facts,
        verified=verified,
        known_to_his=found.his_answered,
        coverage=coverage,
        card=card_facts(lookup.answer) if lookup is not None else None,
        appointments=tuple(arrival.facts for arrival in arrivals),
        on_behalf=request.on_behalf,
    )
    return _Answer(
        kind=kind,
        outcome=Outcome.IDENTIFIED,
        warnings=warnings,
        content=content,
        arrivals=arrivals,
        lookup=lookup,
    )


def _arrival(resources: Resources, appointment: Appointment) -> Arrival:
    catalogue = resources.catalogue.get()
    is_here = appointment.service is not None
    state = judge_arrival(
        appointment.start,
        now=resources.database.clock(),
        zone=catalogue.zone,
        is_here=is_here,
        settings=catalogue.settings,
    )
    facts = AppointmentFacts(
        ref=appointment.ref,
        start=appointment.start.astimezone(catalogue.zone).isoformat(),
        state=state.value,
        service_ref=appointment.service or "",
        practitioner_ref=appointment.practitioner,
        room_ref=appointment.room,
    )
    return Arrival(facts=facts, facility_name=None if is_here else appointment.facility_name)


def _finish(
    resources: Resources, kiosk: Caller, request: ScanRequest, answer: _Answer, today: date
) -> Identification:
    """Stores the scan, then looks at what this person has here today."""

    def store(unit: UnitOfWork) -> tuple[str, datetime]:
        expires_at = unit.now + timedelta(seconds=resources.config.scan_lifetime_s)
        scan_id = save_scan(
            unit,
            resources.keys,
            answer.content,
            kiosk_id=kiosk.id,
            kind=answer.kind.value,
            outcome=answer.outcome.value,
            expires_at=expires_at,
        )
        if answer.lookup is not None:
            keep_evidence(unit, resources.keys, answer.lookup, scan_id=scan_id)
        if request.notice is not None and answer.outcome is not Outcome.TICKET:
            _record_notice(unit, scan_id, kiosk, request.notice)
        unit.audit(
            Event.PERSON_IDENTIFIED,
            actor=kiosk.actor,
            subject=f"scan:{scan_id}",
            detail={"kind": answer.kind.value, "outcome": answer.outcome.value},
        )
        return scan_id, expires_at

    scan_id, expires_at = resources.database.transact(store)
    lookup = answer.lookup
    if lookup is not None and answer.content.coverage == LATER:
        lookup.pending.when_over(
            lambda late: _keep_late_answer(resources, scan_id, kiosk, lookup, late)
        )
    return _show(resources, scan_id, expires_at, answer, today)


def show_scan(resources: Resources, caller: Caller, scan_id: str) -> Identification:
    """A scan taken a moment ago, as it was answered then. Raises ScanExpired."""
    now = resources.database.clock()
    with resources.database.read() as connection:
        content = get_scan(connection, resources.keys, scan_id, kiosk_id=caller.id, now=now)
        row = connection.execute(
            select(Scan.kind, Scan.outcome, Scan.expires_at).where(Scan.id == scan_id)
        ).one()
    answer = _Answer(
        kind=Kind(row.kind),
        outcome=Outcome(row.outcome),
        content=content,
        arrivals=tuple(Arrival(facts=facts, facility_name=None) for facts in content.appointments),
    )
    today = resources.catalogue.get().today(now)
    return _show(resources, scan_id, row.expires_at, answer, today)


def _show(
    resources: Resources, scan_id: str, expires_at: datetime, answer: _Answer, today: date
) -> Identification:
    visits = _visits(resources, answer.content, today)
    verdict: AgeVerdict | None = None
    ask: tuple[Question, ...] = ()
    message_key = answer.message_key
    if answer.content.person is not None:
        verdict, ask = _next_questions(resources, answer, visits, today)
        message_key = "priority.ask_staff" if verdict.ask_staff else None
    return Identification(
        scan_id=scan_id,
        expires_at=expires_at,
        kind=answer.kind,
        outcome=answer.outcome,
        message_key=message_key,
        warnings=answer.warnings,
        content=answer.content,
        arrivals=answer.arrivals,
        verdict=verdict,
        visits=visits,
        ask=ask,
    )


def _record_notice(unit: UnitOfWork, scan_id: str, kiosk: Caller, notice: AcceptedNotice) -> None:
    unit.connection.execute(
        insert(NoticeAcceptance).values(
            id=new_id(),
            facility_id=unit.facility_id,
            scan_id=scan_id,
            version=notice.version,
            language=notice.language,
            kiosk_id=kiosk.id,
            accepted_at=notice.accepted_at,
            recorded_at=unit.now,
        )
    )


def _keep_late_answer(
    resources: Resources, scan_id: str, kiosk: Caller, lookup: Lookup, late: Coverage | None
) -> None:
    """The scan knows better now, and so does the visit that has begun with it meanwhile.

    Nobody waits for this: what cannot be kept is looked up again later, or asked at the desk.
    """
    context = f"scan:{scan_id}"

    def keep(unit: UnitOfWork) -> None:
        complete_evidence(unit, resources.keys, lookup)
        if late is None:
            return
        visits = unit.connection.scalars(select(Visit.id).where(Visit.scan_id == scan_id)).all()
        for visit_id in visits:
            settle_coverage(unit, resources.keys, catalogue, visit_id, late)
        try:
            content = get_scan(
                unit.connection, resources.keys, scan_id, kiosk_id=kiosk.id, now=unit.now
            )
        except ScanExpired:
            return
        content = replace(content, coverage=coverage_facts(late), card=card_facts(late))
        document = json.dumps(content.to_json(), ensure_ascii=False)
        unit.connection.execute(
            update(Scan)
            .where(Scan.id == scan_id)
            .values(sealed=resources.keys.seal(document.encode(), context=context))
        )

    try:
        catalogue = resources.catalogue.get()
        resources.database.transact(keep)
    except (VisitNotFound, CatalogueUnavailable, StorageUnavailable) as error:
        log(Event.LATE_COVERAGE_LOST, error=error, scan=scan_id, code=error.code)


def _visits(resources: Resources, content: ScanContent, today: date) -> tuple[ShownVisit, ...]:
    """Open visits of this person today, or the visit of the ticket."""
    catalogue = resources.catalogue.get()
    with resources.database.read() as connection:
        visit_ids: Sequence[str] = [content.visit_id] if content.visit_id else []
        if content.person is not None:
            known = find_person(
                connection,
                resources.keys,
                content.person,
                facility_id=resources.database.facility_id,
                day=today,
            )
            visit_ids = sorted(set(known.open_visits.values()))
        return tuple(
            load_visit(connection, catalogue, visit_id, existing=True) for visit_id in visit_ids
        )


def _next_questions(
    resources: Resources, answer: _Answer, visits: Sequence[ShownVisit], today: date
) -> tuple[AgeVerdict, tuple[Question, ...]]:
    groups = resources.catalogue.get().priority_groups
    person = answer.content.person
    birth_date = BirthDate.from_iso(person.birth_date) if person and person.birth_date else None
    verdict = judge_age(birth_date, groups, on=today)
    ask = remaining_questions(
        has_open_visits=bool(visits),
        coverage=answer.content.coverage,
        arrivals=[ArrivalState(arrival.facts.state) for arrival in answer.arrivals],
        verdict=verdict,
        can_declare_priority=any(g.self_declared and g.is_valid_on(today) for g in groups),
    )
    return verdict, tuple(ask)


def _person_hash(resources: Resources, facts: PersonFacts) -> str:
    number = next(iter(facts.numbers.values()), "")
    return resources.keys.hash("scanned", number or facts.name_key, facts.birth_date or "")
