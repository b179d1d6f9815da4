"""The reception desk: today's visits, looking for people, what only a person can decide."""

from __future__ import annotations

from flask import Response

from backend.domain.desk import (
    CategoryReason,
    Contact,
    CoverageDecision,
    History,
    IdentityReason,
    Need,
    PriorityReason,
)
from backend.domain.identity import names
from backend.domain.identity.masking import masked_number, masked_phone
from backend.domain.identity.models import BirthDate
from backend.domain.identity.parser import check_typed_number
from backend.domain.identity.phones import phone_key
from backend.domain.roles import StaffRole
from backend.domain.scan import OnBehalfFacts, PersonFacts
from backend.domain.settings import Words
from backend.errors import ValidationFailed
from backend.services.confirm_category import confirm_category
from backend.services.confirm_coverage import confirm_coverage
from backend.services.confirm_identity import confirm_identity
from backend.services.confirm_priority import confirm_priority
from backend.services.continue_call import continue_call
from backend.services.correct_person import correct_person
from backend.services.identify_patient import (
    AcceptedNotice,
    Described,
    ScanRequest,
    identify_patient,
)
from backend.services.list_rooms_today import DeskRoom, list_rooms_today
from backend.services.list_today import DeskVisit, TodayPage, list_today
from backend.services.merge_people import MergeWish, SeenVisit, merge_people
from backend.services.open_visit import OpenedVisit, open_visit
from backend.services.resume_at_desk import resume_at_desk
from backend.services.search_visits import search_visits
from backend.services.show_his_data import show_his_data
from backend.services.take_history import take_history
from backend.web import desk_schemas, help_schemas, scan_schemas, visit_schemas, visits
from backend.web.api import (
    IDEMPOTENT,
    Responses,
    allow,
    answer_reply,
    api_blueprint,
    caller,
    get_intent,
    json_reply,
    resources,
)
from backend.web.kiosks import label
from backend.web.scans import scan_reply

DESK = (StaffRole.RECEPTION,)

blueprint = api_blueprint("reception", "The desk beside the kiosks.")
DECISION: Responses = {200: desk_schemas.DecisionReply}


# --- looking -----------------------------------------------------------------------------------


# In the same blueprint as POST /visits: the description holds one entry for an address.
@visits.blueprint.get("/visits", responses={200: desk_schemas.TodayReply})
@allow(*DESK, StaffRole.HEAD)
def today(query: desk_schemas.TodayQuery) -> Response:
    """Today's visits, newest first, without names; with `need` those still to be looked at"""
    page = list_today(
        resources(),
        need=Need(query.need) if query.need else None,
        before=query.before,
        limit=query.limit,
    )
    return json_reply(today_reply(page))


@blueprint.post("/visits/search", responses={200: desk_schemas.SearchReply})
@allow(*DESK)
def search(body: desk_schemas.SearchRequest) -> Response:
    """Look for a person among today's visits; each one shown leaves an audit row"""
    result = search_visits(resources(), body.text, staff=caller())
    reply = desk_schemas.SearchReply(
        items=[
            desk_schemas.FoundVisit(
                visit=_visit(found.visit), person=_person(found.person) if found.person else None
            )
            for found in result.items
        ],
        complete=result.complete,
        understood=result.understood,
    )
    return json_reply(reply)


@blueprint.get("/visits/<visit_id>/desk", responses={200: desk_schemas.OpenedVisitReply})
@allow(*DESK)
def opened(path: visit_schemas.VisitPath) -> Response:
    """A visit with its person; opening it leaves an audit row"""
    return json_reply(_opened(open_visit(resources(), path.visit_id, staff=caller())))


# --- deciding ----------------------------------------------------------------------------------


@blueprint.post("/visits/<visit_id>/priority", responses=DECISION, openapi_extensions=IDEMPOTENT)
@allow(*DESK)
def priority(path: visit_schemas.VisitPath, body: desk_schemas.PriorityRequest) -> Response:
    """Let a declared priority stand, or lower it to the normal lane, with the reason"""
    return answer_reply(
        confirm_priority(
            resources(),
            path.visit_id,
            PriorityReason(body.reason),
            seen=body.version,
            staff=caller(),
            intent=get_intent(),
        )
    )


@blueprint.post("/visits/<visit_id>/identity", responses=DECISION, openapi_extensions=IDEMPOTENT)
@allow(*DESK)
def identity(path: visit_schemas.VisitPath, body: desk_schemas.IdentityRequest) -> Response:
    """Papers were seen: a typed identity is confirmed"""
    return answer_reply(
        confirm_identity(
            resources(),
            path.visit_id,
            IdentityReason(body.reason),
            seen=body.version,
            staff=caller(),
            intent=get_intent(),
        )
    )


@blueprint.post("/visits/<visit_id>/coverage", responses=DECISION, openapi_extensions=IDEMPOTENT)
@allow(*DESK)
def coverage(path: visit_schemas.VisitPath, body: desk_schemas.CoverageRequest) -> Response:
    """The insurance was looked up by hand"""
    return answer_reply(
        confirm_coverage(
            resources(),
            path.visit_id,
            CoverageDecision(body.decision),
            seen=body.version,
            staff=caller(),
            intent=get_intent(),
        )
    )


@blueprint.post("/visits/<visit_id>/category", responses=DECISION, openapi_extensions=IDEMPOTENT)
@allow(*DESK)
def category(path: visit_schemas.VisitPath, body: desk_schemas.CategoryRequest) -> Response:
    """Confirm the proposed category of the visit, or choose another one with the reason"""
    return answer_reply(
        confirm_category(
            resources(),
            path.visit_id,
            body.code,
            CategoryReason(body.reason),
            papers=body.papers.model_dump(mode="json", exclude_none=True) if body.papers else None,
            seen=body.version,
            staff=caller(),
            intent=get_intent(),
        )
    )


@blueprint.post("/visits/<visit_id>/person", responses=DECISION, openapi_extensions=IDEMPOTENT)
@allow(*DESK)
def person(path: visit_schemas.VisitPath, body: desk_schemas.PersonRequest) -> Response:
    """Correct phone or address of the person; the HIS is told"""
    return answer_reply(
        correct_person(
            resources(),
            path.visit_id,
            _contact(body),
            seen=body.version,
            staff=caller(),
            intent=get_intent(),
        )
    )


@blueprint.post("/visits/<visit_id>/history", responses=DECISION, openapi_extensions=IDEMPOTENT)
@allow(*DESK)
def history(path: visit_schemas.VisitPath, body: desk_schemas.HistoryRequest) -> Response:
    """Hand the patient's own words about their health to the HIS; they are not kept here"""
    return answer_reply(
        take_history(
            resources(),
            path.visit_id,
            _history(body),
            seen=body.version,
            staff=caller(),
            intent=get_intent(),
        )
    )


@blueprint.post("/visits/<visit_id>/resume", responses=DECISION, openapi_extensions=IDEMPOTENT)
@allow(*DESK, StaffRole.HEAD)
def resume(path: visit_schemas.VisitPath, body: desk_schemas.ResumeRequest) -> Response:
    """Put a missed or held ticket back in line"""
    return answer_reply(
        resume_at_desk(
            resources(),
            path.visit_id,
            body.step_id,
            seen=body.version,
            staff=caller(),
            intent=get_intent(),
        )
    )


@blueprint.get("/visits/<visit_id>/his", responses={200: desk_schemas.HisDataReply})
@allow(*DESK)
def his_data(path: visit_schemas.VisitPath) -> Response:
    """What the HIS has of this visit, asked now; results and money never from a copy"""
    reply = desk_schemas.HisDataReply(
        items=[
            desk_schemas.HisKindReply(
                kind=shown.kind.value,
                source=shown.source.value,
                at=shown.at,
                age=shown.age,
                facts=dict(shown.facts),
            )
            for shown in show_his_data(resources(), path.visit_id, actor=caller().actor)
        ]
    )
    return json_reply(reply)


@blueprint.post(
    "/people/merge", responses={200: desk_schemas.MergeReply}, openapi_extensions=IDEMPOTENT
)
@allow(*DESK)
def merge(body: desk_schemas.MergeRequest) -> Response:
    """Make two records of one person one; without `confirmed` only say what would happen"""
    wish = MergeWish(
        keep=SeenVisit(visit_id=body.keep.visit_id, version=body.keep.version),
        other=SeenVisit(visit_id=body.other.visit_id, version=body.other.version),
        confirmed=body.confirmed,
    )
    return answer_reply(merge_people(resources(), wish, staff=caller(), intent=get_intent()))


# --- registering -------------------------------------------------------------------------------


@blueprint.post("/people/describe", responses={200: scan_schemas.ScanReply})
@allow(*DESK)
def describe(body: desk_schemas.DescribedRequest) -> Response:
    """Somebody without a card, as staff describe them; answers as a scan does"""
    notice, on_behalf = body.notice, body.on_behalf
    request = ScanRequest(
        notice=AcceptedNotice(
            version=notice.version, language=notice.language, accepted_at=notice.accepted_at
        )
        if notice
        else None,
        on_behalf=OnBehalfFacts(relation=on_behalf.relation, phone=on_behalf.phone)
        if on_behalf
        else None,
        described=Described(facts=_facts(body), papers_seen=body.papers_seen),
    )
    return json_reply(scan_reply(identify_patient(resources(), kiosk=caller(), request=request)))


@blueprint.post("/help-calls/<help_call_id>/continue", responses={200: desk_schemas.ContinueReply})
@allow(*DESK)
def continue_(path: help_schemas.HelpCallPath) -> Response:
    """Go on where the kiosk gave up: the call is answered, its scan becomes yours"""
    found = continue_call(resources(), path.help_call_id, staff=caller())
    reply = desk_schemas.ContinueReply(
        screen=found.screen,
        visit_id=found.visit_id,
        chosen=found.chosen,
        scan=scan_reply(found.scan) if found.scan else None,
    )
    return json_reply(reply)


# --- rooms -------------------------------------------------------------------------------------


@blueprint.get("/desk/rooms", responses={200: desk_schemas.DeskRoomList})
@allow(*DESK, StaffRole.HEAD)
def rooms() -> Response:
    """All rooms as they work today, and the doctors who may sit there"""
    doctors = resources().catalogue.get().practitioners.values()
    reply = desk_schemas.DeskRoomList(
        items=[_room(each) for each in list_rooms_today(resources())],
        doctors=[
            desk_schemas.DeskDoctor(id=each.id, name=each.titled_name)
            for each in sorted(doctors, key=lambda each: names.sort_key(each.name))
        ],
    )
    return json_reply(reply)


# --- shapes ------------------------------------------------------------------------------------


def today_reply(page: TodayPage) -> desk_schemas.TodayReply:
    return desk_schemas.TodayReply(
        items=[_visit(visit) for visit in page.items], next=page.next, counts=dict(page.counts)
    )


def _contact(body: desk_schemas.PersonRequest) -> Contact:
    """Raises ValidationFailed for a phone that cannot be, and when there is nothing to correct."""
    phone = phone_key(body.phone) if body.phone else None
    if body.phone and phone is None:
        raise ValidationFailed("phone is not one")
    address = names.normal_form(body.address) if body.address else None
    if not phone and not address:
        raise ValidationFailed("nothing to correct")
    return Contact(phone=phone, address=address or None)


def _history(body: desk_schemas.HistoryRequest) -> History:
    """Raises ValidationFailed when nothing was said."""
    said = (body.allergies, body.illnesses, body.medicines)
    allergies, illnesses, medicines = (names.normal_form(each or "") or None for each in said)
    if not (allergies or illnesses or medicines):
        raise ValidationFailed("nothing was said")
    return History(
        allergies=allergies, illnesses=illnesses, medicines=medicines, language=body.language
    )


def _facts(body: desk_schemas.DescribedRequest) -> PersonFacts:
    """Raises ValidationFailed for a birth date or number that cannot be."""
    try:
        birth_date = BirthDate.from_iso(body.birth_date).isoformat()
    except ValueError as error:
        raise ValidationFailed("birth_date is not one") from error
    full_name = names.normal_form(body.full_name)
    if not names.search_key(full_name):
        raise ValidationFailed("full_name has no letters")
    return PersonFacts(
        full_name=full_name,
        name_key=names.search_key(full_name),
        birth_date=birth_date,
        gender=body.gender,
        numbers=_numbers(body.number) if body.number else {},
        phone=body.phone,
    )


def _numbers(untrusted_number: str) -> dict[str, str]:
    typed = check_typed_number(untrusted_number)
    identity = typed.identity
    if typed.error is None and identity is not None:
        known = {
            "id12": identity.id_number,
            "cmnd9": identity.old_id_number,
            "bhyt15": identity.bhyt_number,
            "bhxh10": identity.bhxh_number,
        }
        return {kind: number for kind, number in known.items() if number}
    if typed.error is None and typed.reference:
        return {"mrn" if typed.kind.value == "mrn" else "bhxh10": typed.reference}
    plain = "".join(untrusted_number.split()).upper().replace("-", "")
    if plain.isalnum() and any(letter.isdigit() for letter in plain) and 6 <= len(plain) <= 9:
        return {"passport": plain}
    raise ValidationFailed("number is none of a person")


def _visit(visit: DeskVisit) -> desk_schemas.DeskVisit:
    return desk_schemas.DeskVisit(
        id=visit.id,
        version=visit.version,
        number=visit.number,
        lane=visit.lane,
        state=visit.state,
        created_at=visit.created_at,
        kiosk=visit.kiosk,
        print_state=visit.print_state,
        needs=[need.value for need in visit.needs],
        steps=[
            desk_schemas.DeskStep(
                id=step.id,
                version=step.version,
                kind=step.kind,
                state=step.state,
                hold_reason=step.hold_reason,
                service=label(step.service),
                room=label(step.room) if step.room else None,
            )
            for step in visit.steps
        ],
        his_number=visit.his_number,
    )


def _person(person: PersonFacts) -> desk_schemas.DeskPerson:
    return desk_schemas.DeskPerson(
        full_name=person.full_name,
        birth_date=person.birth_date,
        gender=person.gender,
        masked_numbers={kind: masked_number(number) for kind, number in person.numbers.items()},
        masked_phone=masked_phone(person.phone) if person.phone else None,
    )


def _opened(opened: OpenedVisit) -> desk_schemas.OpenedVisitReply:
    groups = resources().catalogue.get().priority_groups
    words: Words | None = next((g.label for g in groups if g.code == opened.group), None)
    guardian = opened.on_behalf
    return desk_schemas.OpenedVisitReply(
        visit=_visit(opened.visit),
        person=_person(opened.person) if opened.person else None,
        address=opened.person.address if opened.person else None,
        guardian=desk_schemas.DeskGuardian(
            relation=guardian.relation, masked_phone=masked_phone(guardian.phone)
        )
        if guardian
        else None,
        priority=label(words) if words else None,
        declared=opened.declared,
        verified=opened.verified,
        provisional=opened.provisional,
        use_insurance=opened.use_insurance,
        coverage=opened.coverage,
        known_to_his=opened.known_to_his,
        category=desk_schemas.DeskCategory(
            code=opened.category.code if opened.category else None,
            title=label(opened.category.title) if opened.category else None,
            reason=opened.category_reason,
            confirmed=opened.category_confirmed,
        ),
        evidence=opened.evidence,
        prints=[
            desk_schemas.DeskPrint.model_validate(each, from_attributes=True)
            for each in opened.prints
        ],
    )


def _room(each: DeskRoom) -> desk_schemas.DeskRoom:
    room, today = each.room, each.today
    return desk_schemas.DeskRoom(
        id=room.id,
        code=room.code,
        name=label(room.name),
        floor=room.floor,
        state=today.state.value,
        reason=today.reason,
        until=today.until,
        doctor_id=today.practitioner_id,
        doctor=each.doctor.titled_name if each.doctor else None,
        waiting=each.waiting,
        shared=each.shared,
        in_session=each.in_session,
        changed_by=each.changed_by,
        changed_at=each.changed_at,
    )
